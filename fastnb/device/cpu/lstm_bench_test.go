//go:build amd64 && !noasm

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// BenchmarkLSTM gives the parts of recurrent layers of language models as shares of what the processor can do at the
// same time, as BenchmarkProduct does: rows of 70 steps of 48 texts, on one thread and on two.
func BenchmarkLSTM(b *testing.B) {
	sizes := []struct{ in, units int }{{400, 400}, {400, 1152}, {1152, 1152}, {1152, 400}}
	for _, isa := range available {
		if isa.name != "avx512" && isa.name != "avx2" {
			continue
		}
		for _, threads := range []int{1, 2} {
			for _, s := range sizes {
				c := newSeqCase(70, 48, s.in, s.units, func(n int) []float32 { return normal(rand.New(rand.NewPCG(1, 2)), n) })
				for _, st := range c.parts() {
					b.Run(fmt.Sprintf("%s/%d/%dx%d/%s", isa.name, threads, s.in, s.units, st.name), func(b *testing.B) {
						d := New(threads)
						d.isa = isa
						defer d.Close()
						best, roof := math.Inf(1), 0.0
						for b.Loop() {
							roof = max(roof, peakOf(isa, threads))
							t := time.Now()
							if err := st.run(d); err != nil {
								b.Fatal(err)
							}
							best = min(best, time.Since(t).Seconds())
						}
						b.ReportMetric(st.flops/best/1e9, "GFLOP/s")
						b.ReportMetric(roof/1e9, "peak-GFLOP/s")
						b.ReportMetric(100*st.flops/best/roof, "%peak")
					})
				}
			}
		}
	}
}

// peakOf is peakRate of so many threads at a time.
func peakOf(i *isa, threads int) float64 {
	rates := make([]float64, threads)
	var wg sync.WaitGroup
	for w := range threads {
		wg.Go(func() { rates[w] = peakRate(i) })
	}
	wg.Wait()
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum
}

type seqPart struct {
	name  string
	flops float64
	run   func(d *Device) error
}

// parts are the ops of a layer, on memory of their own.
func (s *seqCase) parts() []seqPart {
	f := func(f []float32) val { return val{f: f} }
	work := f(make([]float32, s.Size()))
	input, again := 2*float64(s.T*s.N)*float64(s.I*4*s.H), 2*float64(s.T*s.N)*float64(s.H*4*s.H)
	part := func(name string, flops float64, run func(*lstm, *call) error, out val, in ...val) seqPart {
		return seqPart{name, flops, func(d *Device) error {
			c := &call{dev: d, in: in, out: []val{out}}
			return run(newLSTM(s.LSTM, c), c)
		}}
	}
	return []seqPart{
		part("forward", input+again, lstmForward, work, f(s.x), f(s.wi), f(s.wh), f(s.bi), f(s.bh), f(s.h0), f(s.c0)),
		part("back", again, lstmBackward, work, work, f(s.dy), f(s.wh)),
		part("dx", input, lstmDX, f(make([]float32, len(s.x))), work, f(s.wi)),
		part("dwi", input, lstmDWi, f(make([]float32, len(s.wi))), work, f(s.x)),
		part("dwh", again, lstmDWh, f(make([]float32, len(s.wh))), work, f(s.h0)),
	}
}

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fastnb/go/fastnb/device"
)

// groupCase is a convolution in groups of maps [n, h, w, groups*in] with kernels of k x k.
type groupCase struct{ n, h, w, groups, in, out, k, stride, pad int }

func (s groupCase) sides() (oh, ow int) {
	return (s.h+2*s.pad-s.k)/s.stride + 1, (s.w+2*s.pad-s.k)/s.stride + 1
}

// direct calls f with the places in x, w and y of each multiplication.
func (s groupCase) direct(f func(x, w, y int)) {
	oh, ow := s.sides()
	for p := range s.n * oh * ow {
		im, oy, ox := p/(oh*ow), p/ow%oh, p%ow
		for o := range s.groups * s.out {
			for t := range s.k * s.k {
				iy, ix := oy*s.stride+t/s.k-s.pad, ox*s.stride+t%s.k-s.pad
				if iy < 0 || ix < 0 || iy >= s.h || ix >= s.w {
					continue
				}
				for i := range s.in {
					f(((im*s.h+iy)*s.w+ix)*s.groups*s.in+o/s.out*s.in+i, (o*s.k*s.k+t)*s.in+i, p*s.groups*s.out+o)
				}
			}
		}
	}
}

// kernels gives the three kernels of a case over maps of its own, and what they work on.
func (s groupCase) kernels(t testing.TB, d *Device, array func(n int) []float32) (run [3]func(), x, w, y [2]val) {
	oh, ow := s.sides()
	shapes := [][]int{{s.n, s.h, s.w, s.groups * s.in}, {s.groups * s.out, s.k, s.k, s.in}, {s.n, oh, ow, s.groups * s.out}}
	a := device.Conv{Stride: [2]int{s.stride, s.stride}, Pad: [4]int{s.pad, s.pad, s.pad, s.pad}, Groups: s.groups}
	for i, to := range []*[2]val{&x, &w, &y} {
		for j := range to {
			n := 1
			for _, k := range shapes[i] {
				n *= k
			}
			to[j] = val{shape: shapes[i], f: array(n)}
		}
	}
	p := &device.Plan{Values: []device.Value{{Shape: shapes[1]}}}
	for i, op := range []string{"conv2d", "conv2d_dx", "conv2d_dw"} {
		st := &device.Step{Op: op, Attrs: a, In: []device.ValueID{0, 0}, Out: []device.ValueID{0}}
		k, err := kernelOf(st, p)
		if err != nil {
			t.Fatal(err)
		}
		c := []*call{
			{dev: d, in: []val{x[0], w[0]}, out: []val{y[1]}},
			{dev: d, in: []val{y[0], w[0]}, out: []val{x[1]}},
			{dev: d, in: []val{x[0], y[0]}, out: []val{w[1]}},
		}[i]
		run[i] = func() {
			if err := k(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	return run, x, w, y
}

// groupCases have odd numbers of channels and groups, odd sides, strides and borders.
var groupCases = []groupCase{
	{2, 7, 9, 4, 2, 3, 3, 1, 1},
	{1, 9, 5, 3, 5, 4, 3, 2, 1},
	{2, 6, 6, 7, 1, 2, 3, 1, 1},
	{1, 8, 7, 2, 17, 33, 3, 1, 1},
	{1, 5, 5, 2, 65, 9, 1, 1, 0},
	{2, 5, 6, 31, 4, 4, 3, 1, 1},
	{1, 7, 7, 9, 8, 8, 3, 2, 1},
	{1, 6, 9, 5, 3, 3, 5, 1, 2},
	{1, 6, 6, 3, 16, 15, 1, 2, 0},
	{2, 4, 5, 3, 2, 2, 2, 3, 0},
	{2, 9, 8, 5, 1, 1, 3, 1, 1},
	{1, 8, 11, 24, 1, 1, 5, 2, 2},
	{1, 4, 4, 700, 1, 1, 3, 1, 1},
	{2, 3, 3, 7, 1, 1, 5, 1, 2},
	{1, 40, 41, 17, 1, 1, 3, 1, 0},
	{1, 2, 2, 6, 1, 1, 5, 2, 2},
	{1, 6, 6, 33, 1, 1, 3, 3, 1},
	{1, 6, 6, 4, 1, 1, 1, 2, 0},
	{2, 9, 7, 70, 1, 1, 3, 2, 1},
}

// TestGroups: convolutions in groups and depthwise ones give what their definition gives, and what is not finite stays
// in its group.
func TestGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, isa := range available {
		d := New(2)
		d.isa = isa
		for _, s := range groupCases {
			run, x, w, y := s.kernels(t, d, func(n int) []float32 { return normal(rng, n) })
			wants := [3][]float64{make([]float64, len(y[0].f)), make([]float64, len(x[0].f)), make([]float64, len(w[0].f))}
			s.direct(func(i, j, k int) {
				wants[0][k] += float64(x[0].f[i]) * float64(w[0].f[j])
				wants[1][i] += float64(y[0].f[k]) * float64(w[0].f[j])
				wants[2][j] += float64(x[0].f[i]) * float64(y[0].f[k])
			})
			for i, got := range [][]float32{y[1].f, x[1].f, w[1].f} {
				run[i]()
				if e := apart(got, wants[i]); !(e < 1e-5) {
					t.Errorf("%s %+v, kernel %d: apart %g", isa.name, s, i, e)
				}
			}
			hit := make([]bool, len(y[0].f))
			x[0].f[0] = float32(math.Inf(1)) // the first group's
			s.direct(func(i, _, k int) { hit[k] = hit[k] || i == 0 })
			run[0]()
			for k, v := range y[1].f {
				if finite := v-v == 0; finite == hit[k] {
					t.Errorf("%s %+v: output %d is %g, and meets infinity: %v", isa.name, s, k, v, hit[k])
					break
				}
			}
		}
		d.Close()
	}
}

// BenchmarkSweep gives the time of a multiplication over numbers of channels, groups and strides, as docs/benchmarks.md
// has it: go test -run - -bench Sweep -benchtime 1x ./fastnb/device/cpu.
func BenchmarkSweep(b *testing.B) {
	for _, kind := range []string{"dense", "depthwise", "groups of 4", "groups of 8"} {
		for _, c := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129} {
			s := groupCase{4, 29, 29, 1, c, c, 3, 1, 1}
			switch kind {
			case "depthwise":
				s.groups, s.in, s.out = c, 1, 1
			case "groups of 4":
				s.groups, s.in, s.out = c, 4, 4
			case "groups of 8":
				s.groups, s.in, s.out = c, 8, 8
			}
			for _, stride := range []int{1, 2} {
				s.stride = stride
				b.Run(fmt.Sprintf("%s/%d/s%d", kind, c, stride), func(b *testing.B) { s.bench(b) })
			}
		}
	}
}

// bench reports the picoseconds of a multiplication and addition of each kernel.
func (s groupCase) bench(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	d := New(0)
	defer d.Close()
	run, _, _, y := s.kernels(b, d, func(n int) []float32 { return normal(rng, n) })
	work := float64(len(y[0].f) * s.k * s.k * s.in)
	for range b.N {
		for i, name := range []string{"forward", "dx", "dw"} {
			run[i]()
			least := time.Hour
			for range 7 {
				t := time.Now()
				run[i]()
				least = min(least, time.Since(t))
			}
			b.ReportMetric(float64(least.Nanoseconds())*1e3/work, name+"-ps")
		}
	}
}

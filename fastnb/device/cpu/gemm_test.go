package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func randoms(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	f := floats(n)
	for i := range f {
		f[i] = float32(r.NormFloat64())
	}
	return f
}

// BenchmarkMatMul gives GFLOP/s of packed products, and of bare multiply-adds on registers to hold
// them against.
func BenchmarkMatMul(b *testing.B) {
	for _, s := range [][3]int{{1024, 1024, 1024}, {4096, 64, 576}, {256, 512, 4608}} {
		for _, isa := range available[:max(1, len(available)-1)] {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprint(s, isa.name, threads), func(b *testing.B) {
					d := New(threads)
					d.isa = isa
					m, n, k := s[0], s[1], s[2]
					x, w, o := randoms(m*k), randoms(n*k), floats(m*n)
					packed := d.bufB(k, n)
					for b.Loop() {
						d.packTransposed(packed, w, k, n)
						d.multiply(matrix(x, m, k), packed, n, sink{out: o, ld: n}, nil)
					}
					b.ReportMetric(2*float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}

// BenchmarkWeightProduct is the weight gradient of a linear layer or 1x1 convolution.
func BenchmarkWeightProduct(b *testing.B) {
	for _, s := range [][3]int{{16384, 256, 64}, {16384, 64, 256}, {4096, 512, 128}, {1024, 1024, 256}, {256, 2048, 512}} {
		for _, isa := range available[:max(1, len(available)-1)] {
			b.Run(fmt.Sprint(s, isa.name), func(b *testing.B) {
				d := New(0)
				d.isa = isa
				rows, m, n := s[0], s[1], s[2]
				dy, x, o := randoms(rows*m), randoms(rows*n), floats(m*n)
				used := processorTime()
				for b.Loop() {
					d.weightProduct(dy, m, m, matrix(x, rows, n), o)
				}
				used = processorTime() - used
				b.ReportMetric(used.Seconds()/float64(b.N)*1e3, "cpu-ms/op")
				b.ReportMetric(2*float64(m*n*rows)*float64(b.N)/used.Seconds()/1e9, "GFLOP/cpu-s")
			})
		}
	}
}

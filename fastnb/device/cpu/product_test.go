//go:build amd64 && !noasm

package cpu

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// BenchmarkProduct gives products of a language model's step as shares of what the core can do at the same time:
// slices of each and of multiply-adds on registers in turns, the fastest of either. Other work on the machine
// slows both, so that the share holds where seconds do not.
func BenchmarkProduct(b *testing.B) {
	for _, isa := range available {
		if isa.name != "avx512" && isa.name != "avx2" {
			continue // the others' kernels of single precision are these
		}
		for _, s := range productShapes {
			b.Run(fmt.Sprint(isa.name, "/", s.name), func(b *testing.B) {
				d := New(1)
				d.isa = isa
				defer d.Close()
				p := s.product(&d.isa.seq)
				flops := 2 * float64(p.m) * float64(p.n) * float64(p.k)
				best, roof := math.Inf(1), 0.0
				for b.Loop() {
					roof = max(roof, peakRate(isa))
					t := time.Now()
					d.product(p)
					best = min(best, time.Since(t).Seconds())
				}
				b.ReportMetric(flops/best/1e9, "GFLOP/s")
				b.ReportMetric(roof/1e9, "peak-GFLOP/s")
				b.ReportMetric(100*flops/best/roof, "%peak")
			})
		}
	}
}

type productShape struct {
	name    string
	m, n, k int
	a, b    byte // 'n' as it is, 't' transposed
}

var productShapes = []productShape{
	{"inputs", 480, 1600, 400, 'n', 't'},
	{"by input", 480, 400, 1600, 'n', 'n'},
	{"by weight", 1600, 400, 480, 't', 'n'},
	{"inputs, wide", 480, 4608, 1152, 'n', 't'},
	{"by input, wide", 480, 1152, 4608, 'n', 'n'},
	{"by weight, wide", 4608, 1152, 480, 't', 'n'},
	{"one row", 1, 1600, 400, 'n', 't'},
	{"few rows", 8, 1600, 400, 'n', 't'},
	{"few columns", 1600, 17, 512, 'n', 't'},
}

func (s productShape) product(k *seqKernels) product {
	x, w := randoms(s.m*s.k), randoms(s.k*s.n)
	p := product{m: s.m, n: s.n, k: s.k, c: floats(s.m * s.n), ldc: s.n}
	p.a, p.b = k.rowsOfMatrix(x, s.k), k.matrixRight(w, s.n, s.n)
	if s.a == 't' {
		p.a = k.transposed(x, s.m)
	}
	if s.b == 't' {
		p.b = k.transposedRight(w, s.k, s.n)
	}
	return p
}

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// halves are the kernels of this machine for products in bfloat16 and their definition.
func halves() []*halfKernels {
	out := []*halfKernels{genericHalf}
	for _, i := range available {
		if h := i.half.ask(); h != nil && h == i.half {
			out = append(out, h)
		}
	}
	return out
}

func noise(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func TestRoundBF16(t *testing.T) {
	for _, c := range []struct{ x, want float32 }{
		{1, 1},
		{-1, -1},
		{0, 0},
		{1 + 1./128, 1 + 1./128},
		{1 + 1./256, 1},
		{1 + 3./256, 1 + 2./128},
		{1 + 1./256 + 1e-6, 1 + 1./128},
		{3.4e38, float32(math.Inf(1))},
		{float32(math.Inf(-1)), float32(math.Inf(-1))},
		{1e-40, 0},
	} {
		if got := fromBF16(roundBF16(c.x)); got != c.want {
			t.Errorf("%v rounds to %v, want %v", c.x, got, c.want)
		}
	}
	if got := fromBF16(roundBF16(float32(math.NaN()))); got == got {
		t.Errorf("not a number rounds to %v", got)
	}
}

// TestHalfPacking compares the kernels that round and pack with their definitions, bit by bit.
func TestHalfPacking(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	same := func(t *testing.T, got, want []uint16) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("place %d: %x, want %x", i, got[i], want[i])
			}
		}
	}
	for _, h := range halves()[1:] {
		t.Run(h.name, func(t *testing.T) {
			const ld = 67
			x := noise(r, 128*ld)
			x[5], x[70], x[71] = 1e-39, 1+1./256, 1+3./256
			for _, n := range []int{0, 1, 31, 32, 33, 200} {
				got, want := make([]uint16, n), make([]uint16, n)
				if !h.round(got, x[:n]) || !genericHalf.round(want, x[:n]) {
					t.Error("finite numbers are not")
				}
				same(t, got, want)
			}
			for _, n := range []int{1, 5, 64} {
				got, want := make([]uint16, n*2*halfCols), make([]uint16, n*2*halfCols)
				if !h.pairs(got, x, ld, n) || !genericHalf.pairs(want, x, ld, n) {
					t.Error("finite numbers are not")
				}
				same(t, got, want)
			}
			for _, n := range []int{1, 2} {
				got, want := make([]uint16, n*stepB), make([]uint16, n*stepB)
				h.turnRows(got, x, ld, n)
				genericHalf.turnRows(want, x, ld, n)
				same(t, got, want)
				h.turnRows(got[halfCols:], x[1:], ld, n)
				genericHalf.turnRows(want[halfCols:], x[1:], ld, n)
				same(t, got, want)
				got, want = make([]uint16, 16*80), make([]uint16, 16*80)
				h.turnPairs(got, 80, x, ld, n)
				genericHalf.turnPairs(want, 80, x, ld, n)
				same(t, got, want)
			}
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				keep := x[2*ld+7]
				x[2*ld+7] = float32(bad)
				if h.pairs(make([]uint16, 4*2*halfCols), x, ld, 4) || h.round(make([]uint16, 256), x[:256]) {
					t.Errorf("%v is taken for finite", bad)
				}
				x[2*ld+7] = keep
			}
		})
	}
}

// TestHalfPanels compares products with sums in double precision over the rounded numbers, with rows that overlap as
// those of a convolution do.
func TestHalfPanels(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, h := range halves() {
		for _, rows := range []int{1, 3, 14, 15, 16, 17, 31, 32, 33, 63, 64, 77} {
			for _, steps := range []int{1, 2, 7} {
				t.Run(fmt.Sprint(h.name, "/", rows, "/", steps), func(t *testing.T) {
					const lda = 40
					a, b := make([]uint16, (rows+40)*lda+10*64), make([]uint16, steps*stepB)
					genericHalf.round(a, noise(r, len(a)))
					genericHalf.round(b, noise(r, len(b)))
					offs := make([]int, steps)
					for i := range offs {
						offs[i] = 2 * (i*37%50 + i)
					}
					ldc := 32 + 16*(rows%3)
					c := noise(r, rows*ldc)
					for _, acc := range []bool{false, true} {
						got := append([]float32{}, c...)
						h.panel(halfPanel{rows: rows, a: a, lda: lda, offs: offs, b: b, c: got, ldc: ldc, acc: acc, tile: make([]float32, halfRows*halfCols)})
						for i := range rows {
							for j := range ldc {
								want := float64(c[i*ldc+j])
								if j < halfCols {
									if !acc {
										want = 0
									}
									for k := range halfStep * steps {
										want += float64(fromBF16(a[i*lda+offs[k/32]/2+k%32])) * float64(fromBF16(b[k/2*64+2*j+k%2]))
									}
								}
								if d := math.Abs(float64(got[i*ldc+j]) - want); !(d <= 2e-5*math.Sqrt(float64(32*steps))) {
									t.Fatalf("row %d, column %d: %v, want %v", i, j, got[i*ldc+j], want)
								}
							}
						}
					}
				})
			}
		}
	}
}

func BenchmarkHalfPanel(b *testing.B) {
	for _, h := range halves()[1:] {
		for _, steps := range []int{2, 18, 36} {
			b.Run(fmt.Sprint(h.name, "/", steps), func(b *testing.B) {
				const rows = 128
				k := steps * halfStep
				lda := k + 32
				offs := make([]int, steps)
				for i := range offs {
					offs[i] = 64 * i
				}
				p := halfPanel{rows: rows, a: make([]uint16, rows*lda), lda: lda, offs: offs, b: make([]uint16, steps*stepB), c: make([]float32, rows*32), ldc: 32, tile: make([]float32, 1024)}
				for b.Loop() {
					h.panel(p)
				}
				b.ReportMetric(float64(2*rows*32*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GF/s")
			})
		}
	}
}

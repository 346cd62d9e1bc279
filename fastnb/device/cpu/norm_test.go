package cpu

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestStats: means and variances of batch norm are right to single precision's last digits wherever the values lie,
// also where the rows that the pivot is taken of lie far from all others.
func TestStats(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, isa := range available {
		for _, ch := range []int{1, 8, 19, 64, 150} {
			for _, at := range []float64{0, 1e4, -3e5} {
				for _, outlier := range []bool{false, true} {
					rows := 700
					x := make([]float32, rows*ch)
					for i := range x {
						x[i] = float32(at + rng.NormFloat64())
					}
					if outlier {
						for r := range pivotRows {
							for i := range ch {
								x[rows*r/pivotRows*ch+i] += 1e5
							}
						}
					}
					d := New(2)
					d.isa = isa
					out := make([]float32, 2*ch)
					if err := bnStats(&call{dev: d, in: []val{{f: x}}, out: []val{{f: out}}}); err != nil {
						t.Fatal(err)
					}
					for c := range ch {
						var s, q float64
						for r := range rows {
							s += float64(x[r*ch+c])
						}
						s /= float64(rows)
						for r := range rows {
							q += (float64(x[r*ch+c]) - s) * (float64(x[r*ch+c]) - s)
						}
						q /= float64(rows)
						if e := math.Abs(float64(out[c])-s) / max(math.Abs(s), math.Sqrt(q)); !(e < 1e-6) {
							t.Fatalf("%s: %d channels at %g: mean %g, want %g", isa.name, ch, at, out[c], s)
						}
						if e := math.Abs(float64(out[ch+c])-q) / q; !(e < 2e-5) {
							t.Fatalf("%s: %d channels at %g, outlier %v: variance %g, want %g", isa.name, ch, at, outlier, out[ch+c], q)
						}
					}
					d.Close()
				}
			}
		}
	}
}

// TestCopyRows: rows are copied on every instruction set as plain Go does it.
func TestCopyRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for _, isa := range available {
		for _, n := range []int{1, isa.mr, 16, 2 * isa.width} {
			for _, k := range []int{1, 2, 33} {
				src := normal(rng, k*64)
				got := make([]float32, k*n+16)
				isa.copyRows(got, n, src, 64, n, k)
				for i := range k * n {
					if got[i] != src[i/n*64+i%n] {
						t.Fatalf("%s: %d rows of %d: %d is wrong", isa.name, k, n, i)
					}
				}
			}
		}
	}
}

// TestMaskedNaN: a gradient passes where the output of a ReLU is no number, on every instruction set, as in PyTorch.
func TestMaskedNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, isa := range available {
		for _, c := range []int{16, 19} {
			dy, x, y, one, zero := make([]float32, c), make([]float32, c), make([]float32, c), make([]float32, c), make([]float32, c)
			for i := range c {
				dy[i], one[i], y[i] = float32(i+1), 1, float32(i%2)
			}
			y[0], y[c-1] = nan, nan
			got, s, q := make([]float32, c), make([]float32, c), make([]float32, c)
			want := func(i int) float32 {
				if y[i] <= 0 {
					return 0
				}
				return dy[i]
			}
			isa.vec.sums2(s, q, dy, x, y, zero)
			isa.vec.reluGrad(got, dy, y)
			other := make([]float32, c)
			isa.vec.affine2(other, dy, x, y, zero, one, zero, zero)
			for i := range c {
				if s[i] != want(i) || got[i] != want(i) || other[i] != want(i) {
					t.Fatalf("%s: %d of %d: %g, %g, %g, want %g", isa.name, i, c, s[i], got[i], other[i], want(i))
				}
			}
		}
	}
}

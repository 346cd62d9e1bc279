package cpu

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestMaxTaps: the maximum over places and its gradient, on every instruction set, with numbers that are equal, NaN and
// infinities.
func TestMaxTaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 7, 8, 24, 37} {
		x := normal(rng, 6*n)
		for i := range x {
			x[i] = float32(math.Round(float64(x[i]))) // many are equal
		}
		for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
			x[rng.IntN(len(x))] = v
		}
		dy, off := normal(rng, n), []int{0, 2 * n, 3 * n, 5 * n}
		want, wantDX := make([]float32, n), make([]float32, len(x))
		genericVec.maxTaps(want, x, off)
		genericVec.maxTapsGrad(wantDX, x, off, want, dy)
		for _, isa := range available {
			y, dx := make([]float32, n), make([]float32, len(x))
			isa.vec.maxTaps(y, x, off)
			isa.vec.maxTapsGrad(dx, x, off, y, dy)
			for i, v := range want {
				if y[i] != v && !(math.IsNaN(float64(v)) && math.IsNaN(float64(y[i]))) {
					t.Errorf("%s, %d channels: maximum %d is %g, want %g", isa.name, n, i, y[i], v)
				}
			}
			for i, v := range wantDX {
				if dx[i] != v {
					t.Errorf("%s, %d channels: gradient %d is %g, want %g", isa.name, n, i, dx[i], v)
				}
			}
		}
	}
}

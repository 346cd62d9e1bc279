package cpu

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestCrossEntropyRows: vectors and plain Go agree on the loss and its gradient, for widths that fill vectors and others,
// large scores, and rows that are not finite.
func TestCrossEntropyRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, ch := range []int{3, 8, 32, 48, 50} {
		const rows = 40
		x, y := normal(rng, rows*ch), make([]int64, rows)
		for i := range x {
			x[i] *= 30
		}
		for i := range y {
			y[i] = rng.Int64N(int64(ch))
		}
		for _, odd := range []float32{0, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
			if odd != 0 {
				x[5*ch+1] = odd
			}
			run := func(i *isa) (float32, []float32) {
				d := New(2)
				defer d.Close()
				d.isa = i
				loss, dx := make([]float32, 1), make([]float32, len(x))
				in := []val{{f: x}, {i: y}, {f: []float32{1}}}
				for _, k := range []struct {
					run kernel
					out []float32
				}{{xent, loss}, {xentDX, dx}} {
					if err := k.run(&call{dev: d, in: in, out: []val{{f: k.out}}}); err != nil {
						t.Fatal(err)
					}
				}
				return loss[0], dx
			}
			want, wantDX := run(generic)
			for _, i := range available {
				loss, dx := run(i)
				same := func(a, b, tol float32) bool {
					return a == b || a != a && b != b || float32(math.Abs(float64(a-b))) <= tol
				}
				if !same(loss, want, 1e-5*float32(math.Abs(float64(want)))) {
					t.Errorf("%s, %d classes, %g: loss %g, want %g", i.name, ch, odd, loss, want)
				}
				for k, v := range wantDX {
					if !same(dx[k], v, 1e-6) {
						t.Fatalf("%s, %d classes, %g: gradient %d is %g, want %g", i.name, ch, odd, k, dx[k], v)
					}
				}
			}
		}
	}
}

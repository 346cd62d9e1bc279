package cpu

import (
	"math"

	"github.com/fastnb/go/fastnb/device"
)

// The kernels of convolutions: Winograd's where it pays, the direct product elsewhere. What Winograd's filtering
// makes of an infinite value or of no number spreads over a whole tile, so where it meets one the direct product
// does the work again: then infinities and NaN reach just what they reach in PyTorch.

func convForward(a device.Conv, c *call) error {
	x, w, y := c.in[0], c.in[1], c.out[0]
	if z := c.dev.chooseWino(a, w.shape, x.shape, y.shape, a.Pad[0], a.Pad[1]); z != nil {
		fin := winoFinish{floor: float32(math.Inf(-1))}
		if len(c.in) == 3 {
			fin.bias = c.in[2].f
		}
		if a.ReLU {
			fin.floor = 0
		}
		if z.forward(x.f, winoWeights{w: w.f, o: w.shape[0], c: w.shape[3]}, y.f, fin) {
			return nil
		}
	}
	return directForward(a, c)
}

func convDX(a device.Conv, c *call) error {
	dy, w, dx := c.in[0], c.in[1], c.out[0]
	if z := c.dev.chooseWino(a, w.shape, dy.shape, dx.shape, 2-a.Pad[0], 2-a.Pad[1]); z != nil {
		turned := winoWeights{w: w.f, o: w.shape[0], c: w.shape[3], turned: true}
		if z.forward(dy.f, turned, dx.f, winoFinish{floor: float32(math.Inf(-1))}) {
			return nil
		}
	}
	return directDX(a, c)
}

func convDW(a device.Conv, c *call) error {
	x, dy, dw := c.in[0], c.in[1], c.out[0]
	if z := c.dev.chooseWino(a, dw.shape, x.shape, dy.shape, a.Pad[0], a.Pad[1]); z != nil && z.weightGrad(x.f, dy.f, dw.f) {
		return nil
	}
	return directDW(a, c)
}

// chooseWino gives Winograd's filtering from a map x to y, or nil where the direct product is thought to be faster.
func (d *Device) chooseWino(a device.Conv, w, x, y []int, top, left int) *winoConv {
	if w[1] != 3 || w[2] != 3 || a.Stride != [2]int{1, 1} || top < 0 || left < 0 {
		return nil
	}
	best, least := (*winoTransforms)(nil), 9*y[0]*y[1]*y[2]*x[3]*y[3]
	for _, t := range []*winoTransforms{&d.isa.wino.four, &d.isa.wino.two} {
		if c := winoCost(t, x, y); c < least {
			best, least = t, c
		}
	}
	if best == nil {
		return nil
	}
	return d.newWino(best, x[0], x[1], x[2], x[3], y[1], y[2], y[3], top, left)
}

// What it costs to bring a number to a point or back, and a weight, in multiplications of a product: measured.
const (
	winoTransformCost = 10
	winoWeightCost    = 12
)

func winoCost(t *winoTransforms, x, y []int) int {
	tiles := y[0] * ((y[1] + t.m - 1) / t.m) * ((y[2] + t.m - 1) / t.m)
	return t.points() * (tiles*(x[3]*y[3]+winoTransformCost*(x[3]+y[3])) + winoWeightCost*x[3]*y[3])
}

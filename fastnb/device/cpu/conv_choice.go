package cpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
)

// The kernels of convolutions: Winograd's where it pays, the direct product elsewhere. What Winograd's filtering
// makes of an infinite value or of no number spreads over a whole tile, so where it meets one the direct product
// does the work again: then infinities and NaN reach just what they reach in PyTorch.

func convForward(a device.Conv, c *call) error {
	return c.convolve(a, c.finishOf(a, nth(c.in, 2)))
}

// convolve writes the convolution of the first input with the second, finished as fin says.
func (c *call) convolve(a device.Conv, fin *finish) error {
	x, w, y := c.in[0], c.in[1], c.out[0]
	if c.halfForward(a, fin, c.dev.floatCost(a, w.shape, x.shape, y.shape, weightCost(w))) {
		return nil
	}
	z := c.dev.chooseWino(a, w.shape, x.shape, y.shape, a.Pad[0], a.Pad[1], weightCost(w))
	if z == nil || !z.forward(x.f, winoWeights{w: w.f, o: w.shape[0], c: w.shape[3]}, y.f, fin) {
		c.directForward(a, fin)
	}
	return nil
}

// finishOf is the finish of a convolution or linear layer with a bias or nil.
func (c *call) finishOf(a device.Conv, bias []float32) *finish {
	n := c.in[1].shape[0]
	fin := c.dev.plainFinish(n)
	if bias != nil {
		fin.shift = append(append(make([]float32, 0, n+c.dev.isa.width), bias...), make([]float32, c.dev.isa.width)...)
	}
	if a.ReLU {
		fin.floor = 0
	}
	return fin
}

// convBN is a convolution with the batch norm of evaluation behind it, see fuseNorms.
type convBN struct {
	device.Conv
	device.BatchNorm
}

func init() {
	kernels["conv2d_bn"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(convBN)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error {
			mean, variance, gamma, beta := c.in[2].f, c.in[3].f, c.in[4].f, c.in[5].f
			n := len(gamma)
			fin := &finish{scale: make([]float32, n+c.dev.isa.width), shift: make([]float32, n+c.dev.isa.width), floor: minusInf}
			rest := c.in[6:]
			if a.Residual {
				fin.res, rest = rest[0].f, rest[1:]
			}
			for i := range gamma {
				s := float64(gamma[i]) / math.Sqrt(float64(variance[i])+float64(a.Eps))
				m := float64(mean[i])
				if len(rest) > 0 { // the convolution's bias
					m -= float64(rest[0].f[i])
				}
				fin.scale[i], fin.shift[i] = float32(s), float32(float64(beta[i])-m*s)
			}
			if a.BatchNorm.ReLU {
				fin.floor = 0
			}
			return c.convolve(a.Conv, fin)
		}, nil
	}
}

func convDX(a device.Conv, c *call) error {
	dy, w, dx := c.in[0], c.in[1], c.out[0]
	if c.halfDX(a, c.dev.floatCost(a, w.shape, dy.shape, dx.shape, winoWeightCost)) {
		return nil
	}
	if z := c.dev.chooseWino(a, w.shape, dy.shape, dx.shape, 2-a.Pad[0], 2-a.Pad[1], winoWeightCost); z != nil {
		turned := winoWeights{w: w.f, o: w.shape[0], c: w.shape[3], turned: true}
		if z.forward(dy.f, turned, dx.f, c.dev.plainFinish(dx.shape[3])) {
			return nil
		}
	}
	return directDX(a, c)
}

func convDW(a device.Conv, c *call) error {
	x, dy, dw := c.in[0], c.in[1], c.out[0]
	if c.halfDW(a, c.dev.floatCost(a, dw.shape, x.shape, dy.shape, winoBackCost)) {
		return nil
	}
	if z := c.dev.chooseWino(a, dw.shape, x.shape, dy.shape, a.Pad[0], a.Pad[1], winoBackCost); z != nil && z.weightGrad(x.f, dy.f, dw.f) {
		return nil
	}
	return directDW(a, c)
}

// chooseWino gives Winograd's filtering from a map x to y, or nil where the direct product is thought to be faster.
// weight is what a weight's point costs.
func (d *Device) chooseWino(a device.Conv, w, x, y []int, top, left int, weight weightWork) *winoConv {
	if w[1] != 3 || w[2] != 3 || a.Stride != [2]int{1, 1} || top < 0 || left < 0 {
		return nil
	}
	best, least := (*winoTransforms)(nil), directCost(w, y, weight)
	for _, t := range []*winoTransforms{&d.isa.wino.four, &d.isa.wino.two} {
		if c := winoCost(t, x, y, weight); c < least {
			best, least = t, c
		}
	}
	if best == nil {
		return nil
	}
	return d.newWino(best, x[0], x[1], x[2], x[3], y[1], y[2], y[3], top, left)
}

// What it costs to bring a number of a map to a point or back, in multiplications of a product: measured.
const winoTransformCost = 10

// weightWork is what the nine weights of a channel to another cost beside products, in multiplications of one: in
// Winograd's filtering altogether and for each point, and in a direct product. Weights lie far apart in memory, which
// is most of it.
type weightWork struct{ each, point, direct int }

// What it costs to bring weights to points or to lay them out, also where a direct product finds them laid out, and to
// bring their gradients back: measured, see BenchmarkWinograd.
var (
	winoWeightCost = weightWork{260, 9, 250}
	winoKeptCost   = weightWork{260, 9, 0}
	winoBackCost   = weightWork{300, 6, 0}
)

// weightCost is of a forward pass with weights w.
func weightCost(w val) weightWork {
	if w.buf != nil {
		return winoKeptCost
	}
	return winoWeightCost
}

// directCost is what a direct convolution costs.
func directCost(w, y []int, weight weightWork) int {
	return w[0] * w[3] * (y[0]*y[1]*y[2]*w[1]*w[2] + weight.direct)
}

func winoCost(t *winoTransforms, x, y []int, weight weightWork) int {
	tiles := y[0] * ((y[1] + t.m - 1) / t.m) * ((y[2] + t.m - 1) / t.m)
	return t.points()*tiles*(x[3]*y[3]+winoTransformCost*(x[3]+y[3])) + (weight.each+weight.point*t.points())*x[3]*y[3]
}

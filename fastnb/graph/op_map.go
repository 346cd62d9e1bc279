package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// The operations that losses of one's own are written with. Devices without kernels for them run their host
// definitions: what they work on is a batch's predictions, which are small.

// each builds a function of each element by itself.
func (b *Builder) each(x *Node, m device.Map) *Node {
	if b.err != nil || x == nil {
		return b.Failf("%s: input is missing", m.Fn)
	}
	layer := b.layer()
	return b.apply(op{
		name: "map", attrs: m, shape: x.Shape(), wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			for i, v := range in[0].Float32s() {
				out[0].Float32s()[i] = float32(m.At(float64(v)))
			}
			return nil
		},
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "map_dx", attrs: m, shape: dy.Shape(), host: func(out, in []*tensor.Tensor) error {
				for i, v := range in[1].Float32s() {
					out[0].Float32s()[i] = float32(float64(in[0].Float32s()[i]) * m.Slope(float64(v)))
				}
				return nil
			}}, dy, in[0])}, g.err
		},
	}, x)
}

// Affine is a*x + c.
func (b *Builder) Affine(x *Node, a, c float64) *Node {
	return b.each(x, device.Map{Fn: device.MapAffine, A: float32(a), B: float32(c)})
}

// Neg is -x.
func (b *Builder) Neg(x *Node) *Node { return b.Affine(x, -1, 0) }

// Abs is |x|, of slope 0 at 0.
func (b *Builder) Abs(x *Node) *Node { return b.each(x, device.Map{Fn: device.MapAbs}) }

// Square is x².
func (b *Builder) Square(x *Node) *Node { return b.Mul(x, x) }

// Sqrt is the square root.
func (b *Builder) Sqrt(x *Node) *Node { return b.each(x, device.Map{Fn: device.MapSqrt}) }

// Exp is e^x.
func (b *Builder) Exp(x *Node) *Node { return b.each(x, device.Map{Fn: device.MapExp}) }

// Log is the natural logarithm.
func (b *Builder) Log(x *Node) *Node { return b.each(x, device.Map{Fn: device.MapLog}) }

// Sigmoid is 1/(1+e^-x).
func (b *Builder) Sigmoid(x *Node) *Node { return b.each(x, device.Map{Fn: device.MapSigmoid}) }

// Tanh is the hyperbolic tangent.
func (b *Builder) Tanh(x *Node) *Node { return b.each(x, device.Map{Fn: device.MapTanh}) }

// Softplus is ln(1+e^x), without overflow: Softplus(-x) is the cross-entropy of a logit x whose label is 1.
func (b *Builder) Softplus(x *Node) *Node { return b.each(x, device.Map{Fn: device.MapSoftplus}) }

// Pow is x to the power of p.
func (b *Builder) Pow(x *Node, p float64) *Node {
	return b.each(x, device.Map{Fn: device.MapPow, A: float32(p)})
}

// Clamp keeps x within lo and hi; outside its slope is 0.
func (b *Builder) Clamp(x *Node, lo, hi float64) *Node {
	return b.each(x, device.Map{Fn: device.MapClamp, A: float32(lo), B: float32(hi)})
}

// pair builds a function of two arrays of as many elements, with the shape of x.
func (b *Builder) pair(name string, x, y *Node, f func(x, y float64) float64, diff func(g *grads, x, y, dz *Node) gorgonia.Nodes) *Node {
	if !b.sameShape(name, x, y) {
		return b.Fail(b.err)
	}
	layer := b.layer()
	o := pairOp(name, x.Shape(), f)
	o.wrt = allTrue(2)
	o.diff = func(in gorgonia.Nodes, _, dz *Node) (gorgonia.Nodes, error) {
		g := &grads{layer: layer}
		return diff(g, in[0], in[1], dz), g.err
	}
	return b.apply(o, x, b.shaped(y, x))
}

// shaped is y in the shape of x.
func (b *Builder) shaped(y, x *Node) *Node {
	if nodeDType(y) != tensor.Float32 {
		y = b.Float(y)
	}
	if b.err == nil && !y.Shape().Eq(x.Shape()) {
		y = b.Reshape(y, x.Shape()...)
	}
	return y
}

func pairOp(name string, shape []int, f func(x, y float64) float64) op {
	return op{name: name, shape: shape, host: func(out, in []*tensor.Tensor) error {
		y := in[1].Float32s()
		for i, v := range in[0].Float32s() {
			out[0].Float32s()[i] = float32(f(float64(v), float64(y[i])))
		}
		return nil
	}}
}

func times(x, y float64) float64 { return x * y }

// Sub is x - y.
func (b *Builder) Sub(x, y *Node) *Node {
	return b.pair("sub", x, y, func(x, y float64) float64 { return x - y }, func(g *grads, _, _, dz *Node) gorgonia.Nodes {
		return gorgonia.Nodes{dz, g.call(pairOp("sub_dy", dz.Shape(), func(d, _ float64) float64 { return -d }), dz, dz)}
	})
}

// Mul is x times y, element by element.
func (b *Builder) Mul(x, y *Node) *Node {
	return b.pair("mul", x, y, times, func(g *grads, x, y, dz *Node) gorgonia.Nodes {
		return gorgonia.Nodes{g.call(pairOp("mul", dz.Shape(), times), dz, y), g.call(pairOp("mul", dz.Shape(), times), dz, x)}
	})
}

// Div is x divided by y, element by element.
func (b *Builder) Div(x, y *Node) *Node {
	return b.pair("div", x, y, func(x, y float64) float64 { return x / y }, func(g *grads, x, y, dz *Node) gorgonia.Nodes {
		over := g.call(pairOp("div_dx", dz.Shape(), func(d, y float64) float64 { return d / y }), dz, y)
		part := g.call(pairOp("div_part", dz.Shape(), func(x, y float64) float64 { return -x / y }), x, y)
		return gorgonia.Nodes{over, g.call(pairOp("mul", dz.Shape(), times), over, part)}
	})
}

// Float is whole numbers, such as classes, as float32.
func (b *Builder) Float(y *Node) *Node {
	if b.err != nil || y == nil {
		return b.Failf("float: input is missing")
	}
	if nodeDType(y) == tensor.Float32 {
		return y
	}
	return b.apply(op{name: "cast", shape: y.Shape(), host: func(out, in []*tensor.Tensor) error {
		copy(out[0].Float32s(), in[0].Float().Float32s())
		return nil
	}}, y)
}

// OneHot has a 1 at each class of y and 0 elsewhere: of classes int64 [N] it makes [N, c], of masks
// [N, 1, H, W] it makes [N, H, W, c].
func (b *Builder) OneHot(y *Node, c int) *Node {
	if b.err != nil || y == nil || nodeDType(y) != tensor.Int64 || c < 1 {
		return b.Failf("one hot: needs classes as whole numbers, and how many there are")
	}
	s := slices.Clone([]int(y.Shape()))
	if len(s) == 4 && s[1] == 1 {
		s = slices.Delete(s, 1, 2)
	}
	return b.apply(op{name: "one_hot", shape: append(s, c), host: func(out, in []*tensor.Tensor) error {
		clear(out[0].Float32s())
		for i, k := range in[0].Int64s() {
			if k < 0 || int(k) >= c {
				return b.notClass(k, i, c)
			}
			out[0].Float32s()[i*c+int(k)] = 1
		}
		return nil
	}}, y)
}

// MulLast multiplies along the last axis by constants, one for each of its elements, such as weights of
// classes.
func (b *Builder) MulLast(x *Node, w ...float64) *Node {
	if b.err != nil || x == nil {
		return b.Failf("multiply along the last axis: input is missing")
	}
	s := x.Shape()
	if len(s) == 0 || s[len(s)-1] != len(w) {
		return b.Failf("multiply along the last axis: %d weights for %v", len(w), s)
	}
	a := device.Weights{}
	for _, v := range w {
		a.W = append(a.W, float32(v))
	}
	layer := b.layer()
	o := mulLastOp(a, s)
	o.wrt = allTrue(1)
	o.diff = func(_ gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
		g := &grads{layer: layer}
		return gorgonia.Nodes{g.call(mulLastOp(a, dy.Shape()), dy)}, g.err
	}
	return b.apply(o, x)
}

func mulLastOp(a device.Weights, shape []int) op {
	return op{name: "mul_last", attrs: a, shape: shape, host: func(out, in []*tensor.Tensor) error {
		for i, v := range in[0].Float32s() {
			out[0].Float32s()[i] = v * a.W[i%len(a.W)]
		}
		return nil
	}}
}

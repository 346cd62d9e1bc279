package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// ReLU is max(0, x).
func (b *Builder) ReLU(x *Node) *Node {
	if b.err != nil || x == nil {
		return b.Failf("relu: input is missing")
	}
	layer := b.layer()
	return b.apply(op{
		name: "relu", shape: x.Shape(), wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			for i, v := range in[0].Float32s() {
				out[0].Float32s()[i] = max(v, 0)
			}
			return nil
		},
		diff: func(_ gorgonia.Nodes, y, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(reluGrad(y), dy, y)}, g.err
		},
	}, x)
}

func reluGrad(y *Node) op {
	return op{name: "relu_grad", shape: y.Shape(), host: func(out, in []*tensor.Tensor) error {
		for i, y := range in[1].Float32s() {
			out[0].Float32s()[i] = 0
			if y > 0 {
				out[0].Float32s()[i] = in[0].Float32s()[i]
			}
		}
		return nil
	}}
}

// Add adds two nodes of one shape.
func (b *Builder) Add(x, y *Node) *Node {
	if b.err != nil || x == nil || y == nil {
		return b.Failf("add: an input is missing")
	}
	if !x.Shape().Eq(y.Shape()) {
		return b.Failf("add: shapes %v and %v differ", x.Shape(), y.Shape())
	}
	return b.apply(op{
		name: "add", shape: x.Shape(), wrt: allTrue(2), host: hostAdd,
		diff: func(_ gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) { return gorgonia.Nodes{dy, dy}, nil },
	}, x, y)
}

func hostAdd(out, in []*tensor.Tensor) error {
	x, y := in[0].Float32s(), in[1].Float32s()
	for i := range x {
		out[0].Float32s()[i] = x[i] + y[i]
	}
	return nil
}

// Reshape gives x another shape of as many elements.
func (b *Builder) Reshape(x *Node, shape ...int) *Node {
	if b.err != nil || x == nil {
		return b.Failf("reshape: input is missing")
	}
	if x.Shape().TotalSize() != tensor.Count(shape) {
		return b.Failf("reshape: %v does not fill %v", x.Shape(), shape)
	}
	return b.apply(reshapeOp(shape, x.Shape(), b.layer()), x)
}

func reshapeOp(to, from []int, layer string) op {
	return op{
		name: "reshape", shape: slices.Clone(to), wrt: allTrue(1), host: hostCopy,
		diff: func(_ gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(reshapeOp(from, to, layer), dy)}, g.err
		},
	}
}

func hostCopy(out, in []*tensor.Tensor) error {
	copy(out[0].Float32s(), in[0].Float32s())
	return nil
}

// AsMap is Reshape to a map [N, H, W, C].
func (b *Builder) AsMap(x *Node, n, h, w, c int) *Node {
	if b.err != nil || x == nil {
		return b.Failf("map: input is missing")
	}
	if x.Shape().TotalSize() != n*h*w*c {
		return b.Failf("map: %v does not fill %v", x.Shape(), []int{n, h, w, c})
	}
	o := reshapeOp([]int{n, h, w, c}, x.Shape(), b.layer())
	o.layout = device.Picture
	return b.apply(o, x)
}

// Detach is x with no way back for gradients.
func (b *Builder) Detach(x *Node) *Node {
	if b.err != nil || x == nil {
		return b.Failf("detach: input is missing")
	}
	return b.apply(op{name: "reshape", shape: x.Shape(), host: hostCopy}, x)
}

// Flatten makes [N, ...] to [N, rest].
func (b *Builder) Flatten(x *Node) *Node {
	if b.err != nil || x == nil {
		return b.Failf("flatten: input is missing")
	}
	s := x.Shape()
	return b.Reshape(x, s[0], s.TotalSize()/s[0])
}

// rowOp takes row i of a matrix.
func rowOp(m *Node, i int) op {
	c := m.Shape()[1]
	return op{name: "row", attrs: device.Row{Index: i}, shape: []int{c}, host: func(out, in []*tensor.Tensor) error {
		copy(out[0].Float32s(), in[0].Float32s()[i*c:])
		return nil
	}}
}

// colSum sums over all axes but the last.
func colSum(x *Node) op {
	s := x.Shape()
	c := s[len(s)-1]
	return op{name: "colsum", shape: []int{c}, host: func(out, in []*tensor.Tensor) error {
		acc := make([]float64, c)
		for i, v := range in[0].Float32s() {
			acc[i%c] += float64(v)
		}
		return round(out[0], acc)
	}}
}

// Dropout zeroes elements with probability p in training and scales the rest by 1/(1-p).
func (b *Builder) Dropout(x *Node, p float32) *Node {
	if b.err != nil || x == nil {
		return b.Failf("dropout: input is missing")
	}
	if p < 0 || p >= 1 {
		return b.Failf("dropout: probability %g is not in [0, 1)", p)
	}
	if !b.train && !b.drop || p == 0 {
		return x
	}
	b.dropouts++
	a := device.Dropout{P: p, ID: b.dropouts}
	rng := b.RNG()
	layer := b.layer()
	return b.apply(op{
		name: "dropout", attrs: a, shape: x.Shape(), wrt: []bool{true, false}, host: hostDropout(a),
		diff: func(_ gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "dropout_dx", attrs: a, shape: dy.Shape(), host: hostDropout(a)}, dy, rng), nil}, g.err
		},
	}, x, rng)
}

func hostDropout(a device.Dropout) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		r := in[1].Int64s()
		device.DropoutMask(out[0].Float32s(), a, r[0], r[1], 0)
		for i, v := range in[0].Float32s() {
			out[0].Float32s()[i] *= v
		}
		return nil
	}
}

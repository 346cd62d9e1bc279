package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// BatchMatMul multiplies each of the B matrices of x [B, M, K] with its partner of y [B, K, N], or of
// the transpose of y [B, N, K]: [B, M, N].
func (b *Builder) BatchMatMul(x, y *Node, transposed bool) *Node {
	if !b.want("batched product", x, 3) || !b.want("batched product", y, 3) {
		return b.Fail(b.err)
	}
	xs, ys := x.Shape(), y.Shape()
	k, n := ys[1], ys[2]
	if transposed {
		k, n = n, k
	}
	if xs[0] != ys[0] || xs[2] != k {
		return b.Failf("batched product: %v and %v do not fit", xs, ys)
	}
	layer := b.layer()
	o := bmm([]int{xs[0], xs[1], n}, device.MatMul{TransB: transposed})
	o.wrt = allTrue(2)
	o.diff = func(in gorgonia.Nodes, _, dz *Node) (gorgonia.Nodes, error) {
		g := &grads{layer: layer}
		dx := g.call(bmm(xs, device.MatMul{TransB: !transposed}), dz, in[1])
		left, right := in[0], dz
		if transposed {
			left, right = dz, in[0]
		}
		return gorgonia.Nodes{dx, g.call(bmm(ys, device.MatMul{TransA: true}), left, right)}, g.err
	}
	return b.apply(o, x, y)
}

func bmm(shape []int, a device.MatMul) op {
	host := hostMatMul(a)
	return op{name: "bmm", attrs: a, shape: shape, host: func(out, in []*tensor.Tensor) error {
		for i := range shape[0] {
			at := func(t *tensor.Tensor) *tensor.Tensor { return t.At(i) }
			if err := host([]*tensor.Tensor{at(out[0])}, []*tensor.Tensor{at(in[0]), at(in[1])}); err != nil {
				return err
			}
		}
		return nil
	}}
}

// Softmax turns the last axis into positive numbers that sum to 1.
func (b *Builder) Softmax(x *Node) *Node {
	if b.err != nil || x == nil || len(x.Shape()) == 0 {
		return b.Failf("softmax: input is missing")
	}
	s := b.Shape(x)
	c := s[len(s)-1]
	layer := b.layer()
	return b.apply(op{
		name: "softmax", shape: s, wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			x, y := in[0].Float32s(), out[0].Float32s()
			for r := 0; r < len(x); r += c {
				l := logSumExp(x[r : r+c])
				for i := r; i < r+c; i++ {
					y[i] = float32(math.Exp(float64(x[i]) - l))
				}
			}
			return nil
		},
		diff: func(_ gorgonia.Nodes, y, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "softmax_dx", shape: s, host: func(out, in []*tensor.Tensor) error {
				dy, y := in[0].Float32s(), in[1].Float32s()
				for r := 0; r < len(y); r += c {
					var dot float64
					for i := r; i < r+c; i++ {
						dot += float64(dy[i]) * float64(y[i])
					}
					for i := r; i < r+c; i++ {
						out[0].Float32s()[i] = float32(float64(y[i]) * (float64(dy[i]) - dot))
					}
				}
				return nil
			}}, dy, y)}, g.err
		},
	}, x)
}

// Scale multiplies x by the one number of factor [1].
func (b *Builder) Scale(x, factor *Node) *Node {
	if b.err != nil || x == nil || factor == nil || factor.Shape().TotalSize() != 1 {
		return b.Failf("scale: an input is missing, or the factor is not one number")
	}
	layer := b.layer()
	o := scaleOp(x.Shape())
	o.wrt = allTrue(2)
	o.diff = func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
		g := &grads{layer: layer}
		dot := op{name: "dot", full: true, shape: in[1].Shape(), host: func(out, in []*tensor.Tensor) error {
			var s float64
			for i, v := range in[0].Float32s() {
				s += float64(v) * float64(in[1].Float32s()[i])
			}
			out[0].Float32s()[0] = float32(s)
			return nil
		}}
		return gorgonia.Nodes{g.call(scaleOp(in[0].Shape()), dy, in[1]), g.call(dot, dy, in[0])}, g.err
	}
	return b.apply(o, x, factor)
}

func scaleOp(shape []int) op {
	return op{name: "scale", shape: shape, host: func(out, in []*tensor.Tensor) error {
		f := in[1].Float32s()[0]
		for i, v := range in[0].Float32s() {
			out[0].Float32s()[i] = f * v
		}
		return nil
	}}
}

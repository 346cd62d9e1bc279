package graph

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func (b *Builder) notClass(k int64, i, c int) error {
	return fmt.Errorf("one hot: target %d of row %d is not one of %d classes", k, i, c)
}

// Mean is the mean of all elements, a scalar.
func (b *Builder) Mean(x *Node) *Node {
	if b.err != nil || x == nil {
		return b.Failf("mean: input is missing")
	}
	return b.total("mean", x, x.Shape().TotalSize())
}

// Sum is the sum of all elements, a scalar.
func (b *Builder) Sum(x *Node) *Node {
	if b.err != nil || x == nil {
		return b.Failf("sum: input is missing")
	}
	return b.total("sum", x, 1)
}

// total is the sum of all elements over n, added in double precision.
func (b *Builder) total(name string, x *Node, n int) *Node {
	layer, shape := b.layer(), x.Shape()
	a := device.Spread{Factor: 1 / float32(n)}
	return b.apply(op{
		name: name, shape: []int{}, wrt: allTrue(1), full: true,
		host: func(out, in []*tensor.Tensor) error {
			sum := 0.0
			for _, v := range in[0].Float32s() {
				sum += float64(v)
			}
			out[0].Float32s()[0] = float32(sum / float64(n))
			return nil
		},
		diff: func(_ gorgonia.Nodes, _, dl *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "spread", attrs: a, shape: shape, host: func(out, in []*tensor.Tensor) error {
				v := in[0].Float32s()[0] / float32(n)
				for i := range out[0].Float32s() {
					out[0].Float32s()[i] = v
				}
				return nil
			}}, dl)}, g.err
		},
	}, x)
}

// SumLast is the sum along the last axis: [..., C] becomes [...].
func (b *Builder) SumLast(x *Node) *Node {
	if b.err != nil || x == nil {
		return b.Failf("sum along the last axis: input is missing")
	}
	s := x.Shape()
	if len(s) < 2 {
		return b.Failf("sum along the last axis: %v has one axis (try Sum)", s)
	}
	c, layer := s[len(s)-1], b.layer()
	return b.apply(op{
		name: "sum_last", shape: s[:len(s)-1].Clone(), wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			for r := range out[0].Float32s() {
				sum := 0.0
				for _, v := range in[0].Float32s()[r*c : (r+1)*c] {
					sum += float64(v)
				}
				out[0].Float32s()[r] = float32(sum)
			}
			return nil
		},
		diff: func(_ gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "sum_last_dx", shape: s, host: func(out, in []*tensor.Tensor) error {
				for i := range out[0].Float32s() {
					out[0].Float32s()[i] = in[0].Float32s()[i/c]
				}
				return nil
			}}, dy)}, g.err
		},
	}, x)
}

// LogSoftmax is the logarithm of Softmax along the last axis.
func (b *Builder) LogSoftmax(x *Node) *Node {
	if b.err != nil || x == nil {
		return b.Failf("log softmax: input is missing")
	}
	s := x.Shape()
	if len(s) == 0 {
		return b.Failf("log softmax: the input has no axes")
	}
	c, layer := s[len(s)-1], b.layer()
	return b.apply(op{
		name: "log_softmax", shape: s, wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			x := in[0].Float32s()
			for r := range len(x) / c {
				l := logSumExp(x[r*c : (r+1)*c])
				for j := r * c; j < (r+1)*c; j++ {
					out[0].Float32s()[j] = float32(float64(x[j]) - l)
				}
			}
			return nil
		},
		diff: func(_ gorgonia.Nodes, y, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "log_softmax_dx", shape: s, host: func(out, in []*tensor.Tensor) error {
				dy, y := in[0].Float32s(), in[1].Float32s()
				for r := range len(y) / c {
					sum := 0.0
					for _, v := range dy[r*c : (r+1)*c] {
						sum += float64(v)
					}
					for j := r * c; j < (r+1)*c; j++ {
						out[0].Float32s()[j] = float32(float64(dy[j]) - math.Exp(float64(y[j]))*sum)
					}
				}
				return nil
			}}, dy, y)}, g.err
		},
	}, x)
}

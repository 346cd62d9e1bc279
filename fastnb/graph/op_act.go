package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// LeakyReLU is x, or slope x where x is negative.
func (b *Builder) LeakyReLU(x *Node, slope float32) *Node {
	return b.act(x, device.Act{Slope: slope})
}

// ReLU6 is x kept within 0 and 6.
func (b *Builder) ReLU6(x *Node) *Node { return b.act(x, device.Act{Max: 6}) }

func (b *Builder) act(x *Node, a device.Act) *Node {
	if b.err != nil || x == nil {
		return b.Failf("activation: input is missing")
	}
	layer := b.layer()
	return b.apply(op{
		name: "act", attrs: a, shape: x.Shape(), wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			for i, v := range in[0].Float32s() {
				out[0].Float32s()[i] = a.At(v)
			}
			return nil
		},
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "act_dx", attrs: a, shape: dy.Shape(), host: func(out, in []*tensor.Tensor) error {
				for i, v := range in[1].Float32s() {
					out[0].Float32s()[i] = in[0].Float32s()[i] * a.Slopes(v)
				}
				return nil
			}}, dy, in[0])}, g.err
		},
	}, x)
}

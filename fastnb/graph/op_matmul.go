package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Linear is x w' + bias: x [M, I], w [O, I], bias [O] or nil: [M, O].
func (b *Builder) Linear(x, w, bias *Node) *Node {
	if !b.want("linear", x, 2) || !b.want("linear weight", w, 2) {
		return b.Fail(b.err)
	}
	if x.Shape()[1] != w.Shape()[1] {
		return b.Failf("linear: input has %d features, the weight takes %d", x.Shape()[1], w.Shape()[1])
	}
	in := []*Node{x, w}
	a := device.MatMul{TransB: true, Bias: bias != nil}
	if bias != nil {
		in = append(in, bias)
	}
	layer := b.layer()
	return b.apply(op{
		name: "matmul", attrs: a, shape: []int{x.Shape()[0], w.Shape()[0]}, wrt: allTrue(len(in)), host: hostMatMul(a),
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			ax, aw := device.MatMul{}, device.MatMul{TransA: true}
			d := gorgonia.Nodes{
				g.call(op{name: "matmul", attrs: ax, shape: in[0].Shape(), host: hostMatMul(ax)}, dy, in[1]),
				g.call(op{name: "matmul", attrs: aw, shape: in[1].Shape(), host: hostMatMul(aw)}, dy, in[0]),
			}
			if len(in) == 3 {
				d = append(d, g.call(colSum(dy), dy))
			}
			return d, g.err
		},
	}, in...)
}

func hostMatMul(a device.MatMul) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		m, n := out[0].Shape()[0], out[0].Shape()[1]
		x, y, o := in[0].Float32s(), in[1].Float32s(), out[0].Float32s()
		k := len(x) / m
		for i := range m {
			for j := range n {
				var s float64
				for l := range k {
					xi, yi := i*k+l, l*n+j
					if a.TransA {
						xi = l*m + i
					}
					if a.TransB {
						yi = j*k + l
					}
					s += float64(x[xi]) * float64(y[yi])
				}
				if a.Bias {
					s += float64(in[2].Float32s()[j])
				}
				if a.ReLU {
					s = max(s, 0)
				}
				o[i*n+j] = float32(s)
			}
		}
		return nil
	}
}

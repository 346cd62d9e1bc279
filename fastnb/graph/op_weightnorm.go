package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/tensor"
)

// WeightNorm gives the weight whose direction per output is v's and whose length is g's: v g / |v|,
// v [O, ...], g with O elements (Salimans and Kingma 2016).
func (b *Builder) WeightNorm(v, g *Node) *Node {
	if b.err != nil || v == nil || g == nil || g.Shape().TotalSize() != v.Shape()[0] {
		return b.Failf("weight norm: an input is missing, or there is not one length for each output")
	}
	layer := b.layer()
	return b.apply(op{
		name: "weight_norm", shape: v.Shape(), wrt: allTrue(2),
		host: func(out, in []*tensor.Tensor) error {
			eachOutput(in[0], func(o, from, to int, norm float64) {
				f := float64(in[1].Float32s()[o]) / norm
				for i := from; i < to; i++ {
					out[0].Float32s()[i] = float32(f * float64(in[0].Float32s()[i]))
				}
			})
			return nil
		},
		diff: func(in gorgonia.Nodes, _, dw *Node) (gorgonia.Nodes, error) {
			gr := &grads{layer: layer}
			return gorgonia.Nodes{
				gr.call(op{name: "weight_norm_dv", shape: in[0].Shape(), host: hostWeightNormDV}, dw, in[0], in[1]),
				gr.call(op{name: "weight_norm_dg", shape: in[1].Shape(), host: hostWeightNormDG}, dw, in[0]),
			}, gr.err
		},
	}, v, g)
}

// eachOutput calls f for each output of a weight with the range of its elements and their length.
func eachOutput(v *tensor.Tensor, f func(o, from, to int, norm float64)) {
	n := v.Len() / v.Shape()[0]
	for o := range v.Shape()[0] {
		var s float64
		for _, x := range v.Float32s()[o*n : (o+1)*n] {
			s += float64(x) * float64(x)
		}
		f(o, o*n, (o+1)*n, math.Sqrt(s))
	}
}

func hostWeightNormDV(out, in []*tensor.Tensor) error {
	dw, v := in[0].Float32s(), in[1].Float32s()
	eachOutput(in[1], func(o, from, to int, norm float64) {
		var dot float64
		for i := from; i < to; i++ {
			dot += float64(dw[i]) * float64(v[i])
		}
		g := float64(in[2].Float32s()[o])
		for i := from; i < to; i++ {
			out[0].Float32s()[i] = float32(g / norm * (float64(dw[i]) - float64(v[i])*dot/(norm*norm)))
		}
	})
	return nil
}

func hostWeightNormDG(out, in []*tensor.Tensor) error {
	dw, v := in[0].Float32s(), in[1].Float32s()
	eachOutput(in[1], func(o, from, to int, norm float64) {
		var dot float64
		for i := from; i < to; i++ {
			dot += float64(dw[i]) * float64(v[i])
		}
		out[0].Float32s()[o] = float32(dot / norm)
	})
	return nil
}

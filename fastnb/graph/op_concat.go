package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Concat joins nodes along their last axis, the channels; all other sizes agree.
func (b *Builder) Concat(xs ...*Node) *Node {
	if b.err != nil || len(xs) == 0 || xs[0] == nil {
		return b.Failf("concat: an input is missing")
	}
	shape := b.Shape(xs[0])
	last := len(shape) - 1
	from := make([]int, len(xs))
	for i, x := range xs[1:] {
		if x == nil {
			return b.Failf("concat: an input is missing")
		}
		s := b.Shape(x)
		if len(s) != len(shape) || tensor.Count(s[:last]) != tensor.Count(shape[:last]) {
			return b.Failf("concat: shapes %v and %v differ in more than their channels", xs[0].Shape(), s)
		}
		from[i+1] = shape[last]
		shape[last] += s[last]
	}
	layer := b.layer()
	return b.apply(op{
		name: "concat", shape: shape, layout: b.Layout(xs[0]), wrt: allTrue(len(xs)), host: hostConcat,
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			var d gorgonia.Nodes
			for i, x := range in {
				d = append(d, g.call(channels(x.Shape(), from[i]), dy))
			}
			return d, g.err
		},
	}, xs...)
}

func hostConcat(out, in []*tensor.Tensor) error {
	y := out[0].Float32s()
	s := out[0].Shape()
	c, at := s[len(s)-1], 0
	for _, t := range in {
		s := t.Shape()
		k := s[len(s)-1]
		for r := range len(y) / c {
			copy(y[r*c+at:r*c+at+k], t.Float32s()[r*k:r*k+k])
		}
		at += k
	}
	return nil
}

// channels takes the channels from `from` on that fill shape.
func channels(shape []int, from int) op {
	k := shape[len(shape)-1]
	return op{name: "channels", attrs: device.Channels{From: from}, shape: shape, host: func(out, in []*tensor.Tensor) error {
		s := in[0].Shape()
		c := s[len(s)-1]
		for r := range in[0].Len() / c {
			copy(out[0].Float32s()[r*k:r*k+k], in[0].Float32s()[r*c+from:])
		}
		return nil
	}}
}

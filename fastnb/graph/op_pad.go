package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Pad2D puts a border around x [N, H, W, C]: top, left, bottom and right, of zeros, of the nearest
// pixels or of mirrored ones.
func (b *Builder) Pad2D(x *Node, a device.Pad) *Node {
	if !b.want("pad", x, 4) {
		return b.Fail(b.err)
	}
	s := b.Shape(x)
	for i, p := range a.Pad {
		if p < 0 || a.Mode == device.PadReflect && p >= s[1+i%2] {
			return b.Failf("pad: a border of %d around a %dx%d map", p, s[1], s[2])
		}
	}
	layer := b.layer()
	return b.apply(op{
		name: "pad2d", layout: device.Picture, attrs: a, shape: []int{s[0], s[1] + a.Pad[0] + a.Pad[2], s[2] + a.Pad[1] + a.Pad[3], s[3]}, wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			y, x := out[0].Float32s(), in[0].Float32s()
			clear(y)
			padded(in[0].Shape(), out[0].Shape(), a, func(i, j int) { y[j] = x[i] })
			return nil
		},
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "pad2d_dx", attrs: a, shape: in[0].Shape(), host: func(out, in []*tensor.Tensor) error {
				dy := in[0].Float32s()
				acc := make([]float64, out[0].Len())
				padded(out[0].Shape(), in[0].Shape(), a, func(i, j int) { acc[i] += float64(dy[j]) })
				return round(out[0], acc)
			}}, dy)}, g.err
		},
	}, x)
}

// padded calls f with each element j of the padded map and the element i of the map it shows; zeros
// are left out.
func padded(xs, ys []int, a device.Pad, f func(i, j int)) {
	for n := range ys[0] {
		for y := range ys[1] {
			sy := a.Source(y-a.Pad[0], xs[1])
			for x := range ys[2] {
				sx := a.Source(x-a.Pad[1], xs[2])
				if sy < 0 || sx < 0 {
					continue
				}
				for c := range ys[3] {
					f(((n*xs[1]+sy)*xs[2]+sx)*xs[3]+c, ((n*ys[1]+y)*ys[2]+x)*ys[3]+c)
				}
			}
		}
	}
}

package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// ResizeNearest brings x [N, H, W, C] to height h and width w, each pixel the nearest of x's
// (device.NearestRow says which). A size that x has already gives x itself.
func (b *Builder) ResizeNearest(x *Node, h, w int) *Node {
	if !b.want("resize", x, 4) {
		return b.Fail(b.err)
	}
	s := b.Shape(x)
	if h < 1 || w < 1 {
		return b.Failf("resize: a map of %dx%d", h, w)
	}
	if s[1] == h && s[2] == w {
		return x
	}
	layer := b.layer()
	return b.apply(op{
		name: "resize_nearest", layout: device.Picture, shape: []int{s[0], h, w, s[3]}, wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			y, x := out[0].Float32s(), in[0].Float32s()
			nearest(in[0].Shape(), out[0].Shape(), func(i, j int) { y[j] = x[i] })
			return nil
		},
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "resize_nearest_dx", shape: in[0].Shape(), host: func(out, in []*tensor.Tensor) error {
				dy := in[0].Float32s()
				acc := make([]float64, out[0].Len())
				nearest(out[0].Shape(), in[0].Shape(), func(i, j int) { acc[i] += float64(dy[j]) })
				return round(out[0], acc)
			}}, dy)}, g.err
		},
	}, x)
}

// nearest calls f with each element j of a map of shape ys and the element i of shape xs it shows.
func nearest(xs, ys []int, f func(i, j int)) {
	for n := range ys[0] {
		for y := range ys[1] {
			sy := device.NearestRow(y, xs[1], ys[1])
			for x := range ys[2] {
				sx := device.NearestRow(x, xs[2], ys[2])
				for c := range ys[3] {
					f(((n*xs[1]+sy)*xs[2]+sx)*xs[3]+c, ((n*ys[1]+y)*ys[2]+x)*ys[3]+c)
				}
			}
		}
	}
}

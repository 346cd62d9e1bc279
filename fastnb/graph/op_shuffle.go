package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// PixelShuffle makes x [N, H, W, C r r] a map r times as high and wide, [N, H r, W r, C]: channel
// c r r + i r + j goes to row i and column j of its pixel's square (Shi et al. 2016).
func (b *Builder) PixelShuffle(x *Node, r int) *Node {
	if !b.want("pixel shuffle", x, 4) {
		return b.Fail(b.err)
	}
	s := b.Shape(x)
	if r < 1 || s[3]%(r*r) != 0 {
		return b.Failf("pixel shuffle: %d channels do not divide into squares of %dx%d", s[3], r, r)
	}
	layer := b.layer()
	a := device.Shuffle{Scale: r}
	return b.apply(op{
		name: "pixel_shuffle", layout: device.Picture, attrs: a, shape: []int{s[0], s[1] * r, s[2] * r, s[3] / (r * r)}, wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			y, x := out[0].Float32s(), in[0].Float32s()
			shuffle(in[0].Shape(), r, func(i, j int) { y[j] = x[i] })
			return nil
		},
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "pixel_shuffle_dx", attrs: a, shape: in[0].Shape(), host: func(out, in []*tensor.Tensor) error {
				dx, dy := out[0].Float32s(), in[0].Float32s()
				shuffle(out[0].Shape(), r, func(i, j int) { dx[i] = dy[j] })
				return nil
			}}, dy)}, g.err
		},
	}, x)
}

// shuffle calls f with each element i of the small map of shape s and the element j of the large one
// it goes to.
func shuffle(s []int, r int, f func(i, j int)) {
	c := s[3] / (r * r)
	for p := range s[0] * s[1] * s[2] {
		row, x := p/s[2], p%s[2]
		for k := range s[3] {
			ch, i, j := k/(r*r), k/r%r, k%r
			f(p*s[3]+k, ((row*r+i)*s[2]*r+x*r+j)*c+ch)
		}
	}
}

package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Conv2D convolves x [N, H, W, C] with w [O, KH, KW, C/groups] and adds bias [O] (nil for none):
// [N, OH, OW, O], OH = (H + top + bottom - KH)/stride + 1.
func (b *Builder) Conv2D(x, w, bias *Node, a device.Conv) *Node {
	if !b.want("convolution", x, 4) || !b.want("convolution weight", w, 4) {
		return b.Fail(b.err)
	}
	a.Groups = max(a.Groups, 1)
	xs, ws := x.Shape(), w.Shape()
	if xs[3] != ws[3]*a.Groups {
		return b.Failf("convolution: input has %d channels, the weight takes %d (%d groups of %d)", xs[3], ws[3]*a.Groups, a.Groups, ws[3])
	}
	oh, ow := outSize(xs[1], ws[1], a.Stride[0], a.Pad[0]+a.Pad[2]), outSize(xs[2], ws[2], a.Stride[1], a.Pad[1]+a.Pad[3])
	if oh < 1 || ow < 1 {
		return b.Failf("convolution: a %dx%d map is too small for a %dx%d kernel", xs[1], xs[2], ws[1], ws[2])
	}
	in := []*Node{x, w}
	if bias != nil {
		in = append(in, bias)
	}
	out := []int{xs[0], oh, ow, ws[0]}
	return b.apply(op{
		name: "conv2d", attrs: a, shape: out, layout: device.Picture, wrt: allTrue(len(in)), host: hostConv(a), diff: diffConv(a, b.layer()),
	}, in...)
}

func outSize(in, k, stride, pad int) int {
	if in+pad < k {
		return 0
	}
	return (in+pad-k)/stride + 1
}

func allTrue(n int) []bool {
	r := make([]bool, n)
	for i := range r {
		r[i] = true
	}
	return r
}

func diffConv(a device.Conv, layer string) func(gorgonia.Nodes, *Node, *Node) (gorgonia.Nodes, error) {
	return func(in gorgonia.Nodes, out, dy *Node) (gorgonia.Nodes, error) {
		g := &grads{layer: layer}
		if a.ReLU {
			dy = g.call(reluGrad(out), dy, out)
		}
		a := a
		a.ReLU = false
		d := gorgonia.Nodes{
			g.call(op{name: "conv2d_dx", attrs: a, shape: slices.Clone(in[0].Shape()), host: hostConvDX(a)}, dy, in[1]),
			g.call(op{name: "conv2d_dw", attrs: a, shape: slices.Clone(in[1].Shape()), host: hostConvDW(a)}, in[0], dy),
		}
		if len(in) == 3 {
			d = append(d, g.call(colSum(dy), dy))
		}
		return d, g.err
	}
}

// taps calls f with the flat indices (into x, w, y) of every product of a convolution.
func taps(xs, ws, ys []int, a device.Conv, f func(x, w, y int)) { //nolint:gocognit // a convolution has seven loops
	g := max(a.Groups, 1)
	og, cg := ys[3]/g, ws[3]
	for n := range ys[0] {
		for oy := range ys[1] {
			for ox := range ys[2] {
				for ky := range ws[1] {
					iy := oy*a.Stride[0] + ky - a.Pad[0]
					if iy < 0 || iy >= xs[1] {
						continue
					}
					for kx := range ws[2] {
						ix := ox*a.Stride[1] + kx - a.Pad[1]
						if ix < 0 || ix >= xs[2] {
							continue
						}
						xi := ((n*xs[1]+iy)*xs[2] + ix) * xs[3]
						yi := ((n*ys[1]+oy)*ys[2] + ox) * ys[3]
						for o := range ys[3] {
							wi := ((o*ws[1]+ky)*ws[2] + kx) * cg
							for c := range cg {
								f(xi+o/og*cg+c, wi+c, yi+o)
							}
						}
					}
				}
			}
		}
	}
}

func hostConv(a device.Conv) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		x, w, y := in[0].Float32s(), in[1].Float32s(), out[0].Float32s()
		acc := make([]float64, len(y))
		if len(in) == 3 {
			for i := range acc {
				acc[i] = float64(in[2].Float32s()[i%in[2].Len()])
			}
		}
		taps(in[0].Shape(), in[1].Shape(), out[0].Shape(), a, func(xi, wi, yi int) { acc[yi] += float64(x[xi]) * float64(w[wi]) })
		for i, v := range acc {
			if a.ReLU {
				v = max(v, 0)
			}
			y[i] = float32(v)
		}
		return nil
	}
}

func hostConvDX(a device.Conv) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		dy, w := in[0].Float32s(), in[1].Float32s()
		acc := make([]float64, out[0].Len())
		taps(out[0].Shape(), in[1].Shape(), in[0].Shape(), a, func(xi, wi, yi int) { acc[xi] += float64(dy[yi]) * float64(w[wi]) })
		return round(out[0], acc)
	}
}

func hostConvDW(a device.Conv) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		x, dy := in[0].Float32s(), in[1].Float32s()
		acc := make([]float64, out[0].Len())
		taps(in[0].Shape(), out[0].Shape(), in[1].Shape(), a, func(xi, wi, yi int) { acc[wi] += float64(dy[yi]) * float64(x[xi]) })
		return round(out[0], acc)
	}
}

func round(t *tensor.Tensor, acc []float64) error {
	d := t.Float32s()
	for i, v := range acc {
		d[i] = float32(v)
	}
	return nil
}

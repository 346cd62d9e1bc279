package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func (b *Builder) poolShape(what string, x *Node, a device.Pool) []int {
	if !b.want(what, x, 4) {
		return nil
	}
	s := x.Shape()
	oh, ow := outSize(s[1], a.Size[0], a.Stride[0], a.Pad[0]+a.Pad[2]), outSize(s[2], a.Size[1], a.Stride[1], a.Pad[1]+a.Pad[3])
	if oh < 1 || ow < 1 {
		b.Failf("%s: a %dx%d map is too small for a %dx%d window", what, s[1], s[2], a.Size[0], a.Size[1])
		return nil
	}
	return []int{s[0], oh, ow, s[3]}
}

// MaxPool2D takes the maximum of each window of x [N, H, W, C]; padding never wins.
func (b *Builder) MaxPool2D(x *Node, a device.Pool) *Node {
	out := b.poolShape("max pool", x, a)
	if b.err != nil {
		return b.Fail(b.err)
	}
	layer := b.layer()
	return b.apply(op{
		name: "maxpool2d", attrs: a, shape: out, layout: device.Picture, wrt: allTrue(1), host: hostMaxPool(a),
		diff: func(in gorgonia.Nodes, y, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "maxpool2d_dx", attrs: a, shape: in[0].Shape(), host: hostMaxPoolDX(a)}, dy, in[0], y)}, g.err
		},
	}, x)
}

// AvgPool2D averages each window of x [N, H, W, C]; padding counts as zeros.
func (b *Builder) AvgPool2D(x *Node, a device.Pool) *Node {
	out := b.poolShape("average pool", x, a)
	if b.err != nil {
		return b.Fail(b.err)
	}
	layer := b.layer()
	return b.apply(op{
		name: "avgpool2d", attrs: a, shape: out, layout: device.Picture, wrt: allTrue(1), host: hostAvgPool(a),
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "avgpool2d_dx", attrs: a, shape: in[0].Shape(), host: hostAvgPoolDX(a)}, dy)}, g.err
		},
	}, x)
}

// windows calls begin for each output element and visit for each input element of its window, in
// row order.
func windows(xs, ys []int, a device.Pool, begin func(y int), visit func(x, y int)) {
	for n := range ys[0] {
		for oy := range ys[1] {
			for ox := range ys[2] {
				for c := range ys[3] {
					yi := ((n*ys[1]+oy)*ys[2]+ox)*ys[3] + c
					begin(yi)
					for ky := range a.Size[0] {
						for kx := range a.Size[1] {
							iy, ix := oy*a.Stride[0]+ky-a.Pad[0], ox*a.Stride[1]+kx-a.Pad[1]
							if iy >= 0 && iy < xs[1] && ix >= 0 && ix < xs[2] {
								visit(((n*xs[1]+iy)*xs[2]+ix)*xs[3]+c, yi)
							}
						}
					}
				}
			}
		}
	}
}

func hostMaxPool(a device.Pool) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		x, y := in[0].Float32s(), out[0].Float32s()
		windows(in[0].Shape(), out[0].Shape(), a, func(i int) { y[i] = float32(math.Inf(-1)) }, func(i, j int) { y[j] = max(y[j], x[i]) })
		return nil
	}
}

func hostMaxPoolDX(a device.Pool) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		dy, x, y, dx := in[0].Float32s(), in[1].Float32s(), in[2].Float32s(), out[0].Float32s()
		clear(dx)
		var done bool
		windows(out[0].Shape(), in[0].Shape(), a, func(int) { done = false }, func(i, j int) {
			if !done && x[i] == y[j] {
				dx[i] += dy[j]
				done = true
			}
		})
		return nil
	}
}

func hostAvgPool(a device.Pool) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		x := in[0].Float32s()
		acc := make([]float64, out[0].Len())
		n := float64(a.Size[0] * a.Size[1])
		windows(in[0].Shape(), out[0].Shape(), a, func(int) {}, func(i, j int) { acc[j] += float64(x[i]) / n })
		return round(out[0], acc)
	}
}

func hostAvgPoolDX(a device.Pool) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		dy := in[0].Float32s()
		acc := make([]float64, out[0].Len())
		n := float64(a.Size[0] * a.Size[1])
		windows(out[0].Shape(), in[0].Shape(), a, func(int) {}, func(i, j int) { acc[i] += float64(dy[j]) / n })
		return round(out[0], acc)
	}
}

// GlobalPool pools x [N, H, W, C] over the whole map: [N, C], or [N, 2C] with maxima first when
// both are asked for (fastai's concat pool).
func (b *Builder) GlobalPool(x *Node, a device.GlobalPool) *Node {
	if !b.want("global pool", x, 4) {
		return b.Fail(b.err)
	}
	if !a.Max && !a.Avg {
		return b.Failf("global pool: neither maximum nor average")
	}
	s := x.Shape()
	c := s[3]
	if a.Max && a.Avg {
		c *= 2
	}
	layer := b.layer()
	return b.apply(op{
		name: "global_pool", attrs: a, shape: []int{s[0], c}, wrt: allTrue(1), host: hostGlobalPool(a),
		diff: func(in gorgonia.Nodes, y, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "global_pool_dx", attrs: a, shape: in[0].Shape(), host: hostGlobalPoolDX(a)}, dy, in[0], y)}, g.err
		},
	}, x)
}

func hostGlobalPool(a device.GlobalPool) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s, x, y := in[0].Shape(), in[0].Float32s(), out[0].Float32s()
		hw, c, oc := s[1]*s[2], s[3], out[0].Shape()[1]
		for n := range s[0] {
			for k := range c {
				m, sum := float32(math.Inf(-1)), 0.0
				for p := range hw {
					v := x[(n*hw+p)*c+k]
					m = max(m, v)
					sum += float64(v)
				}
				if a.Max {
					y[n*oc+k] = m
				}
				if a.Avg {
					y[n*oc+oc-c+k] = float32(sum / float64(hw))
				}
			}
		}
		return nil
	}
}

func hostGlobalPoolDX(a device.GlobalPool) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s, dy, x, y, dx := out[0].Shape(), in[0].Float32s(), in[1].Float32s(), in[2].Float32s(), out[0].Float32s()
		hw, c, oc := s[1]*s[2], s[3], in[0].Shape()[1]
		clear(dx)
		for n := range s[0] {
			for k := range c {
				done := !a.Max
				for p := range hw {
					i := (n*hw+p)*c + k
					if !done && x[i] == y[n*oc+k] {
						dx[i] += dy[n*oc+k]
						done = true
					}
					if a.Avg {
						dx[i] += dy[n*oc+oc-c+k] / float32(hw)
					}
				}
			}
		}
		return nil
	}
}

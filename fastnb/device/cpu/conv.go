package cpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["conv2d"] = convKernel(convForward, depthwiseForward)
	kernels["conv2d_dx"] = convKernel(convDX, depthwiseDX)
	kernels["conv2d_dw"] = convKernel(convDW, depthwiseDW)
}

// convKernel builds a kernel of a convolution, of one group or as many as there are channels; other groups
// are left to the host definition.
func convKernel(run, each func(a device.Conv, c *call) error) builder {
	return func(st *device.Step, p *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.Conv)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		weight := st.Out[0] // of conv2d_dw
		if st.Op != "conv2d_dw" {
			weight = st.In[1]
		}
		if a.Groups > 1 && depthwise(a, p.Values[weight].Shape) {
			return func(c *call) error { return each(a, c) }, nil
		}
		if a.Groups > 1 {
			s := *st
			s.Op += " with groups"
			return kernelOf(&s, nil)
		}
		return func(c *call) error { return run(a, c) }, nil
	}
}

// directForward is a product of the input's patches with the weights: rows are output pixels, columns
// output channels, the inner dimension (ky, kx, c).
func (c *call) directForward(a device.Conv, fin *finish) {
	x, w, y := c.in[0], c.in[1], c.out[0]
	k, n := w.shape[1]*w.shape[2]*w.shape[3], w.shape[0]
	p := &patches{
		src: x.f, n: x.shape[0], h: x.shape[1], w: x.shape[2], c: x.shape[3], gh: y.shape[1], gw: y.shape[2],
		sy: a.Stride[0], sx: a.Stride[1], oy: -a.Pad[0], ox: -a.Pad[1], ph: w.shape[1], pw: w.shape[2],
	}
	packed := c.packedOnce(w, "transposed", c.dev.panelFloats(k, n), func(dst []float32) { c.dev.packTransposed(dst, w.f, k, n) })
	var after func([]float32, int, int)
	if !fin.plain(c.dev) {
		zero := c.dev.zeros(n)
		after = func(row []float32, at, col int) { fin.row(&c.dev.isa.vec, zero, row, at, col) }
	}
	c.dev.multiply(p, packed, n, sink{out: y.f, ld: n}, after)
}

// plain reports whether the finish leaves outputs as they are.
func (fin *finish) plain(d *Device) bool {
	return fin.res == nil && fin.floor == minusInf && len(d.none) > 0 && &fin.shift[0] == &d.none[0]
}

// row finishes outputs from column col of a row on, which begin at place at.
func (fin *finish) row(vec *vecKernels, zero, row []float32, at, col int) {
	n := len(row)
	var res []float32
	if fin.res != nil {
		res = fin.res[at : at+n]
	}
	vec.affine(row, row, res, zero[:n], fin.scale[col:col+n], fin.shift[col:col+n], fin.floor == 0)
}

func biasReLU(c *call, relu bool) func([]float32, int) {
	var bias []float32
	if len(c.in) == 3 {
		bias = c.in[2].f
	}
	return func(row []float32, col int) {
		if bias != nil {
			for i, b := range bias[col : col+len(row)] {
				row[i] += b
			}
		}
		if relu {
			for i, v := range row {
				row[i] = max(v, 0)
			}
		}
	}
}

// directDX is, for each remainder of the input's coordinates by the stride, a product of patches of dy
// with the weights that meet there: no zero of a stretched dy is ever multiplied. Pixels that no
// output saw get 0.
func directDX(a device.Conv, c *call) error {
	dy, w, dx := c.in[0], c.in[1], c.out[0]
	kh, kw, n, o := w.shape[1], w.shape[2], w.shape[3], w.shape[0]
	h, wd := dx.shape[1], dx.shape[2]
	if a.Stride[0] > kh || a.Stride[1] > kw {
		c.dev.team.ranges(len(dx.f), 16, 1, func(_, i, j int) { clear(dx.f[i:j]) })
	}
	for py := range min(a.Stride[0], h) {
		ys, oy := phase(py, a.Pad[0], a.Stride[0], kh)
		for px := range min(a.Stride[1], wd) {
			xs, ox := phase(px, a.Pad[1], a.Stride[1], kw)
			if len(ys) == 0 || len(xs) == 0 {
				continue
			}
			gh, gw := (h-py+a.Stride[0]-1)/a.Stride[0], (wd-px+a.Stride[1]-1)/a.Stride[1]
			p := &patches{src: dy.f, n: dy.shape[0], h: dy.shape[1], w: dy.shape[2], c: o, gh: gh, gw: gw, sy: 1, sx: 1, oy: oy, ox: ox, ph: len(ys), pw: len(xs)}
			packed := c.dev.bufB(p.depth(), n)
			parts := (o + turnedSteps - 1) / turnedSteps
			c.dev.team.each(len(ys)*len(xs)*parts, func(_, i int) {
				tap, k0 := i/parts, i%parts*turnedSteps
				at := (k0*kh+ys[tap/len(xs)])*kw + xs[tap%len(xs)]
				c.dev.packSteps(packed, p.depth(), n, tap*o+k0, min(turnedSteps, o-k0), w.f[at*n:], kh*kw*n)
			})
			if a.Stride == [2]int{1, 1} {
				c.dev.multiply(p, packed, n, sink{out: dx.f, ld: n}, nil)
				continue
			}
			// Pixels of a phase lie apart: they are computed beside each other and then brought to their places.
			near := c.dev.scratch(1+c.dev.team.n, p.rows()*n)
			c.dev.multiply(p, packed, n, sink{out: near, ld: n}, nil)
			c.dev.team.each(dx.shape[0]*gh, func(_, r int) {
				at := ((r/gh*h+r%gh*a.Stride[0]+py)*wd + px) * n
				for x := range gw {
					copy(dx.f[at+x*a.Stride[1]*n:][:n], near[(r*gw+x)*n:][:n])
				}
			})
		}
	}
	return nil
}

// turnedSteps is how many steps of turned weights are laid out at a time.
const turnedSteps = 64

// phase lists the kernel's taps that reach inputs i with i % stride == rem, in the order in which the
// output coordinate they belong to grows, and the first of those coordinates relative to i / stride.
func phase(rem, pad, stride, k int) (taps []int, first int) {
	for t := k - 1; t >= 0; t-- {
		if (rem+pad-t)%stride == 0 {
			if len(taps) == 0 {
				first = (rem + pad - t) / stride
			}
			taps = append(taps, t)
		}
	}
	return taps, first
}

// directDW is the product of dy transposed with the input's patches.
func directDW(a device.Conv, c *call) error {
	x, dy, dw := c.in[0], c.in[1], c.out[0]
	p := &patches{
		src: x.f, n: x.shape[0], h: x.shape[1], w: x.shape[2], c: x.shape[3], gh: dy.shape[1], gw: dy.shape[2],
		sy: a.Stride[0], sx: a.Stride[1], oy: -a.Pad[0], ox: -a.Pad[1], ph: dw.shape[1], pw: dw.shape[2],
	}
	c.dev.weightProduct(dy.f, dw.shape[0], p, dw.f)
	return nil
}

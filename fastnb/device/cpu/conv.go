package cpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["conv2d"] = convKernel(convForward, groupedForward, depthwiseForward)
	kernels["conv2d_dx"] = convKernel(convDX, groupedDX, depthwiseDX)
	kernels["conv2d_dw"] = convKernel(convDW, groupedDW, depthwiseDW)
}

// convKernel builds a kernel of a convolution: of one group, of some, or of as many as there are channels.
func convKernel(run, some, each func(a device.Conv, c *call) error) builder {
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
			return func(c *call) error { return some(a, c) }, nil
		}
		return func(c *call) error { return run(a, c) }, nil
	}
}

// directForward is a product of the input's patches with the weights: rows are output pixels, columns
// output channels, the inner dimension (ky, kx, c).
func (c *call) directForward(a device.Conv, fin *finish) {
	x, w, y := c.in[0], c.in[1], c.out[0]
	k, n := w.shape[1]*w.shape[2]*w.shape[3], w.shape[0]
	packed := c.packedOnce(w, "transposed", c.dev.panelFloats(k, n), func(dst []float32) { c.dev.packTransposed(dst, w.f, k, n) })
	c.dev.convolvePart(a, allOf(x), w.shape[1], w.shape[2], packed, allOf(y), fin, fin.plain(c.dev))
}

// convolvePart writes the convolution of some channels of a map with weights that lie packed to some channels of another,
// finished as fin says, if not plain.
func (d *Device) convolvePart(a device.Conv, x chanMap, kh, kw int, packed []float32, y chanMap, fin *finish, plain bool) {
	var after func([]float32, int, int)
	if !plain {
		zero := d.zeros(y.c)
		after = func(row []float32, at, col int) { fin.row(&d.isa.vec, zero, row, at, col) }
	}
	d.multiply(x.patches(a, kh, kw, y), packed, y.c, sink{out: y.f, ld: y.ps}, after)
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
	w, dx := c.in[1], allOf(c.out[0])
	c.dev.clearUnseen(a, w.shape[1], w.shape[2], dx)
	c.dev.inputGrad(a, allOf(c.in[0]), w.f, w.shape[1], w.shape[2], dx)
	return nil
}

// clearUnseen makes a gradient zeros where the kernel does not reach all of it.
func (d *Device) clearUnseen(a device.Conv, kh, kw int, dx chanMap) {
	if a.Stride[0] > kh || a.Stride[1] > kw {
		d.team.ranges(len(dx.f), 16, 1, func(_, i, j int) { clear(dx.f[i:j]) })
	}
}

// inputGrad is directDX from some channels of dy, by the weights w [dy.c, kh, kw, dx.c], to some of dx.
func (d *Device) inputGrad(a device.Conv, dy chanMap, w []float32, kh, kw int, dx chanMap) {
	n, o := dx.c, dy.c
	for py := range min(a.Stride[0], dx.h) {
		ys, oy := phase(py, a.Pad[0], a.Stride[0], kh)
		for px := range min(a.Stride[1], dx.w) {
			xs, ox := phase(px, a.Pad[1], a.Stride[1], kw)
			if len(ys) == 0 || len(xs) == 0 {
				continue
			}
			gh, gw := (dx.h-py+a.Stride[0]-1)/a.Stride[0], (dx.w-px+a.Stride[1]-1)/a.Stride[1]
			p := &patches{src: dy.f, n: dy.n, h: dy.h, w: dy.w, c: o, ps: dy.ps, gh: gh, gw: gw, sy: 1, sx: 1, oy: oy, ox: ox, ph: len(ys), pw: len(xs)}
			packed := d.bufB(p.depth(), n)
			parts := (o + turnedSteps - 1) / turnedSteps
			d.team.each(len(ys)*len(xs)*parts, func(_, i int) {
				tap, k0 := i/parts, i%parts*turnedSteps
				at := (k0*kh+ys[tap/len(xs)])*kw + xs[tap%len(xs)]
				d.packSteps(packed, p.depth(), n, tap*o+k0, min(turnedSteps, o-k0), w[at*n:], kh*kw*n)
			})
			if a.Stride == [2]int{1, 1} {
				d.multiply(p, packed, n, sink{out: dx.f, ld: dx.ps}, nil)
				continue
			}
			// Pixels of a phase lie apart: they are computed beside each other and then brought to their places.
			near := d.scratch(1+d.team.n, p.rows()*n)
			d.multiply(p, packed, n, sink{out: near, ld: n}, nil)
			d.team.each(dx.n*gh, func(_, r int) {
				at := ((r/gh*dx.h+r%gh*a.Stride[0]+py)*dx.w + px) * dx.ps
				for x := range gw {
					copy(dx.f[at+x*a.Stride[1]*dx.ps:][:n], near[(r*gw+x)*n:][:n])
				}
			})
		}
	}
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
	left := allOf(dy)
	c.dev.weightProduct(dy.f, left.ps, left.c, allOf(x).patches(a, dw.shape[1], dw.shape[2], left), dw.f)
	return nil
}

package gpu

import (
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	ops["conv2d"] = convolution(convForward, depthwiseForward)
	ops["conv2d_dx"] = convolution(convDX, depthwiseDX)
	ops["conv2d_dw"] = convolution(convDW, depthwiseDW)
}

// conv is a convolution of x [n,h,w,c] with o outputs: [n,oh,ow,o], in groups of channels.
type conv struct {
	n, h, w, c, oh, ow, o, kh, kw int
	groups                        int
	stride                        [2]int
	pad                           [2]int
	relu                          bool
}

// convolution builds a lowering; each does it where there are as many groups as channels.
func convolution(run, each func(*compiler, *device.Step, conv)) lowering {
	return func(c *compiler, st *device.Step) error {
		a, ok := st.Attrs.(device.Conv)
		if !ok {
			return fmt.Errorf("attributes %T", st.Attrs)
		}
		x, w, y := st.In[0], st.In[1], st.Out[0]
		switch st.Op {
		case "conv2d_dx":
			x, y = st.Out[0], st.In[0]
		case "conv2d_dw":
			w, y = st.Out[0], st.In[1]
		}
		xs, ws, ys := c.shape(x), c.shape(w), c.shape(y)
		g := max(a.Groups, 1)
		v := conv{
			n: xs[0], h: xs[1], w: xs[2], c: xs[3], oh: ys[1], ow: ys[2], o: ys[3], kh: ws[1], kw: ws[2],
			groups: g, stride: a.Stride, pad: [2]int{a.Pad[0], a.Pad[1]}, relu: a.ReLU,
		}
		if g > 1 && g == v.o && v.c == g {
			each(c, st, v)
		} else {
			run(c, st, v)
		}
		return nil
	}
}

func (v conv) taps() int { return v.kh * v.kw }

// patch is that of v's input.
func (v conv) patch() patch {
	return patch{n: v.n, gh: v.oh, gw: v.ow, sh: v.h, sw: v.w, kh: v.kh, kw: v.kw, stride: v.stride, pad: v.pad, kc: v.c / v.groups, kv: v.c / v.groups}
}

// widens reports whether channels are rounded up to whole vectors first.
func (v conv) widens() bool {
	flops := 2 * float64(v.n*v.oh*v.ow) * float64(v.o) * float64(v.c/v.groups*v.taps())
	return v.groups == 1 && flops >= widenFrom
}

// channels is a value in rows of n channels, those rounded up where widen says so, and their pitch.
func (c *compiler) channels(id device.ValueID, n int, widen bool) (ref, int) {
	r := c.as(id, c.act)
	if !widen || (n%gemmVector == 0 && r.off%16 == 0) {
		return r, n
	}
	key := castOf{id, c.act, c.changed[id]}
	if t, ok := c.wide[key]; ok {
		return t, t.n / (r.n / n)
	}
	t, to := c.widened(r, r.n/n, n, n, 0)
	if c.wide == nil {
		c.wide = map[castOf]ref{}
	}
	c.wide[key] = t
	return t, to
}

// convForward: rows are output pixels, columns output channels, the depth (ky, kx, c).
func convForward(c *compiler, st *device.Step, v conv) {
	x, pitch := c.channels(st.In[0], v.c, v.widens())
	w, kc := c.channels(st.In[1], v.c/v.groups, v.widens())
	out, done := c.out(st.Out[0], c.store(st.Out[0]))
	p := v.forward(c.act, x, w, out, pitch, kc)
	if len(st.In) == 3 {
		b := c.as(st.In[2], tensor.Float32)
		p.bias = &b
	}
	c.product(p)
	done()
}

// forward is the product of x in rows of pitch channels with w in rows of kc.
func (v conv) forward(kind tensor.DType, x, w, y ref, pitch, kc int) product {
	k, og := v.taps()*kc, v.o/v.groups
	p := product{
		mode: kernels.GemmRows, kind: kind, a: x, b: w, c: y, relu: v.relu, m: v.n * v.oh * v.ow, n: og, k: k,
		ld: [3]int{pitch, k, v.o}, stride: [3]int{v.c / v.groups, og * k, og}, batch: v.groups, patch: v.patch(),
	}
	p.patch.kc = kc
	return p
}

// convDX: rows are the input pixels of a class, columns input channels, the depth the taps that the class
// meets and output channels.
func convDX(c *compiler, st *device.Step, v conv) {
	dy, pitch := c.channels(st.In[0], v.o, v.widens())
	w, ldw := c.channels(st.In[1], v.c/v.groups, v.widens())
	to, y := c.maskOf(st, v)
	out, done := c.out(to, c.store(to))
	p := v.dx(c.act, dy, w, out, pitch, ldw)
	p.mask = y
	c.product(p)
	done()
}

// maskedDX is what a gradient leaves beside its value where the mask of the ReLU behind it is already in.
type maskedDX struct{}

// maskOf is where the gradient of a convolution's input goes, and the output of the ReLU that masks it: the ReLU's
// gradient is left out where it is all that reads the convolution's.
func (c *compiler) maskOf(st *device.Step, v conv) (device.ValueID, *ref) {
	dx := st.Out[0]
	if v.groups > 1 || c.plan.Values[dx].Place != device.Temp || c.uses(dx) != 1 {
		return dx, nil
	}
	for i := c.index + 1; i < len(c.plan.Steps); i++ {
		next := &c.plan.Steps[i]
		if !slices.Contains(next.In, dx) {
			continue
		}
		out := next.Out[0]
		if next.Op != "relu_grad" || next.In[0] != dx || !c.allStored(dx, next.In[1], out) || c.plan.Values[out].Place != device.Temp || c.written(next.In[1], c.index) ||
			(i+1 < len(c.plan.Steps) && sums(&c.plan.Steps[i+1], out)) {
			break
		}
		y := c.val(next.In[1])
		c.side[dx] = &maskedDX{}
		return out, &y
	}
	return dx, nil
}

// written reports whether a value is made by a step from one on.
func (c *compiler) written(id device.ValueID, from int) bool {
	for _, st := range c.plan.Steps[from:] {
		if slices.Contains(st.Out, id) {
			return true
		}
	}
	return false
}

// dx is the product of dy in rows of pitch channels with w in rows of ldw.
func (v conv) dx(kind tensor.DType, dy, w, dx ref, pitch, ldw int) product {
	og, cg := v.o/v.groups, v.c/v.groups
	kc := og
	if v.groups == 1 {
		kc = pitch
	}
	return product{
		mode: kernels.GemmTaps, kind: kind, a: dy, b: w, c: dx,
		m: v.n * over(v.h, v.stride[0]) * over(v.w, v.stride[1]), n: cg, k: over(v.kh, v.stride[0]) * over(v.kw, v.stride[1]) * kc,
		ld: [3]int{pitch, ldw, v.c}, stride: [3]int{og, og * v.taps() * cg, cg}, batch: v.groups,
		patch: patch{n: v.n, gh: v.h, gw: v.w, sh: v.oh, sw: v.ow, kh: v.kh, kw: v.kw, stride: v.stride, pad: v.pad, kc: kc, kv: og},
	}
}

// convDW: rows are output channels, columns (ky, kx, c), the depth all pixels.
func convDW(c *compiler, st *device.Step, v conv) {
	x, ldx := c.channels(st.In[0], v.c, v.widens())
	dy, ldy := c.channels(st.In[1], v.o, v.widens())
	out, done := c.out(st.Out[0], c.store(st.Out[0]))
	c.product(v.dw(c.act, x, dy, out, ldx, ldy))
	done()
}

// dw is the product of dy in rows of ldy channels, transposed, with x in rows of ldx.
func (v conv) dw(kind tensor.DType, x, dy, dw ref, ldx, ldy int) product {
	og, cg := v.o/v.groups, v.c/v.groups
	p := product{
		mode: kernels.GemmColumns, kind: kind, a: dy, b: x, c: dw, m: og, k: v.n * v.oh * v.ow,
		ld: [3]int{ldy, ldx, v.taps() * cg}, stride: [3]int{og, cg, og * v.taps() * cg}, batch: v.groups, patch: v.patch(),
	}
	if v.groups == 1 {
		p.patch.kc = ldx
	}
	p.n = v.taps() * p.patch.kc
	return p
}

// geometry is the arguments that the depthwise kernels share.
func (v conv) geometry() []any {
	return []any{v.n, v.h, v.w, v.c, v.oh, v.ow, v.kh, v.kw, v.stride[0], v.stride[1], v.pad[0], v.pad[1]}
}

func depthwiseForward(c *compiler, st *device.Step, v conv) {
	out, done := c.out(st.Out[0], c.act)
	w := c.as(st.In[1], tensor.Float32)
	bias, flags := w, 0
	if len(st.In) == 3 {
		bias, flags = c.as(st.In[2], tensor.Float32), gemmBias
	}
	if v.relu {
		flags |= gemmReLU
	}
	args := append([]any{c.as(st.In[0], c.act), w, out, bias}, v.geometry()...)
	c.run("depthwise_"+suffix(c.act), "depthwise", blocks(out.n), perBlock, append(args, flags)...)
	done()
}

func depthwiseDX(c *compiler, st *device.Step, v conv) {
	out, done := c.out(st.Out[0], c.act)
	args := append([]any{c.as(st.In[0], c.act), c.as(st.In[1], tensor.Float32), out}, v.geometry()...)
	c.run("depthwise_"+suffix(c.act), "depthwise_dx", blocks(out.n), perBlock, args...)
	done()
}

func depthwiseDW(c *compiler, st *device.Step, v conv) {
	out, done := c.out(st.Out[0], tensor.Float32)
	pixels, size := v.n*v.oh*v.ow, v.c*v.taps()
	part := max(16, over(pixels, max(1, 4*c.processors()*perBlock/size)))
	parts := over(pixels, part)
	sums := c.temp(tensor.Float32, parts*size)
	args := append([]any{c.as(st.In[0], c.act), c.as(st.In[1], c.act), sums}, v.geometry()...)
	grid := blocks(size)
	grid[1] = parts
	c.run("depthwise_"+suffix(c.act), "depthwise_dw", grid, perBlock, append(args, part)...)
	c.run("depthwise_"+suffix(c.act), "depthwise_sum", blocks(size), perBlock, sums, out, v.c, v.taps(), parts)
	done()
}

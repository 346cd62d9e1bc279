package cpu

import "github.com/fastnb/go/fastnb/device"

// Convolutions in groups, each from channels of its own to channels of its own. A group is a direct convolution over
// a stretch of the maps' channels. Narrow groups would leave most of a tile empty and be many small pieces of work, so
// that some are done together, their weights in one matrix with zeros between groups: the tile multiplies no more for
// that. What is not finite would get into other groups by those zeros, so where a map has such a value each group goes
// alone.

// chanMap is a stretch of the channels of a map.
type chanMap struct {
	f       []float32 // from the first of them on
	n, h, w int
	c       int // of the stretch
	ps      int // from a pixel to the next: all channels
}

func allOf(v val) chanMap {
	return chanMap{f: v.f, n: v.shape[0], h: v.shape[1], w: v.shape[2], c: v.shape[3], ps: v.shape[3]}
}

// part is c channels from the first on.
func (m chanMap) part(first, c int) chanMap {
	m.f, m.c = m.f[first:], c
	return m
}

// patches are those that a kernel of kh x kw sees where it makes a map with the sides of y.
func (m chanMap) patches(a device.Conv, kh, kw int, y chanMap) *patches {
	return &patches{
		src: m.f, n: m.n, h: m.h, w: m.w, c: m.c, ps: m.ps, gh: y.h, gw: y.w,
		sy: a.Stride[0], sx: a.Stride[1], oy: -a.Pad[0], ox: -a.Pad[1], ph: kh, pw: kw,
	}
}

// groupWork is a convolution in groups with weights [groups out, KH, KW, in].
type groupWork struct {
	a       device.Conv
	groups  int
	in, out int // channels of a group
	kh, kw  int
	weights []float32
}

func newGroupWork(a device.Conv, w val) *groupWork {
	return &groupWork{a: a, groups: a.Groups, in: w.shape[3], out: w.shape[0] / a.Groups, kh: w.shape[1], kw: w.shape[2], weights: w.f}
}

// mostTogether is how many channels groups that are done together read at most.
const mostTogether = 64

// together is how many groups are done at a time, each from channels of its own to as many others as a tile is wide.
func (d *Device) together(from, to, groups int) int {
	return min(groups, max(1, min(d.isa.nr/to, mostTogether/from)))
}

// size is how many weights a group has.
func (g *groupWork) size() int { return g.out * g.kh * g.kw * g.in }

// dense gives the weights of some groups as those of one convolution.
func (g *groupWork) dense(d *Device, first, n int) []float32 {
	if n == 1 {
		return g.weights[first*g.size() : (first+1)*g.size()]
	}
	taps := g.kh * g.kw
	out := d.keep(slotWeights, n*n*g.size())
	clear(out)
	g.diagonal(n, func(at, o, t int) {
		w := g.weights[first*g.size()+(o*taps+t)*g.in:]
		copy(out[at:at+g.in], w[:g.in])
	})
	return out
}

// diagonal calls f for each output channel and tap of n groups with the place of the weights in their matrix that are
// not zeros between groups.
func (g *groupWork) diagonal(n int, f func(at, o, tap int)) {
	taps := g.kh * g.kw
	for o := range n * g.out {
		for t := range taps {
			f((o*taps+t)*n*g.in+o/g.out*g.in, o, t)
		}
	}
}

// each calls f for as many groups at a time as per.
func (g *groupWork) each(per int, f func(first, n int)) {
	for i := 0; i < g.groups; i += per {
		f(i, min(per, g.groups-i))
	}
}

func groupedForward(a device.Conv, c *call) error {
	d, x, y := c.dev, allOf(c.in[0]), allOf(c.out[0])
	g := newGroupWork(a, c.in[1])
	per := d.together(g.in, g.out, g.groups)
	if per > 1 && !d.finite(x.f) {
		per = 1
	}
	fin := c.finishOf(a, nth(c.in, 2))
	plain := fin.plain(d)
	g.each(per, func(first, n int) {
		k, o := g.kh*g.kw*n*g.in, n*g.out
		packed := d.scratch(0, d.panelFloats(k, o))
		d.packTransposed(packed, g.dense(d, first, n), k, o)
		at := first * g.out
		part := *fin
		part.scale, part.shift = fin.scale[at:], fin.shift[at:]
		d.convolvePart(a, x.part(first*g.in, n*g.in), g.kh, g.kw, packed, y.part(at, o), &part, plain)
	})
	return nil
}

func groupedDX(a device.Conv, c *call) error {
	d, dy, dx := c.dev, allOf(c.in[0]), allOf(c.out[0])
	g := newGroupWork(a, c.in[1])
	per := d.together(g.out, g.in, g.groups)
	if per > 1 && !d.finite(dy.f) {
		per = 1
	}
	d.clearUnseen(a, g.kh, g.kw, dx)
	g.each(per, func(first, n int) {
		d.inputGrad(a, dy.part(first*g.out, n*g.out), g.dense(d, first, n), g.kh, g.kw, dx.part(first*g.in, n*g.in))
	})
	return nil
}

func groupedDW(a device.Conv, c *call) error {
	d, x, dy, dw := c.dev, allOf(c.in[0]), allOf(c.in[1]), c.out[0]
	g := newGroupWork(a, dw)
	// The tile is as wide as the taps and channels of a group are many: only what is copied together is to be a vector.
	per := min(g.groups, max(1, min(d.isa.width/g.in, mostTogether/g.out), min(d.isa.nr/(g.kh*g.kw*g.in), d.isa.nr/g.out)))
	g.each(per, func(first, n int) {
		p := x.part(first*g.in, n*g.in).patches(a, g.kh, g.kw, dy)
		own := dw.f[first*g.size() : (first+n)*g.size()]
		left := dy.part(first*g.out, n*g.out)
		if n == 1 {
			d.weightProduct(left.f, left.ps, left.c, p, own)
			return
		}
		sums := d.keep(slotWeights, n*len(own))
		d.weightProduct(left.f, left.ps, left.c, p, sums)
		g.diagonal(n, func(at, o, t int) { copy(own[(o*g.kh*g.kw+t)*g.in:][:g.in], sums[at:at+g.in]) })
	})
	return nil
}

// finite reports whether all of f is, and not so large that its squares are not.
func (d *Device) finite(f []float32) bool {
	const c = 64
	none := d.zeros(c)
	whole := len(f) / c * c
	parts := max(1, min(maxParts, whole/(c*256)))
	sums := d.scratch(0, 2*c*parts)
	clear(sums)
	d.team.each(parts, func(_, p int) {
		from, to := whole/c*p/parts*c, whole/c*(p+1)/parts*c
		if from < to {
			d.isa.vec.sums(sums[2*c*p:][:c], sums[2*c*p+c:][:c], f[from:to], none)
		}
	})
	var bad float32
	for _, v := range sums {
		bad += v - v
	}
	for _, v := range f[whole:] {
		bad += v - v
	}
	return bad == bad
}

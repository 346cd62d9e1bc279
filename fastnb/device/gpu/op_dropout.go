package gpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	ops["dropout"] = lowerDropout
	ops["dropout_dx"] = lowerDropout
	ops["locked_dropout"] = lowerLockedDropout
	ops["part"] = lowerPart
	ops["piece"] = lowerPart
	ops["scaled_part"] = lowerScaledPart
}

// chance are the numbers that kernels take for a probability of dropping: see device.DropoutMask.
func chance(p float32) (limit int, scale float32) {
	l := uint32(math.Min(math.Round(float64(p)*(1<<32)), math.MaxUint32))
	return int(int32(l)), float32(1 / (1 - float64(p)))
}

// maskBlock is the first block of four elements of the mask of a chunk.
func maskBlock(chunk, elements int) int64 { return int64(chunk) * int64(device.MaskStride(elements)/4) }

// lowerDropout: in is x, rng.
func lowerDropout(c *compiler, st *device.Step) error {
	a := st.Attrs.(device.Dropout)
	kind := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], kind)
	y, done := c.out(st.Out[0], kind)
	limit, scale := chance(a.P)
	c.run("dropout_"+suffix(kind), "dropout", blocks((x.n+3)/4), perBlock, x, c.val(st.In[1]), y, x.n, a.ID, limit, scale)
	done()
	return nil
}

// lowerLockedDropout: in is x [T, N, F], rng.
func lowerLockedDropout(c *compiler, st *device.Step) error {
	a := st.Attrs.(device.LockedDropout)
	kind := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], kind)
	y, done := c.out(st.Out[0], kind)
	s := c.shape(st.In[0])
	row := s[1] * s[2]
	limit, scale := chance(a.P)
	grid := blocks((row + 3) / 4)
	for _, span := range a.Spans(s[0]) {
		grid[1] = max(1, min((span[1]-span[0]+7)/8, 1024/grid[0]))
		c.run("dropout_"+suffix(kind), "locked_dropout", grid, perBlock, x, c.val(st.In[1]), y,
			row, span[0], span[1], grid[1], a.ID, maskBlock(span[2], row), limit, scale)
	}
	done()
	return nil
}

// stretch is where the elements from `from` on of a flat value are that is never made as a whole.
type stretch struct {
	from   int
	r      ref
	off, n int     // elements of r
	factor float32 // what they are still to be multiplied by; 0: 1
}

// flat are the stretches of a value that others read by part, piece and scaled_part only.
type flat []stretch

// find is where n elements from offset on of a value are: memory, the element in it, and a factor.
func (c *compiler) find(id device.ValueID, offset, n int) (r ref, off int, factor float32) {
	var f flat
	switch s := c.side[id].(type) {
	case flat:
		f = s
	case *lstmWork:
		f = s.flat
	}
	for _, s := range f {
		if offset >= s.from && offset+n <= s.from+s.n {
			if s.factor == 0 {
				s.factor = 1
			}
			return s.r, s.off + offset - s.from, s.factor
		}
	}
	return c.val(id), offset, 1
}

// lowerPart lets the result be memory of its source where it can.
func lowerPart(c *compiler, st *device.Step) error {
	out := st.Out[0]
	n := c.count(out)
	src, off, factor := c.find(st.In[0], st.Attrs.(device.Part).Offset, n)
	if factor != 1 {
		return fmt.Errorf("a part of %s that still lacks a factor", st.Layer)
	}
	temp := src.scratch > 0 || c.plan.Values[src.value].Place == device.Temp
	if temp && c.plan.Values[out].Place == device.Temp && c.store(out) == src.kind && c.even(src, off) {
		c.views[out] = window(src, off, n)
		return nil
	}
	dst := c.val(out)
	c.changed[out]++
	if src.kind == dst.kind {
		c.run("dropout_"+suffix(src.kind), "part", blocks(n), perBlock, src, dst, off, n)
		return nil
	}
	if !c.even(src, off) {
		t := c.temp(src.kind, n)
		c.run("dropout_"+suffix(src.kind), "part", blocks(n), perBlock, src, t, off, n)
		src, off = t, 0
	}
	c.convert(dst, window(src, off, n))
	return nil
}

// even reports whether kernels may be given the address of element i of r.
func (c *compiler) even(r ref, i int) bool { return r.at(i).off%max(c.dev.card.Align, 16) == 0 }

// window is n elements of r from i on.
func window(r ref, i, n int) ref {
	r = r.at(i)
	r.n = n
	return r
}

// lowerScaledPart: in is x, a scalar.
func lowerScaledPart(c *compiler, st *device.Step) error {
	src, off, factor := c.find(st.In[0], st.Attrs.(device.Part).Offset, c.count(st.Out[0]))
	return c.scaled(st.Out[0], src, off, c.as(st.In[1], tensor.Float32), factor)
}

// scaled queues out = factor s src[off:].
func (c *compiler) scaled(out device.ValueID, src ref, off int, s ref, factor float32) error {
	dst, done := c.out(out, src.kind)
	c.run("dropout_"+suffix(src.kind), "scaled_part", blocks(dst.n), perBlock, src, s, dst, off, dst.n, factor)
	done()
	return nil
}

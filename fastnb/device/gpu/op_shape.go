package gpu

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Moves of numbers: shapes, channels, borders, sizes, pictures.

func init() {
	lower(reshape, "reshape")
	lower(cast, "cast")
	lower(withAttrs(row), "row")
	lower(concat, "concat")
	lower(withAttrs(channels), "channels")
	lower(resize("resize_nearest"), "resize_nearest")
	lower(resize("resize_nearest_dx"), "resize_nearest_dx")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Shuffle) error { return shuffle(c, st, a, "pixel_shuffle") }), "pixel_shuffle")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Shuffle) error {
		return shuffle(c, st, a, "pixel_shuffle_dx")
	}), "pixel_shuffle_dx")
	lower(withAttrs(pad("pad2d")), "pad2d")
	lower(withAttrs(pad("pad2d_dx")), "pad2d_dx")
	lower(withAttrs(picture), "picture")
	lower(oneHot, "one_hot")
	lower(sumLastDX, "sum_last_dx")
}

func reshape(c *compiler, st *device.Step) error {
	if c.view(st.Out[0], st.In[0], 0) {
		return nil
	}
	c.move(c.val(st.Out[0]), c.val(st.In[0]))
	return nil
}

// move copies or converts.
func (c *compiler) move(dst, src ref) {
	if dst.kind == src.kind {
		c.copy(dst, src)
		return
	}
	c.convert(dst, src)
}

func cast(c *compiler, st *device.Step) error {
	x, y := c.val(st.In[0]), c.val(st.Out[0])
	switch {
	case x.kind == y.kind || x.kind == tensor.Float32 && y.kind.Half() || y.kind == tensor.Float32, x.kind == tensor.Uint8 && y.kind == tensor.Int64:
		c.move(y, x)
	case y.kind.Half():
		c.convert(y, c.as(st.In[0], tensor.Float32))
	default:
		return errHost
	}
	return nil
}

// cols queues a copy of k columns of each of rows rows, from column xo of rows xs wide to column yo of rows ys
// wide.
func (c *compiler) copyColumns(x, y ref, rows, k, xs, xo, ys, yo int) {
	v := vector(k, xs, xo, ys, yo)
	c.run(variant(fmt.Sprint("shape", v), x.kind), "copy_cols", blocks(rows*k/v), perBlock, x, y, rows, k/v, xs/v, xo/v, ys/v, yo/v)
}

func row(c *compiler, st *device.Step, a device.Row) error {
	n := c.count(st.Out[0])
	if done, _ := c.side[st.In[0]].(rowsDone); done[st.Out[0]] {
		return nil
	}
	if c.view(st.Out[0], st.In[0], a.Index*n) {
		return nil
	}
	k := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], k)
	y, done := c.out(st.Out[0], k)
	c.copyColumns(x, y, 1, n, n, a.Index*n, n, 0)
	done()
	return nil
}

func concat(c *compiler, st *device.Step) error {
	k := c.common(append([]device.ValueID{st.Out[0]}, st.In...)...)
	in := make([]ref, len(st.In))
	for i, id := range st.In {
		in[i] = c.as(id, k)
	}
	y, done := c.out(st.Out[0], k)
	rows, all := channelsOf(c.shape(st.Out[0]))
	at := 0
	for i, id := range st.In {
		_, ch := channelsOf(c.shape(id))
		c.copyColumns(in[i], y, rows, ch, ch, 0, all, at)
		at += ch
	}
	done()
	return nil
}

func channels(c *compiler, st *device.Step, a device.Channels) error {
	k := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], k)
	y, done := c.out(st.Out[0], k)
	rows, all := channelsOf(c.shape(st.In[0]))
	_, ch := channelsOf(c.shape(st.Out[0]))
	c.copyColumns(x, y, rows, ch, all, a.From, ch, 0)
	done()
	return nil
}

// resize fits maps, or with the name of the derivative brings it back. The ratios are those of
// device.NearestRow.
func resize(entry string) lowering {
	return func(c *compiler, st *device.Step) error {
		k := c.common(st.In[0], st.Out[0])
		x := c.as(st.In[0], k)
		y, done := c.out(st.Out[0], k)
		s, o := c.shape(st.In[0]), c.shape(st.Out[0])
		if entry == "resize_nearest_dx" {
			s, o = o, s
		}
		c.places("shape", entry, k, vector(s[3]), y.n, x, y, s[0], s[1], s[2], s[3], o[1], o[2],
			float32(s[1])/float32(o[1]), float32(s[2])/float32(o[2]))
		done()
		return nil
	}
}

func shuffle(c *compiler, st *device.Step, a device.Shuffle, entry string) error {
	k := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], k)
	y, done := c.out(st.Out[0], k)
	small, large := c.shape(st.In[0]), c.shape(st.Out[0])
	if entry == "pixel_shuffle_dx" {
		small, large = large, small
	}
	if v := vector(large[3]); v > 1 && a.Scale == 2 {
		two := strings.Replace(entry, "shuffle", "shuffle2", 1)
		c.places("shape", two, k, v, y.n/4, x, y, y.n/4/v, small[2], large[3])
	} else {
		c.places("shape", entry, k, 1, y.n, x, y, y.n, small[2], large[3], a.Scale)
	}
	done()
	return nil
}

func pad(entry string) func(c *compiler, st *device.Step, a device.Pad) error {
	return func(c *compiler, st *device.Step, a device.Pad) error {
		k := c.common(st.In[0], st.Out[0])
		x := c.as(st.In[0], k)
		y, done := c.out(st.Out[0], k)
		s, o := c.shape(st.In[0]), c.shape(st.Out[0])
		if entry == "pad2d_dx" {
			s, o = o, s
		}
		c.places("shape", entry, k, vector(s[3]), y.n, x, y, s[0], s[1], s[2], s[3], o[1], o[2], a.Pad[0], a.Pad[1], int(a.Mode))
		done()
		return nil
	}
}

func picture(c *compiler, st *device.Step, a device.Normalize) error {
	x := c.val(st.In[0])
	k := c.common(st.Out[0])
	mean, std := x, x // not looked at
	if a.Std != nil {
		mean, std = c.constant(tensor.FromFloat32(a.Mean, len(a.Mean))), c.constant(tensor.FromFloat32(a.Std, len(a.Std)))
	}
	y, done := c.out(st.Out[0], k)
	s := c.shape(st.In[0])
	p := s[2] * s[3]
	c.run(variant("shape1", k), "picture_"+suffix(x.kind), blocks(s[0]*p), perBlock, x, mean, std, y, s[0]*p, p, s[1], number(a.Std != nil))
	done()
	return nil
}

func oneHot(c *compiler, st *device.Step) error {
	k := c.common(st.Out[0])
	rows, classes := channelsOf(c.shape(st.Out[0]))
	y, done := c.out(st.Out[0], k)
	c.run(variant("shape1", k), "one_hot", blocks(y.n), perBlock, c.val(st.In[0]), y, c.flag, rows, classes, c.number())
	done()
	return nil
}

func sumLastDX(c *compiler, st *device.Step) error {
	k := c.common(st.In[0], st.Out[0])
	dy := c.as(st.In[0], k)
	dx, done := c.out(st.Out[0], k)
	_, ch := channelsOf(c.shape(st.Out[0]))
	c.run(variant("shape1", k), "sum_last_dx", blocks(dx.n), perBlock, dy, dx, dx.n, ch)
	done()
	return nil
}

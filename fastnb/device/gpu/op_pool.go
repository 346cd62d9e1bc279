package gpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Pooling.

func init() {
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Pool) error { return pool(c, st, a, "maxpool2d") }), "maxpool2d")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Pool) error { return pool(c, st, a, "avgpool2d") }), "avgpool2d")
	lower(withAttrs(maxPoolDX), "maxpool2d_dx")
	lower(withAttrs(avgPoolDX), "avgpool2d_dx")
	lower(withAttrs(globalPool), "global_pool")
	lower(withAttrs(globalPoolDX), "global_pool_dx")
}

// poolWindow are the kernels' arguments of a window over a map of shape xs that gives one of shape ys.
func poolWindow(xs, ys []int, a device.Pool) []any {
	return []any{xs[0], xs[1], xs[2], xs[3], ys[1], ys[2], a.Size[0], a.Size[1], a.Stride[0], a.Stride[1], a.Pad[0], a.Pad[1]}
}

// places queues a kernel whose threads take a place and v channels each of a map of n elements.
func (c *compiler) places(unit, entry string, kind tensor.DType, v, n int, args ...any) {
	c.run(variant(fmt.Sprint(unit, v), kind), entry, blocks(n/v), perBlock, args...)
}

func pool(c *compiler, st *device.Step, a device.Pool, entry string) error {
	k := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], k)
	y, done := c.out(st.Out[0], k)
	xs, ys := c.shape(st.In[0]), c.shape(st.Out[0])
	c.places("pool", entry, k, vector(xs[3]), y.n, append([]any{x, y}, poolWindow(xs, ys, a)...)...)
	done()
	return nil
}

// maxPoolDX finds where each window's maximum is, in a byte, and gathers from there.
func maxPoolDX(c *compiler, st *device.Step, a device.Pool) error {
	if a.Size[0]*a.Size[1] > 255 {
		return errHost
	}
	k := c.common(st.In[0], st.In[1], st.In[2], st.Out[0])
	dy, x, y := c.as(st.In[0], k), c.as(st.In[1], k), c.as(st.In[2], k)
	at := c.temp(tensor.Uint8, y.n)
	dx, done := c.out(st.Out[0], k)
	xs, ys := c.shape(st.In[1]), c.shape(st.In[2])
	w, v := poolWindow(xs, ys, a), vector(xs[3])
	c.places("pool", "maxpool2d_where", k, v, y.n, append([]any{x, y, at}, w...)...)
	c.places("pool", "maxpool2d_dx", k, v, dx.n, append([]any{dy, at, dx}, w...)...)
	done()
	return nil
}

func avgPoolDX(c *compiler, st *device.Step, a device.Pool) error {
	k := c.common(st.In[0], st.Out[0])
	dy := c.as(st.In[0], k)
	dx, done := c.out(st.Out[0], k)
	xs, ys := c.shape(st.Out[0]), c.shape(st.In[0])
	c.places("pool", "avgpool2d_dx", k, vector(xs[3]), dx.n, append([]any{dy, dx}, poolWindow(xs, ys, a)...)...)
	done()
	return nil
}

// global queues a kernel whose blocks take a picture of shape s and some of its channels.
func (c *compiler) global(entry string, kind tensor.DType, s []int, a device.GlobalPool, args ...any) {
	v := vector(s[3])
	wide := s[3] / v
	gy := over(wide, 32)
	cols := over(wide, gy)
	args = append(args, s[1]*s[2], s[3], cols, number(a.Max), number(a.Avg))
	c.run(variant(fmt.Sprint("pool", v), kind), entry, [3]int{s[0], gy, 1}, perBlock, args...)
}

// number is what kernels take for a bool.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func globalPool(c *compiler, st *device.Step, a device.GlobalPool) error {
	k := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], k)
	y, done := c.out(st.Out[0], k)
	c.global("global_pool", k, c.shape(st.In[0]), a, x, y)
	done()
	return nil
}

func globalPoolDX(c *compiler, st *device.Step, a device.GlobalPool) error {
	k := c.common(st.In[0], st.In[1], st.In[2], st.Out[0])
	dy, x, y := c.as(st.In[0], k), c.as(st.In[1], k), c.as(st.In[2], k)
	dx, done := c.out(st.Out[0], k)
	c.global("global_pool_dx", k, c.shape(st.Out[0]), a, dy, x, y, dx)
	done()
	return nil
}

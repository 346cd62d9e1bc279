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
	args := []any{x, y}
	if entry == "maxpool2d" && c.wantsPlaces(st, a) {
		at := c.temp(tensor.Uint8, y.n)
		c.side[st.Out[0]] = poolPlaces{st.In[0], at}
		entry, args = "maxpool2d_at", append(args, at)
	}
	c.places("pool", entry, k, vector(xs[3]), y.n, append(args, poolWindow(xs, ys, a)...)...)
	done()
	return nil
}

// poolPlaces says, a byte for each window of x, where its maximum is.
type poolPlaces struct {
	x  device.ValueID
	at ref
}

// wantsPlaces reports whether a way back through a maximum pool follows, which goes by the places of the maxima.
func (c *compiler) wantsPlaces(st *device.Step, a device.Pool) bool {
	if a.Size[0]*a.Size[1] > 255 {
		return false
	}
	for i := c.number() + 1; i < len(c.plan.Steps); i++ {
		if s := &c.plan.Steps[i]; s.Op == "maxpool2d_dx" && s.In[1] == st.In[0] && s.In[2] == st.Out[0] && s.Attrs == st.Attrs {
			return true
		}
	}
	return false
}

// maxPoolDX gathers from where the forward pass found each window's maximum.
func maxPoolDX(c *compiler, st *device.Step, a device.Pool) error {
	p, ok := c.side[st.In[2]].(poolPlaces)
	if !ok || p.x != st.In[1] {
		return errHost // a window of more than 255 places
	}
	k := c.common(st.In[0], st.Out[0])
	dy := c.as(st.In[0], k)
	dx, done := c.out(st.Out[0], k)
	xs, ys := c.shape(st.In[1]), c.shape(st.In[2])
	c.places("pool", "maxpool2d_dx", k, vector(xs[3]), dx.n, append([]any{dy, p.at, dx}, poolWindow(xs, ys, a)...)...)
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

package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	ops["activity"] = lowerActivity
	ops["activity_dx"] = lowerActivityDX
	ops["masked_pool"] = lowerMaskedPool
	ops["masked_pool_dx"] = lowerMaskedPoolDX
}

// temporal is the number of differences between steps that count: none in a batch of one row.
func temporal(s []int) int {
	if s[1] < 2 {
		return 0
	}
	return (s[0] - 1) * s[1] * s[2]
}

// lowerActivity: in is y [T, N, H].
func lowerActivity(c *compiler, st *device.Step) error {
	a, s, y := st.Attrs.(device.Activity), c.shape(st.In[0]), c.val(st.In[0])
	changes := temporal(s)
	grid := blocks(y.n)
	grid[0] = min(grid[0], 512)
	parts := c.temp(tensor.Float32, 2*grid[0])
	c.run("sequence_"+suffix(y.kind), "activity_parts", grid, 256, y, parts, y.n, s[1]*s[2], changes)
	out, done := c.out(st.Out[0], tensor.Float32)
	c.run("sequence_"+suffix(y.kind), "activity_sum", [3]int{1, 1, 1}, 256, parts, out, grid[0],
		a.Alpha/float32(y.n), a.Beta/float32(max(changes, 1)))
	done()
	return nil
}

// lowerActivityDX: in is y, dl.
func lowerActivityDX(c *compiler, st *device.Step) error {
	a, s := st.Attrs.(device.Activity), c.shape(st.In[0])
	kind := c.common(st.In[0], st.Out[0])
	y, dl := c.as(st.In[0], kind), c.as(st.In[1], tensor.Float32)
	fa, ft := 2*a.Alpha/float32(y.n), float32(0)
	if n := temporal(s); n > 0 {
		ft = 2 * a.Beta / float32(n)
	}
	dy, done := c.out(st.Out[0], kind)
	c.run("sequence_"+suffix(kind), "activity_dx", blocks(y.n), perBlock, y, dl, dy, y.n, s[1]*s[2], fa, ft)
	done()
	return nil
}

// lowerMaskedPool: in is y [T, N, E], ids [N, all].
func lowerMaskedPool(c *compiler, st *device.Step) error {
	a, s := st.Attrs.(device.MaskedPool), c.shape(st.In[0])
	kind := c.common(st.In[0], st.Out[0])
	y := c.as(st.In[0], kind)
	out, done := c.out(st.Out[0], kind)
	c.run("sequence_"+suffix(kind), "masked_pool", blocks(s[1]*s[2]), perBlock, y, c.val(st.In[1]), out,
		s[0], s[1], s[2], c.shape(st.In[1])[1], a.From, a.Pad)
	done()
	return nil
}

// lowerMaskedPoolDX: in is d [N, 3E], y, ids.
func lowerMaskedPoolDX(c *compiler, st *device.Step) error {
	a, s := st.Attrs.(device.MaskedPool), c.shape(st.In[1])
	kind := c.common(st.In[0], st.In[1], st.Out[0])
	d, y := c.as(st.In[0], kind), c.as(st.In[1], kind)
	dy, done := c.out(st.Out[0], kind)
	c.run("sequence_"+suffix(kind), "masked_pool_dx", blocks(s[1]*s[2]), perBlock, d, y, c.val(st.In[2]), dy,
		s[0], s[1], s[2], c.shape(st.In[2])[1], a.From, a.Pad)
	done()
	return nil
}

package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Optimizers and sums of gradients: kernels that take eight tensors each, because a net has hundreds, most of
// them small.

func init() {
	for _, name := range []string{"adam", "adam_l2", "rmsprop", "rmsprop_l2"} {
		lower(optimizer(name, 4), name)
	}
	lower(optimizer("sgd", 3), "sgd")
	lower(optimizer("sgd_l2", 3), "sgd_l2")
	lower(accumulate, "accumulate")
	lower(sqNorm, "sqnorm")
}

// slots is how many tensors a launch takes.
const slots = 8

// eight queues a kernel of the unit optim for one more tensor: into the last launch if that is of the same
// kernel, has room and changes none of what the tensor is about. args are the tensor's, args[size] its number of
// elements; rest are those of the launch.
func (c *compiler) eight(entry string, args []any, size int, rest ...any) {
	if l := c.room(entry, args, size, rest); l != nil {
		copy(l.args[l.grid[1]*len(args):], args)
		l.grid[1]++
		l.grid[0] = max(l.grid[0], c.stretch(args[size].(int)))
		return
	}
	all := append([]any{}, args...)
	for range slots - 1 {
		all = append(all, args...)
		all[len(all)-len(args)+size] = 0
	}
	c.run("optim", entry, [3]int{c.stretch(args[size].(int)), 1, 1}, perBlock, append(all, rest...)...)
}

// stretch is how many blocks share n elements out.
func (c *compiler) stretch(n int) int { return max(1, min(over(n, 4*perBlock), 4*c.units())) }

// room is the last launch if eight may extend it.
func (c *compiler) room(entry string, args []any, size int, rest []any) *launch {
	if len(c.launches) == 0 {
		return nil
	}
	l := &c.launches[len(c.launches)-1]
	if l.unit != "optim" || l.entry != entry || l.grid[1] == slots {
		return nil
	}
	for i, a := range rest {
		if l.args[slots*len(args)+i] != a {
			return nil
		}
	}
	for _, a := range args[:size] {
		for _, b := range l.args[:l.grid[1]*len(args)] {
			if a == b {
				return nil
			}
		}
	}
	return l
}

// optimizer is a step of a parameter, its gradient and its states.
func optimizer(entry string, tensors int) lowering {
	return withAttrs(func(c *compiler, st *device.Step, a device.Group) error {
		var args []any
		for _, id := range st.In[:tensors] {
			if c.store(id) != tensor.Float32 {
				return errHost
			}
			args = append(args, c.val(id))
		}
		c.eight(entry, append(args, c.count(st.In[0]), a.Row), tensors, c.as(st.In[tensors], tensor.Float32), c.flag)
		return nil
	})
}

func accumulate(c *compiler, st *device.Step) error {
	acc := c.val(st.Out[0])
	if acc.kind != tensor.Float32 {
		return errHost
	}
	g, h := c.as(st.In[1], tensor.Float32), c.as(st.In[2], tensor.Float32)
	c.eight("accumulate", []any{acc, g, acc.n}, 2, h, c.flag)
	return nil
}

func sqNorm(c *compiler, st *device.Step) error {
	out, done := c.out(st.Out[0], tensor.Float32)
	type group struct {
		args   []any
		blocks int
	}
	var groups []group
	parts := 0
	for from := 0; from < len(st.In); from += slots {
		ids := st.In[from:min(from+slots, len(st.In))]
		g := group{blocks: 1}
		for _, id := range ids {
			g.args = append(g.args, c.as(id, tensor.Float32), c.count(id))
			g.blocks = max(g.blocks, min(over(c.count(id), 32*perBlock), 2*c.units()))
		}
		for range slots - len(ids) {
			g.args = append(g.args, g.args[0], 0)
		}
		groups = append(groups, g)
		parts += g.blocks * len(ids)
	}
	part := c.temp(tensor.Float32, max(1, parts))
	at := 0
	for i, g := range groups {
		n := min(slots, len(st.In)-i*slots)
		c.run("optim", "sqnorm", [3]int{g.blocks, n, 1}, perBlock, append(g.args, part, at)...)
		at += g.blocks * n
	}
	c.join(part, out, 0, parts, 1)
	done()
	return nil
}

package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// What goes back into a norm is masked by the ReLU behind it. Reading the mask, and the sum and the mask that a
// residual's gradient is made of, cost as much as the norm's own work, which is all memory: so the mask is worked
// out anew where the norm made it by itself, and such steps are done by the norm's kernel.

// bnMade says how a norm with a ReLU, and nothing added before that, made its result.
type bnMade struct{ x, stats, gamma, beta device.ValueID }

// deferred is the gradient that a step was to make, the sum of a and b (the same value where there is no sum)
// where y is positive: the kernel of a step behind it makes it.
type deferred struct {
	a, b device.ValueID
	y    device.ValueID
}

// masked is what a kernel back through a norm reads.
type masked struct {
	kind              tensor.DType
	suffix            string
	dy, dz, x, y      ref
	gamma, beta, kept ref
}

// or is r, or something else where r is none: kernels do not look at what their variant has no use for.
func (masked) or(r, other ref) ref {
	if r.n == 0 {
		return other
	}
	return r
}

// masked settles how a step over dy, x and, if there, y gets at its gradient.
func (c *compiler) masked(st *device.Step, y []device.ValueID) (m masked) {
	dy, x := st.In[0], st.In[1]
	if d, ok := c.side[dy].(*deferred); ok {
		m.kind, m.suffix, m.kept = c.act, "_keep", c.val(dy)
		if d.a != d.b {
			m.suffix = "_sum"
		}
		m.dy, m.dz, m.x, m.y = c.val(d.a), c.val(d.b), c.val(x), c.val(d.y)
		delete(c.side, dy) // it is there now
		return m
	}
	m.kind = c.common(dy, x)
	if st.Op == "bn_dx" {
		m.kind = c.common(dy, x, st.Out[0])
	}
	if len(y) > 0 {
		made, own := c.side[y[0]].(bnMade)
		if own && made.x == x && made.stats == st.In[2] && m.kind == c.common(y[0]) {
			m.suffix, m.gamma, m.beta = "_self", c.as(made.gamma, tensor.Float32), c.as(made.beta, tensor.Float32)
		} else {
			m.suffix = "_mask"
			if m.kind != c.common(y[0]) {
				m.kind = tensor.Float32
			}
		}
	}
	m.dy, m.x = c.as(dy, m.kind), c.as(x, m.kind)
	m.dz, m.y = m.dy, m.dy
	if m.suffix == "_mask" {
		m.y = c.as(y[0], m.kind)
	}
	return m
}

// ahead is the step k steps further on, or nil.
func (c *compiler) ahead(k int) *device.Step {
	if i := c.number() + k; i < len(c.plan.Steps) {
		return &c.plan.Steps[i]
	}
	return nil
}

// sums reports whether st adds up the gradients of a norm without a mask of its own from dy.
func sums(st *device.Step, dy device.ValueID) bool {
	return st != nil && st.In[0] == dy && (st.Op == "bn_grads" && len(st.In) == 3 || st.Op == "bn_eval_grads" && len(st.In) == 4)
}

// allStored reports whether values are all kept as activations, and are not too large.
func (c *compiler) allStored(ids ...device.ValueID) bool {
	for _, id := range ids {
		if c.val(id).kind != c.act || c.count(id) > most {
			return false
		}
	}
	return true
}

// uses is how many inputs of steps a value is.
func (c *compiler) uses(id device.ValueID) (n int) {
	for _, st := range c.plan.Steps {
		for _, in := range st.In {
			if in == id {
				n++
			}
		}
	}
	return n
}

// reluGrad masks a gradient, or leaves that to the norm's kernel behind it. Where it is the gradient of a layer
// with a bias, that is added up on the way.
func reluGrad(c *compiler, st *device.Step) error {
	dy, y, out := st.In[0], st.In[1], st.Out[0]
	a, b := dy, dy
	if d, ok := c.side[dy].(*deferred); ok {
		a, b = d.a, d.b
	}
	if _, ok := c.side[dy].(*maskedDX); ok {
		return nil // the convolution's gradient did it
	}
	same := c.allStored(a, b, y, out)
	if next := c.ahead(1); same && sums(next, out) && c.allStored(next.In[1]) {
		c.side[out] = &deferred{a: a, b: b, y: y}
		return nil
	}
	if sum := c.columnSum(out); same && sum != nil {
		return c.reluSums(st, sum, a, b)
	}
	if a != b {
		c.each("relu_grad_sum", c.act, c.count(out), c.val(a), c.val(b), c.val(y), c.val(out), c.count(out))
		return nil
	}
	return ofTwo(c, st, "relu_grad", 0, 0)
}

// columnSum is the step further on that adds up a value's columns to a full-precision result.
func (c *compiler) columnSum(id device.ValueID) *device.Step {
	for i := c.number() + 1; i < len(c.plan.Steps); i++ {
		st := &c.plan.Steps[i]
		if st.Op == "colsum" && st.In[0] == id && (c.onlyResult(st.Out[0]) || c.plan.Values[st.Out[0]].Place == device.Temp && c.store(st.Out[0]) == tensor.Float32) {
			return st
		}
	}
	return nil
}

// reluSums masks the sum of a and b, or a where they are the same, and does the step sum as well.
func (c *compiler) reluSums(st, sum *device.Step, a, b device.ValueID) error {
	entry := "relu_sums_part"
	if a != b {
		entry += "_sum"
	}
	rows, ch := channelsOf(c.shape(st.Out[0]))
	cols, r, n, parts := c.sumColumns(rows, ch)
	part := c.temp(tensor.Float32, parts*ch)
	c.run(cols.unit(c.act), entry, cols.grid, perBlock, c.val(a), c.val(b), c.val(st.In[1]), c.val(st.Out[0]), part, r, n, cols.cols)
	c.run("norm1_f32", "colsum_join", joins(ch), perBlock, part, c.val(sum.Out[0]), ch, parts)
	c.side[sum.Out[0]] = summed{}
	return nil
}

// add adds, or leaves that to the mask behind it.
func add(c *compiler, st *device.Step) error {
	out, mask := st.Out[0], c.ahead(1)
	if mask != nil && mask.Op == "relu_grad" && mask.In[0] == out && st.In[0] != st.In[1] &&
		c.plan.Values[out].Place == device.Temp && c.uses(out) == 1 && c.allStored(st.In[0], st.In[1], mask.In[1], mask.Out[0]) {
		c.side[out] = &deferred{a: st.In[0], b: st.In[1]}
		return nil
	}
	return ofTwo(c, st, "add", 0, 0)
}

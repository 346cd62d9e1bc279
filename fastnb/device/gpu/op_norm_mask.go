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

// deferred is the gradient that a step in front of a norm's was to make, the sum of a and b (the same value
// where there is no sum) where y is positive: the norm's kernel makes it.
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

// reluGrad masks a gradient, or leaves that to the norm's kernel behind it.
func reluGrad(c *compiler, st *device.Step) error {
	dy, out := st.In[0], st.Out[0]
	a, b := dy, dy
	if d, ok := c.side[dy].(*deferred); ok {
		a, b = d.a, d.b
	}
	if next := c.ahead(1); sums(next, out) && c.allStored(a, b, st.In[1], out, next.In[1]) {
		c.side[out] = &deferred{a: a, b: b, y: st.In[1]}
		return nil
	}
	return ofTwo(c, st, "relu_grad", 0, 0)
}

// add adds, or leaves that to the kernel of the norm whose gradients it adds up.
func add(c *compiler, st *device.Step) error {
	out := st.Out[0]
	mask, norm := c.ahead(1), c.ahead(2)
	if mask != nil && mask.Op == "relu_grad" && mask.In[0] == out && sums(norm, mask.Out[0]) &&
		st.In[0] != st.In[1] && c.plan.Values[out].Place == device.Temp && c.uses(out) == 1 &&
		c.allStored(st.In[0], st.In[1], mask.In[1], mask.Out[0], norm.In[1]) {
		c.side[out] = &deferred{a: st.In[0], b: st.In[1]}
		return nil
	}
	return ofTwo(c, st, "add", 0, 0)
}

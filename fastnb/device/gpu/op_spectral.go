package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Norms of weights, in full precision.

func init() {
	lower(weightNorm("weight_norm"), "weight_norm")
	lower(weightNorm("weight_norm_dv"), "weight_norm_dv")
	lower(weightNorm("weight_norm_dg"), "weight_norm_dg")
	lower(spectralKeep, "spectral_keep")
	lower(spectralIterate, "spectral_iterate")
	lower(spectralNorm, "spectral_norm")
	lower(spectralNormDX, "spectral_norm_dx")
	lower(spectralUpdate, "spectral_update")
}

// full are values in full precision.
func (c *compiler) full(ids []device.ValueID) []any {
	var out []any
	for _, id := range ids {
		out = append(out, c.as(id, tensor.Float32))
	}
	return out
}

// weightNorm has a block for each output of a weight, the first input's.
func weightNorm(entry string) lowering {
	return func(c *compiler, st *device.Step) error {
		args := c.full(st.In)
		out, done := c.out(st.Out[0], tensor.Float32)
		o := c.shape(st.In[0])[0]
		c.run("spectral", entry, [3]int{o, 1, 1}, perBlock, append(args, out, c.count(st.In[0])/o)...)
		done()
		return nil
	}
}

// matrix is how a weight lies as PyTorch's matrix [o, k]: its channels and pixels.
func (c *compiler) matrix(w device.ValueID) (o, k, ch, pixels int) {
	s := c.shape(w)
	o = s[0]
	k = c.count(w) / o
	if c.plan.Values[w].Layout == device.Picture && len(s) == 4 {
		return o, k, s[3], s[1] * s[2]
	}
	return o, k, k, 1
}

func spectralKeep(c *compiler, st *device.Step) error {
	args := c.full(st.In[1:])
	out, done := c.out(st.Out[0], tensor.Float32)
	c.run("spectral", "spectral_keep", blocks(out.n), perBlock, append(args, out, c.count(st.In[1]), c.count(st.In[2]))...)
	done()
	return nil
}

func spectralIterate(c *compiler, st *device.Step) error {
	in := c.full(st.In)
	out, done := c.out(st.Out[0], tensor.Float32)
	o, k, ch, pixels := c.matrix(st.In[0])
	u, v := c.temp(tensor.Float32, o), c.temp(tensor.Float32, k)
	fu, fv := c.temp(tensor.Float32, 1), c.temp(tensor.Float32, 1)
	one := [3]int{1, 1, 1}
	c.run("spectral", "spectral_v", blocks(k), perBlock, in[0], in[1], v, o, k)
	c.run("spectral", "spectral_length", one, perBlock, v, fv, k)
	c.run("spectral", "spectral_u", [3]int{o, 1, 1}, perBlock, in[0], v, fv, u, k)
	c.run("spectral", "spectral_length", one, perBlock, u, fu, o)
	c.run("spectral", "spectral_finish", blocks(o+k), perBlock, u, fu, v, fv, out, o, k, ch, pixels)
	done()
	return nil
}

// sigma queues the largest singular value of a weight.
func (c *compiler) sigma(w device.ValueID, uv any) ref {
	o, k, ch, pixels := c.matrix(w)
	t, s := c.temp(tensor.Float32, o), c.temp(tensor.Float32, 1)
	c.run("spectral", "spectral_sigma", [3]int{o, 1, 1}, perBlock, c.as(w, tensor.Float32), uv, t, o, k, ch, pixels)
	c.join(t, s, 0, o, 1)
	return s
}

func spectralNorm(c *compiler, st *device.Step) error {
	in := c.full(st.In)
	s := c.sigma(st.In[0], in[1])
	out, done := c.out(st.Out[0], tensor.Float32)
	c.each("over", tensor.Float32, out.n, in[0], s, out, out.n, float32(1))
	done()
	return nil
}

func spectralNormDX(c *compiler, st *device.Step) error {
	in := c.full(st.In)
	s := c.sigma(st.In[1], in[2])
	o, k, ch, pixels := c.matrix(st.In[1])
	g, dot := c.halves(o*k), c.temp(tensor.Float32, 1)
	part := c.temp(tensor.Float32, g)
	c.run("reduce_f32", "sum_dot", [3]int{g, 1, 1}, perBlock, in[0], in[1], part, o*k)
	c.join(part, dot, 0, g, 1)
	out, done := c.out(st.Out[0], tensor.Float32)
	c.run("spectral", "spectral_norm_dx", blocks(o*k), perBlock, in[0], in[2], s, dot, out, o, k, ch, pixels)
	done()
	return nil
}

func spectralUpdate(c *compiler, st *device.Step) error {
	u, v := c.val(st.Out[0]), c.val(st.Out[1])
	if u.kind != tensor.Float32 || v.kind != tensor.Float32 {
		return errHost
	}
	c.run("spectral", "spectral_update", blocks(u.n+v.n), perBlock, u, v, c.as(st.In[2], tensor.Float32), c.flag, u.n, v.n)
	return nil
}

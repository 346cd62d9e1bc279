package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Ops of each element by itself.

func init() {
	lower(one("relu"), "relu")
	lower(reluGrad, "relu_grad")
	lower(add, "add")
	for _, name := range []string{"sub", "mul", "div", "div_part"} {
		lower(two(name), name)
	}
	lower(two("div"), "div_dx")
	lower(one("neg"), "sub_dy")
	lower(scaled("scale"), "scale")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Act) error { return ofOne(c, st, "act", a.Slope, a.Max) }), "act")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Act) error {
		return ofTwo(c, st, "act_dx", a.Slope, a.Max)
	}), "act_dx")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Range) error {
		return ofOne(c, st, "sigmoid_range", a.Lo, a.Hi)
	}), "sigmoid_range")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Range) error {
		return ofTwo(c, st, "sigmoid_range_dx", a.Lo, a.Hi)
	}), "sigmoid_range_dx")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Map) error { return ofOne(c, st, "map_"+a.Fn, a.A, a.B) }), "map")
	lower(withAttrs(func(c *compiler, st *device.Step, a device.Map) error {
		return ofTwo(c, st, "map_"+a.Fn+"_dx", a.A, a.B)
	}), "map_dx")
	lower(lossDX("mse_dx"), "mse_dx")
	lower(lossDX("bce_logits_dx"), "bce_logits_dx")
	lower(withAttrs(spreadSum), "spread")
}

func one(entry string) lowering {
	return func(c *compiler, st *device.Step) error { return ofOne(c, st, entry, 0, 0) }
}

func ofOne(c *compiler, st *device.Step, entry string, a, b float32) error {
	k := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], k)
	y, done := c.out(st.Out[0], k)
	c.each(entry, k, y.n, x, y, y.n, a, b)
	done()
	return nil
}

func two(entry string) lowering {
	return func(c *compiler, st *device.Step) error { return ofTwo(c, st, entry, 0, 0) }
}

func ofTwo(c *compiler, st *device.Step, entry string, a, b float32) error {
	k := c.common(st.In[0], st.In[1], st.Out[0])
	x, y := c.as(st.In[0], k), c.as(st.In[1], k)
	z, done := c.out(st.Out[0], k)
	c.each(entry, k, z.n, x, y, z, z.n, a, b)
	done()
	return nil
}

// scaled takes a number of the second input.
func scaled(entry string) lowering {
	return func(c *compiler, st *device.Step) error {
		k := c.common(st.In[0], st.Out[0])
		x, f := c.as(st.In[0], k), c.as(st.In[1], tensor.Float32)
		y, done := c.out(st.Out[0], k)
		c.each(entry, k, y.n, x, f, y, y.n, float32(1))
		done()
		return nil
	}
}

// lossDX is the derivative of a mean over all elements.
func lossDX(entry string) lowering {
	return func(c *compiler, st *device.Step) error {
		k := c.common(st.In[0], st.In[1], st.Out[0])
		x, y, dl := c.as(st.In[0], k), c.as(st.In[1], k), c.as(st.In[2], tensor.Float32)
		dx, done := c.out(st.Out[0], k)
		c.each(entry, k, dx.n, x, y, dl, dx, dx.n, 1/float32(dx.n))
		done()
		return nil
	}
}

func spreadSum(c *compiler, st *device.Step, a device.Spread) error {
	k := c.common(st.Out[0])
	dl := c.as(st.In[0], tensor.Float32)
	y, done := c.out(st.Out[0], k)
	c.each("spread", k, y.n, dl, y, y.n, a.Factor)
	done()
	return nil
}

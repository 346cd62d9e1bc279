package cpu

import (
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	plain := func(k kernel) builder {
		return func(*device.Step, *device.Plan) (kernel, error) { return k, nil }
	}
	for _, l2 := range []bool{false, true} {
		suffix := ""
		if l2 {
			suffix = "_l2"
		}
		kernels["adam"+suffix] = attrsKernel(func(a device.Group, c *call) error {
			p, m, v := c.out[0].f, c.out[1].f, c.out[2].f
			g, h := c.in[1].f, a.Of(c.in[4].f)
			c.dev.team.ranges(len(p), 16, 4, func(_, i, j int) { c.dev.isa.vec.adam(p[i:j], g[i:j], m[i:j], v[i:j], h, l2) })
			return nil
		})
		kernels["sgd"+suffix] = attrsKernel(func(a device.Group, c *call) error {
			p, m := c.out[0].f, c.out[1].f
			g, h := c.in[1].f, a.Of(c.in[3].f)
			c.dev.team.ranges(len(p), 16, 2, func(_, i, j int) {
				for k := i; k < j; k++ {
					d := decay(p, g, h, k, l2)
					if h[5] != 1 {
						d += h[1] * m[k]
					}
					m[k] = d
					p[k] -= h[0] * d
				}
			})
			return nil
		})
		kernels["rmsprop"+suffix] = attrsKernel(func(a device.Group, c *call) error {
			p, v, m := c.out[0].f, c.out[1].f, c.out[2].f
			g, h := c.in[1].f, a.Of(c.in[4].f)
			c.dev.team.ranges(len(p), 16, 4, func(_, i, j int) {
				for k := i; k < j; k++ {
					d := decay(p, g, h, k, l2)
					v[k] = h[2]*v[k] + (1-h[2])*d*d
					m[k] = h[1]*m[k] + d/(float32(math.Sqrt(float64(v[k])))+h[3])
					p[k] -= h[0] * m[k]
				}
			})
			return nil
		})
	}
	kernels["sqnorm"] = plain(func(c *call) error {
		sums := make([]float64, len(c.in))
		c.dev.team.each(len(c.in), func(_, p int) {
			for _, v := range c.in[p].f {
				sums[p] += float64(v) * float64(v)
			}
		})
		return mean(c, sums, 1)
	})
}

// decay gives the scaled gradient of element k and applies weight decay: to the parameter, or with
// l2 to the gradient.
func decay(p, g, h []float32, k int, l2 bool) float32 {
	d := g[k] * h[7]
	if l2 {
		return d + h[4]*p[k]
	}
	p[k] *= 1 - h[0]*h[4]
	return d
}

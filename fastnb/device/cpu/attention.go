package cpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["bmm"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.MatMul)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { return batchMatMul(a, c) }, nil
	}
	kernels["softmax"] = func(*device.Step, *device.Plan) (kernel, error) { return softmax, nil }
	kernels["softmax_dx"] = func(*device.Step, *device.Plan) (kernel, error) { return softmaxDX, nil }
	kernels["scale"] = func(*device.Step, *device.Plan) (kernel, error) { return scale, nil }
	kernels["dot"] = func(*device.Step, *device.Plan) (kernel, error) {
		sum := meanOf(func(x, y float64) float64 { return x * y })
		return func(c *call) error {
			err := sum(c)
			c.out[0].f[0] *= float32(len(c.in[0].f))
			return err
		}, nil
	}
	// Work on weights is little beside that on activations: the definitions do.
	for _, name := range []string{
		"weight_norm", "weight_norm_dv", "weight_norm_dg",
		"spectral_iterate", "spectral_keep", "spectral_norm", "spectral_norm_dx", "spectral_update",
	} {
		kernels[name] = hostKernel
	}
}

// batchMatMul multiplies pair by pair; each product shares its own work out.
func batchMatMul(a device.MatMul, c *call) error {
	at := func(v val, i int) val {
		n := v.shape[1] * v.shape[2]
		return val{shape: v.shape[1:], f: v.f[i*n : (i+1)*n]}
	}
	for i := range c.out[0].shape[0] {
		one := &call{dev: c.dev, in: []val{at(c.in[0], i), at(c.in[1], i)}, out: []val{at(c.out[0], i)}}
		if err := matMul(a, one); err != nil {
			return err
		}
	}
	return nil
}

func softmax(c *call) error {
	x, y, n := c.in[0].f, c.out[0].f, lastOf(c.in[0].shape)
	c.dev.team.ranges(len(x)/n, 1, 8*n, func(_, from, to int) {
		for r := from; r < to; r++ {
			l := logSumExp(x[r*n : r*n+n])
			for i := r * n; i < r*n+n; i++ {
				y[i] = float32(math.Exp(float64(x[i]) - l))
			}
		}
	})
	return nil
}

func softmaxDX(c *call) error {
	dy, y, dx, n := c.in[0].f, c.in[1].f, c.out[0].f, lastOf(c.in[0].shape)
	c.dev.team.ranges(len(y)/n, 1, 2*n, func(_, from, to int) {
		for r := from; r < to; r++ {
			var dot float64
			for i := r * n; i < r*n+n; i++ {
				dot += float64(dy[i]) * float64(y[i])
			}
			for i := r * n; i < r*n+n; i++ {
				dx[i] = y[i] * (dy[i] - float32(dot))
			}
		}
	})
	return nil
}

func scale(c *call) error {
	x, f, y := c.in[0].f, c.in[1].f[0], c.out[0].f
	c.dev.team.ranges(len(x), 16, 1, func(_, i, j int) {
		for k := i; k < j; k++ {
			y[k] = f * x[k]
		}
	})
	return nil
}

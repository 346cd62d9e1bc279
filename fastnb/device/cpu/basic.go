package cpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	plain := func(k kernel) builder {
		return func(*device.Step, *device.Plan) (kernel, error) { return k, nil }
	}
	kernels["add"] = plain(func(c *call) error {
		a, b, o := c.in[0].f, c.in[1].f, c.out[0].f
		c.dev.team.ranges(len(o), 16, 1, func(_, i, j int) { c.dev.isa.vec.add(o[i:j], a[i:j], b[i:j]) })
		return nil
	})
	kernels["relu"] = plain(func(c *call) error {
		x, o := c.in[0].f, c.out[0].f
		c.dev.team.ranges(len(o), 16, 1, func(_, i, j int) {
			for k := i; k < j; k++ {
				o[k] = max(x[k], 0)
			}
		})
		return nil
	})
	kernels["relu_grad"] = plain(func(c *call) error {
		dy, y, o := c.in[0].f, c.in[1].f, c.out[0].f
		c.dev.team.ranges(len(o), 16, 1, func(_, i, j int) { c.dev.isa.vec.reluGrad(o[i:j], dy[i:j], y[i:j]) })
		return nil
	})
	kernels["add_relu_grad"] = plain(func(c *call) error { // see fuseSums
		a, b, y, o := c.in[0].f, c.in[1].f, c.in[2].f, c.out[0].f
		const near = 4096 // elements whose sum is still in the cache when the mask comes
		c.dev.team.ranges(len(o), near, 1, func(_, from, to int) {
			for i := from; i < to; i += near {
				j := min(i+near, to)
				c.dev.isa.vec.add(o[i:j], a[i:j], b[i:j])
				c.dev.isa.vec.reluGrad(o[i:j], o[i:j], y[i:j])
			}
		})
		return nil
	})
	kernels["reshape"] = plain(func(c *call) error {
		if len(c.out[0].f) > 0 && &c.out[0].f[0] != &c.in[0].f[0] {
			copy(c.out[0].f, c.in[0].f)
		}
		copy(c.out[0].i, c.in[0].i)
		return nil
	})
	kernels["row"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.Row)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error {
			n := len(c.out[0].f)
			copy(c.out[0].f, c.in[0].f[a.Index*n:(a.Index+1)*n])
			return nil
		}, nil
	}
	kernels["colsum"] = plain(func(c *call) error {
		x, o := c.in[0].f, c.out[0].f
		zero := make([]float32, len(o))
		s, _ := c.dev.columnSums(len(x), len(o), func(s, q []float32, i, j int) { c.dev.isa.vec.sums(s, q, x[i:j], zero) })
		for i, v := range s {
			o[i] = float32(v)
		}
		return nil
	})
	kernels["dropout"] = dropoutKernel
	kernels["dropout_dx"] = dropoutKernel
	kernels["sigmoid_range"] = rangeKernel(func(a device.Range, c *call) {
		for i, v := range c.in[0].f {
			c.out[0].f[i] = a.Lo + (a.Hi-a.Lo)*float32(1/(1+math.Exp(-float64(v))))
		}
	})
	kernels["sigmoid_range_dx"] = rangeKernel(func(a device.Range, c *call) {
		for i, y := range c.in[1].f {
			p := (y - a.Lo) / (a.Hi - a.Lo)
			c.out[0].f[i] = c.in[0].f[i] * p * (1 - p) * (a.Hi - a.Lo)
		}
	})
	kernels["matmul"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.MatMul)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { return matMul(a, c) }, nil
	}
}

func rangeKernel(run func(device.Range, *call)) builder {
	return func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.Range)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { run(a, c); return nil }, nil
	}
}

func dropoutKernel(st *device.Step, _ *device.Plan) (kernel, error) {
	a, ok := st.Attrs.(device.Dropout)
	if !ok {
		return nil, fmt.Errorf("attributes %T", st.Attrs)
	}
	return func(c *call) error {
		x, r, o := c.in[0].f, c.in[1].i, c.out[0].f
		masks := make([][1024]float32, c.dev.team.n)
		c.dev.team.ranges(len(o), 1024, 8, func(w, from, to int) {
			m := &masks[w]
			for i := from; i < to; i += len(m) {
				part := m[:min(len(m), to-i)]
				device.DropoutMask(part, a, r[0], r[1], i)
				for j, v := range part {
					o[i+j] = x[i+j] * v
				}
			}
		})
		return nil
	}, nil
}

// matMul packs the right matrix and multiplies; a transposed left one goes the way of weight
// gradients.
func matMul(a device.MatMul, c *call) error {
	x, y, o := c.in[0], c.in[1], c.out[0]
	m, n := o.shape[0], o.shape[1]
	k := len(x.f) / m
	if a.TransA {
		if a.TransB || a.Bias || a.ReLU {
			return fmt.Errorf("transposed left matrix together with %+v is not made", a)
		}
		if h := c.dev.half; h != nil {
			c.dev.halfWeightProduct(h, x.f, m, matrix(y.f, k, n), o.f)
			return nil
		}
		c.dev.weightProduct(x.f, m, m, matrix(y.f, k, n), o.f)
		return nil
	}
	if a.TransB && m <= fewRows {
		c.fewRows(a, m, n, k)
		return nil
	}
	var after func([]float32, int, int)
	if a.Bias || a.ReLU {
		f := biasReLU(c, a.ReLU)
		after = func(row []float32, _, col int) { f(row, col) }
	}
	if c.dev.half != nil {
		c.halfMatMul(a, m, n, k, after)
		return nil
	}
	kind, pack := "plain", func(dst []float32) {
		c.dev.packMatrix(dst, y.f, k, n)
	}
	if a.TransB {
		kind, pack = "transposed", func(dst []float32) { c.dev.packTransposed(dst, y.f, k, n) }
	}
	packed := c.packedOnce(y, kind, c.dev.panelFloats(k, n), pack)
	c.dev.multiply(matrix(x.f, m, k), packed, n, sink{out: o.f, ld: n}, after)
	return nil
}

// fewRows multiplies so few rows that reading the weights [n, k] as they are beats packing them.
func (c *call) fewRows(a device.MatMul, m, n, k int) {
	x, w, o := c.in[0].f, c.in[1].f, c.out[0].f
	var after func([]float32, int)
	if a.Bias || a.ReLU {
		after = biasReLU(c, a.ReLU)
	}
	clear(o)
	c.dev.team.ranges(n, 16, k, func(_, i, j int) {
		for r := range m {
			y := o[r*n+i : r*n+j]
			c.dev.isa.seq.dots(y, w[i*k:], k, x[r*k:(r+1)*k])
			if after != nil {
				after(y, i)
			}
		}
	})
}

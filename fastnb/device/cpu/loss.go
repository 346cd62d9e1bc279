package cpu

import (
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	plain := func(k kernel) builder {
		return func(*device.Step, *device.Plan) (kernel, error) { return k, nil }
	}
	kernels["bce_logits"] = plain(meanOf(func(x, y float64) float64 {
		return max(x, 0) - x*y + math.Log1p(math.Exp(-math.Abs(x)))
	}))
	kernels["bce_logits_dx"] = plain(gradOf(func(x, y float64) float64 { return 1/(1+math.Exp(-x)) - y }))
	kernels["mse"] = plain(meanOf(func(x, y float64) float64 { return (x - y) * (x - y) }))
	kernels["mse_dx"] = plain(gradOf(func(x, y float64) float64 { return 2 * (x - y) }))
	kernels["softmax_xent"] = plain(xent)
	kernels["softmax_xent_dx"] = plain(xentDX)
}

// meanOf averages f over all elements, in parts whose order is fixed.
func meanOf(f func(x, y float64) float64) kernel {
	return func(c *call) error {
		x, y := c.in[0].f, c.in[1].f
		parts := min(maxParts, 1+len(x)/grain)
		sums := make([]float64, parts)
		c.dev.team.each(parts, func(_, p int) {
			for i := len(x) * p / parts; i < len(x)*(p+1)/parts; i++ {
				sums[p] += f(float64(x[i]), float64(y[i]))
			}
		})
		return mean(c, sums, len(x))
	}
}

func mean(c *call, sums []float64, n int) error {
	var s float64
	for _, v := range sums {
		s += v
	}
	c.out[0].f[0] = float32(s / float64(n))
	return nil
}

func gradOf(f func(x, y float64) float64) kernel {
	return func(c *call) error {
		x, y, o := c.in[0].f, c.in[1].f, c.out[0].f
		scale := float64(c.in[2].f[0]) / float64(len(x))
		c.dev.team.ranges(len(x), 16, 16, func(_, i, j int) {
			for k := i; k < j; k++ {
				o[k] = float32(f(float64(x[k]), float64(y[k])) * scale)
			}
		})
		return nil
	}
}

// rowsOf shares the rows of a softmax out and fails on a target that is no class.
func rowsOf(c *call, f func(part int, row []float32, class, r int)) (parts int, err error) {
	x, y := c.in[0].f, c.in[1].i
	ch := len(x) / len(y)
	for r, k := range y {
		if k < 0 || int(k) >= ch {
			return 0, device.BadIndexError{What: "target", Value: k, Row: r, Count: ch}
		}
	}
	parts = min(maxParts, len(y))
	c.dev.team.each(parts, func(_, p int) {
		for r := len(y) * p / parts; r < len(y)*(p+1)/parts; r++ {
			f(p, x[r*ch:(r+1)*ch], int(y[r]), r)
		}
	})
	return parts, nil
}

func logSumExp(row []float32) float64 {
	m := row[0]
	for _, v := range row[1:] {
		m = max(m, v)
	}
	var s float64
	for _, v := range row {
		s += math.Exp(float64(v - m))
	}
	return float64(m) + math.Log(s)
}

// quick reports whether a row of scores can go through the vector kernels: it fills their vectors, and all of it is
// finite.
func (s *seqKernels) quick(row []float32) bool {
	if s.width == 1 || len(row)%s.width != 0 {
		return false
	}
	var odd float32
	for _, v := range row {
		odd += v - v
	}
	return odd == 0
}

// logSumExp is that of a row, in vectors where they do.
func (s *seqKernels) logSumExp(row []float32) (lse float64, quick bool) {
	if !s.quick(row) {
		return logSumExp(row), false
	}
	m := s.rowMax(row)
	return float64(m) + math.Log(float64(s.expSum(row, m))), true
}

func xent(c *call) error {
	sums := make([]float64, maxParts)
	parts, err := rowsOf(c, func(p int, row []float32, class, _ int) {
		l, _ := c.dev.isa.seq.logSumExp(row)
		sums[p] += l - float64(row[class])
	})
	if err != nil {
		return err
	}
	return mean(c, sums[:parts], len(c.in[1].i))
}

func xentDX(c *call) error {
	scale := float64(c.in[2].f[0]) / float64(len(c.in[1].i))
	_, err := rowsOf(c, func(_ int, row []float32, class, r int) {
		l, quick := c.dev.isa.seq.logSumExp(row)
		out := c.out[0].f[r*len(row) : (r+1)*len(row)]
		if quick {
			copy(out, row)
			c.dev.isa.seq.expWrite(out, float32(l), float32(scale))
			out[class] = float32((math.Exp(float64(row[class])-l) - 1) * scale)
			return
		}
		for i, v := range row {
			p := math.Exp(float64(v) - l)
			if i == class {
				p--
			}
			out[i] = float32(p * scale)
		}
	})
	return err
}

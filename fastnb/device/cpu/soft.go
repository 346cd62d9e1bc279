package cpu

import (
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["soft_xent"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		a := st.Attrs.(device.SoftXent)
		return func(c *call) error {
			sums := make([]float64, maxParts)
			parts, err := softRows(c, a, func(p int, row []float32, w []float64, _ float64, _ int) {
				l := logSumExp(row)
				for j, v := range row {
					sums[p] += w[j] * (l - float64(v))
				}
			})
			if err != nil {
				return err
			}
			var total float64
			for _, s := range sums[:parts] {
				total += s
			}
			c.out[0].f[0] = float32(total / softOver(c, a))
			return nil
		}, nil
	}
	kernels["soft_xent_dx"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		a := st.Attrs.(device.SoftXent)
		return func(c *call) error {
			ch := c.in[0].shape[len(c.in[0].shape)-1]
			dl := float64(c.in[2].f[0]) / softOver(c, a)
			_, err := softRows(c, a, func(_ int, row []float32, w []float64, sum float64, r int) {
				l := logSumExp(row)
				out := c.out[0].f[r*ch : (r+1)*ch]
				for j, v := range row {
					out[j] = float32((sum*math.Exp(float64(v)-l) - w[j]) * dl)
				}
			})
			return err
		}, nil
	}
	kernels["accumulate"] = func(*device.Step, *device.Plan) (kernel, error) {
		return func(c *call) error {
			acc, g, keep, weight := c.out[0].f, c.in[1].f, c.in[2].f[0], c.in[2].f[1]
			c.dev.team.ranges(len(acc), 16, 2, func(_, i, j int) {
				if keep == 0 { // what is there may be anything
					for k := i; k < j; k++ {
						acc[k] = weight * g[k]
					}
					return
				}
				for k := i; k < j; k++ {
					acc[k] = keep*acc[k] + weight*g[k]
				}
			})
			return nil
		}, nil
	}
}

// softOver is what the mean over rows divides by: their number, or the sum of their weights. Targets that
// are no classes count for nothing; softRows refuses them.
func softOver(c *call, a device.SoftXent) float64 {
	ch := c.in[0].shape[len(c.in[0].shape)-1]
	if a.Weights == nil {
		return float64(len(c.in[0].f) / ch)
	}
	var all float64
	for _, v := range c.in[1].i {
		if v >= 0 && int(v) < ch {
			all += float64(a.Weights[v])
		}
	}
	for i, v := range c.in[1].f {
		all += float64(v) * float64(a.Weights[i%ch])
	}
	if all == 0 {
		all = 1 // so is every row's loss
	}
	return all
}

// softRows shares the rows out. f gets a row, the weights of its classes and their sum, which is not
// changed by smoothing.
func softRows(c *call, a device.SoftXent, f func(part int, row []float32, w []float64, sum float64, r int)) (parts int, err error) {
	x, k, y, eps := c.in[0].f, c.in[1].i, c.in[1].f, float64(a.Eps)
	ch := c.in[0].shape[len(c.in[0].shape)-1]
	rows := len(x) / ch
	for r, v := range k {
		if v < 0 || int(v) >= ch {
			return 0, device.BadIndexError{What: "target", Value: v, Row: r, Count: ch}
		}
	}
	parts = min(maxParts, rows)
	c.dev.team.each(parts, func(_, p int) {
		w := make([]float64, ch)
		for r := rows * p / parts; r < rows*(p+1)/parts; r++ {
			sum := 1.0
			if k != nil {
				clear(w)
				w[k[r]] = 1
			} else {
				sum = 0
				for j, v := range y[r*ch : (r+1)*ch] {
					w[j] = float64(v)
					sum += w[j]
				}
			}
			for j := range w {
				w[j] = (1-eps)*w[j] + eps*sum/float64(ch)
			}
			if a.Weights != nil {
				sum = 0
				for j, v := range a.Weights {
					w[j] *= float64(v)
					sum += w[j]
				}
			}
			f(p, x[r*ch:(r+1)*ch], w, sum, r)
		}
	})
	return parts, nil
}

package cpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["soft_xent"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		eps := float64(st.Attrs.(device.SoftXent).Eps)
		return func(c *call) error {
			sums := make([]float64, maxParts)
			rows, parts, err := softRows(c, eps, func(p int, row []float32, w []float64, _ float64, _ int) {
				l := logSumExp(row)
				for j, v := range row {
					sums[p] += w[j] * (l - float64(v))
				}
			})
			if err != nil {
				return err
			}
			return mean(c, sums[:parts], rows)
		}, nil
	}
	kernels["soft_xent_dx"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		eps := float64(st.Attrs.(device.SoftXent).Eps)
		return func(c *call) error {
			ch := c.in[0].shape[len(c.in[0].shape)-1]
			dl := float64(c.in[2].f[0]) / float64(len(c.in[0].f)/ch)
			_, _, err := softRows(c, eps, func(_ int, row []float32, w []float64, sum float64, r int) {
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

// softRows shares the rows out. f gets a row, the weights of its classes and their sum, which is not
// changed by smoothing.
func softRows(c *call, eps float64, f func(part int, row []float32, w []float64, sum float64, r int)) (rows, parts int, err error) {
	x, k, y := c.in[0].f, c.in[1].i, c.in[1].f
	ch := c.in[0].shape[len(c.in[0].shape)-1]
	rows = len(x) / ch
	for r, v := range k {
		if v < 0 || int(v) >= ch {
			return 0, 0, fmt.Errorf("target %d of row %d is not one of %d classes", v, r, ch)
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
			f(p, x[r*ch:(r+1)*ch], w, sum, r)
		}
	})
	return rows, parts, nil
}

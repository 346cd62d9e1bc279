package cpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["bn_stats"] = func(*device.Step, *device.Plan) (kernel, error) { return bnStats, nil }
	kernels["bn_train"] = bnKernel(bnTrain)
	kernels["bn_eval"] = bnKernel(bnEval)
	kernels["bn_grads"] = bnKernel(bnGrads)
	kernels["bn_dx"] = bnKernel(bnDX)
	kernels["bn_eval_grads"] = bnKernel(bnEvalGrads)
	kernels["bn_eval_dx"] = bnKernel(bnEvalDX)
	kernels["bn_update"] = func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.BNUpdate)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { return bnUpdate(a, c) }, nil
	}
}

func bnKernel(run func(a device.BatchNorm, c *call) error) builder {
	return func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.BatchNorm)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { return run(a, c) }, nil
	}
}

// sumRows is after how many rows partial sums in single precision go over to double precision.
const sumRows = 64

// columnSums adds s[c] and q[c] over the rows of arrays with c columns, in double precision between
// blocks of rows and in an order that does not depend on the workers. The results are valid until the next call.
func (d *Device) columnSums(n, c int, block func(s, q []float32, from, to int)) (s, q []float64) {
	rows := n / c
	parts := min((rows+sumRows-1)/sumRows, maxParts)
	if n := 2 * c * parts; len(d.wide) < n {
		d.wide = make([]float64, n)
	}
	acc := d.wide[:2*c*parts]
	clear(acc)
	tmp := d.scratch(0, 2*c*d.team.n)
	d.team.each(parts, func(w, p int) {
		t := tmp[2*c*w : 2*c*(w+1)]
		a := acc[2*c*p : 2*c*(p+1)]
		for r := rows * p / parts; r < rows*(p+1)/parts; r += sumRows {
			to := min(r+sumRows, rows*(p+1)/parts)
			clear(t)
			block(t[:c], t[c:], r*c, to*c)
			for i, v := range t {
				a[i] += float64(v)
			}
		}
	})
	for p := 1; p < parts; p++ {
		for i, v := range acc[2*c*p : 2*c*(p+1)] {
			acc[i] += v
		}
	}
	return acc[:c], acc[c : 2*c]
}

// pivotRows is of how many rows the mean is taken, around which all are then summed.
const pivotRows = 16

// farPivot is how many variances the square of a mean's distance from its pivot may have before the sums are taken
// again around the mean itself: more would cost digits.
const farPivot = 4

// bnStats gives means and variances in one pass: of the distances from a pivot near the mean, and of their squares.
// Around zero, squares alone would lose what matters.
func bnStats(c *call) error {
	x, out := c.in[0].f, c.out[0].f
	ch := len(out) / 2
	rows := len(x) / ch
	mean, variance := out[:ch], out[ch:]
	pivot := c.dev.pivots(ch)
	clear(pivot)
	k := min(pivotRows, rows)
	for r := range k {
		c.dev.isa.vec.add(pivot, pivot, x[rows*r/k*ch:][:ch])
	}
	for i, v := range pivot {
		if pivot[i] = v / float32(k); v-v != 0 {
			pivot[i] = 0
		}
	}
	for range 2 {
		s, q := c.dev.columnSums(len(x), ch, func(s, q []float32, from, to int) { c.dev.isa.vec.sums(s, q, x[from:to], pivot) })
		far := false
		for i, v := range s {
			d := v / float64(rows)
			spread := q[i]/float64(rows) - d*d
			mean[i], variance[i] = float32(float64(pivot[i])+d), float32(max(spread, 0))
			far = far || d*d > farPivot*max(spread, 0)+1e-30
		}
		if !far {
			break
		}
		copy(pivot, mean)
	}
	return nil
}

// pivots gives n numbers that are valid until the next call.
func (d *Device) pivots(n int) []float32 {
	if len(d.pivot) < n {
		d.pivot = floats(n)
	}
	return d.pivot[:n]
}

// apply runs y = (x-mean)*gamma/sqrt(var+eps) + beta [+ res] [relu].
func bnApply(a device.BatchNorm, c *call, mean, variance, gamma, beta []float32, res []float32) error {
	ch := len(gamma)
	scale := make([]float32, ch)
	for i := range scale {
		scale[i] = float32(float64(gamma[i]) / math.Sqrt(float64(variance[i])+float64(a.Eps)))
	}
	x, y := c.in[0].f, c.out[0].f
	c.dev.team.ranges(len(x), ch, 1, func(_, from, to int) {
		var r []float32
		if res != nil {
			r = res[from:to]
		}
		c.dev.isa.vec.affine(y[from:to], x[from:to], r, mean, scale, beta, a.ReLU)
	})
	return nil
}

func nth(vs []val, i int) []float32 {
	if i < len(vs) {
		return vs[i].f
	}
	return nil
}

func bnTrain(a device.BatchNorm, c *call) error {
	s := c.in[1].f
	ch := len(s) / 2
	return bnApply(a, c, s[:ch], s[ch:], c.in[2].f, c.in[3].f, nth(c.in, 4))
}

func bnEval(a device.BatchNorm, c *call) error {
	return bnApply(a, c, c.in[1].f, c.in[2].f, c.in[3].f, c.in[4].f, nth(c.in, 5))
}

func bnSums(a device.BatchNorm, c *call, mean, variance, y []float32) error {
	dy, x, out := c.in[0].f, c.in[1].f, c.out[0].f
	ch := len(mean)
	s, q := c.dev.columnSums(len(x), ch, func(s, q []float32, from, to int) {
		var yr []float32
		if y != nil {
			yr = y[from:to]
		}
		c.dev.isa.vec.sums2(s, q, dy[from:to], x[from:to], yr, mean)
	})
	for i := range ch {
		out[i] = float32(q[i] / math.Sqrt(float64(variance[i])+float64(a.Eps)))
		out[ch+i] = float32(s[i])
	}
	return nil
}

func bnGrads(a device.BatchNorm, c *call) error {
	s := c.in[2].f
	ch := len(s) / 2
	return bnSums(a, c, s[:ch], s[ch:], nth(c.in, 3))
}

func bnEvalGrads(a device.BatchNorm, c *call) error {
	return bnSums(a, c, c.in[2].f, c.in[3].f, nth(c.in, 4))
}

func bnDX(a device.BatchNorm, c *call) error {
	dy, x, s, gamma, gr, y := c.in[0].f, c.in[1].f, c.in[2].f, c.in[3].f, c.in[4].f, nth(c.in, 5)
	ch := len(gamma)
	n := float64(len(x) / ch)
	k := make([]float32, 3*ch)
	ka, kb, kc := k[:ch], k[ch:2*ch], k[2*ch:]
	for i := range ch {
		inv := 1 / math.Sqrt(float64(s[ch+i])+float64(a.Eps))
		g := float64(gamma[i]) * inv
		ka[i] = float32(g)
		kb[i] = float32(-g * inv * float64(gr[i]) / n)
		kc[i] = float32(-g * float64(gr[ch+i]) / n)
	}
	return c.affine2(dy, x, y, s[:ch], ka, kb, kc)
}

func (c *call) affine2(dy, x, y, mean, a, b, k []float32) error {
	dx := c.out[0].f
	c.dev.team.ranges(len(dy), len(a), 1, func(_, from, to int) {
		var yr []float32
		if y != nil {
			yr = y[from:to]
		}
		c.dev.isa.vec.affine2(dx[from:to], dy[from:to], x[from:to], yr, mean, a, b, k)
	})
	return nil
}

func bnEvalDX(a device.BatchNorm, c *call) error {
	dy, variance, gamma, y := c.in[0].f, c.in[1].f, c.in[2].f, nth(c.in, 3)
	ch := len(gamma)
	k := make([]float32, 2*ch)
	for i := range ch {
		k[i] = float32(float64(gamma[i]) / math.Sqrt(float64(variance[i])+float64(a.Eps)))
	}
	zero := k[ch:]
	return c.affine2(dy, dy, y, zero, k[:ch], zero, zero)
}

func bnUpdate(a device.BNUpdate, c *call) error {
	mean, variance, s := c.out[0].f, c.out[1].f, c.in[2].f
	ch := len(mean)
	m, n := float64(a.Momentum), float64(a.Count)
	for i := range ch {
		nm, nv := (1-m)*float64(mean[i])+m*float64(s[i]), (1-m)*float64(variance[i])+m*float64(s[ch+i])*n/(n-1)
		if math.IsNaN(nm-nm) || math.IsNaN(nv-nv) {
			continue // infinite or no number: one bad batch must not spoil all evaluations to come
		}
		mean[i], variance[i] = float32(nm), float32(nv)
	}
	return nil
}

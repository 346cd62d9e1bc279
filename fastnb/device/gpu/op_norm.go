package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Batch normalisation and what else goes channel by channel.

func init() {
	lower(bnStats, "bn_stats")
	lower(withAttrs(bnTrain), "bn_train")
	lower(withAttrs(bnEval), "bn_eval")
	lower(withAttrs(bnGrads), "bn_grads")
	lower(withAttrs(bnEvalGrads), "bn_eval_grads")
	lower(withAttrs(bnDX), "bn_dx")
	lower(withAttrs(bnEvalDX), "bn_eval_dx")
	lower(withAttrs(bnUpdate), "bn_update")
	lower(colSum, "colsum")
	lower(withAttrs(mulLast), "mul_last")
}

// How deep a thread goes into rows, and how many blocks there are for each multiprocessor: in sums, whose parts
// have to be joined, and elsewhere.
const (
	sumDeep, sumWaves   = 8, 4
	eachDeep, eachWaves = 4, 16
	joined              = 8 // channels of a block of the joining kernels
)

// joins is the grid of a joining kernel.
func joins(channels int) [3]int { return [3]int{over(channels, joined), 1, 1} }

func bnStats(c *compiler, st *device.Step) error {
	k := c.common(st.In[0])
	x := c.as(st.In[0], k)
	rows, ch := channelsOf(c.shape(st.In[0]))
	cols := c.columns(rows, ch, sumDeep, sumWaves)
	g := cols.grid[0]
	part := c.temp(tensor.Float32, g*(2*ch+1))
	stats, done := c.out(st.Out[0], tensor.Float32)
	c.run(cols.unit(k), "bn_stats_part", cols.grid, perBlock, x, part, rows, ch, cols.cols)
	c.run("norm1_f32", "bn_stats_join", joins(ch), perBlock, part, stats, rows, ch, g)
	done()
	return nil
}

func bnTrain(c *compiler, st *device.Step, a device.BatchNorm) error {
	_, ch := channelsOf(c.shape(st.In[0]))
	if a.ReLU && !a.Residual {
		c.side[st.Out[0]] = bnMade{x: st.In[0], stats: st.In[1], gamma: st.In[2], beta: st.In[3]}
	}
	stats := c.as(st.In[1], tensor.Float32)
	return bnApply(c, st, a, stats, stats, ch, st.In[2:])
}

func bnEval(c *compiler, st *device.Step, a device.BatchNorm) error {
	return bnApply(c, st, a, c.as(st.In[1], tensor.Float32), c.as(st.In[2], tensor.Float32), 0, st.In[3:])
}

// bnApply normalises; rest are gamma, beta and what is added, the variance begins at element vat.
func bnApply(c *compiler, st *device.Step, a device.BatchNorm, mean, variance ref, vat int, rest []device.ValueID) error {
	over := append([]device.ValueID{st.In[0], st.Out[0]}, rest[2:]...)
	k := c.common(over...)
	x := c.as(st.In[0], k)
	entry, res := "bn_apply", x
	if a.Residual {
		entry, res = entry+"_res", c.as(rest[2], k)
	}
	if a.ReLU {
		entry += "_relu"
	}
	gamma, beta := c.as(rest[0], tensor.Float32), c.as(rest[1], tensor.Float32)
	y, done := c.out(st.Out[0], k)
	rows, ch := channelsOf(c.shape(st.In[0]))
	cols := c.columns(rows, ch, eachDeep, eachWaves)
	c.run(cols.unit(k), entry, cols.grid, perBlock, x, mean, variance, gamma, beta, res, y, rows, ch, cols.cols, vat, a.Eps)
	done()
	return nil
}

func bnGrads(c *compiler, st *device.Step, a device.BatchNorm) error {
	_, ch := channelsOf(c.shape(st.In[1]))
	stats := c.as(st.In[2], tensor.Float32)
	return bnSums(c, st, a, stats, stats, ch, st.In[3:])
}

func bnEvalGrads(c *compiler, st *device.Step, a device.BatchNorm) error {
	return bnSums(c, st, a, c.as(st.In[2], tensor.Float32), c.as(st.In[3], tensor.Float32), 0, st.In[4:])
}

// bnSums adds up the gradients of gamma and beta; y, if there, masks dy.
func bnSums(c *compiler, st *device.Step, a device.BatchNorm, mean, variance ref, vat int, y []device.ValueID) error {
	m := c.masked(st, y)
	rows, ch := channelsOf(c.shape(st.In[1]))
	cols := c.columns(rows, ch, sumDeep, sumWaves)
	g := cols.grid[0]
	part := c.temp(tensor.Float32, g*2*ch)
	grads, done := c.out(st.Out[0], tensor.Float32)
	c.run(cols.unit(m.kind), "bn_grads_part"+m.suffix, cols.grid, perBlock,
		m.dy, m.dz, m.x, mean, variance, m.or(m.gamma, mean), m.or(m.beta, mean), m.y, m.or(m.kept, m.dy), part, rows, ch, cols.cols, vat, a.Eps)
	dgamma, dbeta, to := c.ownRows(st.Out[0], grads)
	c.run("norm1_f32", "bn_grads_join", joins(ch), perBlock, part, variance, grads, dgamma, dbeta, to, ch, g, vat, a.Eps)
	done()
	return nil
}

// rowsDone are the values that have a row of a matrix already.
type rowsDone map[device.ValueID]bool

// ownRows finds where steps further on copy the rows of grads to as parameters' gradients: the kernel that makes
// them writes them there, and those steps have nothing to do. to has bit 0 for the first row, bit 1 for the
// second.
func (c *compiler) ownRows(id device.ValueID, grads ref) (first, second ref, to int) {
	out := [2]ref{grads, grads}
	done := rowsDone{}
	for _, st := range c.plan.Steps[c.number()+1:] {
		a, ok := st.Attrs.(device.Row)
		if !ok || st.In[0] != id || a.Index > 1 || to&(1<<a.Index) != 0 || !c.onlyResult(st.Out[0]) {
			continue
		}
		out[a.Index], to = c.val(st.Out[0]), to|1<<a.Index
		done[st.Out[0]] = true
	}
	c.side[id] = done
	return out[0], out[1], to
}

// onlyResult reports whether a value is a gradient that the plan gives, in full precision, and nothing else.
func (c *compiler) onlyResult(id device.ValueID) bool {
	for _, a := range c.plan.Args {
		if a.Value == id {
			return a.Role == device.Grad && a.Access == device.Write && c.store(id) == tensor.Float32
		}
	}
	return false
}

func bnDX(c *compiler, st *device.Step, a device.BatchNorm) error {
	m := c.masked(st, st.In[5:])
	stats, gamma, grads := c.as(st.In[2], tensor.Float32), c.as(st.In[3], tensor.Float32), c.as(st.In[4], tensor.Float32)
	dx, done := c.out(st.Out[0], m.kind)
	rows, ch := channelsOf(c.shape(st.In[1]))
	cols := c.columns(rows, ch, eachDeep, eachWaves)
	c.run(cols.unit(m.kind), "bn_dx"+m.suffix, cols.grid, perBlock,
		m.dy, m.x, stats, stats, gamma, m.or(m.beta, gamma), grads, m.y, dx, rows, ch, cols.cols, ch, a.Eps)
	done()
	return nil
}

func bnEvalDX(c *compiler, st *device.Step, a device.BatchNorm) error {
	y := st.In[3:]
	k := c.common(append([]device.ValueID{st.In[0], st.Out[0]}, y...)...)
	dy := c.as(st.In[0], k)
	entry, mask := "bn_eval_dx", dy
	if len(y) > 0 {
		entry, mask = entry+"_mask", c.as(y[0], k)
	}
	variance, gamma := c.as(st.In[1], tensor.Float32), c.as(st.In[2], tensor.Float32)
	dx, done := c.out(st.Out[0], k)
	rows, ch := channelsOf(c.shape(st.In[0]))
	cols := c.columns(rows, ch, eachDeep, eachWaves)
	c.run(cols.unit(k), entry, cols.grid, perBlock, dy, variance, gamma, mask, dx, rows, ch, cols.cols, a.Eps)
	done()
	return nil
}

func bnUpdate(c *compiler, st *device.Step, a device.BNUpdate) error {
	mean, variance := c.val(st.Out[0]), c.val(st.Out[1])
	if mean.kind != tensor.Float32 || variance.kind != tensor.Float32 {
		return errHost
	}
	stats := c.as(st.In[2], tensor.Float32)
	n := float32(a.Count)
	c.eight("bn_update", []any{mean, variance, stats, mean.n, a.Momentum, n / (n - 1)}, 3, c.flag)
	return nil
}

// sumColumns shares out a sum over rows. Channels that make no vectors do so in fours or eights of rows: a matrix
// [rows, channels] is one of [rows/8, 8 channels], too, and has eight times as many parts. It gives the matrix
// and how many parts there are.
func (c *compiler) sumColumns(rows, ch int) (k columns, r, n, parts int) {
	fold := 1
	for _, f := range []int{8, 4} {
		if fold == 1 && vector(ch) == 1 && rows%f == 0 {
			fold = f
		}
	}
	k = c.columns(rows/fold, ch*fold, sumDeep, sumWaves)
	return k, rows / fold, ch * fold, k.grid[0] * fold
}

// summed marks a value that holds its sum already.
type summed struct{}

func colSum(c *compiler, st *device.Step) error {
	if _, ok := c.side[st.Out[0]].(summed); ok {
		return nil
	}
	k := c.common(st.In[0])
	x := c.as(st.In[0], k)
	rows, ch := channelsOf(c.shape(st.In[0]))
	cols, r, n, parts := c.sumColumns(rows, ch)
	out, done := c.out(st.Out[0], tensor.Float32)
	part := out
	if parts > 1 {
		part = c.temp(tensor.Float32, parts*ch)
	}
	c.run(cols.unit(k), "colsum_part", cols.grid, perBlock, x, part, r, n, cols.cols)
	if parts > 1 {
		c.run("norm1_f32", "colsum_join", joins(ch), perBlock, part, out, ch, parts)
	}
	done()
	return nil
}

func mulLast(c *compiler, st *device.Step, a device.Weights) error {
	k := c.common(st.In[0], st.Out[0])
	x := c.as(st.In[0], k)
	w := c.constant(tensor.FromFloat32(a.W, len(a.W)))
	y, done := c.out(st.Out[0], k)
	rows, ch := channelsOf(c.shape(st.In[0]))
	cols := c.columns(rows, ch, eachDeep, eachWaves)
	c.run(cols.unit(k), "mul_last", cols.grid, perBlock, x, w, y, rows, ch, cols.cols)
	done()
	return nil
}

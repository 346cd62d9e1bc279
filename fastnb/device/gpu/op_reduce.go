package gpu

import (
	"strings"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Sums over all elements, and functions of rows.

func init() {
	lower(pairSum("dot", false), "dot")
	lower(pairSum("mse", true), "mse")
	lower(pairSum("bce_logits", true), "bce_logits")
	lower(total(false), "sum")
	lower(total(true), "mean")
	lower(ofRows("softmax"), "softmax")
	lower(ofRows("log_softmax"), "log_softmax")
	lower(ofRows("softmax_dx"), "softmax_dx")
	lower(ofRows("log_softmax_dx"), "log_softmax_dx")
	lower(ofRows("sum_last"), "sum_last")
	lower(softmaxXent, "softmax_xent")
	lower(softmaxXentDX, "softmax_xent_dx")
	lower(withAttrs(softXent), "soft_xent")
	lower(withAttrs(softXentDX), "soft_xent_dx")
}

// pairSum is a sum over pairs of elements, or their mean.
func pairSum(entry string, mean bool) lowering {
	return func(c *compiler, st *device.Step) error {
		k := c.common(st.In[0], st.In[1])
		x, y := c.as(st.In[0], k), c.as(st.In[1], k)
		out, done := c.out(st.Out[0], tensor.Float32)
		g := c.halves(x.n)
		part := c.temp(tensor.Float32, g)
		c.run(variant("reduce", k), "sum_"+entry, [3]int{g, 1, 1}, perBlock, x, y, part, x.n)
		c.join(part, out, 0, g, factor(mean, x.n))
		done()
		return nil
	}
}

// factor is what a sum of n is multiplied by.
func factor(mean bool, n int) float32 {
	if mean {
		return 1 / float32(n)
	}
	return 1
}

func total(mean bool) lowering {
	return func(c *compiler, st *device.Step) error {
		k := c.common(st.In[0])
		x := c.as(st.In[0], k)
		out, done := c.out(st.Out[0], tensor.Float32)
		g := c.halves(x.n)
		part := c.temp(tensor.Float32, g)
		c.run(variant("reduce", k), "sum_all", [3]int{g, 1, 1}, perBlock, x, part, x.n)
		c.join(part, out, 0, g, factor(mean, x.n))
		done()
		return nil
	}
}

// few is how many numbers of a row a thread takes by itself.
const few = 64

// rowsUnit is the unit for rows of so many numbers, and its grid.
func (c *compiler) rowsUnit(kind tensor.DType, rows, n int) (string, [3]int) {
	if n <= few {
		return variant("rows_small", kind), [3]int{max(1, min(over(rows, perBlock), 16*c.units())), 1, 1}
	}
	return variant("rows_block", kind), [3]int{max(1, min(rows, 16*c.units())), 1, 1}
}

// ofRows is a function of the rows of one or two arrays.
func ofRows(entry string) lowering {
	return func(c *compiler, st *device.Step) error {
		k := c.common(append([]device.ValueID{st.Out[0]}, st.In...)...)
		var args []any
		for _, id := range st.In {
			args = append(args, c.as(id, k))
		}
		y, done := c.out(st.Out[0], k)
		rows, n := channelsOf(c.shape(st.In[0]))
		unit, grid := c.rowsUnit(k, rows, n)
		c.run(unit, entry, grid, perBlock, append(args, y, rows, n)...)
		done()
		return nil
	}
}

func softmaxXent(c *compiler, st *device.Step) error {
	k := c.common(st.In[0])
	x, y := c.as(st.In[0], k), c.val(st.In[1])
	out, done := c.out(st.Out[0], tensor.Float32)
	rows, n := channelsOf(c.shape(st.In[0]))
	unit, grid := c.rowsUnit(k, rows, n)
	entry, grid := c.tiled("softmax_xent", grid, rows, n)
	part := c.temp(tensor.Float32, grid[0])
	c.run(unit, entry, grid, perBlock, x, y, part, c.flag, rows, n, c.number())
	c.join(part, out, 0, grid[0], factor(true, rows))
	done()
	return nil
}

// tiled is the kernel for rows of so many numbers: where they are many and a thread takes a row, the one that
// brings them into shared memory first, of 7168 numbers (28 KB).
func (c *compiler) tiled(entry string, grid [3]int, rows, n int) (string, [3]int) {
	if n > few || n < 2 || rows < 4*perBlock {
		return entry, grid
	}
	tall := min(perBlock, 7168/(n|1))
	return entry + "_tiled", [3]int{max(1, min(over(rows, tall), 6*c.units())), 1, 1}
}

// lossUnit is rowsUnit for the gradient of a loss, which is stored as kind says, and its predictions: those stay
// as they are.
func (c *compiler) lossUnit(id device.ValueID, kind tensor.DType, rows, n int) (unit string, x ref, grid [3]int) {
	x = c.val(id)
	unit, grid = c.rowsUnit(kind, rows, n)
	switch x.kind {
	case kind:
	case tensor.Float32:
		unit = "losses" + strings.TrimPrefix(unit, "rows")
	default:
		x = c.as(id, kind)
	}
	return unit, x, grid
}

func softmaxXentDX(c *compiler, st *device.Step) error {
	y, dl := c.val(st.In[1]), c.as(st.In[2], tensor.Float32)
	k := c.common(st.Out[0])
	dx, done := c.out(st.Out[0], k)
	rows, n := channelsOf(c.shape(st.In[0]))
	unit, x, grid := c.lossUnit(st.In[0], k, rows, n)
	entry, grid := c.tiled("softmax_xent", grid, rows, n)
	c.run(unit, entry+"_dx", grid, perBlock, x, y, dl, dx, c.flag, rows, n, c.number())
	done()
	return nil
}

// softTargets are the targets of a soft cross-entropy, the table of classes' weights, and the kernel's name.
func softTargets(c *compiler, st *device.Step, a device.SoftXent, x ref) (y, table ref, entry string) {
	y, entry = c.val(st.In[1]), "soft_xent_class"
	if y.kind != tensor.Int64 {
		y, entry = c.as(st.In[1], tensor.Float32), "soft_xent_weights"
	}
	table = x // not looked at
	if a.Weights != nil {
		table = c.constant(tensor.FromFloat32(a.Weights, len(a.Weights)))
	}
	return y, table, entry
}

// softParts queues the sums of losses, and behind them of weights; it gives them and how many parts they have.
func softParts(c *compiler, st *device.Step, a device.SoftXent, x ref) (part ref, g int) {
	y, table, entry := softTargets(c, st, a, x)
	rows, n := channelsOf(c.shape(st.In[0]))
	unit, grid := c.rowsUnit(x.kind, rows, n)
	part = c.temp(tensor.Float32, 2*grid[0])
	c.run(unit, entry, grid, perBlock, x, y, table, part, c.flag, rows, n, c.number(), a.Eps, number(a.Weights != nil))
	return part, grid[0]
}

func softXent(c *compiler, st *device.Step, a device.SoftXent) error {
	k := c.common(st.In[0])
	out, done := c.out(st.Out[0], tensor.Float32)
	part, g := softParts(c, st, a, c.as(st.In[0], k))
	if a.Weights == nil {
		rows, _ := channelsOf(c.shape(st.In[0]))
		c.join(part, out, 0, g, factor(true, rows))
	} else {
		c.run("reduce_f32", "join_ratio", [3]int{1, 1, 1}, perBlock, part, out, g)
	}
	done()
	return nil
}

func softXentDX(c *compiler, st *device.Step, a device.SoftXent) error {
	rows, n := channelsOf(c.shape(st.In[0]))
	k, dl := c.common(st.Out[0]), c.as(st.In[2], tensor.Float32)
	unit, x, grid := c.lossUnit(st.In[0], k, rows, n)
	y, table, entry := softTargets(c, st, a, x)
	over := dl // not looked at
	if a.Weights != nil {
		over = c.temp(tensor.Float32, 1)
		part, g := softParts(c, st, a, x)
		c.join(part, over, g, g, 1)
	}
	dx, done := c.out(st.Out[0], k)
	c.run(unit, entry+"_dx", grid, perBlock, x, y, table, dl, over, dx, c.flag, rows, n, c.number(), a.Eps, number(a.Weights != nil))
	done()
	return nil
}

package gpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// most is how many elements a value may have for kernels, whose indices are of 32 bits and run ahead of it by
// a grid at the most.
const most = 1<<31 - 1<<24

// lower fills ops in. A step over values of too many elements is left to the host.
func lower(f lowering, names ...string) {
	for _, name := range names {
		ops[name] = func(c *compiler, st *device.Step) error {
			for _, ids := range [][]device.ValueID{st.In, st.Out} {
				for _, id := range ids {
					if c.count(id) > most {
						return errHost
					}
				}
			}
			return f(c, st)
		}
	}
}

// withAttrs is a lowering that takes its step's attributes.
func withAttrs[A any](f func(c *compiler, st *device.Step, a A) error) lowering {
	return func(c *compiler, st *device.Step) error {
		a, ok := st.Attrs.(A)
		if !ok {
			return fmt.Errorf("attributes are %T, want %T", st.Attrs, a)
		}
		return f(c, st, a)
	}
}

// variant is a unit for a kind of storage.
func variant(unit string, kind tensor.DType) string { return unit + "_" + suffix(kind) }

// units is the number of multiprocessors to keep busy.
func (c *compiler) units() int { return max(1, c.dev.card.Units) }

// over is n/k, rounded up.
func over(n, k int) int { return (n + k - 1) / k }

// vector is the largest of 8, 4 and 1 that divides all n.
func vector(n ...int) int {
	v := 8
	for _, k := range n {
		for v > 1 && k%v != 0 {
			v = map[int]int{8: 4, 4: 1}[v]
		}
	}
	return v
}

// channelsOf is a shape's last size, and how many rows of it there are.
func channelsOf(shape []int) (rows, channels int) {
	if len(shape) == 0 {
		return 1, 1
	}
	channels = shape[len(shape)-1]
	return tensor.Count(shape) / max(1, channels), channels
}

// columns is how the blocks of a kernel share a matrix [rows, channels] out (kernels/share.h): each has cols
// columns of v channels and some of the rows.
type columns struct {
	v, cols int
	grid    [3]int
}

// columns gives each thread at least deep rows, as long as there are waves of blocks for the card's units.
func (c *compiler) columns(rows, channels, deep, waves int) columns {
	v := vector(channels)
	wide := channels / v
	gy := over(wide, 64)
	cols := over(wide, gy)
	lanes := perBlock / cols
	gx := min(over(rows, lanes*deep), over(waves*c.units(), gy))
	return columns{v: v, cols: cols, grid: [3]int{max(1, gx), gy, 1}}
}

// unit is the variant of the unit of norms for the columns' vectors and a kind of storage.
func (k columns) unit(kind tensor.DType) string {
	return variant(fmt.Sprint("norm", k.v), kind)
}

// each queues a kernel over n elements, 8 to a thread.
func (c *compiler) each(entry string, kind tensor.DType, n int, args ...any) {
	c.run(variant("each", kind), "each_"+entry, blocks(n/8+n%8), perBlock, args...)
}

// halves are the blocks of a reduction of n elements.
func (c *compiler) halves(n int) int { return max(1, min(over(n, 8*4*perBlock), 4*c.units())) }

// join queues the sum of a reduction's parts, from one on, times a factor.
func (c *compiler) join(parts, out ref, at, n int, factor float32) {
	c.run("reduce_f32", "join_sum", [3]int{1, 1, 1}, perBlock, parts, out, at, n, factor)
}

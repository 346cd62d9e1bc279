package gpu

import (
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Weights are kept in single precision and cast to what activations are kept in when a run needs them. A net has
// dozens of them, most too small for a launch of their own.

// castsAtOnce is how many arrays a launch casts.
const castsAtOnce = 8

// mergeCasts puts the casts of arguments that nothing has written before into common launches, where the first
// of each has been.
func (c *compiler) mergeCasts() {
	var group []int // launches
	gone := make([]bool, len(c.launches))
	for i, l := range c.launches {
		if !c.mergeable(l) || len(group) > 0 && c.launches[group[0]].entry != l.entry {
			continue
		}
		if group = append(group, i); len(group) == castsAtOnce {
			c.merge(group, gone)
			group = nil
		}
	}
	c.merge(group, gone)
	i := -1
	c.launches = slices.DeleteFunc(c.launches, func(launch) bool { i++; return gone[i] })
}

// mergeable reports whether a launch casts an argument as it was given.
func (c *compiler) mergeable(l launch) bool {
	if l.unit != "convert" || !l.cast {
		return false
	}
	from := l.args[0].(ref)
	to := l.args[1].(ref)
	return from.scratch == 0 && c.plan.Values[from.value].Place == device.Bound && from.kind == tensor.Float32 && to.kind.Half()
}

func (c *compiler) merge(group []int, gone []bool) {
	if len(group) < 2 {
		return
	}
	first := &c.launches[group[0]]
	kind := first.args[1].(ref).kind
	var args []any
	count := 0
	for _, i := range group {
		l := c.launches[i]
		args = append(args, l.args...)
		count += (l.args[2].(int) + 8*perBlock - 1) / (8 * perBlock)
		gone[i] = i != group[0]
	}
	for len(args) < 3*castsAtOnce {
		args = append(args, args[0], args[1], 0)
	}
	*first = launch{unit: "convert", entry: "convert8_f32_" + suffix(kind), grid: [3]int{count, 1, 1}, block: perBlock, args: args, step: first.step}
}

package gpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// lowering turns a step into launches. The files op_*.go fill ops in their init functions. A lowering that
// cannot do a step (shapes it was not written for) gives errHost: the step's definition runs on the host.
type lowering func(c *compiler, st *device.Step) error

var ops = map[string]lowering{}

// errHost says that a lowering leaves a step to the host.
var errHost = fmt.Errorf("no kernel for this")

// ref is memory that launches use: a value of the plan or scratch, from a byte on.
type ref struct {
	value   device.ValueID // where scratch is 0
	scratch int            // 1, 2, ...; below 0 the flag and constants
	off     int64          // bytes
	kind    tensor.DType   // how its elements are stored
	n       int            // elements
}

// at is r from element i on. The compiler may refuse it where the card wants coarse addresses (Card.Align):
// kernels whose offsets are not divisible by 64 elements take them as a number instead.
func (r ref) at(i int) ref {
	r.off += int64(i) * int64(r.kind.Size())
	r.n -= i
	return r
}

// bytes is the size of r.
func (r ref) bytes() int64 { return int64(r.n) * int64(r.kind.Size()) }

// launch is a kernel's call, or with an empty entry something else of the same line.
type launch struct {
	unit, entry string
	grid        [3]int
	block       int
	shared      int
	args        []any // ref, int (32 bits), int64, float32
	step        *device.Step
	other       func(r *running) error // fill, copy, host's definition
	refs        []ref                  // that other uses
	host        bool                   // other waits for the card
	cast        bool                   // it casts an argument that no step has written
}

// compiler makes a program of a plan.
type compiler struct {
	dev      *Device
	plan     *device.Plan
	act      tensor.DType // how activations are stored
	step     *device.Step
	launches []launch
	index    int     // of step
	scratch  []int64 // bytes
	consts   []*tensor.Tensor
	views    map[device.ValueID]ref
	casts    map[castOf]ref
	castAt   map[castOf]int         // the launch that makes it
	changed  map[device.ValueID]int // how often a bound value was written so far
	wide     map[castOf]ref         // casts with their rows rounded up to whole vectors
	force    func(*product) choice  // nil: products are done as measured or guessed
	flag     ref
	side     map[device.ValueID]any // what lowerings keep of a value beside it, or instead of it
}

type castOf struct {
	value device.ValueID
	kind  tensor.DType
	at    int // changed
}

// store is how a value's elements are stored: temporaries without Full as activations.
func (c *compiler) store(id device.ValueID) tensor.DType {
	v := c.plan.Values[id]
	if v.DType == tensor.Float32 && v.Place == device.Temp && !v.Full {
		return c.act
	}
	return v.DType
}

// shape is a value's shape on the device.
func (c *compiler) shape(id device.ValueID) []int { return c.plan.Values[id].Shape }

// count is a value's number of elements.
func (c *compiler) count(id device.ValueID) int { return tensor.Count(c.plan.Values[id].Shape) }

// val is a value as it is stored.
func (c *compiler) val(id device.ValueID) ref {
	if r, ok := c.views[id]; ok {
		return r
	}
	return ref{value: id, kind: c.store(id), n: c.count(id)}
}

// as is a value stored as kind: itself, or a copy that is made once for all who read it until it is written.
func (c *compiler) as(id device.ValueID, kind tensor.DType) ref {
	r := c.val(id)
	if r.kind == kind {
		return r
	}
	key := castOf{id, kind, c.changed[id]}
	if t, ok := c.casts[key]; ok {
		return t
	}
	t := c.temp(kind, r.n)
	c.casts[key], c.castAt[key] = t, len(c.launches)
	c.convert(t, r)
	c.launches[len(c.launches)-1].cast = key.at == 0
	return t
}

// out is where a step writes a value as kind, and what to call when it is written.
func (c *compiler) out(id device.ValueID, kind tensor.DType) (ref, func()) {
	r := c.val(id)
	c.changed[id]++
	if r.kind == kind {
		return r, func() {}
	}
	t := c.temp(kind, r.n)
	return t, func() { c.convert(r, t) }
}

// common is the kind of storage in which a step over these values computes: the activations' if all are
// stored so, else float32.
func (c *compiler) common(ids ...device.ValueID) tensor.DType {
	for _, id := range ids {
		if c.store(id) != c.act {
			return tensor.Float32
		}
	}
	return c.act
}

// temp is scratch for n elements; it lives from its first to its last use, and holds anything at first.
func (c *compiler) temp(kind tensor.DType, n int) ref {
	c.scratch = append(c.scratch, int64(n)*int64(kind.Size()))
	return ref{scratch: len(c.scratch), kind: kind, n: n}
}

// constant is a small array that is on the card as long as the program is.
func (c *compiler) constant(t *tensor.Tensor) ref {
	c.consts = append(c.consts, t)
	return ref{scratch: firstConst - len(c.consts) + 1, kind: t.DType(), n: t.Len()}
}

// number is the step's place in the plan, which a kernel that raises the flag tells.
func (c *compiler) number() int { return c.index }

// run queues a kernel of a unit. args are ref, int (32 bits on the card), int64 or float32, as the kernel
// declares them.
func (c *compiler) run(unit, entry string, grid [3]int, block int, args ...any) {
	c.runShared(unit, entry, grid, block, 0, args...)
}

// runShared is run with dynamic shared memory, in bytes.
func (c *compiler) runShared(unit, entry string, grid [3]int, block, shared int, args ...any) {
	c.launches = append(c.launches, launch{unit: unit, entry: entry, grid: grid, block: block, shared: shared, args: args, step: c.step})
}

// convert queues a conversion between kinds of storage.
func (c *compiler) convert(dst, src ref) {
	c.run("convert", "convert_"+suffix(src.kind)+"_"+suffix(dst.kind), blocks(dst.n), perBlock, src, dst, dst.n)
}

// clear queues the setting of all bytes of r to 0.
func (c *compiler) clear(r ref) {
	c.launches = append(c.launches, launch{step: c.step, refs: []ref{r}, other: func(g *running) error {
		return g.stream.Fill(g.ptr(r), 0, r.bytes())
	}})
}

// copy queues a copy of src to dst, which are of one kind and size.
func (c *compiler) copy(dst, src ref) {
	c.launches = append(c.launches, launch{step: c.step, refs: []ref{dst, src}, other: func(g *running) error {
		return g.stream.Copy(g.ptr(dst), g.ptr(src), dst.bytes())
	}})
}

// view lets out be memory of in from an element on; false where it cannot be (out is bound, or stored
// otherwise, or the address would be uneven).
func (c *compiler) view(out, in device.ValueID, element int) bool {
	r := c.val(in).at(element)
	if c.plan.Values[out].Place != device.Temp || c.store(out) != r.kind || r.off%c.dev.card.Align != 0 {
		return false
	}
	r.n = c.count(out)
	c.views[out] = r
	return true
}

// suffix names the variant of a unit for a kind of storage: "f32", "f16", "bf16".
func suffix(k tensor.DType) string {
	switch k {
	case tensor.Float32:
		return "f32"
	case tensor.Float16:
		return "f16"
	case tensor.BFloat16:
		return "bf16"
	case tensor.Int64:
		return "i64"
	case tensor.Uint8:
		return "u8"
	}
	return fmt.Sprint(k)
}

// perBlock is the usual number of threads of a block.
const perBlock = 256

// blocks is the grid of one thread for each of n elements.
func blocks(n int) [3]int { return [3]int{(n + perBlock - 1) / perBlock, 1, 1} }

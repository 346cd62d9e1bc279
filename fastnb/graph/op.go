package graph

import (
	"fmt"
	"hash"
	"hash/fnv"
	"sync/atomic"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	gtensor "gorgonia.org/tensor"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// op is one call as Gorgonia sees it: a typed operation with a shape, a host definition (Do) and a
// symbolic derivative. Lowering turns it into a device.Step of the same name.
//
// Gorgonia joins nodes whose ops hash alike, so every op has an id of its own: two dropout layers
// must never become one.
type op struct {
	id    uint64
	name  string // the step's name, see device/attrs.go
	attrs any
	shape []int
	dtype tensor.DType
	in    []*Node
	host  device.HostFunc
	wrt   []bool // which inputs have a derivative; nil is none
	diff  func(in gorgonia.Nodes, out, grad *Node) (gorgonia.Nodes, error)
	layer string
	// layout of the result; where it is Plain, that of an input of the same shape.
	layout device.Layout
	full   bool // the result needs full precision: statistics, sums, numbers of words
}

var lastID atomic.Uint64

// gtype is a kind of elements as Gorgonia's arrays know it.
func gtype(t tensor.DType) gtensor.Dtype {
	switch t {
	case tensor.Int64:
		return gtensor.Int64
	case tensor.Uint8:
		return gtensor.Uint8
	}
	return gtensor.Float32
}

func hmType(dims int, t tensor.DType) hm.Type {
	var of hm.Type = gtype(t)
	if dims == 0 {
		return of
	}
	return gorgonia.TensorType{Dims: dims, Of: of}
}

func nodeDType(n *Node) tensor.DType {
	switch n.Dtype() {
	case gtensor.Int64:
		return tensor.Int64
	case gtensor.Uint8:
		return tensor.Uint8
	}
	return tensor.Float32
}

// Arity is the number of inputs.
func (o *op) Arity() int { return len(o.in) }

// Type is the function type of the op over its inputs' types.
func (o *op) Type() hm.Type {
	t := make([]hm.Type, 0, len(o.in)+1)
	for _, n := range o.in {
		t = append(t, hmType(n.Dims(), nodeDType(n)))
	}
	return hm.NewFnType(append(t, hmType(len(o.shape), o.dtype))...)
}

// InferShape gives the shape settled when the op was built.
func (o *op) InferShape(...gorgonia.DimSizer) (gtensor.Shape, error) {
	return append(gtensor.Shape{}, o.shape...), nil
}

// ReturnsPtr says that results are references.
func (o *op) ReturnsPtr() bool { return true }

// CallsExtern says that no foreign code runs.
func (o *op) CallsExtern() bool { return false }

// OverwritesInput says that no input is overwritten.
func (o *op) OverwritesInput() int { return -1 }

// WriteHash writes what makes the op itself: its id.
func (o *op) WriteHash(h hash.Hash) { fmt.Fprintf(h, "fastnb %s %d", o.name, o.id) }

// Hashcode is a 32-bit hash of WriteHash.
func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String is the op's name and id.
func (o *op) String() string { return fmt.Sprintf("%s#%d", o.name, o.id) }

// DiffWRT tells which inputs have a derivative.
func (o *op) DiffWRT(n int) []bool {
	if o.wrt == nil {
		return make([]bool, n)
	}
	return o.wrt
}

// SymDiff builds the nodes of the derivatives.
func (o *op) SymDiff(in gorgonia.Nodes, out, grad *Node) (gorgonia.Nodes, error) {
	if o.diff == nil {
		return nil, fmt.Errorf("fastnb: graph: %s has no derivative", o.name)
	}
	return o.diff(in, out, grad)
}

// Do computes the op on the host: how Gorgonia's TapeMachine, the tests' oracle, runs it.
func (o *op) Do(vals ...gorgonia.Value) (gorgonia.Value, error) {
	out := tensor.New(o.dtype, o.shape...)
	if err := o.run(out, vals); err != nil {
		return nil, err
	}
	if len(o.shape) == 0 {
		return gorgonia.NewF32(out.Float32s()[0]), nil
	}
	return gtensor.New(gtensor.WithShape(o.shape...), gtensor.WithBacking(backing(out))), nil
}

// UsePreallocDo computes into a value that the machine has at hand.
func (o *op) UsePreallocDo(pre gorgonia.Value, vals ...gorgonia.Value) (gorgonia.Value, error) {
	if len(o.shape) == 0 {
		return o.Do(vals...)
	}
	out, err := hostValue(pre, o.shape)
	if err != nil {
		return nil, err
	}
	return pre, o.run(out, vals)
}

func (o *op) run(out *tensor.Tensor, vals []gorgonia.Value) error {
	in := make([]*tensor.Tensor, len(vals))
	for i, v := range vals {
		t, err := hostValue(v, o.in[i].Shape())
		if err != nil {
			return fmt.Errorf("fastnb: graph: %s: input %d: %w", o.name, i, err)
		}
		in[i] = t
	}
	return o.host([]*tensor.Tensor{out}, in)
}

func backing(t *tensor.Tensor) any {
	if t.DType() == tensor.Int64 {
		return t.Int64s()
	}
	return t.Float32s()
}

// hostValue views a Gorgonia value as a host tensor.
func hostValue(v gorgonia.Value, shape []int) (*tensor.Tensor, error) {
	switch d := v.Data().(type) {
	case []float32:
		return tensor.FromFloat32(d, shape...), nil
	case []int64:
		return tensor.FromInt64(d, shape...), nil
	case []uint8:
		return tensor.FromUint8(d, shape...), nil
	case float32:
		return tensor.FromFloat32([]float32{d}), nil
	case int64:
		return tensor.FromInt64([]int64{d}), nil
	}
	return nil, fmt.Errorf("value of kind %T", v.Data())
}

// call builds the node of an op over in. It is used by the builder and by derivatives.
func call(o op, in ...*Node) (*Node, error) {
	o.id = lastID.Add(1)
	o.in = in
	var n *Node
	err := guard(func() (err error) {
		n, err = gorgonia.ApplyOp(&o, in...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fastnb: graph: %s: %w", o.name, err)
	}
	return n, nil
}

// grads calls the derivative ops one after the other and keeps the first error, so that diff
// functions read as lists.
type grads struct {
	layer string
	err   error
}

func (g *grads) call(o op, in ...*Node) *Node {
	if g.err != nil {
		return nil
	}
	o.layer = g.layer
	n, err := call(o, in...)
	g.err = err
	return n
}

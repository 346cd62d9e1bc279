package device

import "github.com/fastnb/go/fastnb/tensor"

// ValueID indexes Plan.Values.
type ValueID int

// ValueKind says where a value lives.
type ValueKind uint8

// The kinds of value.
const (
	Temp  ValueKind = iota // placed by the device, dead after its last use
	Arg                    // a Buffer given to Run: inputs, parameters, gradients, results
	Const                  // Value.Data, uploaded at Compile
)

// Value is one array of a plan.
type Value struct {
	Name  string // for messages: "layer2.0.conv1.weight"
	Shape []int  // activations are [N, H, W, C]; a scalar has no sizes
	DType tensor.DType
	Kind  ValueKind
	Data  *tensor.Tensor // of a Const
}

// HostFunc computes a step on the host, slowly and plainly. It is every op's definition: devices
// are tested against it, and a device without a kernel for the op runs it (and says so once).
// Out tensors are allocated; for an in-place op they are the same tensors as the inputs.
type HostFunc func(out, in []*tensor.Tensor) error

// Step is one call of an op.
type Step struct {
	Op    string // the kernel's name: "conv2d"
	Attrs any    // its attribute struct of attrs.go, by value, or nil
	Host  HostFunc
	In    []ValueID
	Out   []ValueID // may contain values of In where the op works in place (adam, bn_update)
	Layer string    // path of the layer that made it, for messages and profiles
}

// Plan is a list of calls in order of execution over a set of values: what the graph package makes
// of a Gorgonia graph and what devices compile.
type Plan struct {
	Name   string
	Values []Value
	Steps  []Step
	Args   []ValueID // in the order in which Run takes their buffers
}

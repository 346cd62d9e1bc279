package device

import (
	"slices"

	"github.com/fastnb/go/fastnb/tensor"
)

// ValueID indexes Plan.Values.
type ValueID int

// Place says where a value lives.
type Place uint8

// The places of values.
const (
	Temp  Place = iota // placed by the device, dead after its last use
	Bound              // a Buffer given to Run: one of Plan.Args
	Const              // Value.Data, uploaded at Compile
)

// Value is one array of a plan.
type Value struct {
	Name   string // for messages: "layer2.0.conv1.weight"
	Shape  []int  // as it lies on the device; a scalar has no sizes
	DType  tensor.DType
	Layout Layout
	// Full: the value is kept as DType says also where a device keeps activations in half precision. It is
	// so of all that is bound, and of temporaries that hold statistics, sums or numbers of words.
	Full  bool
	Place Place
	Data  *tensor.Tensor // of a Const
}

// Spec is the value's kind and shape on the device.
func (v Value) Spec() Spec { return Spec{v.DType, v.Shape} }

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
	Layer string    // path of the layer that made it, for messages and profiles; of an Update its parameter's name
	Pass  Pass      // which part of a step of training it belongs to, for profiles
}

// Pass is a part of a step of training.
type Pass uint8

// The passes of a step.
const (
	Forward  Pass = iota // from inputs to outputs and loss
	Backward             // gradients
	Update               // of parameters
)

// String is the pass's name.
func (p Pass) String() string { return [...]string{"forward", "backward", "update"}[p] }

// Role says what an argument is to the plan's user.
type Role uint8

// The roles of arguments.
const (
	Input     Role = iota // what the user feeds: Arg.Name, Arg.Index
	Parameter             // a parameter or running statistic: Arg.Name
	State                 // what the plan carries from run to run: Arg.Name
	RNG                   // seed and step of the random masks
	Hyper                 // hyper-parameters
	Slot                  // an optimizer's memory of a parameter: Arg.Name, Arg.Index
	Grad                  // the gradient of the loss by a parameter: Arg.Name
	Output                // a result: Arg.Index
	Loss                  // the mean loss of the batch
	By                    // the gradient of a score by a node: Arg.Index
	Sum                   // what gradients are added up in
)

// String is the role's name.
func (r Role) String() string {
	return [...]string{"input", "param", "state", "rng", "hyper", "slot", "grad", "output", "loss", "by", "sum"}[r]
}

// Access says what a plan does to an argument.
type Access uint8

// The kinds of access.
const (
	None  Access = iota // the plan does not use it
	Read                // it stays as it is
	Write               // what was in it does not matter
	Both                // it is read and changed
)

// String is the access's name.
func (a Access) String() string { return [...]string{"none", "read", "write", "both"}[a] }

// Arg is an argument of a plan: a buffer given to each run.
type Arg struct {
	Value  ValueID
	Role   Role
	Access Access // as Settle finds it
	Name   string
	Index  int
}

// Plan is a list of calls in order of execution over a set of values: what the graph package makes
// of a Gorgonia graph and what devices compile.
type Plan struct {
	Name   string
	Values []Value
	Steps  []Step
	Args   []Arg // in the order in which Run takes their buffers
	// Activations is the kind in which temporaries without Full are kept: one of the device's Mixed or Products, or Float32
	// for what the device does by itself (Info.Activations).
	Activations tensor.DType
}

// Stored is the kind in which a device keeps a plan's temporaries that need no full precision.
func (p *Plan) Stored(i Info) tensor.DType {
	if p.Activations.Half() && slices.Contains(i.Mixed, p.Activations) {
		return p.Activations
	}
	return i.Activations
}

// Add appends a value.
func (p *Plan) Add(v Value) ValueID {
	p.Values = append(p.Values, v)
	return ValueID(len(p.Values) - 1)
}

// Bind appends a value that is an argument: float32 and plain unless v says otherwise.
func (p *Plan) Bind(v Value, a Arg) ValueID {
	v.Place, v.Full = Bound, true
	a.Value = p.Add(v)
	p.Args = append(p.Args, a)
	return a.Value
}

// Settle fills in what the steps do to each argument. Whoever makes a plan calls it when the steps are
// there.
func (p *Plan) Settle() *Plan {
	access := make([]Access, len(p.Values))
	for _, st := range p.Steps {
		for _, id := range st.In {
			if access[id] == None {
				access[id] = Read
			}
		}
		for _, id := range st.Out {
			switch access[id] {
			case None:
				access[id] = Write
			case Read:
				access[id] = Both
			}
		}
	}
	for i := range p.Args {
		p.Args[i].Access = access[p.Args[i].Value]
	}
	return p
}

// Arg finds an argument by role and name, with its place in Args, or -1.
func (p *Plan) Arg(r Role, name string) int {
	return slices.IndexFunc(p.Args, func(a Arg) bool { return a.Role == r && a.Name == name })
}

// Spec is the kind and shape of the buffer that argument i takes.
func (p *Plan) Spec(i int) Spec { return p.Values[p.Args[i].Value].Spec() }

// Layout is how argument i lies.
func (p *Plan) Layout(i int) Layout { return p.Values[p.Args[i].Value].Layout }

// Cast is the step that gives a value in another kind of elements, rounded to the nearest.
func Cast(in, out ValueID) Step {
	return Step{Op: "cast", In: []ValueID{in}, Out: []ValueID{out}, Host: func(out, in []*tensor.Tensor) error {
		t := in[0].To(out[0].DType())
		copy(out[0].Float32s(), t.Float32s())
		copy(out[0].Int64s(), t.Int64s())
		copy(out[0].Uint8s(), t.Uint8s())
		copy(out[0].Bits(), t.Bits())
		return nil
	}}
}

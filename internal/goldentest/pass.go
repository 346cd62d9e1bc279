package goldentest

import (
	"context"
	"fmt"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	_ "github.com/fastnb/go/fastnb/device/cpu"        // registers "cpu"
	_ "github.com/fastnb/go/fastnb/device/devicetest" // registers "fake"
	_ "github.com/fastnb/go/fastnb/device/hostdev"    // registers "host"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// Devices are the names of the devices that reference values are checked on. The fake one works late and
// out of step, as a card may.
var Devices = []string{"host", "cpu", "fake"}

// Pass is one run of a layer: forward, and backward where there is a loss or a cotangent.
type Pass struct {
	Device string
	Train  bool
	Layer  nn.Layer // its parameters are named by Run; nil where Build needs none
	// Build adds the computation; nil runs Layer on X[0].
	Build func(b *graph.Builder, x ...*graph.Node) *graph.Node
	// State are the layer's parameters and running statistics by name, PyTorch's layouts.
	State map[string]*tensor.Tensor
	X     []*tensor.Tensor // [N, C, H, W] or other
	Cot   *tensor.Tensor   // gradients are those of sum(out * Cot)
	Loss  *nn.Loss         // or of this loss against Y
	Y     *tensor.Tensor
}

// Result is what a pass gives, in PyTorch's layouts.
type Result struct {
	Out   *tensor.Tensor
	Loss  float64
	DX    []*tensor.Tensor          // gradients by X; nil for inputs of whole numbers
	Grads map[string]*tensor.Tensor // by parameter
	After map[string]*tensor.Tensor // running statistics (and parameters) afterwards
}

// run is a pass under way.
type run struct {
	Pass
	dev  device.Device
	q    device.Queue
	plan *device.Plan
	bufs []device.Buffer
	prog device.Program
	x    []string // names of the inputs
}

// Run runs the pass on its device.
func (p Pass) Run(t testing.TB) Result {
	t.Helper()
	res, err := p.try()
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (p Pass) try() (Result, error) {
	dev, err := device.Open(p.Device)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = dev.Close() }()
	r := &run{Pass: p, dev: dev, q: dev.NewQueue()}
	if err := r.compile(); err != nil {
		return Result{}, err
	}
	defer r.prog.Close()
	values := r.values()
	if p.Cot == nil {
		return r.once(values)
	}
	// The derivative of the mean squared difference to out - n/2*cot is cot.
	res, err := r.once(values)
	if err != nil {
		return res, err
	}
	half := float32(res.Out.Len()) / 2
	y := res.Out.Clone()
	for i, c := range p.Cot.Float32s() {
		y.Float32s()[i] -= half * c
	}
	values["y"] = y
	return r.once(values)
}

// compile builds the graph, with inputs as parameters so that they have gradients.
func (r *run) compile() error {
	b := graph.NewBuilder(r.Train)
	var xs []*graph.Node
	spec := graph.LowerSpec{Name: "golden"}
	for i, x := range r.X {
		name := fmt.Sprintf("input %d", i)
		r.x = append(r.x, name)
		if x.DType() == tensor.Float32 {
			as := device.LayoutOf(device.SpecOf(x))
			xs = append(xs, b.ParamAs(as, name, as.Device(x.Shape())...))
			spec.Grads = append(spec.Grads, name)
		} else {
			xs = append(xs, b.Input(name, x.DType(), x.Shape()...))
		}
	}
	if r.Layer != nil {
		nn.NamePaths(r.Layer, "")
		for _, p := range nn.AllParams(r.Layer) {
			if p.Kind.Trainable() {
				spec.Grads = append(spec.Grads, p.Name)
			}
		}
	}
	build := r.Build
	if build == nil {
		build = func(b *graph.Builder, x ...*graph.Node) *graph.Node { return r.Layer.Forward(b, x[0]) }
	}
	out := build(b, xs...)
	spec.Outputs = []*graph.Node{out}
	switch {
	case r.Loss != nil:
		spec.Loss = r.Loss.Build(b, out, b.Feed("y", device.SpecOf(r.Y), device.Normalize{}))
	case r.Cot != nil:
		spec.Loss = b.MSE(out, b.Input("y", tensor.Float32, b.Shape(out)...))
	default:
		spec.Grads = nil
	}
	var err error
	if r.plan, err = b.Lower(spec); err != nil {
		return err
	}
	for i := range r.plan.Args {
		buf, err := r.dev.Alloc(r.plan.Spec(i))
		if err != nil {
			return err
		}
		r.bufs = append(r.bufs, buf)
	}
	r.prog, err = r.dev.Compile(r.plan)
	return err
}

// values are the leaves' values by name.
func (r *run) values() map[string]*tensor.Tensor {
	v := map[string]*tensor.Tensor{}
	for name, t := range r.State {
		v[name] = t
	}
	for i, x := range r.X {
		v[r.x[i]] = x
	}
	if r.Y != nil {
		v["y"] = r.Y
	}
	return v
}

// once uploads the leaves, runs and collects.
func (r *run) once(values map[string]*tensor.Tensor) (Result, error) {
	res := Result{Grads: map[string]*tensor.Tensor{}, After: map[string]*tensor.Tensor{}, DX: make([]*tensor.Tensor, len(r.X))}
	ctx := context.Background()
	for i, a := range r.plan.Args {
		if a.Role != device.Parameter && a.Role != device.Input {
			continue
		}
		t := values[a.Name]
		if t == nil && a.Name == "y" {
			continue // zeros, the first time
		}
		if t == nil {
			return res, fmt.Errorf("no value for %s", a.Name)
		}
		if err := r.q.Write(r.bufs[i], r.layout(i, t).ToDevice(t)).Wait(ctx); err != nil {
			return res, fmt.Errorf("%s: %w", a.Name, err)
		}
	}
	r.q.Run(ctx, r.prog, r.bufs...)
	for i, a := range r.plan.Args {
		s := r.plan.Spec(i)
		t := tensor.New(s.DType, s.Shape...)
		if err := r.q.Read(t, r.bufs[i]).Wait(ctx); err != nil {
			return res, err
		}
		switch t = r.plan.Layout(i).FromDevice(t); a.Role {
		case device.Output:
			res.Out = t
		case device.Loss:
			res.Loss = float64(t.Float32s()[0])
		case device.Parameter:
			res.After[a.Name] = t
		case device.Grad:
			r.grad(&res, a.Name, t)
		}
	}
	return res, nil
}

// layout is how a value lies in its buffer: as its plan says, but for what is fed, which goes up as it is,
// and for the target of a cotangent, which is an output.
func (r *run) layout(i int, t *tensor.Tensor) device.Layout {
	if r.plan.Args[i].Role == device.Input && r.Cot != nil && r.plan.Args[i].Name == "y" {
		return device.LayoutOf(device.SpecOf(t))
	}
	return r.plan.Layout(i)
}

func (r *run) grad(res *Result, name string, t *tensor.Tensor) {
	for i, x := range r.x {
		if x == name {
			res.DX[i] = t
			return
		}
	}
	res.Grads[name] = t
}

package engine

import (
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// program is a compiled plan for one batch shape and its buffers.
type program struct {
	train  bool
	rows   int  // of the batch
	words  bool // out is [T, N], to be turned
	prog   device.Program
	args   []device.Buffer
	inputs []device.Buffer // x, y and, in training, the loss scale
	out    device.Buffer
	loss   device.Buffer // nil without targets
	own    []device.Buffer
	watch  []device.Buffer // of the layers that are watched
}

func deviceShape(t *tensor.Tensor) []int { return Spec{t.DType(), t.Shape()}.device() }

// program finds or makes the program for a batch.
func (e *Engine) program(train bool, x, y []Spec) (*program, error) {
	if len(x) != 1 || len(y) > 1 {
		return nil, fmt.Errorf("fastnb: engine: %d inputs and %d targets, want 1 and at most 1", len(x), len(y))
	}
	key := fmt.Sprint(train)
	for _, t := range slices.Concat(x, y) {
		key += fmt.Sprint(" ", t.DType, t.Shape)
	}
	if pr, ok := e.programs[key]; ok {
		i := slices.Index(e.recent, key)
		e.recent = append(slices.Delete(e.recent, i, i+1), key)
		return pr, nil
	}
	if train && len(y) == 0 {
		return nil, fmt.Errorf("fastnb: engine: training without targets")
	}
	pr, err := e.build(train, x, y)
	if err != nil {
		return nil, err
	}
	e.programs[key] = pr
	e.recent = append(e.recent, key)
	if len(e.recent) > keepPrograms {
		e.drop(e.recent[0])
	}
	return pr, nil
}

func (e *Engine) drop(key string) {
	pr := e.programs[key]
	e.seen = nil // it may be this program's
	pr.prog.Close()
	for _, b := range pr.own {
		e.dev.Free(b)
	}
	delete(e.programs, key)
	e.forgetHidden()
	i := slices.Index(e.recent, key)
	e.recent = slices.Delete(e.recent, i, i+1)
}

func (e *Engine) build(train bool, x, y []Spec) (*program, error) {
	b := graph.NewBuilder(train)
	if e.evalNorm {
		for _, p := range e.params {
			if p.Kind == nn.NormWeight && !p.trainable {
				b.FreezeNorm(p.Name)
			}
		}
	}
	in := b.Input("x", x[0].DType, x[0].device()...)
	out := e.net.Forward(b, in)
	spec := graph.LowerSpec{Name: "evaluation", Outputs: []*graph.Node{out}}
	if len(y) > 0 {
		target := b.Input("y", y[0].DType, y[0].device()...)
		b.Push("loss")
		spec.Loss = e.loss.Build(b, out, target)
		b.Pop()
	}
	spec.Outputs[0] = b.Shown(out)
	if train {
		nodes, err := e.watched(b)
		if err != nil {
			return nil, err
		}
		spec.Outputs = append(spec.Outputs, nodes...)
		spec.Name = "training"
		spec.Seed = b.Input("loss scale", tensor.Float32)
		if r, ok := e.net.(nn.Regularised); ok && b.Err() == nil {
			spec.Penalty = r.Penalty(b)
		}
		for _, p := range e.params {
			if p.trainable {
				spec.Grads = append(spec.Grads, p.Name)
			}
		}
	}
	low, err := b.Lower(spec)
	if err != nil {
		return nil, err
	}
	prog, err := e.dev.Compile(low.Plan)
	if err != nil {
		return nil, err
	}
	if err := e.fits(spec.Name, prog, train, x, y); err != nil {
		prog.Close()
		return nil, err
	}
	pr := &program{train: train, rows: firstOf(x[0].Shape), words: spec.Outputs[0] != out, prog: prog}
	if err := e.bind(pr, low); err != nil {
		prog.Close()
		return nil, err
	}
	return pr, nil
}

// bind finds or makes the buffer of each of the plan's arguments.
func (e *Engine) bind(pr *program, low *graph.Lowered) error {
	inputs, watch := map[int]device.Buffer{}, map[int]device.Buffer{}
	for i, ref := range low.Args {
		v := low.Plan.Values[low.Plan.Args[i]]
		var buf device.Buffer
		switch ref.Kind {
		case "param":
			buf = e.byName[ref.Name].buf
		case "rng":
			buf = e.rng
		case "state":
			h, err := e.hiddenBuffer(ref.Name, v.Shape)
			if err != nil {
				return err
			}
			buf = h
		case "grad":
			p := e.byName[ref.Name]
			if p.grad == nil {
				g, err := e.dev.Alloc(tensor.Float32, p.DeviceShape()...)
				if err != nil {
					return fmt.Errorf("fastnb: engine: gradient of %s: %w", ref.Name, err)
				}
				p.grad = g
			}
			buf = p.grad
		default:
			own, err := e.dev.Alloc(v.DType, v.Shape...)
			if err != nil {
				return fmt.Errorf("fastnb: engine: %s: %w", v.Name, err)
			}
			pr.own = append(pr.own, own)
			buf = own
			switch ref.Kind {
			case "input":
				inputs[ref.Index] = own
			case "output":
				if ref.Index > 0 {
					watch[ref.Index-1] = own
				} else {
					pr.out = own
				}
			case "loss":
				pr.loss = own
			}
		}
		pr.args = append(pr.args, buf)
	}
	for i := range len(inputs) {
		pr.inputs = append(pr.inputs, inputs[i])
	}
	for i := range len(watch) {
		pr.watch = append(pr.watch, watch[i])
	}
	return nil
}

// firstOf is the number of rows of a batch of this shape.
func firstOf(s []int) int {
	if len(s) == 0 {
		return 1
	}
	return s[0]
}

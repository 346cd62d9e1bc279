package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// program is a compiled plan for one batch shape and its buffers.
type program struct {
	train     bool
	rows      int // of the batch
	runs      int // so far
	prog      device.Program
	args      []device.Buffer
	inputs    []device.Buffer // x and y
	spare     []device.Buffer // the inputs of every other batch, where batches go up before their turn
	single    bool            // there is no room for spare
	out       device.Buffer   // nil when the program was dropped
	outLayout device.Layout
	loss      device.Buffer // nil without targets
	own       []device.Buffer
	watch     []seenPart // of the layers that are watched
}

// seenPart is the output of a watched layer.
type seenPart struct {
	buf    device.Buffer
	layout device.Layout
}

// shapes are what a program is compiled for.
type shapes struct {
	x, y []Spec
	norm device.Normalize
}

// key names the program for batches of these shapes.
func (s shapes) key(train bool) string {
	key := fmt.Sprint(train, s.norm)
	for _, t := range slices.Concat(s.x, s.y) {
		key += fmt.Sprint(" ", t.DType, t.Shape)
	}
	return key
}

// program finds or makes the program for a batch.
func (e *Engine) program(train bool, b Batch) (*program, error) {
	return e.programFor(train, shapes{specs(b.X), specs(b.Y), b.Norm})
}

func (e *Engine) programFor(train bool, s shapes) (*program, error) {
	x, y := s.x, s.y
	if len(x) != 1 || len(y) > 1 {
		return nil, fmt.Errorf("fastnb: engine: %d inputs and %d targets, want 1 and at most 1", len(x), len(y))
	}
	key := s.key(train)
	if pr, ok := e.programs[key]; ok {
		i := slices.Index(e.recent, key)
		e.recent = append(slices.Delete(e.recent, i, i+1), key)
		return pr, nil
	}
	if train && len(y) == 0 {
		return nil, fmt.Errorf("fastnb: engine: training without targets")
	}
	pr, err := e.build(train, s)
	if errors.Is(err, ErrMemory) && len(e.recent) > 0 {
		e.DropPrograms() // what can be made again makes room
		pr, err = e.build(train, s)
	}
	if err != nil {
		return nil, e.smaller(train, s, err)
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
	pr.out = nil
	if e.coming != nil && e.coming.pr == pr {
		e.coming = nil
	}
	for _, b := range pr.own {
		e.dev.Free(b)
	}
	delete(e.programs, key)
	e.forgetHidden()
	i := slices.Index(e.recent, key)
	e.recent = slices.Delete(e.recent, i, i+1)
}

func (e *Engine) build(train bool, s shapes) (*program, error) {
	plan, name, err := e.plan(train, s)
	if err != nil {
		return nil, err
	}
	prog, err := e.dev.Compile(plan)
	if err != nil {
		return nil, err
	}
	if err := e.fits(name, prog, train, s); err != nil {
		prog.Close()
		return nil, err
	}
	pr := &program{train: train, rows: firstOf(s.x[0].Shape), prog: prog}
	if err := e.bind(pr, plan); err != nil {
		prog.Close()
		return nil, err
	}
	return pr, nil
}

// plan builds the graph for batches of these shapes and lowers it; name says what it is for.
func (e *Engine) plan(train bool, s shapes) (p *device.Plan, name string, err error) {
	building.Lock()
	defer building.Unlock()
	x, y := s.x, s.y
	b := graph.NewBuilder(train)
	if e.evalNorm {
		for _, p := range e.params {
			if p.Kind == nn.NormWeight && !p.trainable {
				b.FreezeNorm(p.Name)
			}
		}
	}
	out := e.net.Forward(b, b.Feed("x", x[0], s.norm))
	spec := graph.LowerSpec{Name: "evaluation", Outputs: []*graph.Node{out}}
	if len(y) > 0 {
		target := b.Target("y", y[0])
		b.Push("loss")
		spec.Loss = e.loss.Build(b, out, target)
		b.Pop()
	}
	spec.Outputs[0] = b.Shown(out)
	if train {
		nodes, err := e.watched(b)
		if err != nil {
			return nil, "", err
		}
		spec.Outputs = append(spec.Outputs, nodes...)
		spec.Name = "training"
		spec.Seed = b.Input(scaleInput, tensor.Float32)
		if r, ok := e.net.(nn.Regularised); ok && b.Err() == nil {
			spec.Penalty = r.Penalty(b)
		}
		for _, p := range e.params {
			if p.trainable {
				spec.Grads = append(spec.Grads, p.Name)
			}
		}
	}
	if p, err = b.Lower(spec); err != nil {
		return nil, spec.Name, err
	}
	p.Activations = e.act
	return p, spec.Name, nil
}

// bind finds or makes the buffer of each of the plan's arguments.
func (e *Engine) bind(pr *program, plan *device.Plan) error {
	inputs := map[int]device.Buffer{}
	watch := map[int]seenPart{}
	for i, a := range plan.Args {
		buf, err := e.shared(a, plan.Spec(i))
		if err != nil {
			return err
		}
		if buf == nil {
			if buf, err = e.dev.Alloc(plan.Spec(i)); err != nil {
				for _, b := range pr.own {
					e.dev.Free(b)
				}
				return fmt.Errorf("fastnb: engine: %s: %w", plan.Values[a.Value].Name, err)
			}
			pr.own = append(pr.own, buf)
		}
		switch a.Role {
		case device.Input:
			inputs[a.Index] = buf
		case device.Output:
			if a.Index > 0 {
				watch[a.Index-1] = seenPart{buf, plan.Layout(i)}
			} else {
				pr.out, pr.outLayout = buf, plan.Layout(i)
			}
		case device.Loss:
			pr.loss = buf
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

// shared is the buffer of an argument that programs have in common, nil where it is the program's own.
func (e *Engine) shared(a device.Arg, s device.Spec) (device.Buffer, error) {
	switch {
	case a.Role == device.Parameter:
		return e.byName[a.Name].buf, nil
	case a.Role == device.RNG:
		return e.rng, nil
	case a.Role == device.State:
		return e.hiddenBuffer(a.Name, s.Shape)
	case a.Role == device.Input && a.Name == scaleInput:
		return e.factor, nil
	case a.Role == device.Grad:
		p := e.byName[a.Name]
		if p.grad == nil {
			g, err := e.alloc(p.DeviceShape()...)
			if err != nil {
				return nil, fmt.Errorf("fastnb: engine: gradient of %s: %w", a.Name, err)
			}
			p.grad = g
		}
		return p.grad, nil
	}
	return nil, nil
}

// scaleInput is the name of the input that the backward pass begins with.
const scaleInput = "loss scale"

// firstOf is the number of rows of a batch of this shape.
func firstOf(s []int) int {
	if len(s) == 0 {
		return 1
	}
	return s[0]
}

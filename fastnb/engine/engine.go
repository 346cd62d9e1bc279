package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// Hyper are the hyper-parameters of one layer group for one step.
type Hyper = optim.Hyper

// Engine is a model on a device. It is not safe for concurrent use.
type Engine struct {
	dev    device.Device
	net    nn.Layer
	loss   nn.Loss
	cfg    optim.Config
	params []*param
	byName map[string]*param
	groups int

	programs map[string]*program
	recent   []string // keys of programs, the last used at the end
	opt      *optimizer
	sums     *sums   // nil while nobody adds gradients up
	evalNorm bool    // batch norm that does not train works as in evaluation
	clip     float64 // what the next step multiplies gradients by, beside their scale
	scale    float64 // what the backward pass begins with
	scaled   float64 // the scale of the gradients that are there
	norm     *gradNorm
	rng      device.Buffer
	seed     int64
	batches  int64 // training batches so far: dropout's stream
	hidden   hiddenState
	watch    []string        // paths of layers whose outputs training keeps
	seen     []device.Buffer // those outputs of the last training batch
}

// param is a parameter on the device.
type param struct {
	*nn.Param
	group     int
	trainable bool
	buf, grad device.Buffer // grad is nil while nothing trains it
	state     []device.Buffer
}

// keepPrograms is how many batch shapes stay compiled: training and validation at two sizes, each
// with its last, smaller batch, and single items.
const keepPrograms = 10

// New brings a model to a device. groups are the layer groups, first layers first; parameters must
// have names (nn.NamePaths) and may have start values, which the engine takes over; those without are
// drawn from seed 0. At first everything trains.
func New(dev device.Device, net nn.Layer, loss nn.Loss, groups [][]*nn.Param, cfg optim.Config) (*Engine, error) {
	cfg, err := cfg.Normal()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		dev: dev, net: net, loss: loss, cfg: cfg, byName: map[string]*param{}, groups: len(groups), programs: map[string]*program{}, clip: 1, scale: 1, scaled: 1,
		hidden: hiddenState{sets: map[int]map[string]device.Buffer{}},
	}
	inGroup := map[*nn.Param]int{}
	for g, ps := range groups {
		for _, p := range ps {
			inGroup[p] = g
		}
	}
	nn.InitParams(net, nn.NewRNG(0))
	for _, p := range nn.AllParams(net) {
		g, ok := inGroup[p]
		switch {
		case p.Name == "":
			return nil, fmt.Errorf("fastnb: engine: parameter %q %v has no name (call nn.NamePaths on the model)", p.Leaf, p.Shape)
		case e.byName[p.Name] != nil:
			return nil, fmt.Errorf("fastnb: engine: two parameters are named %s", p.Name)
		case !ok && len(groups) > 0:
			return nil, fmt.Errorf("fastnb: engine: parameter %s is in no layer group", p.Name)
		}
		q := &param{Param: p, group: g, trainable: p.Kind.Trainable()}
		if q.buf, err = dev.Alloc(tensor.Float32, p.DeviceShape()...); err != nil {
			return nil, fmt.Errorf("fastnb: engine: parameter %s: %w", p.Name, err)
		}
		if err := dev.Upload(q.buf, toDevice(p.Value)); err != nil {
			return nil, fmt.Errorf("fastnb: engine: parameter %s: %w", p.Name, err)
		}
		p.Value = nil // the device has it; twice the weights is too much to keep
		e.params = append(e.params, q)
		e.byName[p.Name] = q
	}
	if e.rng, err = dev.Alloc(tensor.Int64, 2); err != nil {
		return nil, fmt.Errorf("fastnb: engine: %w", err)
	}
	return e, nil
}

// Seed sets the stream of the dropout masks.
func (e *Engine) Seed(seed uint64) { e.seed, e.batches = int64(seed), 0 }

// Device is the device in use.
func (e *Engine) Device() device.Device { return e.dev }

// SetTrainable says which parameters train from now on (running statistics never do). The optimizer
// starts anew, as fastai's does at a freeze, and so does the model's state.
func (e *Engine) SetTrainable(fn func(*nn.Param) bool) error {
	changed := false
	e.ResetState()
	for _, p := range e.params {
		t := p.Kind.Trainable() && fn(p.Param)
		changed = changed || t != p.trainable
		p.trainable = t
	}
	e.ZeroOptimizer()
	e.DropGrads()
	e.dropNorm()
	if changed {
		for k, pr := range e.programs {
			if pr.train {
				e.drop(k)
			}
		}
		for _, p := range e.params {
			if !p.trainable && p.grad != nil {
				e.dev.Free(p.grad)
				p.grad = nil
			}
		}
	}
	return nil
}

// FreezeNorm says whether batch norms whose scale does not train keep to their running statistics in
// training, and leave them as they are.
func (e *Engine) FreezeNorm(on bool) {
	if e.evalNorm == on {
		return
	}
	e.evalNorm = on
	for k, pr := range e.programs {
		if pr.train {
			e.drop(k)
		}
	}
}

// TrainBatch runs a batch forward and backward in training mode. The gradients stay on the device
// for Step. It gives the mean loss and the model's output; a NaN loss is given as it is. x [N, C, H,
// W] (or [N, F], or int64 [N, T]), y as the loss wants it. Of a language model the output is the likeliest
// word at each place, float32 [N, T] (see graph.Builder.Decoder).
func (e *Engine) TrainBatch(ctx context.Context, x, y []*tensor.Tensor) (float32, *tensor.Tensor, error) {
	e.clip, e.scaled = 1, e.scale
	pr, err := e.program(true, specs(x), specs(y))
	if err != nil {
		return 0, nil, err
	}
	if err := e.dev.Upload(pr.inputs[len(x)+len(y)], tensor.FromFloat32([]float32{float32(e.scale)})); err != nil {
		return 0, nil, err
	}
	if err := e.dev.Upload(e.rng, tensor.FromInt64([]int64{e.seed, e.batches}, 2)); err != nil {
		return 0, nil, err
	}
	e.batches++
	e.seen = pr.watch
	return e.run(ctx, pr, x, y)
}

// Eval runs a batch forward in evaluation mode. Without y there is no loss: 0, and a language model gives
// its scores [N, T, V].
func (e *Engine) Eval(ctx context.Context, x, y []*tensor.Tensor) (float32, *tensor.Tensor, error) {
	pr, err := e.program(false, specs(x), specs(y))
	if err != nil {
		return 0, nil, err
	}
	return e.run(ctx, pr, x, y)
}

func (e *Engine) run(ctx context.Context, pr *program, x, y []*tensor.Tensor) (float32, *tensor.Tensor, error) {
	for i, t := range slices.Concat(x, y) {
		if i < len(x) {
			t = toDevice(t)
		}
		if err := e.dev.Upload(pr.inputs[i], t); err != nil {
			return 0, nil, fmt.Errorf("fastnb: engine: input %d: %w", i, err)
		}
	}
	if err := e.enter(pr.rows); err != nil {
		return 0, nil, err
	}
	if err := pr.prog.Run(ctx, pr.args...); err != nil {
		return 0, nil, err
	}
	out := tensor.New(tensor.Float32, pr.out.Shape()...)
	if err := e.dev.Download(out, pr.out); err != nil {
		return 0, nil, err
	}
	if pr.words {
		out = turned(out)
	}
	loss := tensor.New(tensor.Float32)
	if pr.loss != nil {
		if err := e.dev.Download(loss, pr.loss); err != nil {
			return 0, nil, err
		}
	}
	return loss.Float32s()[0], fromDevice(out), nil
}

package engine

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// Hyper are the hyper-parameters of one layer group for one step.
type Hyper = optim.Hyper

// Engine is a model on a device. It is not safe for concurrent use.
type Engine struct {
	at     *place // with dev
	dev    device.Device
	queue  device.Queue
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
	factor   device.Buffer // what the backward pass begins with, on the device
	there    float64       // the scale that factor has, 0 at first
	rng      device.Buffer
	seed     int64
	batches  int64        // training batches so far: dropout's stream
	act      tensor.DType // how activations are kept; Float32: as the device does
	hidden   hiddenState
	watch    []string   // paths of layers whose outputs training keeps
	seen     []seenPart // those outputs of the last training batch
	coming   *ahead     // nil: none
	foreseen int        // batches that were there when their turn came
}

// param is a parameter on the device.
type param struct {
	*nn.Param
	home      *home
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
// drawn from seed 0. A network that is on dev already (HomeOf) shares its weights with the engines it has there. At
// first everything trains. The last engine on the device closes it.
func New(dev device.Device, net nn.Layer, loss nn.Loss, groups [][]*nn.Param, cfg optim.Config) (*Engine, error) {
	cfg, err := cfg.Normal()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		at: settle(dev, net), dev: dev, queue: dev.NewQueue(), net: net, loss: loss, cfg: cfg, byName: map[string]*param{}, groups: len(groups), programs: map[string]*program{}, clip: 1, scale: 1, scaled: 1,
		hidden: hiddenState{sets: map[int]map[string]device.Buffer{}, other: map[string]device.Buffer{}},
	}
	inGroup := map[*nn.Param]int{}
	for g, ps := range groups {
		for _, p := range ps {
			inGroup[p] = g
		}
	}
	nn.InitParams(net, nn.NewRNG(0))
	done := false
	defer func() {
		if !done {
			e.Close()
		}
	}()
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
		if q.home, err = e.move(p); err != nil {
			return nil, fmt.Errorf("fastnb: engine: parameter %s: %w", p.Name, err)
		}
		q.buf = q.home.buf
		e.params = append(e.params, q)
		e.byName[p.Name] = q
	}
	if e.rng, err = dev.Alloc(device.Spec{DType: tensor.Int64, Shape: []int{2}}); err != nil {
		return nil, fmt.Errorf("fastnb: engine: %w", err)
	}
	if e.factor, err = e.alloc(); err != nil {
		return nil, fmt.Errorf("fastnb: engine: %w", err)
	}
	done = true
	return e, nil
}

// Seed sets the stream of the dropout masks.
func (e *Engine) Seed(seed uint64) { e.seed, e.batches = int64(seed), 0 }

// Device is the device in use.
func (e *Engine) Device() device.Device { return e.dev }

// Info is what the device says of itself.
func (e *Engine) Info() device.Info { return e.dev.Info() }

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

// Train runs a batch forward and backward in training mode. The gradients stay on the device for Step.
func (e *Engine) Train(ctx context.Context, b Batch) (Result, error) {
	e.clip, e.scaled = 1, e.scale
	pr, err := e.program(true, b)
	if err != nil {
		return nil, err
	}
	if e.there != e.scale {
		e.queue.Write(e.factor, tensor.FromFloat32([]float32{float32(e.scale)}))
		e.there = e.scale
	}
	e.queue.Write(e.rng, tensor.FromInt64([]int64{e.seed, e.batches}, 2))
	e.batches++
	e.seen = pr.watch
	return e.run(ctx, pr, b)
}

// TrainBatch is Train that waits for the mean loss and the model's output. x [N, C, H, W] (or [N, F], or
// int64 [N, T]), y as the loss wants it.
func (e *Engine) TrainBatch(ctx context.Context, x, y []*tensor.Tensor) (float32, *tensor.Tensor, error) {
	r, err := e.Train(ctx, Batch{X: x, Y: y})
	if err != nil {
		return 0, nil, err
	}
	return both(ctx, r)
}

// Forward runs a batch forward in evaluation mode. Without targets there is no loss.
func (e *Engine) Forward(ctx context.Context, b Batch) (Result, error) {
	pr, err := e.program(false, b)
	if err != nil {
		return nil, err
	}
	return e.run(ctx, pr, b)
}

// Eval is Forward that waits for the loss, 0 without y, and the model's output.
func (e *Engine) Eval(ctx context.Context, x, y []*tensor.Tensor) (float32, *tensor.Tensor, error) {
	r, err := e.Forward(ctx, Batch{X: x, Y: y})
	if err != nil {
		return 0, nil, err
	}
	return both(ctx, r)
}

func (e *Engine) run(ctx context.Context, pr *program, b Batch) (Result, error) {
	e.feed(pr, b)
	e.enter(pr.rows)
	pr.runs++
	put := e.look
	if pr.train {
		put = e.change
	}
	return &result{e: e, pr: pr, runs: pr.runs}, put(ctx, func() device.Event { return e.queue.Run(ctx, pr.prog, pr.args...) })
}

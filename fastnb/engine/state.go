package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fastnb/go/fastnb/tensor"
)

// State gives all parameters and running statistics by PyTorch's names, in PyTorch's layouts: as they are between
// two steps, where another engine trains them.
func (e *Engine) State() (map[string]*tensor.Tensor, error) {
	defer e.Hold()()
	if err := e.at.settled(context.Background(), e, false); err != nil {
		return nil, err
	}
	out := map[string]*tensor.Tensor{}
	for _, p := range e.params {
		t, err := e.read(context.Background(), p.buf, p.Layout)
		if err != nil {
			return nil, fmt.Errorf("fastnb: engine: reading %s: %w", p.Name, err)
		}
		out[p.Name] = t
	}
	return out, nil
}

// LoadState sets parameters and running statistics. With strict, names that are missing or unknown
// are an error; without, they are left as they are. Shapes must always fit, and nothing is changed
// unless all do.
func (e *Engine) LoadState(state map[string]*tensor.Tensor, strict bool) error {
	state = single(state)
	for _, p := range e.params {
		t, ok := state[p.Name]
		switch {
		case !ok && strict:
			return fmt.Errorf("fastnb: loading weights: %s is missing", p.Name)
		case ok && (t.DType() != tensor.Float32 || !slices.Equal(t.Shape(), p.Shape)):
			return fmt.Errorf("fastnb: loading weights: %s has shape %v, the model's is %v (weights of another architecture?)", p.Name, t.Shape(), p.Shape)
		}
	}
	for name := range state {
		if e.byName[name] == nil && strict && !strings.HasSuffix(name, "num_batches_tracked") {
			return fmt.Errorf("fastnb: loading weights: the model has no %s (weights of another architecture?)", name)
		}
	}
	e.at.values.Lock()
	defer e.at.values.Unlock()
	e.at.order.Lock()
	defer e.at.order.Unlock()
	if err := e.at.settled(context.Background(), e, true); err != nil {
		return err
	}
	for _, p := range e.params {
		if t, ok := state[p.Name]; ok {
			if err := e.queue.Write(p.buf, p.Layout.ToDevice(t)).Wait(context.Background()); err != nil {
				return fmt.Errorf("fastnb: loading weights: %s: %w", p.Name, err)
			}
		}
	}
	return nil
}

// single is a state whose half-precision arrays, as checkpoints of others have, are float32.
func single(state map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	out := maps.Clone(state)
	for name, t := range out {
		if t.DType().Half() {
			out[name] = t.Float()
		}
	}
	return out
}

// OptState gives the optimizer's state: for each trained parameter "0.name" and "1.name", and "t",
// the number of steps. It is empty before the first step.
func (e *Engine) OptState() (map[string]*tensor.Tensor, error) {
	out := map[string]*tensor.Tensor{}
	if e.opt == nil {
		return out, nil
	}
	out["t"] = tensor.FromInt64([]int64{int64(e.opt.t)}, 1)
	for _, p := range e.opt.params {
		for i, s := range p.state {
			t, err := e.read(context.Background(), s, p.Layout)
			if err != nil {
				return nil, fmt.Errorf("fastnb: optimizer: reading state of %s: %w", p.Name, err)
			}
			out[fmt.Sprintf("%d.%s", i, p.Name)] = t
		}
	}
	return out, nil
}

// LoadOptState sets what OptState gave, for the same trainable parameters; an empty state makes the
// optimizer new.
func (e *Engine) LoadOptState(state map[string]*tensor.Tensor) error {
	if len(state) == 0 {
		e.ZeroOptimizer()
		return nil
	}
	trained := e.trained()
	t, ok := state["t"]
	if !ok || t.DType() != tensor.Int64 || t.Len() != 1 {
		return fmt.Errorf("fastnb: loading optimizer state: the number of steps is missing")
	}
	if want := 1 + len(trained)*e.cfg.Slots(); len(state) != want {
		return fmt.Errorf("fastnb: loading optimizer state: it is of other trainable parameters (%d arrays, want %d)", len(state), want)
	}
	for _, p := range trained {
		for i := range e.cfg.Slots() {
			name := fmt.Sprintf("%d.%s", i, p.Name)
			if s, ok := state[name]; !ok || !slices.Equal(s.Shape(), p.Shape) {
				return fmt.Errorf("fastnb: loading optimizer state: no %s of shape %v", name, p.Shape)
			}
		}
	}
	if err := e.makeOptimizer(); err != nil {
		return err
	}
	for _, p := range trained {
		for i, buf := range p.state {
			if err := e.queue.Write(buf, p.Layout.ToDevice(state[fmt.Sprintf("%d.%s", i, p.Name)])).Wait(context.Background()); err != nil {
				return fmt.Errorf("fastnb: loading optimizer state: %s: %w", p.Name, err)
			}
		}
	}
	e.opt.t = int(t.Int64s()[0])
	return nil
}

package fastnb

import (
	"context"
	"errors"

	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/tensor"
)

// Sequence lets f run batches through the model one after the other, each going on from the state that the one
// before left, as a language model needs that writes. next gives the outputs before the loss's activation. Only
// one caller at a time has the model's state: others wait until f ends, or their ctx does.
func (m *Model) Sequence(ctx context.Context, f func(next func(x *Tensor) (*Tensor, error)) error) error {
	select {
	case m.talk <- struct{}{}:
		defer func() { <-m.talk }()
	case <-ctx.Done():
		return ctx.Err()
	}
	d := &dialogue{}
	defer m.begin(d, nil)
	return f(func(x *Tensor) (*Tensor, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, out, err := m.forward(ctx, d, engine.Batch{X: []*Tensor{x}}, true)
		return out, err
	})
}

// Gradient gives the model's outputs on a batch x in evaluation mode, before the loss's activation, and how the
// score sum(outputs*weights) changes with the output of a layer, named by its path in the model. weights makes
// the weights, of the outputs' shape, of the outputs.
func (m *Model) Gradient(ctx context.Context, x *Tensor, layer string, weights func(out *Tensor) (*Tensor, error)) (out, grad *Tensor, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, err := m.enter(nil)
	if err != nil {
		return nil, nil, because("gradient", err)
	}
	defer e.Hold()()
	r, err := e.Forward(ctx, engine.Batch{X: []*tensor.Tensor{x}})
	if err == nil {
		out, err = r.Output(ctx)
	}
	if err != nil {
		return nil, nil, because("gradient", err)
	}
	w, err := weights(out)
	if err != nil {
		return nil, nil, err
	}
	if w == nil {
		return nil, nil, because("gradient", errors.New("no weights were given"))
	}
	a, err := e.Inspect(ctx, x, layer, w)
	if err != nil {
		return nil, nil, because("gradient", err)
	}
	return out, a.Grad, nil
}

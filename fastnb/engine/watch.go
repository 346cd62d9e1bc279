package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// Watch has training keep what the layers of these paths give, for Watched; none ends it. Programs for
// training are made anew.
func (e *Engine) Watch(layers []string) error {
	if slices.Equal(e.watch, layers) {
		return nil
	}
	e.watch, e.seen = slices.Clone(layers), nil
	for k, pr := range e.programs {
		if pr.train {
			e.drop(k)
		}
	}
	return nil
}

// watched are the nodes of the layers that are watched.
func (e *Engine) watched(b *graph.Builder) ([]*graph.Node, error) {
	var out []*graph.Node
	for _, l := range e.watch {
		n := b.Result(l)
		if b.Err() == nil && n == nil {
			return nil, fmt.Errorf("fastnb: watching layer %q: the model has no such layer, or it computes nothing (Summary lists them)", l)
		}
		out = append(out, n)
	}
	return out, nil
}

// Watched are the outputs of the watched layers on the last training batch, in the order of Watch,
// pictures as [N, C, H, W].
func (e *Engine) Watched() ([]*tensor.Tensor, error) {
	var out []*tensor.Tensor
	for _, s := range e.seen {
		t, err := e.read(context.Background(), s.buf, s.layout)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

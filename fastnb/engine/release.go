package engine

import (
	"maps"
	"slices"

	"github.com/fastnb/go/fastnb/device"
)

// Purge frees what can be made again: the compiled programs with their activations, and gradients that no
// optimizer or sum holds. Parameters and the optimizer's state stay.
func (e *Engine) Purge() {
	e.dropNorm()
	e.DropPrograms()
	if e.opt != nil || e.sums != nil {
		return // their programs are bound to the gradients
	}
	for _, p := range e.params {
		if p.grad != nil {
			e.dev.Free(p.grad)
			p.grad = nil
		}
	}
}

// DropPrograms frees the compiled programs alone: gradients stay, so that a step may follow.
func (e *Engine) DropPrograms() {
	for len(e.recent) > 0 {
		e.drop(e.recent[0])
	}
}

// Close frees everything that the engine alone has on the device; the last engine on it closes the device. It
// cannot be used after it.
func (e *Engine) Close() {
	e.DropGrads()
	e.ZeroOptimizer()
	e.Purge()
	for _, p := range e.params {
		e.letGo(p)
	}
	for _, set := range append(slices.Collect(maps.Values(e.hidden.sets)), e.hidden.other) {
		for _, b := range set {
			e.dev.Free(b)
		}
	}
	if e.at != nil {
		for _, b := range []device.Buffer{e.rng, e.factor} {
			if b != nil {
				e.dev.Free(b)
			}
		}
		_ = e.queue.Close() // nobody waits for what it still does
		e.at.leave(e)
	}
	e.at, e.params, e.byName, e.rng, e.hidden = nil, nil, nil, nil, hiddenState{}
}

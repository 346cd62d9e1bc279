package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// ErrMemory is in the chain of errors about batches that do not fit into the device's memory.
var ErrMemory = errors.New("too little memory")

// Spec is the kind and shape of an array that need not exist yet.
type Spec = device.Spec

// specs describe arrays.
func specs(ts []*tensor.Tensor) []Spec {
	var out []Spec
	for _, t := range ts {
		out = append(out, device.SpecOf(t))
	}
	return out
}

// Prepare builds the training program for batches of these kinds and shapes, so that what does not fit
// into the memory is told before a batch is made (ErrMemory).
func (e *Engine) Prepare(x, y []Spec, norm device.Normalize) error {
	_, err := e.programFor(true, shapes{x, y, norm})
	return err
}

// hostBatches is how many batches the loader makes and keeps beside the one in use.
const hostBatches = 4

// fits is an error where a program's temporaries, its batches, and the gradients and optimizer state
// still to come are more than the device's free memory.
func (e *Engine) fits(name string, prog device.Program, train bool, x, y []Spec) error {
	batch := int64(0)
	for _, s := range slices.Concat(x, y) {
		batch += s.Bytes()
	}
	need := prog.Memory() + batch
	if e.dev.Info().HostMemory {
		need += hostBatches * batch // they lie in the same memory
	}
	if train {
		for _, p := range e.params {
			n := int64(4 * tensor.Count(p.Shape))
			switch {
			case !p.trainable:
			case p.grad == nil:
				need += n * int64(1+e.cfg.Slots())
			case e.opt == nil:
				need += n * int64(e.cfg.Slots())
			}
		}
	}
	if free := e.dev.FreeMemory(); need > free {
		return fmt.Errorf("fastnb: %s on %s with a batch of %v: %w: it takes about %.1f GB, and %.1f GB are free (try a smaller batch size or smaller pictures)",
			name, e.dev.Info().Name, x[0].Shape, ErrMemory, float64(need)/1e9, float64(free)/1e9)
	}
	return nil
}

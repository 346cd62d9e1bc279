package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// ErrMemory is in the chain of errors about batches that do not fit into the device's memory.
var ErrMemory = device.ErrMemory

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

// need is what a program for batches of these shapes takes: its temporaries, its batches, and the gradients and
// optimizer state still to come.
func (e *Engine) need(prog device.Program, train bool, s shapes) int64 {
	batch := int64(0)
	for _, s := range slices.Concat(s.x, s.y) {
		batch += s.Bytes()
	}
	need := prog.Memory() + batch
	if e.dev.Info().HostMemory {
		need += hostBatches * batch // they lie in the same memory
	}
	if !train {
		return need
	}
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
	return need
}

// room is the memory that a program of the engine and its buffers may take: what is free, and what the queue has
// for the temporaries of whichever program runs.
func (e *Engine) room() int64 {
	free := e.dev.FreeMemory()
	if q, ok := e.queue.(device.Sharing); ok {
		free += q.Place()
	}
	return free
}

// fits is an error where a program needs more than the device's free memory.
func (e *Engine) fits(name string, prog device.Program, train bool, s shapes) error {
	need, free := e.need(prog, train, s), e.room()
	if need <= free {
		return nil
	}
	return fmt.Errorf("fastnb: %s on %s with a batch of %v: %w: it takes about %.1f GB, and %.1f GB are free",
		name, e.dev.Info().Name, s.x[0].Shape, ErrMemory, float64(need)/1e9, float64(free)/1e9)
}

// smaller adds to an error about memory the batch size that would fit.
func (e *Engine) smaller(train bool, s shapes, err error) error {
	if !errors.Is(err, ErrMemory) {
		return err
	}
	rows := firstOf(s.x[0].Shape)
	if n := e.rowsThatFit(train, s, rows); n > 0 {
		return fmt.Errorf("%w (try a batch size of %d, which would fit, or smaller pictures)", err, n)
	}
	if rows > 1 {
		return fmt.Errorf("%w (not even a batch of 1 would fit: try smaller pictures or a smaller model)", err)
	}
	return fmt.Errorf("%w (try smaller pictures or a smaller model)", err)
}

// rowsThatFit is about the largest batch below rows whose program fits; 0 where none does. Programs are compiled to
// know it, and nothing is run.
func (e *Engine) rowsThatFit(train bool, s shapes, rows int) int {
	free := e.room() / 32 * 31 // some of it goes to others, or to what lies between
	need := func(n int) int64 {
		t := shapes{withRows(s.x, n), withRows(s.y, n), s.norm}
		plan, _, err := e.plan(train, t)
		if err != nil {
			return math.MaxInt64
		}
		prog, err := e.dev.Compile(plan)
		if err != nil {
			return math.MaxInt64
		}
		defer prog.Close()
		return e.need(prog, train, t)
	}
	least := 1
	if train {
		least = 2 // batch norm over one row may have no variance
	}
	n, took := rows/2, int64(math.MaxInt64)
	for ; n >= least; n /= 2 {
		if took = need(n); took <= free {
			break
		}
	}
	if n < least {
		return 0
	}
	// Twice as many do not fit. What half of them take says how many more do.
	half := need(n / 2)
	if n/2 == 0 || half >= took {
		return n
	}
	perRow := float64(took-half) / float64(n-n/2)
	more := min(int(float64(free-took)/perRow), n-1)
	for range 3 {
		if more > 0 && need(n+more) <= free {
			return n + more
		}
		more = more * 7 / 8
	}
	return n
}

// withRows are shapes with another number of rows.
func withRows(in []Spec, n int) []Spec {
	out := make([]Spec, len(in))
	for i, s := range in {
		out[i] = Spec{DType: s.DType, Shape: slices.Clone(s.Shape)}
		if len(s.Shape) > 0 {
			out[i].Shape[0] = n
		}
	}
	return out
}

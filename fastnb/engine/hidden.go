package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
)

// hiddenState is what a model carries from batch to batch, such as the state of recurrent layers, for each
// batch size: [N, ...] by name. All programs for a batch size share one set. A batch of another size than
// the last begins from zeros.
type hiddenState struct {
	sets  map[int]map[string]device.Buffer // by batch size
	size  int                              // of the batch that ran last, 0 after a reset
	other map[string]device.Buffer         // where a set waits while its rows change places
}

// hiddenBuffer finds or makes the buffer of a state.
func (e *Engine) hiddenBuffer(name string, shape []int) (device.Buffer, error) {
	set := e.hidden.sets[shape[0]]
	if set == nil {
		set = map[string]device.Buffer{}
		e.hidden.sets[shape[0]] = set
	}
	if b, ok := set[name]; ok {
		if !slices.Equal(b.Spec().Shape, shape) {
			return nil, fmt.Errorf("fastnb: engine: state %s is %v, not %v", name, b.Spec().Shape, shape)
		}
		return b, nil
	}
	b, err := e.alloc(shape...)
	if err != nil {
		return nil, fmt.Errorf("fastnb: engine: state %s: %w", name, err)
	}
	set[name] = b
	return b, nil
}

// enter makes the state ready for a batch of n rows: zeros unless the last batch had n too.
func (e *Engine) enter(n int) {
	if n == e.hidden.size {
		return
	}
	for _, b := range e.hidden.sets[n] {
		e.queue.Clear(b)
	}
	e.hidden.size = n
}

// ResetState lets the next batch begin from a zero state.
func (e *Engine) ResetState() { e.hidden.size = 0 }

// SelectState makes row rows[i] of the last batch's state that of row i of the next batch, which is to
// have as many rows as the list: how a search follows its best branches.
func (e *Engine) SelectState(rows []int) error {
	from := e.hidden.sets[e.hidden.size]
	if e.hidden.size == 0 || len(from) == 0 {
		return fmt.Errorf("fastnb: engine: selecting rows of the state: there is none yet")
	}
	for _, r := range rows {
		if r < 0 || r >= e.hidden.size {
			return fmt.Errorf("fastnb: engine: selecting row %d of a state of %d", r, e.hidden.size)
		}
	}
	for name, b := range from {
		n := b.Spec().Count()
		to, err := e.hiddenBuffer(name, append([]int{len(rows)}, b.Spec().Shape[1:]...))
		if err != nil {
			return err
		}
		if to == b { // as many rows as there are: they may change places
			if b, err = e.aside(name, b, n); err != nil {
				return err
			}
		}
		width := n / e.hidden.size
		for i, r := range rows {
			e.queue.Copy(to, i*width, b, r*width, width)
		}
	}
	e.hidden.size = len(rows)
	return e.queue.Wait(context.Background())
}

// Carried is a state apart from the engine that computed it, for it or for another engine of the network and device
// to go on from. Free gives its memory back; of nil it does nothing.
type Carried struct {
	dev  device.Device
	rows int
	set  map[string]device.Buffer
}

// Free gives the memory back.
func (c *Carried) Free() {
	if c == nil {
		return
	}
	for _, b := range c.set {
		c.dev.Free(b)
	}
	c.set = nil
}

// PutAside copies the state that the next batch would go on from: nil where that would begin from zeros.
func (e *Engine) PutAside() (*Carried, error) {
	from := e.hidden.sets[e.hidden.size]
	if e.hidden.size == 0 || len(from) == 0 {
		return nil, nil //nolint:nilnil // there is no state, which is no mistake
	}
	c := &Carried{e.dev, e.hidden.size, map[string]device.Buffer{}}
	for name, b := range from {
		to, err := e.dev.Alloc(b.Spec())
		if err != nil {
			c.Free()
			return nil, fmt.Errorf("fastnb: engine: state %s: %w", name, err)
		}
		c.set[name] = to
		e.queue.Copy(to, 0, b, 0, b.Spec().Count())
	}
	if err := e.queue.Wait(context.Background()); err != nil {
		c.Free()
		return nil, err
	}
	return c, nil
}

// TakeUp makes the next batch go on from a state that was put aside, nil for zeros. The state may be taken up again.
func (e *Engine) TakeUp(c *Carried) error {
	e.ResetState()
	if c == nil {
		return nil
	}
	for name, b := range c.set {
		to, err := e.hiddenBuffer(name, b.Spec().Shape)
		if err != nil {
			return err
		}
		e.queue.Copy(to, 0, b, 0, b.Spec().Count())
	}
	e.hidden.size = c.rows
	return e.queue.Wait(context.Background())
}

// aside copies a state to where it can be read while it is written.
func (e *Engine) aside(name string, b device.Buffer, n int) (device.Buffer, error) {
	if old := e.hidden.other[name]; old == nil || old.Spec().Count() < n {
		if old != nil {
			e.dev.Free(old)
		}
		c, err := e.alloc(n)
		if err != nil {
			return nil, fmt.Errorf("fastnb: engine: state %s: %w", name, err)
		}
		e.hidden.other[name] = c
	}
	e.queue.Copy(e.hidden.other[name], 0, b, 0, n)
	return e.hidden.other[name], nil
}

// forgetHidden frees the states of batch sizes that no program is compiled for.
func (e *Engine) forgetHidden() {
	for n, set := range e.hidden.sets {
		used := n == e.hidden.size
		for _, pr := range e.programs {
			used = used || pr.rows == n
		}
		if used {
			continue
		}
		for _, b := range set {
			e.dev.Free(b)
		}
		delete(e.hidden.sets, n)
	}
}

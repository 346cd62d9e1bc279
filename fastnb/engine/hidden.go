package engine

import (
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// hiddenState is what a model carries from batch to batch, such as the state of recurrent layers, for each
// batch size: [N, ...] by name. All programs for a batch size share one set. A batch of another size than
// the last begins from zeros.
type hiddenState struct {
	sets map[int]map[string]device.Buffer // by batch size
	size int                              // of the batch that ran last, 0 after a reset
}

// hiddenBuffer finds or makes the buffer of a state.
func (e *Engine) hiddenBuffer(name string, shape []int) (device.Buffer, error) {
	set := e.hidden.sets[shape[0]]
	if set == nil {
		set = map[string]device.Buffer{}
		e.hidden.sets[shape[0]] = set
	}
	if b, ok := set[name]; ok {
		if !slices.Equal(b.Shape(), shape) {
			return nil, fmt.Errorf("fastnb: engine: state %s is %v, not %v", name, b.Shape(), shape)
		}
		return b, nil
	}
	b, err := e.dev.Alloc(tensor.Float32, shape...)
	if err != nil {
		return nil, fmt.Errorf("fastnb: engine: state %s: %w", name, err)
	}
	set[name] = b
	return b, nil
}

// enter makes the state ready for a batch of n rows: zeros unless the last batch had n too.
func (e *Engine) enter(n int) error {
	if n == e.hidden.size {
		return nil
	}
	for name, b := range e.hidden.sets[n] {
		if err := e.dev.Upload(b, tensor.New(tensor.Float32, b.Shape()...)); err != nil {
			return fmt.Errorf("fastnb: engine: clearing state %s: %w", name, err)
		}
	}
	e.hidden.size = n
	return nil
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
	for name, b := range from {
		src := tensor.New(tensor.Float32, b.Shape()...)
		if err := e.dev.Download(src, b); err != nil {
			return fmt.Errorf("fastnb: engine: reading state %s: %w", name, err)
		}
		shape := append([]int{len(rows)}, b.Shape()[1:]...)
		dst, width := tensor.New(tensor.Float32, shape...), src.Len()/e.hidden.size
		for i, r := range rows {
			if r < 0 || r >= e.hidden.size {
				return fmt.Errorf("fastnb: engine: selecting row %d of a state of %d", r, e.hidden.size)
			}
			copy(dst.Float32s()[i*width:(i+1)*width], src.Float32s()[r*width:])
		}
		to, err := e.hiddenBuffer(name, shape)
		if err != nil {
			return err
		}
		if err := e.dev.Upload(to, dst); err != nil {
			return fmt.Errorf("fastnb: engine: writing state %s: %w", name, err)
		}
	}
	e.hidden.size = len(rows)
	return nil
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

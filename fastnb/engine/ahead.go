package engine

import (
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// ahead is a training batch that is on its way to the device before its turn.
type ahead struct {
	pr   *program
	x, y []*tensor.Tensor
}

// Ahead lets the next training batch go up while the device computes: behind is the result of the training batch
// that was begun last, whose loss is asked for first, so that nobody who waits for it waits for the copy. Train with
// the same arrays finds them there; with others it goes as if Ahead had not been called. The arrays must stay as
// they are. It reports whether the batch goes up: not where the device copies nothing beside its work, for batches
// of a shape that was not trained on yet, for small ones, and where memory is short.
func (e *Engine) Ahead(b Batch, behind Result) bool {
	q, ok := e.queue.(device.Overlapping)
	pr := e.programs[shapes{specs(b.X), specs(b.Y), b.Norm}.key(true)]
	r, mine := behind.(*result)
	if !ok || !mine || pr == nil || r.there() != nil || !slices.ContainsFunc(slices.Concat(b.X, b.Y), func(t *tensor.Tensor) bool {
		return q.Overlaps(device.SpecOf(t).Bytes())
	}) || !e.second(pr) {
		return false
	}
	r.ask()
	e.write(pr.spare, b)
	e.coming = &ahead{pr, b.X, b.Y}
	return true
}

// second gives a program a second set of inputs.
func (e *Engine) second(pr *program) bool {
	if pr.spare != nil || pr.single {
		return !pr.single
	}
	var own []device.Buffer
	for _, in := range pr.inputs {
		if in == e.factor { // which all batches have in common
			pr.spare = append(pr.spare, in)
			continue
		}
		buf, err := e.dev.Alloc(in.Spec())
		if err != nil { // it goes without
			pr.single = true
			for _, b := range own {
				e.dev.Free(b)
			}
			pr.spare = nil
			return false
		}
		pr.spare, own = append(pr.spare, buf), append(own, buf)
	}
	pr.own = append(pr.own, own...)
	return true
}

// feed brings a batch to its program's inputs, or finds it there.
func (e *Engine) feed(pr *program, b Batch) {
	a := e.coming
	if pr.train {
		e.coming = nil
	}
	if !pr.train || a == nil || a.pr != pr || !slices.Equal(a.x, b.X) || !slices.Equal(a.y, b.Y) {
		e.write(pr.inputs, b)
		return
	}
	e.foreseen++
	args := slices.Clone(pr.args)
	for i, in := range pr.inputs {
		args[slices.Index(args, in)] = pr.spare[i]
	}
	pr.args, pr.inputs, pr.spare = args, pr.spare, pr.inputs
}

// write puts a batch into buffers.
func (e *Engine) write(to []device.Buffer, b Batch) {
	for i, t := range slices.Concat(b.X, b.Y) {
		e.queue.Write(to[i], t)
	}
}

// Foreseen is how many training batches were on the device, or on their way, when their turn came.
func (e *Engine) Foreseen() int { return e.foreseen }

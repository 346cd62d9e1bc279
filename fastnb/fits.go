package fastnb

import (
	"errors"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/tensor"
)

// fits tells before the first batch is made what would not fit into the memory: from one item it knows the
// shape of a batch, and from that the program. What else is wrong with the item the fit itself will say.
func (l *Learner) fits(verb string, seen bool) error {
	if l.feeds != nil || l.Data == nil {
		return nil
	}
	loader, err := l.Data.TrainLoader()
	if err != nil {
		return nil //nolint:nilerr // the fit says so in its own words
	}
	b, err := loader.Raw().Sample()
	if err == nil && seen {
		b, err = b.Normalised()
	}
	if err != nil || len(b.X) != 1 || len(b.Y) != 1 || b.X[0].DType() == tensor.Int64 {
		return nil //nolint:nilerr // a broken item may be left out; sequences have shapes of their own in each batch
	}
	prepare := func() error { return l.eng.Prepare(grown(b.X, loader), grown(b.Y, loader), normOf(b)) }
	err = prepare()
	if errors.Is(err, engine.ErrMemory) {
		l.Model.dropPrograms() // what evaluates can be made again
		err = prepare()
	}
	if errors.Is(err, engine.ErrMemory) {
		return because(verb, err)
	}
	return nil //nolint:nilerr // as above
}

// grown are the arrays of a full batch, from those of one item.
func grown(ts []*Tensor, loader *data.Loader) []engine.Spec {
	var out []engine.Spec
	for _, t := range ts {
		shape := append([]int{}, t.Shape()...)
		if len(shape) > 0 {
			shape[0] = loader.BatchSize()
		}
		out = append(out, engine.Spec{DType: t.DType(), Shape: shape})
	}
	return out
}

package fastnb

import (
	"math"
	"slices"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
)

// absent are the numbers below n that are not in order.
func absent(order []int, n int) []int {
	there := make([]bool, n)
	for _, i := range order {
		if i < n {
			there[i] = true
		}
	}
	var out []int
	for i, ok := range there {
		if !ok {
			out = append(out, i)
		}
	}
	return out
}

// fillLost gives the items that could not be opened their rows, so that each row is that of its item. The rows
// there are stand in the order of their items.
func (p *predictions) fillLost(l *Learner, on data.DSType, order, lost []int) error {
	if len(lost) == 0 {
		return nil
	}
	rows := slices.Concat(order, lost)
	slices.Sort(rows)
	there := slices.Sorted(slices.Values(order))
	l.say("%d of %d %s items could not be opened: their predictions are NaN (Data.Skipped names them).", len(lost), len(rows), on)
	preds, targs := widened(p.preds, rows, there), p.targs
	if p.targs.Shape()[0] == len(there) {
		targs = widened(p.targs, rows, there)
		for k, i := range rows {
			if _, ok := slices.BinarySearch(there, i); !ok {
				setTarget(targs, k, l.Data, on, i)
			}
		}
	}
	if p.losses != nil {
		losses := make([]float64, len(rows))
		for k, i := range rows {
			losses[k] = math.NaN()
			if at, ok := slices.BinarySearch(there, i); ok {
				losses[k] = p.losses[at]
			}
		}
		p.losses = losses
	}
	p.preds, p.targs = preds, targs
	return targs.Err()
}

// widened gives t, whose rows are those of there, a row for each of rows: NaN, or -1, where there is none.
func widened(t *Tensor, rows, there []int) *Tensor {
	shape := slices.Clone(t.Shape())
	shape[0] = len(rows)
	out := tensor.New(t.DType(), shape...)
	n := t.Len() / len(there)
	for k, i := range rows {
		at, ok := slices.BinarySearch(there, i)
		for j := range n {
			switch t.DType() {
			case tensor.Int64:
				out.Int64s()[k*n+j] = -1
				if ok {
					out.Int64s()[k*n+j] = t.Int64s()[at*n+j]
				}
			case tensor.Float32:
				out.Float32s()[k*n+j] = float32(math.NaN())
				if ok {
					out.Float32s()[k*n+j] = t.Float32s()[at*n+j]
				}
			}
		}
	}
	return out
}

// setTarget sets row k to the target of item i, if that can be told without the item.
func setTarget(targs *Tensor, k int, d *data.DataBunch, on data.DSType, i int) {
	ds := d.Dataset(on)
	if ds == nil {
		return
	}
	y, err := ds.Y(i)
	if err != nil {
		return
	}
	switch y.(type) {
	case data.Category, data.MultiCategory, data.Float, data.EmptyLabel:
	default: // such as a mask, which is transformed as its picture is
		return
	}
	t, n := y.Tensor(), targs.Len()/targs.Shape()[0]
	if t == nil || t.Err() != nil || t.DType() != targs.DType() || t.Len() != n {
		return
	}
	if t.DType() == tensor.Int64 {
		copy(targs.Int64s()[k*n:], t.Int64s())
	} else {
		copy(targs.Float32s()[k*n:], t.Float32s())
	}
}

// known reports whether item i was predicted: its row is not NaN as a whole.
func known(preds *Tensor, i int) bool {
	n := preds.Len() / preds.Shape()[0]
	return slices.ContainsFunc(preds.Float32s()[i*n:(i+1)*n], func(v float32) bool { return v == v })
}

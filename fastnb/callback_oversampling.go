package fastnb

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/data"
)

// OverSampling trains on rare classes as often as on the commonest: an epoch draws as many items as that one
// has, for each class, any of them more than once, and each class with the same probability. weights, one
// for each training item, say how likely each is drawn instead. It wants one class per item. Validation
// sees the items as they are. (fastai callbacks/oversampling.py)
func OverSampling(weights ...float64) Callback {
	return Callback{Name: "OverSampling", Blind: true, Loader: func(l *Learner) (*data.Loader, error) {
		if l.Data == nil || l.Data.TrainDS == nil {
			return nil, errors.New("there is no data to draw from")
		}
		counts, classes, err := countClasses(l.Data.TrainDS, l.Data.C)
		if err != nil {
			return nil, err
		}
		w := weights
		if len(w) == 0 {
			w = make([]float64, len(classes))
			for i, k := range classes {
				w[i] = 1 / float64(counts[k])
			}
		}
		loader, err := l.Data.TrainLoader()
		if err != nil {
			return nil, err
		}
		return loader.Weighted(w, len(counts)*slices.Max(counts))
	}}
}

// countClasses gives the number of items of each class, and the class of each item.
func countClasses(ds *data.Dataset, classes int) (counts, of []int, err error) {
	counts, of = make([]int, classes), make([]int, ds.Len())
	for i := range of {
		y, err := ds.Y(i)
		if err != nil {
			return nil, nil, err
		}
		c, ok := y.(data.Category)
		if !ok || c.Index >= classes {
			return nil, nil, fmt.Errorf("item %d has the target %T, not one class", i, y)
		}
		of[i] = c.Index
		counts[c.Index]++
	}
	if len(of) == 0 || classes < 1 {
		return nil, nil, errors.New("there are no items to draw")
	}
	return counts, of, nil
}

package fastnb

import (
	"fmt"
)

// A metric with Average("none") is a column for each class. Its classes are the data's, so a learner makes
// the columns, named "precision_cat".

// columns are the metrics with each that is by class replaced by one of each class.
func columns(ms []Metric, classes []string) ([]Metric, error) {
	var out []Metric
	for _, m := range ms {
		if m.byClass == nil {
			out = append(out, m)
			continue
		}
		if len(classes) == 0 {
			return nil, fmt.Errorf("fastnb: metric %s: a column for each class, but the data has no classes", m.Name)
		}
		for k, class := range classes {
			c := m.byClass(k, len(classes))
			c.Name = m.Name + "_" + class
			out = append(out, c)
		}
	}
	return out, nil
}

// vectorMetric is a user's metric that gives a value for each class. One call of f serves all columns: they
// ask for the same batch one after the other.
func vectorMetric(name string, f func(out, targ *Tensor) (*Tensor, error)) Metric {
	var out, targ, values *Tensor // of the last batch
	var failed error
	return Metric{Name: name, byClass: func(k, classes int) Metric {
		return Metric{batch: func(o, t *Tensor) (float64, error) {
			if o != out || t != targ {
				values, failed = f(o, t)
				if failed == nil {
					failed = values.Err()
				}
				out, targ = o, t
			}
			if failed != nil {
				return 0, failed
			}
			if values.Len() != classes {
				return 0, fmt.Errorf("the result has shape %v, not a value for each of %d classes", values.Shape(), classes)
			}
			return values.Reshape(-1).At(k).Item(), nil
		}}
	}}
}

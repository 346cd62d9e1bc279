package fastnb

import (
	"errors"
	"fmt"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// ShowResults shows the first items of a set with their targets and the model's predictions. Options:
// Rows (5; pictures with classes show rows² items, those with masks or points one a row, the truth beside
// the prediction), FigSize, On (Valid), Thresh (0.5).
func (l *Learner) ShowResults(o ...data.ShowOption) (*plotting.Figure, error) {
	c, err := showCfg("show results", "ShowResults", data.Valid, o)
	if err != nil {
		return nil, err
	}
	if c.Rows == 0 {
		c.Rows = 5
	}
	if c.Rows < 1 {
		return nil, fmt.Errorf("fastnb: show results: %d rows", c.Rows)
	}
	if err := l.alive("show results"); err != nil {
		return nil, err
	}
	ds := l.Data.Dataset(c.On)
	if ds == nil {
		return nil, fmt.Errorf("fastnb: show results: there are no %s items", c.On)
	}
	if c.On == data.Train { // shown in order and as they are
		ds = l.Data.FixDS
	}
	n := c.Rows * c.Rows
	if _, ok := l.Data.LabelKind().(data.DrawnLabel); ok {
		n = c.Rows
	}
	var asked []PredictOption
	if c.Thresh != nil {
		asked = append(asked, Thresh(*c.Thresh))
	}
	var xs, ys []data.Item
	for i := 0; i < ds.Len() && len(xs) < n; i++ {
		x, y, err := ds.At(i)
		var broken *data.ItemError
		if l.Data.SkipBroken && errors.As(err, &broken) {
			continue
		}
		if err != nil {
			return nil, because("show results", err)
		}
		p, err := l.Predict(ds.Items()[i], asked...)
		if err != nil {
			return nil, err
		}
		xs, ys = append(xs, x), append(ys, beside{y, p.Target})
		if cell.Interrupted() != nil {
			return nil, cell.ErrInterrupted
		}
	}
	if c.Title == "" {
		c.Title = "Ground truth\nPredictions"
	}
	return shown(l.Data.Kind().Show(xs, ys, c))
}

// threshOf is the threshold that the options of showing name, or 0.5.
func threshOf(c data.ShowConfig) float64 { return data.DecodeArgs{Thresh: c.Thresh}.Least() }

func orDefault(x, d float64) float64 {
	if x == 0 {
		return d
	}
	return x
}

// beside is a target with a prediction below it, for titles.
type beside struct {
	data.Item
	predicted data.Item
}

// Pair is for kinds that draw targets on their items.
func (b beside) Pair() (truth, predicted data.Item) { return b.Item, b.predicted }

// String is the target's words, and below them the prediction's.
func (b beside) String() string { return b.Item.String() + "\n" + b.predicted.String() }

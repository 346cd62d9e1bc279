package fastnb

import (
	"fmt"
	"math"
	"sort"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// ClassificationInterpretation looks at what a classifier gets wrong, with one or several labels per item.
type ClassificationInterpretation struct {
	Preds  *Tensor   // [N, C] after the activation
	Targs  *Tensor   // [N] class numbers, or [N, C] labels
	Losses []float64 // of each item

	// An item that SkipBroken leaves out has its row, of NaN, and counts nowhere.

	l  *Learner
	on data.DSType
}

// WithTTA makes interpretation look at predictions with test-time augmentation: false by default.
func WithTTA(on bool) data.PredsOption {
	return inPreds("WithTTA", func(c *data.PredsConfig) {
		c.Plain, c.Scale = 0, 0
		if on {
			c.Plain, c.Scale = ttaBeta, ttaScale
		}
	}, "Interpret")
}

// ClassificationInterpretationFromLearner is learn.Interpret() by fastai's name.
func ClassificationInterpretationFromLearner(l *Learner, o ...data.PredsOption) (*ClassificationInterpretation, error) {
	return l.Interpret(o...)
}

// Interpret predicts a set and keeps predictions, targets and the loss of each item. Options: On (Valid),
// WithTTA (false; the losses are without it). Models that predict masks are looked at by
// SegmentationInterpretationFromLearner.
func (l *Learner) Interpret(o ...data.PredsOption) (*ClassificationInterpretation, error) {
	c, err := predsCfg("interpret", "Interpret", o)
	if err != nil {
		return nil, err
	}
	c.WithLoss = true
	if c.On == data.Train { // in order, so that items can be named
		c.On = data.Fix
	}
	if err := l.alive("interpret"); err != nil {
		return nil, err
	}
	if len(l.Data.Classes) == 0 || l.Loss.Activation == "" || l.isMask() {
		return nil, fmt.Errorf("fastnb: interpret: the model does not tell classes of items (for masks try SegmentationInterpretationFromLearner)")
	}
	walk := l.walk
	if c.Scale > 0 {
		walk = l.tta
	}
	p, err := walk("interpret", c)
	if err != nil {
		return nil, err
	}
	return &ClassificationInterpretation{Preds: p.preds, Targs: p.targs, Losses: p.losses, l: l, on: c.On}, nil
}

// TopLosses gives the k largest losses, largest first, and which items of the set they are. k below 1
// means all. A loss that is NaN is not among them.
func (c *ClassificationInterpretation) TopLosses(k int) (losses []float64, items []int) {
	return topLosses(c.Losses, k)
}

// ConfusionMatrix counts the items of each actual class (row) by the predicted one (column). Models with
// several labels per item have none.
func (c *ClassificationInterpretation) ConfusionMatrix() ([][]int, error) {
	s := c.Preds.Shape()
	if len(s) != 2 || c.Targs.Len() != s[0] || c.l.Loss.Activation != "softmax" {
		return nil, fmt.Errorf("fastnb: confusion matrix: predictions %v, targets %v: needs one class per item", s, c.Targs.Shape())
	}
	m := make([][]int, s[1])
	for k := range m {
		m[k] = make([]int, s[1])
	}
	p, y := c.Preds.ArgMax(1).Int64s(), c.Targs.Long().Int64s()
	for i := range p {
		if known(c.Preds, i) {
			m[y[i]][p[i]]++
		}
	}
	return m, nil
}

// Confusion is a wrong answer and how often it was given.
type Confusion struct {
	Actual, Predicted string
	N                 int
}

// Confusions are wrong answers, the most frequent first.
type Confusions []Confusion

func (c Confusions) figure() *plotting.Figure {
	var rows [][]string
	for _, x := range c {
		rows = append(rows, []string{x.Actual, x.Predicted, fmt.Sprint(x.N)})
	}
	return plotting.HTMLTable([]string{"actual", "predicted", "times"}, rows)
}

// String is the list as text.
func (c Confusions) String() string { return c.figure().String() }

// Render gives the list's forms for a notebook (gophernotes' Renderer).
func (c Confusions) Render() struct{ Data, Metadata, Transient map[string]any } {
	return c.figure().Render()
}

// MostConfused lists the wrong answers given at least min times, the most frequent first.
func (c *ClassificationInterpretation) MostConfused(min int) (Confusions, error) {
	m, err := c.ConfusionMatrix()
	if err != nil {
		return nil, err
	}
	out := Confusions{}
	for y, row := range m {
		for p, n := range row {
			if y != p && n >= max(min, 1) {
				out = append(out, Confusion{className(c.l.Data.Classes, y), className(c.l.Data.Classes, p), n})
			}
		}
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].N > out[b].N })
	return out, nil
}

// PlotConfusionMatrix draws the confusion matrix; normalized divides each row by its sum. Option:
// FigSize.
func (c *ClassificationInterpretation) PlotConfusionMatrix(normalized bool, o ...data.ShowOption) (*plotting.Figure, error) {
	m, err := c.ConfusionMatrix()
	if err != nil {
		return nil, err
	}
	cfg, err := showCfg("plot confusion matrix", "PlotConfusionMatrix", c.on, o)
	if err != nil {
		return nil, err
	}
	names, z, format := make([]string, len(m)), make([][]float64, len(m)), "%.0f"
	for k, row := range m {
		names[k], z[k] = className(c.l.Data.Classes, k), make([]float64, len(row))
		sum := 0
		for j, n := range row {
			z[k][j] = float64(n)
			sum += n
		}
		if normalized {
			for j := range row {
				z[k][j] /= math.Max(float64(sum), 1)
			}
		}
	}
	if normalized {
		format = "%.2f"
	}
	title := cfg.Title
	if title == "" {
		title = "Confusion matrix"
	}
	return shown(plotting.Heatmap(plotting.HeatmapOpts{Title: title, XLabel: "Predicted", YLabel: "Actual", X: names, Y: names, Z: z, Format: format, W: cfg.W, H: cfg.H}))
}

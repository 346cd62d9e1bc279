package fastnb

import (
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// WithHeatmap draws over each picture what the model looks at there: false by default.
func WithHeatmap(on bool) data.ShowOption { return heatOption(on) }

type heatOption bool

// ApplyShow makes the change.
func (o heatOption) ApplyShow(c *data.ShowConfig) {
	c.Heat = bool(o)
	c.Note("WithHeatmap", "PlotTopLosses", "PlotMultiTopLosses")
}

// showCfg is the configuration of a call, and the error of an option that it does not look at.
func showCfg(verb, call string, on data.DSType, o []data.ShowOption) (data.ShowConfig, error) {
	c := data.NewShowConfig(on, o...)
	return c, c.Refuse(verb, call)
}

// PlotTopLosses shows the k items with the largest losses: prediction, actual class, loss, and the
// probability of the actual class; with several labels per item the labels and the loss. Options:
// FigSize, WithHeatmap (false): where in the picture the model finds the actual class, Thresh (0.5).
func (c *ClassificationInterpretation) PlotTopLosses(k int, o ...data.ShowOption) (*plotting.Figure, error) {
	cfg, err := showCfg("plot top losses", "PlotTopLosses", c.on, o)
	if err != nil {
		return nil, err
	}
	_, items := c.TopLosses(max(k, 1))
	head := "Prediction/Actual/Loss/Probability"
	if c.l.Loss.Activation == "sigmoid" {
		head = "Prediction/Actual/Loss"
	}
	return c.show("plot top losses", items, head, cfg)
}

// PlotMultiTopLosses shows, of the items whose likeliest label is none of theirs, the k with the largest
// losses, and prints how many there are: for models with several labels per item. Options: FigSize,
// WithHeatmap (false): where the model finds the likeliest label, Thresh (0.5). (fastai vision/learner.py,
// plot_multi_top_losses)
func (c *ClassificationInterpretation) PlotMultiTopLosses(k int, o ...data.ShowOption) (*plotting.Figure, error) {
	if c.l.Loss.Activation != "sigmoid" || c.Targs.Len() != c.Preds.Len() {
		return nil, fmt.Errorf("fastnb: plot multi top losses: the model has one label per item (try PlotTopLosses)")
	}
	cfg, err := showCfg("plot multi top losses", "PlotMultiTopLosses", c.on, o)
	if err != nil {
		return nil, err
	}
	wrong, err := c.misclassified()
	if err != nil {
		return nil, err
	}
	c.l.say("%d of %d items have a likeliest label that is not theirs.", len(wrong), len(c.Losses))
	if len(wrong) == 0 {
		return plotting.TextFigure("Every item's likeliest label is one of its own."), nil
	}
	return c.show("plot multi top losses", wrong[:min(max(k, 1), len(wrong))], "Prediction/Actual/Loss", cfg)
}

// misclassified are the items whose likeliest label is none of theirs, largest loss first.
func (c *ClassificationInterpretation) misclassified() ([]int, error) {
	best, y := c.Preds.ArgMax(1), c.Targs.Float()
	if err := best.Err(); err != nil {
		return nil, err
	}
	_, order := c.TopLosses(0)
	n := c.Preds.Shape()[1]
	return slices.DeleteFunc(order, func(i int) bool { return y.Float32s()[i*n+int(best.Int64s()[i])] == 1 }), nil
}

// show lays items of the set out with their predictions.
func (c *ClassificationInterpretation) show(verb string, items []int, head string, cfg data.ShowConfig) (*plotting.Figure, error) {
	ds := c.l.Data.Dataset(c.on)
	if ds == nil {
		return nil, fmt.Errorf("fastnb: %s: there are no %s items", verb, c.on)
	}
	var xs, ys []data.Item
	for _, i := range items {
		x, y, err := ds.At(i)
		if err != nil {
			return nil, because(verb, err)
		}
		p, err := c.l.decode(c.Preds.At(i), threshOf(cfg))
		if err != nil {
			return nil, err
		}
		t := titled{Item: y, words: fmt.Sprintf("%s/%s / %.2f", p.Class, y, c.Losses[i])}
		class := int(c.Preds.At(i).ArgMax(0).Item())
		if p.Index >= 0 {
			class = int(c.Targs.At(i).Item())
			t.words += fmt.Sprintf(" / %.2f", p.Probs[class])
		}
		if cfg.Heat {
			raw, err := c.l.open(ds.Items()[i])
			if err == nil {
				x, t.heat, err = c.l.heat(raw, class)
			}
			if err != nil {
				return nil, because(verb, err)
			}
		}
		xs, ys = append(xs, x), append(ys, t)
	}
	if cfg.Title == "" {
		cfg.Title = head
	}
	return shown(c.l.Data.Kind().Show(xs, ys, cfg))
}

// titled is an item with other words, and a map of what matters in the picture.
type titled struct {
	data.Item
	words string
	heat  image.Image
}

// String is the words.
func (t titled) String() string { return t.words }

// HeatMap is the map, nil if there is none.
func (t titled) HeatMap() image.Image { return t.heat }

// LabelTable counts for each label how often it was rightly and wrongly predicted and missed, with
// precision and recall: for models with several labels per item. Option: Thresh (0.5).
func (c *ClassificationInterpretation) LabelTable(o ...data.ShowOption) (*plotting.Figure, error) {
	cfg, err := showCfg("label table", "LabelTable", c.on, o)
	if err != nil {
		return nil, err
	}
	thresh := threshOf(cfg)
	if c.l.Loss.Activation != "sigmoid" || c.Targs.Len() != c.Preds.Len() {
		return nil, fmt.Errorf("fastnb: label table: the model has one label per item (try ConfusionMatrix)")
	}
	p, y, n := c.Preds.Float32s(), c.Targs.Float().Float32s(), c.Preds.Shape()[1]
	var rows [][]string
	for k := range n {
		var right, wrong, missed int
		for i := k; i < len(p); i += n {
			if isNaN(float64(p[i])) { // an item left out
				continue
			}
			switch on := float64(p[i]) >= thresh; {
			case on && y[i] == 1:
				right++
			case on:
				wrong++
			case y[i] == 1:
				missed++
			}
		}
		part := func(of int) string {
			if of == 0 {
				return missing
			}
			return fmt.Sprintf("%.3f", float64(right)/float64(of))
		}
		rows = append(rows, []string{className(c.l.Data.Classes, k), fmt.Sprint(right), fmt.Sprint(wrong), fmt.Sprint(missed), part(right + wrong), part(right + missed)})
	}
	return plotting.HTMLTable(strings.Fields("label right wrong missed precision recall"), rows), nil
}

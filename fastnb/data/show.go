package data

import (
	"math"

	"github.com/fastnb/go/fastnb/internal/opt"
	"github.com/fastnb/go/plotting"
)

// DSType names one of a DataBunch's data sets.
type DSType int

// The data sets of a DataBunch.
const (
	Train  DSType = iota // training items, shuffled and augmented
	Valid                // validation items
	Test                 // items without targets
	Single               // validation items, one a batch
	Fix                  // training items in order with the validation transforms
)

// String is the set's name, as in "valid".
func (d DSType) String() string {
	if d < Train || d > Fix {
		return "unknown"
	}
	return [...]string{"train", "valid", "test", "single", "fix"}[d]
}

// ShowConfig is what the options of showing say: of ShowBatch, ShowResults and an item's Show. Packages
// above add options of their own by a type with an ApplyShow method.
type ShowConfig struct {
	opt.Given // so that a call can refuse what it does not look at

	Rows   int     // 0: the call's default
	W, H   float64 // inches; 0: the call's default
	On     DSType
	Y      Item    // drawn on the item
	Alpha  float64 // opacity of what is drawn on top; 0: the default
	Title  string
	Thresh *float64 // for decoding predictions; nil: the default
	Heat   bool     // draw what a prediction looks at
}

// ShowOption is an option of showing.
type ShowOption interface{ ApplyShow(*ShowConfig) }

// NewShowConfig gathers options. on is the data set where none says another.
func NewShowConfig(on DSType, opts ...ShowOption) ShowConfig {
	c := ShowConfig{On: on}
	for _, o := range opts {
		o.ApplyShow(&c)
	}
	return c
}

// PredsConfig is what the options of calls that walk through one data set say.
type PredsConfig struct {
	opt.Given // so that a call can refuse what it does not look at

	On       DSType
	Batches  int // at most; 0: all
	WithLoss bool
	Batch    *Batch  // predict this one; nil: the set's
	Activ    string  // activation; "": the loss's
	Plain    float64 // TTA: the weight of the predictions without augmentation
	Scale    float64 // TTA: the magnification
}

// PredsOption is an option of such a call: OneBatch, GetPreds, Validate.
type PredsOption interface{ ApplyPreds(*PredsConfig) }

// NewPredsConfig gathers options. on is the data set where none says another.
func NewPredsConfig(on DSType, opts ...PredsOption) PredsConfig {
	c := PredsConfig{On: on}
	for _, o := range opts {
		o.ApplyPreds(&c)
	}
	return c
}

// OnOption is what On gives.
type OnOption struct{ DS DSType }

// On chooses a data set: Train, Valid, Test, Single or Fix.
func On(d DSType) OnOption { return OnOption{d} }

// ApplyShow makes it an option of showing.
func (o OnOption) ApplyShow(c *ShowConfig) {
	c.On = o.DS
	c.Note("On", "ShowBatch", "ShowResults")
}

// ApplyPreds makes it an option of predictions.
func (o OnOption) ApplyPreds(c *PredsConfig) {
	c.On = o.DS
	c.Note("On", "OneBatch", "GetPreds", "PredBatch", "Validate", "TTA", "Interpret", "SegmentationInterpretationFromLearner")
}

type showFunc func(*ShowConfig)

// ApplyShow makes the change.
func (f showFunc) ApplyShow(c *ShowConfig) { f(c) }

// showing makes an option that the named calls take.
func showing(name string, f func(*ShowConfig), takers ...string) ShowOption {
	return showFunc(func(c *ShowConfig) { f(c); c.Note(name, takers...) })
}

// pictured are the calls that draw pictures.
var pictured = []string{"ShowBatch", "ShowResults", "Image.Show", "Mask.Show", "PlotTopLosses", "PlotMultiTopLosses", "GradCAM", "SegmentationInterpretation.Show"}

// Rows is the number of rows shown; ShowBatch of pictures shows rows² items (default 5).
func Rows(n int) ShowOption {
	return showing("Rows", func(c *ShowConfig) { c.Rows = n }, "ShowBatch", "ShowResults")
}

// WithY draws a target on the item, such as a mask or points.
func WithY(y Item) ShowOption {
	return showing("WithY", func(c *ShowConfig) { c.Y = y }, "Image.Show")
}

// Alpha is the opacity of what is drawn on top, 0 to 1.
func Alpha(a float64) ShowOption {
	return showing("Alpha", func(c *ShowConfig) { c.Alpha = a }, pictured...)
}

// Title stands above what is shown.
func Title(s string) ShowOption {
	return showing("Title", func(c *ShowConfig) { c.Title = s }, append([]string{"PlotConfusionMatrix", "PlotMulti"}, pictured...)...)
}

// shownAs is a text, or the error of an option that has no effect on texts.
func shownAs(what, text string, opts []ShowOption) *plotting.Figure {
	if err := NewShowConfig(Train, opts...).Refuse("show", what); err != nil {
		return plotting.Failed(err)
	}
	return plotting.TextFigure(text)
}

// PlotConfig is what the options of charts say; fastnb's charts read it.
type PlotConfig struct {
	opt.Given // so that a call can refuse what it does not look at

	W, H               float64 // inches; 0: the chart's default
	SkipStart, SkipEnd int     // batches left out at the ends; -1: the chart's default
	Suggestion         bool
	ShowMoms           bool
}

// PlotOption is an option of a chart.
type PlotOption interface{ ApplyPlot(*PlotConfig) }

// FigSizeOption is what FigSize gives.
type FigSizeOption struct{ W, H float64 }

// FigSize is the size of the whole figure in inches.
func FigSize(w, h float64) FigSizeOption { return FigSizeOption{w, h} }

// ApplyShow makes it an option of showing.
func (o FigSizeOption) ApplyShow(c *ShowConfig) {
	c.W, c.H = o.W, o.H
	c.Note("FigSize", append([]string{"PlotConfusionMatrix", "PlotMulti"}, pictured...)...)
}

// ApplyPlot makes it an option of charts.
func (o FigSizeOption) ApplyPlot(c *PlotConfig) { c.W, c.H = o.W, o.H }

// tileInches is fastai's imgsize: the default width and height of a tile.
const tileInches = 4

// ShowTiles lays pictures out as show_batch does: ceil(√n) columns and as many rows as they fill,
// 4 inches a tile unless the figure's size is given.
func ShowTiles(tiles []plotting.Tile, c ShowConfig) *plotting.Figure {
	side := int(math.Ceil(math.Sqrt(float64(len(tiles)))))
	side = max(side, 1)
	w, h := c.W, c.H
	if w == 0 || h == 0 {
		w, h = float64(tileInches*side), float64(tileInches*side)
	}
	return plotting.Grid(tiles, plotting.GridOpts{Rows: (len(tiles) + side - 1) / side, Cols: side, W: w, H: h, Suptitle: c.Title})
}

package fastnb

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

type plotOption func(*data.PlotConfig)

// ApplyPlot makes the change.
func (o plotOption) ApplyPlot(c *data.PlotConfig) { o(c) }

// SkipStart leaves out the first n batches of a plot: 10 in Plot, 0 in PlotLosses by default.
func SkipStart(n int) data.PlotOption {
	return plotted("SkipStart", func(c *data.PlotConfig) { c.SkipStart = n }, "Plot", "PlotLosses", "LossLines")
}

// SkipEnd leaves out the last n batches of a plot: 5 in Plot, 0 in PlotLosses by default.
func SkipEnd(n int) data.PlotOption {
	return plotted("SkipEnd", func(c *data.PlotConfig) { c.SkipEnd = n }, "Plot", "PlotLosses", "LossLines")
}

// Suggestion makes Plot mark the learning rate at which the loss falls fastest: false by default.
func Suggestion(on bool) data.PlotOption {
	return plotted("Suggestion", func(c *data.PlotConfig) { c.Suggestion = on }, "Plot")
}

// ShowMoms makes PlotLR draw the momenta too: false by default.
func ShowMoms(on bool) data.PlotOption {
	return plotted("ShowMoms", func(c *data.PlotConfig) { c.ShowMoms = on }, "PlotLR")
}

// plotted makes an option that the named charts take.
func plotted(name string, f func(*data.PlotConfig), takers ...string) data.PlotOption {
	return plotOption(func(c *data.PlotConfig) { f(c); c.Note(name, takers...) })
}

// plotCfg is the configuration of a chart, and the error of an option that it does not look at.
func plotCfg(call string, start, end int, o []data.PlotOption) (data.PlotConfig, error) {
	c := data.PlotConfig{SkipStart: start, SkipEnd: end}
	for _, o := range o {
		o.ApplyPlot(&c)
	}
	return c, c.Refuse("plot", call)
}

// Plot draws the smoothed loss over the learning rate, as after LRFind. Options: SkipStart (10),
// SkipEnd (5), Suggestion (false): it marks the point where the loss falls fastest, prints its rate and
// keeps it in MinGradLR. A click on the interactive chart writes the line that trains with the rate under the
// pointer. Where skipping would leave nothing, as when the loss exploded early, all is
// drawn.
func (r *Recorder) Plot(o ...data.PlotOption) (*plotting.Figure, error) {
	c, err := plotCfg("Plot", 10, 5, o)
	if err != nil {
		return nil, err
	}
	lrs, losses := cut(r.LRs, c.SkipStart, c.SkipEnd), cut(r.Losses, c.SkipStart, c.SkipEnd)
	n := min(len(lrs), len(losses))
	if n == 0 {
		if len(r.Losses) == 0 || len(r.LRs) == 0 {
			return nil, errNothing("losses")
		}
		lrs, losses, n = r.LRs, r.Losses, min(len(r.LRs), len(r.Losses))
		fmt.Printf("Only %d batches were recorded: all are drawn, none is skipped.\n", n)
	}
	lrs, losses = lrs[:n], losses[:n]
	series := []plotting.Series{{X: lrs, Y: losses}}
	if c.Suggestion {
		g, low, ok := suggest(losses)
		if !ok {
			fmt.Println("Too few points to compute a gradient of the loss.")
		} else {
			r.MinGradLR = lrs[g]
			fmt.Printf("Min numerical gradient: %s\nMin loss divided by 10: %s\n", sci(lrs[g]), sci(lrs[low]/10))
			series = append(series, plotting.Series{X: lrs[g : g+1], Y: losses[g : g+1], Points: true, Color: "#d62728"})
		}
	}
	return shown(plotting.Lines(plotting.LineOpts{
		W: c.W, H: c.H, XLabel: "Learning Rate", YLabel: "Loss", LogX: true, Series: series,
		Pick: "learn.FitOneCycle(1, Slice({}))",
	}))
}

// sci writes a number as 3.31E+00.
func sci(x float64) string { return strings.ToUpper(fmt.Sprintf("%.2e", x)) }

// shown takes out a figure's error.
func shown(f *plotting.Figure) (*plotting.Figure, error) {
	if err := f.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

// PlotLosses draws the smoothed training loss of each batch and the validation loss of each epoch.
// Options: SkipStart (0), SkipEnd (0), FigSize.
func (r *Recorder) PlotLosses(o ...data.PlotOption) (*plotting.Figure, error) {
	lines, err := r.lossLines("PlotLosses", o)
	if err != nil {
		return nil, err
	}
	return shown(plotting.Lines(lines))
}

// LossLines is what PlotLosses draws, of what is recorded so far: plotting.LiveLines makes a chart of it that a
// callback can replace while a fit runs, as ShowGraph does. Options as PlotLosses.
func (r *Recorder) LossLines(o ...data.PlotOption) (plotting.LineOpts, error) {
	return r.lossLines("LossLines", o)
}

func (r *Recorder) lossLines(call string, o []data.PlotOption) (plotting.LineOpts, error) {
	c, err := plotCfg(call, 0, 0, o)
	if err != nil {
		return plotting.LineOpts{}, err
	}
	if len(r.Losses) == 0 {
		return plotting.LineOpts{}, errNothing("losses")
	}
	y := cut(r.Losses, c.SkipStart, c.SkipEnd)
	series := []plotting.Series{{Name: "Train", X: count(min(c.SkipStart, len(r.Losses)), len(y)), Y: y}}
	if x, v := r.atEpochs(r.ValLosses); len(v) > 0 {
		series = append(series, plotting.Series{Name: "Validation", X: x, Y: v})
	}
	return plotting.LineOpts{W: c.W, H: c.H, XLabel: "Batches processed", YLabel: "Loss", Series: series}, nil
}

// atEpochs gives the number of batches at the end of each epoch that has a value, and the values.
func (r *Recorder) atEpochs(values []float64) (x, y []float64) {
	n := 0
	for k, v := range values {
		if k < len(r.NBatches) {
			n += r.NBatches[k]
		}
		if !isNaN(v) {
			x, y = append(x, float64(n)), append(y, v)
		}
	}
	return x, y
}

// count is start, start+1, ... n numbers.
func count(start, n int) []float64 {
	x := make([]float64, n)
	for k := range x {
		x[k] = float64(start + k)
	}
	return x
}

func errNothing(what string) error {
	return fmt.Errorf("fastnb: plot: no %s were recorded (try Fit, FitOneCycle or LRFind first)", what)
}

// PlotLR draws the learning rate of each batch. Options: ShowMoms(true) draws the momenta as well.
func (r *Recorder) PlotLR(o ...data.PlotOption) (*plotting.Figure, error) {
	c, err := plotCfg("PlotLR", 0, 0, o)
	if err != nil {
		return nil, err
	}
	if len(r.LRs) == 0 {
		return nil, errNothing("learning rates")
	}
	series := []plotting.Series{{X: count(0, len(r.LRs)), Y: r.LRs}}
	label := "Learning Rate"
	if c.ShowMoms {
		series[0].Name, label = "Learning Rate", "Learning Rate, Momentum"
		series = append(series, plotting.Series{Name: "Momentum", X: count(0, len(r.Moms)), Y: r.Moms})
	}
	return shown(plotting.Lines(plotting.LineOpts{W: c.W, H: c.H, XLabel: "Iterations", YLabel: label, Series: series}))
}

// PlotMetrics draws each metric over the batches, a point for each epoch, in a panel of its own.
func (r *Recorder) PlotMetrics(o ...data.PlotOption) (*plotting.Figure, error) {
	c, err := plotCfg("PlotMetrics", 0, 0, o)
	if err != nil {
		return nil, err
	}
	var panels []*plotting.Figure
	for k, name := range r.Names[min(3, len(r.Names)) : len(r.Names)-1] {
		col := make([]float64, len(r.Metrics))
		for e, row := range r.Metrics {
			col[e] = nan
			if k < len(row) {
				col[e] = row[k]
			}
		}
		x, y := r.atEpochs(col)
		if len(y) == 0 {
			continue
		}
		f, err := shown(plotting.Lines(plotting.LineOpts{W: c.W, H: c.H, XLabel: "Batches processed", YLabel: name, Series: []plotting.Series{{X: x, Y: y}}}))
		if err != nil {
			return nil, err
		}
		panels = append(panels, f)
	}
	switch len(panels) {
	case 0:
		return nil, errNothing("metrics")
	case 1:
		return panels[0], nil
	}
	var tiles []plotting.Tile
	for _, f := range panels {
		tiles = append(tiles, plotting.Tile{Image: f.Image()})
	}
	if c.W == 0 || c.H == 0 {
		c.W, c.H = 6, 4*float64(len(panels))
	}
	return shown(plotting.Grid(tiles, plotting.GridOpts{Rows: len(tiles), Cols: 1, W: c.W, H: c.H}))
}

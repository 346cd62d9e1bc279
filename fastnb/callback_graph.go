package fastnb

import (
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/plotting"
)

// redraw is the least time between two drawings of a chart that grows.
const redraw = 500 * time.Millisecond

// ShowGraph draws the losses in the cell while the fit runs: the training loss of each batch and the
// validation loss of each epoch, in one chart that grows below the table, at most twice a second. Outside of
// a notebook it shows nothing.
func ShowGraph() Callback {
	var g lossGraph
	return Callback{
		Name: "ShowGraph", Order: 30, NotInLRFind: true, Blind: true,
		BeforeFit:  func(*Learner) error { g = lossGraph{}; return nil },
		AfterBatch: func(l *Learner) error { return g.draw(l, false) },
		AfterEpoch: func(l *Learner) error { return g.draw(l, false) },
		AfterFit:   func(l *Learner) error { return g.draw(l, true) },
	}
}

// lossGraph is one chart in a cell.
type lossGraph struct {
	shown *cell.Handle
	last  time.Time
}

// draw draws what was recorded, unless it did so just now. The last drawing has the chart's static forms.
func (g *lossGraph) draw(l *Learner, final bool) error {
	if !cell.Active() || l.Silent || len(l.Recorder.Losses) == 0 || !final && time.Since(g.last) < redraw {
		return nil
	}
	g.last = time.Now()
	if !final {
		lines, err := l.Recorder.LossLines()
		if err != nil {
			return err
		}
		html, ok := plotting.LiveLines(lines)
		if !ok {
			return nil // the last drawing is the only one that stays
		}
		return g.show(cell.Bundle{"text/html": html, "text/plain": "losses so far"}, nil)
	}
	fig, err := l.Recorder.PlotLosses()
	if err != nil {
		return err
	}
	b := fig.Render()
	return g.show(b.Data, b.Metadata)
}

func (g *lossGraph) show(b, metadata cell.Bundle) (err error) {
	if g.shown != nil {
		return g.shown.Update(b, metadata)
	}
	g.shown, err = cell.NewDisplay(b, metadata)
	return err
}

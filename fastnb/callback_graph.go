package fastnb

import (
	"github.com/fastnb/go/cell"
)

// ShowGraph draws the losses in the cell while the fit runs: the training loss of each batch and the
// validation loss of each epoch, drawn anew after each epoch in the same place. Outside of a notebook it
// shows nothing.
func ShowGraph() Callback {
	var shown *cell.Handle
	draw := func(l *Learner) error {
		if !cell.Active() || l.Silent || len(l.Recorder.Losses) == 0 {
			return nil
		}
		fig, err := l.Recorder.PlotLosses()
		if err != nil {
			return err
		}
		b := cell.Bundle{"image/png": fig.PNG(), "text/plain": fig.String()}
		if shown != nil {
			return shown.Update(b)
		}
		shown, err = cell.NewDisplay(b)
		return err
	}
	return Callback{
		Name: "ShowGraph", Order: 30, NotInLRFind: true,
		BeforeFit:  func(*Learner) error { shown = nil; return nil },
		AfterEpoch: draw,
		AfterFit:   draw,
	}
}

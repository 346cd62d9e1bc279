package fastnb

import (
	"math"
	"os"
	"strings"
	"testing"
)

// script gives the fake engine a validation loss for each epoch.
func script(e *fakeEngine, losses ...float64) Callback {
	return Callback{Order: -1, BeforeEpoch: func(l *Learner) error { e.eval = losses[l.Epoch]; return nil }}
}

func TestEarlyStopping(t *testing.T) {
	l, e := fakeLearner(t, 1, 1, 1, 1)
	if err := l.Fit(6, LR(1), Callbacks(script(e, 5, 4, 4.5, 4.4, 4.3, 1), EarlyStopping(Patience(1)))); err != nil {
		t.Fatal(err)
	}
	if len(l.Recorder.ValLosses) != 4 {
		t.Errorf("stopped after %d epochs, want 4", len(l.Recorder.ValLosses))
	}
	err := l.Fit(1, LR(1), Callbacks(EarlyStopping(Monitor("f1"))))
	if err == nil || !strings.Contains(err.Error(), `no column "f1"`) || !strings.Contains(err.Error(), "accuracy") {
		t.Error(err)
	}
}

func TestReduceLROnPlateau(t *testing.T) {
	l, e := fakeLearner(t, 1, 1, 1, 1)
	if err := l.Fit(4, LR(1), Callbacks(script(e, 5, 6, 6, 4), ReduceLROnPlateau(Factor(.5)))); err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{1, 1, .5, .25} {
		near(t, "lr", e.hypers[k].LR, want, 1e-12)
	}
}

func TestTerminateOnNaN(t *testing.T) {
	l, _ := fakeLearner(t, 4, 1, 1, 1, math.NaN())
	if err := l.Fit(2, LR(1), Callbacks(TerminateOnNaN())); err != nil || len(l.Recorder.Losses) != 2 {
		t.Error(err, len(l.Recorder.Losses))
	}
}

func TestCSVLogger(t *testing.T) {
	l, _ := fakeLearner(t, 2, 1, 1, 1)
	if err := l.Fit(2, LR(1), Callbacks(CSVLogger("", false))); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(l.Path.Join("history.csv").String())
	if want := "epoch,train_loss,valid_loss,accuracy,time\n0,1.000000,0.500000,1.000000,00:00\n1,1.000000,0.500000,1.000000,00:00\n"; err != nil || string(b) != want {
		t.Errorf("%v %q", err, b)
	}
}

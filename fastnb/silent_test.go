package fastnb

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestLRFindLeavesNoTrace: callbacks of the learner that write, save or stop are not called by the finder;
// others are.
func TestLRFindLeavesNoTrace(t *testing.T) {
	l, e := fakeLearner(t, 4, 1, 1, 1)
	if err := l.Fit(2, LR(1), Callbacks(SaveModel("best"), CSVLogger("", false))); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range []string{"models/best.safetensors", "history.csv"} {
		b, err := os.ReadFile(l.Path.Join(f).String())
		if err != nil {
			t.Fatal(err)
		}
		files[f] = string(b)
	}
	e.eval = .1 // better than what was saved
	called, graph := 0, ShowGraph()
	l.Callbacks = []Callback{
		SaveModel("best"), CSVLogger("", false), EarlyStopping(Monitor("accuracy")), ReduceLROnPlateau(), TrackEpoch(""), StopAfterNBatches(2), TerminateOnNaN(), graph,
		{Name: "own", AfterBatch: func(l *Learner) error {
			if l.Training {
				called++
			}
			return nil
		}},
	}
	if err := l.LRFind(NumIt(11), StopDiv(false)); err != nil {
		t.Fatal(err)
	}
	if len(l.Recorder.Losses) != 11 || called != 11 {
		t.Errorf("the finder tried %d rates, and called a callback %d times, want 11", len(l.Recorder.Losses), called)
	}
	for f, want := range files {
		if b, err := os.ReadFile(l.Path.Join(f).String()); err != nil || string(b) != want {
			t.Errorf("%s was changed: %v", f, err)
		}
	}
	if l.Path.Join("models", "epoch").Exists() {
		t.Error("the finder kept a number of epochs")
	}
	if err := l.LRFind(Callbacks(EarlyStopping())); err == nil || !strings.Contains(err.Error(), "callback: EarlyStopping: there is nothing for it to do here") {
		t.Error(err)
	}
}

// TestMissingIsNoValue: epochs without validation neither end a fit nor lower its rates; a loss that is NaN
// is no improvement.
func TestMissingIsNoValue(t *testing.T) {
	l, e := fakeLearner(t, 1, 0, 1, 1)
	if err := l.Fit(4, LR(1), Callbacks(EarlyStopping(), ReduceLROnPlateau(), SaveModel("best"))); err != nil {
		t.Fatal(err)
	}
	if n := len(l.Recorder.ValLosses); n != 4 {
		t.Errorf("the fit ended after %d epochs, want 4", n)
	}
	if last := e.hypers[len(e.hypers)-1].LR; last != 1 {
		t.Errorf("the rate fell to %g", last)
	}
	l, e = fakeLearner(t, 1, 1, 1, 1)
	if err := l.Fit(4, LR(1), Callbacks(script(e, 1, math.NaN(), .5, .5), EarlyStopping())); err != nil {
		t.Fatal(err)
	}
	if n := len(l.Recorder.ValLosses); n != 2 {
		t.Errorf("with a loss that is NaN the fit ended after %d epochs, want 2", n)
	}
}

// TestStopsInValidation: what a callback stops is left out of the figures, and nothing else.
func TestStopsInValidation(t *testing.T) {
	for name, c := range map[string]struct {
		at         func(*Callback, func(*Learner) error)
		stop       error
		seen, rows int // validation batches begun, epochs
		val        bool
	}{
		"batch, before it": {func(c *Callback, f func(*Learner) error) { c.BeforeBatch = f }, ErrStopBatch, 3, 2, true},
		"batch, its loss":  {func(c *Callback, f func(*Learner) error) { c.AfterLoss = f }, ErrStopBatch, 3, 2, true},
		"batch, after it":  {func(c *Callback, f func(*Learner) error) { c.AfterBatch = f }, ErrStopBatch, 3, 2, true},
		"epoch, before":    {func(c *Callback, f func(*Learner) error) { c.BeforeBatch = f }, ErrStopEpoch, 1, 2, false},
		"epoch, after":     {func(c *Callback, f func(*Learner) error) { c.AfterBatch = f }, ErrStopEpoch, 1, 2, true},
		"fit, before":      {func(c *Callback, f func(*Learner) error) { c.BeforeBatch = f }, ErrStopFit, 1, 1, false},
		"fit, its loss":    {func(c *Callback, f func(*Learner) error) { c.AfterLoss = f }, ErrStopFit, 1, 1, false},
		"fit, after":       {func(c *Callback, f func(*Learner) error) { c.AfterBatch = f }, ErrStopFit, 1, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := fakeLearner(t, 1, 3, 1, 1)
			begun, stopped := 0, 0
			count := Callback{Name: "count", Order: -1, BeforeBatch: func(l *Learner) error {
				if !l.Training {
					begun++
				}
				return nil
			}}
			var stopper Callback
			c.at(&stopper, func(l *Learner) error {
				if l.Training || begun%3 != 1 {
					return nil
				}
				stopped++
				return c.stop
			})
			if err := l.Fit(2, LR(1), Callbacks(count, stopper)); err != nil {
				t.Fatal(err)
			}
			if n := len(l.Recorder.ValLosses); n != c.rows {
				t.Fatalf("%d epochs, want %d", n, c.rows)
			}
			if c.rows == 1 && begun != c.seen {
				t.Errorf("%d validation batches, want %d", begun, c.seen)
			}
			if v := l.Recorder.ValLosses[0]; math.IsNaN(v) == c.val {
				t.Errorf("validation loss %v", v)
			}
			if stopped == 0 {
				t.Error("nothing was stopped")
			}
		})
	}
	l, _ := fakeLearner(t, 1, 3, 1, 1)
	l.Callbacks = []Callback{{BeforeBatch: func(*Learner) error { return ErrStopBatch }}}
	if _, err := l.Validate(); err == nil || !strings.Contains(err.Error(), "validate: callbacks let no batch of the valid set count") {
		t.Error(err)
	}
}

// TestStopBeforeEpoch: an epoch whose training a callback leaves out is validated only.
func TestStopBeforeEpoch(t *testing.T) {
	l, e := fakeLearner(t, 3, 1, 1, 1)
	if err := l.Fit(2, LR(1), Callbacks(Callback{BeforeEpoch: func(l *Learner) error {
		if l.Epoch == 1 {
			return ErrStopEpoch
		}
		return nil
	}})); err != nil {
		t.Fatal(err)
	}
	if len(e.hypers) != 3 || len(l.Recorder.ValLosses) != 2 || l.Recorder.NBatches[1] != 0 {
		t.Errorf("%d steps, %d validations, batches %v", len(e.hypers), len(l.Recorder.ValLosses), l.Recorder.NBatches)
	}
}

// TestValidateSome: NBatch bounds a validation.
func TestValidateSome(t *testing.T) {
	l, _ := fakeLearner(t, 1, 5, 1, 1)
	n := 0
	l.Callbacks = []Callback{{AfterBatch: func(*Learner) error { n++; return nil }}}
	if _, err := l.Validate(NBatch(2)); err != nil || n != 2 {
		t.Errorf("%d batches, %v", n, err)
	}
}

// TestSaveModelOfAnotherFit: a fit that never began loads nothing that an earlier one saved.
func TestSaveModelOfAnotherFit(t *testing.T) {
	l, e := fakeLearner(t, 1, 1, 1, 1)
	save := SaveModel("best")
	if err := l.Fit(1, LR(1), Callbacks(save)); err != nil {
		t.Fatal(err)
	}
	e.weight = 77
	no := errors.New("no")
	if err := l.Fit(1, LR(1), Callbacks(save, Callback{Order: -5, BeforeFit: func(*Learner) error { return no }})); !errors.Is(err, no) {
		t.Fatal(err)
	}
	if e.weight != 77 {
		t.Errorf("the weights are those of another fit: %v", e.weight)
	}
}

// TestThreshOfZero: a threshold of 0 is one, and it says the same everywhere: from it on a label counts.
func TestThreshOfZero(t *testing.T) {
	l, _ := fakeLearner(t, 1, 1, 1, 1)
	list := data.NewItemList(nothing{}, l.Path, []string{"1", "2"}).SplitNone().LabelFromLists([]string{"a b", "c"}, nil, data.LabelDelim(" "))
	d, err := list.DataBunch(data.BS(1))
	if err != nil {
		t.Fatal(err)
	}
	l.Data, l.Loss = d, nn.BCEWithLogitsFlat
	row := tensor.FromFloat32([]float32{0, .5, .9}, 3)
	for _, c := range []struct {
		thresh float64
		want   []string
	}{{0, []string{"a", "b", "c"}}, {.5, []string{"b", "c"}}, {.6, []string{"c"}}, {1, []string{}}} {
		p, err := l.decode(row, predictCfg([]PredictOption{Thresh(c.thresh)}).Thresh)
		if err != nil {
			t.Fatal(err)
		}
		ys, err := d.Decode(row.Reshape(1, 3), Thresh(c.thresh))
		if err != nil {
			t.Fatal(err)
		}
		join := strings.Join(c.want, ";")
		if df := cmp.Diff(c.want, p.Classes); df != "" || p.Class != join || p.Target.String() != join || ys[0].String() != join {
			t.Errorf("Thresh(%g): %v %q %q %q", c.thresh, p.Classes, p.Class, p.Target, ys[0])
		}
		if got := threshOf(data.NewShowConfig(data.Valid, Thresh(c.thresh))); got != c.thresh {
			t.Errorf("shown with %g, want %g", got, c.thresh)
		}
	}
	in := &ClassificationInterpretation{l: l, Preds: row.Reshape(1, 3), Targs: tensor.FromFloat32([]float32{1, 1, 1}, 1, 3)}
	f, err := in.LabelTable(Thresh(0))
	if err != nil || strings.Contains(f.String(), "0.5") || strings.Count(f.String(), "1.000") != 6 {
		t.Errorf("%v\n%v", err, f)
	}
}

// nothing is a kind of items that are not opened.
type nothing struct{ data.Kind }

func (nothing) Name() string { return "nothing" }

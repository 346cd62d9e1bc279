package fastnb

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

func TestAccumulateScheduler(t *testing.T) {
	l, e := fakeLearner(t, 5, 1, 1, 1)
	if err := l.Fit(2, LR(1), Callbacks(AccumulateScheduler(2, false))); err != nil {
		t.Fatal(err)
	}
	if want := [][]float64{{2, 2}, {2, 2}, {2}, {2, 2}, {2, 2}, {2}}; !cmp.Equal(e.taken, want) || len(e.hypers) != 6 {
		t.Errorf("%v, %d steps", e.taken, len(e.hypers))
	}
	l, e = fakeLearner(t, 5, 1, 1, 1)
	if err := l.Fit(2, LR(1), Callbacks(AccumulateScheduler(2, true))); err != nil || len(e.hypers) != 4 || len(e.sums) != 0 {
		t.Error(err, len(e.hypers), e.sums)
	}
	if err := l.Fit(1, LR(1), Callbacks(AccumulateScheduler(0, true))); err == nil {
		t.Error("0 batches: no error")
	}
}

// TestAccumulateTrains runs the whole way on the real engine: two batches of four step as often as one
// of eight.
func TestAccumulateTrains(t *testing.T) {
	ts := goldenTensors(t, "trajectories.safetensors")
	l := trajectoryLearner(t, "cpu", ts, 2)
	before, err := l.eng.State()
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	count := Callback{AfterStep: func(l *Learner) error {
		s, err := l.eng.OptState()
		if err == nil && len(s) > 0 {
			steps = int(s["t"].Int64s()[0])
		}
		return err
	}}
	if err := l.FitOneCycle(3, LR(1e-2), Callbacks(AccumulateScheduler(2, false), GradientClipping(1), count)); err != nil {
		t.Fatal(err)
	}
	after, err := l.eng.State()
	if err != nil || steps != 6 {
		t.Errorf("%v: %d steps in 3 epochs of 4 batches, want 6", err, steps)
	}
	if after["0.0.0.weight"].Sub(before["0.0.0.weight"]).Abs().Max() == 0 || !(l.Recorder.Losses[11] < l.Recorder.Losses[0]) {
		t.Error("nothing was learned", l.Recorder.Losses)
	}
}

func TestMixUp(t *testing.T) {
	ts := goldenTensors(t, "trajectories.safetensors")
	l := trajectoryLearner(t, "cpu", ts, 2)
	l.Data.C = 4
	var first []float32
	plain := Callback{Order: -1, BeforeBatch: func(l *Learner) error {
		if l.Training && l.Iteration == 0 {
			first = slices.Clone(l.Input[0].Float32s())
		}
		return nil
	}}
	check := Callback{Order: 1, AfterLoss: func(l *Learner) error {
		if !l.Training {
			if l.Target[0].DType() != tensor.Int64 {
				t.Error("validation is mixed too")
			}
			return nil
		}
		// The loss is that of the classes' weights, and each row's add up to 1.
		want, y := 0.0, l.Target[0].Rows()
		for k, row := range l.Output.Softmax(1).Rows() {
			sum := 0.0
			for c, p := range row {
				want -= y[k][c] * math.Log(p) / float64(len(y))
				sum += y[k][c]
			}
			if math.Abs(sum-1) > 1e-6 || slices.Max(y[k]) < .5 {
				t.Errorf("row %d has weights %v", k, y[k])
			}
		}
		near(t, "loss", l.BatchLoss, want, 1e-5)
		if l.Iteration == 0 && slices.Equal(first, l.Input[0].Float32s()) {
			t.Error("the inputs are not mixed")
		}
		return nil
	}}
	if err := l.Fit(2, LR(1e-2), Callbacks(plain, MixUp(.4), check)); err != nil {
		t.Fatal(err)
	}
	l.Data.C = 2
	if err := l.Fit(1, LR(1e-2), Callbacks(MixUp(.4))); err == nil || !strings.Contains(err.Error(), "none of the data's 2") {
		t.Error(err)
	}
}

func TestMixTarget(t *testing.T) {
	y, err := mixTarget(tensor.FromInt64([]int64{2, 0, 2}, 3), 3, nn.CrossEntropyFlat, []int{1, 0, 2}, []float32{.75, 1, .5})
	if want := []float32{.25, 0, .75, 1, 0, 0, 0, 0, 1}; err != nil || !slices.Equal(y.Float32s(), want) {
		t.Error(err, y)
	}
	y, err = mixTarget(tensor.FromFloat32([]float32{1, 0, 1, 1}, 2, 2), 2, nn.BCEWithLogitsFlat, []int{1, 0}, []float32{.75, .5})
	if want := []float32{1, .25, 1, .5}; err != nil || !slices.Equal(y.Float32s(), want) {
		t.Error(err, y)
	}
	if _, err := mixTarget(tensor.New(tensor.Int64, 2, 1, 4, 4), 2, nn.CrossEntropyFlat, []int{1, 0}, []float32{.75, .5}); err == nil {
		t.Error("masks: no error")
	}
}

func TestBnFreeze(t *testing.T) {
	ts := goldenTensors(t, "trajectories.safetensors")
	for _, freeze := range []bool{false, true} {
		l := trajectoryLearner(t, "cpu", ts, 2, TrainBN(false))
		if err := l.Freeze(); err != nil {
			t.Fatal(err)
		}
		before, err := l.eng.State()
		if err != nil {
			t.Fatal(err)
		}
		var cbs []Callback
		if freeze {
			cbs = append(cbs, BnFreeze())
		}
		if err := l.Fit(1, LR(1e-3), Callbacks(cbs...)); err != nil {
			t.Fatal(err)
		}
		after, err := l.eng.State()
		if err != nil {
			t.Fatal(err)
		}
		moved := func(name string) bool { return after[name].Sub(before[name]).Abs().Max() > 0 }
		if moved("0.1.2.running_mean") == freeze || !moved("1.2.running_mean") {
			t.Errorf("freeze %v: the body's statistics moved: %v, the head's: %v", freeze, moved("0.1.2.running_mean"), moved("1.2.running_mean"))
		}
	}
}

// sink keeps the charts that a cell shows.
type sink struct{ shown []chartShown }

type chartShown struct {
	id           string
	update, png  bool
	live         bool // a script that draws
	width        any  // nominal, of the picture
	sinceTheLast time.Duration
	at           time.Time
}

func (s *sink) Display(data, meta cell.Bundle, id string, update bool) error {
	html, _ := data["text/html"].(string)
	_, png := data["image/png"]
	if !png && !strings.Contains(html, "fastnb-chart") {
		return nil
	}
	c := chartShown{id: id, update: update, png: png, live: strings.Contains(html, "<script"), at: time.Now()}
	if m, ok := meta["image/png"].(map[string]any); ok {
		c.width = m["width"]
	}
	if n := len(s.shown); n > 0 {
		c.sinceTheLast = c.at.Sub(s.shown[n-1].at)
	}
	s.shown = append(s.shown, c)
	return nil
}
func (s *sink) ClearOutput(bool) error { return nil }

// ownGraph is ShowGraph written with what users have.
func ownGraph() Callback {
	var shown *cell.Handle
	var last time.Time
	show := func(b, metadata cell.Bundle) (err error) {
		last = time.Now()
		if shown != nil {
			return shown.Update(b, metadata)
		}
		shown, err = cell.NewDisplay(b, metadata)
		return err
	}
	live := func(l *Learner) error {
		if time.Since(last) < 500*time.Millisecond || len(l.Recorder.Losses) == 0 {
			return nil
		}
		lines, err := l.Recorder.LossLines()
		if err != nil {
			return err
		}
		html, _ := plotting.LiveLines(lines)
		return show(cell.Bundle{"text/html": html, "text/plain": "losses so far"}, nil)
	}
	return Callback{AfterBatch: live, AfterEpoch: live, AfterFit: func(l *Learner) error {
		fig, err := l.Recorder.PlotLosses()
		if err != nil {
			return err
		}
		b := fig.Render()
		return show(b.Data, b.Metadata)
	}}
}

// One chart grows in its place, at most twice a second, and ends as a picture of its true size.
func TestShowGraph(t *testing.T) {
	for name, graph := range map[string]Callback{"ours": ShowGraph(), "a user's": ownGraph()} {
		t.Run(name, func(t *testing.T) { showsGraph(t, graph) })
	}
}

func showsGraph(t *testing.T, graph Callback) {
	s := &sink{}
	defer cell.Enter(context.Background(), s)()
	l, _ := fakeLearner(t, 2, 1, 1, 1)
	l.Silent = false
	slow := Callback{AfterBatch: func(*Learner) error { time.Sleep(120 * time.Millisecond); return nil }}
	begin := time.Now()
	if err := l.Fit(4, LR(1), Callbacks(graph, slow)); err != nil {
		t.Fatal(err)
	}
	n := len(s.shown)
	if most := 2 + int(time.Since(begin)/redraw); n < 3 || n > most { // the first and the last come at any time
		t.Fatalf("%d drawings, at most %d: %+v", n, most, s.shown)
	}
	for k, c := range s.shown {
		if c.update != (k > 0) || c.id != s.shown[0].id || c.png != (k == n-1) || !c.live {
			t.Errorf("drawing %d of %d: %+v", k, n, c)
		}
		if k > 0 && k < n-1 && c.sinceTheLast < redraw {
			t.Errorf("drawing %d came after %v", k, c.sinceTheLast)
		}
	}
	if s.shown[n-1].width != 432 {
		t.Errorf("the picture's width is %v", s.shown[n-1].width)
	}
}

func TestTrackEpoch(t *testing.T) {
	l, e := fakeLearner(t, 3, 1, 1, 1)
	broken := errors.New("the power went")
	breakAt := 2
	fail := Callback{BeforeEpoch: func(l *Learner) error {
		if l.Epoch == breakAt {
			return broken
		}
		return nil
	}}
	fit := func() error {
		return l.FitOneCycle(4, LR(1), Callbacks(TrackEpoch(""), SaveModel("part", EveryEpoch(true)), fail))
	}
	if err := fit(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	e.weight, breakAt = 100, -1 // what was learned since is lost
	if err := fit(); err != nil {
		t.Fatal(err)
	}
	whole, f := fakeLearner(t, 3, 1, 1, 1)
	if err := whole.FitOneCycle(4, LR(1)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f.hypers, e.hypers); d != "" || e.weight != f.weight {
		t.Error("broken off and gone on is not the whole:", d, e.weight, f.weight)
	}
	if l.Path.Join(l.ModelDir, "epoch").Exists() {
		t.Error("the file is left behind")
	}
}

func TestTrackerWithoutValue(t *testing.T) {
	l, _ := fakeLearner(t, 2, 0, 1, 1) // no validation
	if err := l.Fit(3, LR(1), Callbacks(EarlyStopping(Patience(5)), SaveModel("best"))); err != nil || len(l.Recorder.ValLosses) != 3 {
		t.Error(err, "a fit without validation goes on")
	}
	for _, c := range []Callback{EarlyStopping(Monitor("f1")), SaveModel("best", Monitor("f1")), ReduceLROnPlateau(Monitor("f1"))} {
		if err := l.Fit(1, LR(1), Callbacks(c)); err == nil || len(l.Recorder.Losses) > 0 {
			t.Errorf("%s: a column that is not there must show before training: %v", c.Name, err)
		}
	}
}

func TestReadLoggedFile(t *testing.T) {
	l, _ := fakeLearner(t, 2, 1, 1, 1)
	if err := l.Fit(2, LR(1), Callbacks(CSVLogger("log", false))); err != nil {
		t.Fatal(err)
	}
	tab, err := l.ReadLoggedFile("log")
	if err != nil || tab.Len() != 2 || !slices.Equal(tab.Columns(), l.Recorder.Names) {
		t.Error(err, tab)
	}
}

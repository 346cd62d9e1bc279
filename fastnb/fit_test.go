package fastnb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/data"
)

func TestFitRecords(t *testing.T) {
	l, e := fakeLearner(t, 4, 2, 1, 1, .5, .25, .8)
	if err := l.Fit(2, LR(.1), WD(.3)); err != nil {
		t.Fatal(err)
	}
	r := l.Recorder
	if len(r.Losses) != 8 || len(r.ValLosses) != 2 || r.ValLosses[0] != .5 || r.Metrics[1][0] != 1 || !cmp.Equal(r.NBatches, []int{4, 4}) {
		t.Errorf("recorder: %+v", r)
	}
	if d := math.Abs(r.Losses[3] - .635407); d > 1e-6 {
		t.Error("smoothed loss", r.Losses[:4])
	}
	if h := e.hypers[7]; h.LR != .1 || h.WD != .3 || h.Mom != .9 {
		t.Errorf("%+v", h)
	}
	if v, ok := r.Monitored("accuracy"); !ok || v != 1 {
		t.Error(v, ok)
	}
}

func TestOneCycleInParts(t *testing.T) {
	whole, e := fakeLearner(t, 5, 1, 2, 1)
	if err := whole.FitOneCycle(4, Slice(1e-3, 1e-2)); err != nil {
		t.Fatal(err)
	}
	parts, f := fakeLearner(t, 5, 1, 2, 1)
	if err := parts.FitOneCycle(1, Slice(1e-3, 1e-2), TotEpochs(4)); err != nil {
		t.Fatal(err)
	}
	if err := parts.FitOneCycle(4, Slice(1e-3, 1e-2), StartEpoch(1)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(e.hypers, f.hypers); d != "" {
		t.Error("a schedule in two parts must be the whole one:", d)
	}
	if len(parts.Recorder.ValLosses) != 3 || parts.Epoch != 4 {
		t.Error("epochs 1, 2, 3 run in the second part")
	}
}

func TestFitErrors(t *testing.T) {
	l, _ := fakeLearner(t, 4, 1, 2, 1)
	l.feeds[data.Train] = fakeFeed{0, 7, 64}
	if err := l.Fit(1, LR(1)); err == nil || !strings.Contains(err.Error(), "7 items does not fill one batch of 64") {
		t.Error(err)
	}
	l.feeds[data.Train] = fakeFeed{4, 8, 2}
	for what, err := range map[string]error{
		"no epochs": l.Fit(0, LR(1)), "no rate": l.Fit(1, LR(0)), "foreign option": l.Fit(1, LR(1), PctStart(.3)), "finder's": l.FitOneCycle(1, LR(1), NumIt(3)),
		"pct": l.FitOneCycle(1, LR(1), PctStart(2)), "start": l.FitOneCycle(2, LR(1), StartEpoch(2)), "groups": l.Fit(1, LRList(1, 2, 3)), "freeze": l.FreezeTo(5),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "fastnb: ") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestNaNStops(t *testing.T) {
	l, e := fakeLearner(t, 4, 1, 1, 1, 2, math.NaN())
	err := l.Fit(1, LR(.3))
	if err == nil || !strings.Contains(err.Error(), "epoch 0, batch 3 of 4: the loss is NaN") || !strings.Contains(err.Error(), "try") {
		t.Error(err)
	}
	if len(e.hypers) != 2 {
		t.Error("the batch with the NaN must not be stepped on")
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	leave := cell.Enter(ctx, nil)
	defer leave()
	l, e := fakeLearner(t, 4, 1, 1, 1)
	e.onStep = func() {
		if e.weight == 6 {
			cancel()
		}
	}
	ended := false
	err := l.Fit(3, LR(.3), Callbacks(Callback{AfterFit: func(*Learner) error { ended = true; return nil }}))
	if !errors.Is(err, cell.ErrInterrupted) || !ended {
		t.Errorf("got %v, AfterFit ran: %v", err, ended)
	}
	if len(l.Recorder.Losses) != 6 || len(l.Recorder.ValLosses) != 1 {
		t.Errorf("recorder: %+v", l.Recorder)
	}
}

func TestCallbacks(t *testing.T) {
	var log []string
	say := func(name string, err error) func(*Learner) error {
		return func(l *Learner) error {
			if l.Training || strings.HasSuffix(name, "Fit") || strings.HasSuffix(name, "Epoch") {
				log = append(log, name)
			}
			return err
		}
	}
	l, e := fakeLearner(t, 2, 1, 1, 1)
	all := Callback{
		Order: 1, BeforeFit: say("BeforeFit", nil), BeforeEpoch: say("BeforeEpoch", nil), BeforeBatch: say("BeforeBatch", nil), AfterLoss: say("AfterLoss", nil),
		AfterBackward: say("AfterBackward", nil), AfterStep: say("AfterStep", nil), AfterBatch: say("AfterBatch", nil), AfterEpoch: say("AfterEpoch", nil), AfterFit: say("AfterFit", nil),
	}
	first := Callback{AfterStep: say("first", nil), AfterBatch: func(l *Learner) error {
		if l.Training && l.Batch == 0 {
			return ErrStopEpoch
		}
		return nil
	}}
	if err := l.Fit(1, LR(1), Callbacks(all, first)); err != nil {
		t.Fatal(err)
	}
	want := "BeforeFit BeforeEpoch BeforeBatch AfterLoss AfterBackward first AfterStep AfterBatch AfterEpoch AfterFit"
	if d := cmp.Diff(want, strings.Join(log, " ")); d != "" {
		t.Error(d)
	}
	skip := Callback{AfterBackward: func(*Learner) error { return ErrStopBatch }}
	n := len(e.hypers)
	if err := l.Fit(1, LR(1), Callbacks(skip)); err != nil || len(e.hypers) != n {
		t.Error("ErrStopBatch after the backward pass skips the step", err)
	}
	for what, c := range map[string]Callback{
		"an error": {Name: "mine", AfterEpoch: func(*Learner) error { return fmt.Errorf("no") }},
		"a panic":  {Name: "mine", BeforeBatch: func(*Learner) error { panic("no") }},
	} {
		if err := l.Fit(1, LR(1), Callbacks(c)); err == nil || !strings.Contains(err.Error(), "callback: mine") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	stop := Callback{AfterBatch: func(l *Learner) error { return ErrStopFit }}
	if err := l.Fit(3, LR(1), Callbacks(stop)); err != nil || len(l.Recorder.Losses) != 1 {
		t.Error("ErrStopFit ends the fit without an error", err, len(l.Recorder.Losses))
	}
}

func TestFreeze(t *testing.T) {
	l, e := fakeLearner(t, 1, 1, 3, 1)
	if err := l.Freeze(); err != nil {
		t.Fatal(err)
	}
	got := []bool{}
	for _, g := range l.groups {
		for _, p := range g {
			got = append(got, e.trains(p))
		}
	}
	if d := cmp.Diff([]bool{false, true, false, true, true, true}, got); d != "" {
		t.Error("batch norm trains in frozen groups:", d)
	}
	one, _ := fakeLearner(t, 1, 1, 1, 1)
	if one.Freeze() == nil {
		t.Error("one group cannot be frozen")
	}
}

// capture collects what a cell displays.
type capture struct {
	shows, updates int
	last           cell.Bundle
}

func (c *capture) Display(data, _ cell.Bundle, id string, update bool) error {
	if update {
		c.updates++
	} else {
		c.shows++
	}
	c.last = data
	return nil
}
func (c *capture) ClearOutput(bool) error { return nil }

func TestTableInPlace(t *testing.T) {
	c := &capture{}
	leave := cell.Enter(context.Background(), c)
	defer leave()
	l, _ := fakeLearner(t, 50, 2, 1, 1, .5)
	l.Silent = false
	if err := l.Fit(2, LR(1)); err != nil {
		t.Fatal(err)
	}
	if c.shows != 1 || c.updates > 6 {
		t.Errorf("%d displays, %d updates", c.shows, c.updates)
	}
	html := c.last["text/html"].(string)
	for _, want := range []string{`class="dataframe"`, "<th>train_loss</th>", "<td>0.500000</td>", "<td>1.000000</td>", "<td>00:00</td>"} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in %s", want, html)
		}
	}
	if strings.Contains(html, "<progress") || strings.Count(html, "<tr>") != 2 {
		t.Error("bars must go, rows stay:", html)
	}
	text := strings.Split(c.last["text/plain"].(string), "\n")
	if len(text) != 3 || !strings.HasPrefix(text[0], "epoch  train_loss  valid_loss  accuracy  time") {
		t.Errorf("%q", text)
	}
}

func TestSkippedValidation(t *testing.T) {
	l, _ := fakeLearner(t, 2, 0, 1, 1)
	if err := l.Fit(1, LR(1)); err != nil {
		t.Fatal(err)
	}
	r := &runner{l: l}
	if d := cmp.Diff([]string{"1", "1.000000", "#na#", "#na#", "1:01:01"}, r.row(nan, nil, 3661e9)); d != "" {
		t.Error(d)
	}
}

// Numbers that would ruin every weight in one step are refused before anything is changed; a loss that is no
// number tells whether there is something left to go on with.
func TestRatesMustBeFinite(t *testing.T) {
	for name, c := range map[string]struct {
		lr   LRs
		opts []FitOption
	}{
		"NaN": {LR(math.NaN()), nil}, "infinite": {LR(math.Inf(1)), nil}, "1e30": {LR(1e30), nil}, "1e300": {LR(1e300), nil},
		"decay": {LR(1e-3), []FitOption{WD(math.NaN())}}, "infinite decay": {LR(1e-3), []FitOption{WD(math.Inf(1))}},
		"huge decay": {LR(1e-3), []FitOption{WD(1e30)}},
	} {
		l, e := fakeLearner(t, 2, 1, 1, 1)
		if err := l.Fit(1, c.lr, c.opts...); err == nil || e.weight != 0 {
			t.Errorf("%s: %v after %v steps", name, err, e.weight)
		}
		if err := l.Fit(1, LR(1e-5)); err != nil || e.weight == 0 {
			t.Errorf("%s: the learner does not go on: %v", name, err)
		}
	}
	l, e := fakeLearner(t, 4, 1, 1, 1, 2, math.NaN())
	if err := l.Fit(1, LR(1)); err == nil || strings.Contains(err.Error(), "is lost") {
		t.Errorf("weights that are whole: %v", err)
	}
	must(t, l.Save("good"))
	e.n, e.weight = 0, float32(math.NaN())
	if err := l.Fit(1, LR(1)); err == nil || !strings.Contains(err.Error(), "is lost (try Load of a checkpoint, there are good") {
		t.Errorf("weights that are ruined: %v", err)
	}
	l.Silent = false
	if out := printed(t, func() { must(t, l.Save("bad")) }); !strings.Contains(out, "no numbers") {
		t.Errorf("saving them says %q", out)
	}
	e.weight = 1
	if out := printed(t, func() { must(t, l.Load("bad")) }); !strings.Contains(out, "load: bad.safetensors: 1 of 1 arrays hold values that are no numbers") {
		t.Errorf("loading them says %q", out)
	}
	if out := printed(t, func() { must(t, l.Load("good")) }); strings.Contains(out, "no numbers") {
		t.Errorf("loading good ones says %q", out)
	}
}

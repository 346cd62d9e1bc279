package fastnb

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPhasesAsOneCycle: the one-cycle policy, checked against fastai elsewhere, is two phases.
func TestPhasesAsOneCycle(t *testing.T) {
	l, e := fakeLearner(t, 5, 1, 2, 1)
	if err := l.FitOneCycle(2, Slice(1e-3, 1e-2)); err != nil {
		t.Fatal(err)
	}
	m, f := fakeLearner(t, 5, 1, 2, 1)
	div := func(x float64) LRs { return Slice(1e-3/x, 1e-2/x) }
	err := m.Fit(2, LR(1), GeneralScheduler(
		NewTrainingPhase(3).ScheduleLR(div(25), div(1), AnnealCos).ScheduleHP("mom", .95, .85, AnnealCos),
		NewTrainingPhase(7).ScheduleLR(div(1), div(25e4), AnnealCos).ScheduleHP("mom", .85, .95, AnnealCos)))
	if err != nil {
		t.Fatal(err)
	}
	for k, h := range e.hypers {
		near(t, "lr", f.hypers[k].LR, h.LR, 1e-12)
		near(t, "mom", f.hypers[k].Mom, h.Mom, 1e-12)
	}
}

func TestGeneralScheduler(t *testing.T) {
	l, e := fakeLearner(t, 4, 1, 1, 1)
	err := l.Fit(3, LR(.5), WD(.3), GeneralScheduler(
		NewTrainingPhase(2).ScheduleHP("wd", .1, .2, nil),
		NewTrainingPhase(4).ScheduleLR(LR(1), LR(.25), AnnealExp).ScheduleHP("beta", .9, .9, nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ lr, wd, beta float64 }{{.5, .1, .99}, {.5, .15, .99}, {.5, .2, .99}, {.7071067811865476, .2, .9}, {.5, .2, .9}, {.3535533905932738, .2, .9}}
	if len(e.hypers) != len(want) {
		t.Fatalf("%d steps, the phases have %d", len(e.hypers), len(want))
	}
	for k, w := range want {
		near(t, "lr", e.hypers[k].LR, w.lr, 1e-12)
		near(t, "wd", e.hypers[k].WD, w.wd, 1e-12)
		near(t, "beta", e.hypers[k].Beta2, w.beta, 1e-12)
	}
	for what, err := range map[string]error{
		"no batches": l.Fit(1, LR(1), GeneralScheduler(NewTrainingPhase(0))), "zero value": l.Fit(1, LR(1), GeneralScheduler(TrainingPhase{})),
		"unknown":  l.Fit(1, LR(1), GeneralScheduler(NewTrainingPhase(1).ScheduleHP("lr", 1, 2, nil))),
		"momentum": l.Fit(1, LR(1), GeneralScheduler(NewTrainingPhase(1).ScheduleHP("mom", 1, 2, nil))),
		"foreign":  l.FitOneCycle(1, LR(1), GeneralScheduler(NewTrainingPhase(1))),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestFitFC has fit_fc's figures worked out by hand: 10 batches, 7 of them flat.
func TestFitFC(t *testing.T) {
	l, e := fakeLearner(t, 5, 1, 1, 1)
	if err := l.FitFC(2, LR(4)); err != nil {
		t.Fatal(err)
	}
	for k, h := range e.hypers {
		lr, mom := 4., .95
		if k > 7 {
			lr, mom = []float64{3, 1}[k-8], .85 // half a cosine at 1/3 and 2/3
		}
		near(t, "lr", h.LR, lr, 1e-12)
		near(t, "mom", h.Mom, mom, 1e-12)
	}
}

func TestFitCyclical(t *testing.T) {
	for mode, want := range map[string][]float64{
		"triangular": {.1, .2, .3, .2, .1, .2, .3, .2, .1}, "triangular2": {.1, .2, .3, .2, .1, .15, .2, .15, .1},
		"exp_range": {.1, .15, .15, .1125, .1, .103125, .103125, .10078125, .1},
	} {
		l, e := fakeLearner(t, 9, 1, 1, 1)
		if err := l.FitCyclical(1, LR(.1), LR(.3), StepSize(2), CycleMode(mode), Gamma(.5), Moms(.9, .8)); err != nil {
			t.Fatal(err)
		}
		var lrs []float64
		for k, h := range e.hypers {
			lrs = append(lrs, h.LR)
			near(t, mode, h.LR, want[k], 1e-9)
		}
		near(t, "mom at the first peak", e.hypers[2].Mom, map[string]float64{"triangular": .8, "triangular2": .8, "exp_range": .875}[mode], 1e-12)
		if !cmp.Equal(l.Recorder.LRs, lrs) {
			t.Error("the recorder has other rates")
		}
	}
	l, e := fakeLearner(t, 3, 1, 1, 1)
	if err := l.FitCyclical(4, LR(1), LR(7)); err != nil { // half a cycle is two epochs of three batches
		t.Fatal(err)
	}
	near(t, "peak", e.hypers[6].LR, 7, 1e-12)
	near(t, "momentum without Moms", e.hypers[6].Mom, .9, 1e-12)
	for what, err := range map[string]error{
		"mode": l.FitCyclical(1, LR(1), LR(2), CycleMode("round")), "step": l.FitCyclical(1, LR(1), LR(2), StepSize(0)),
		"gamma": l.FitCyclical(1, LR(1), LR(2), Gamma(2)), "foreign": l.FitCyclical(1, LR(1), LR(2), PctStart(.1)),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

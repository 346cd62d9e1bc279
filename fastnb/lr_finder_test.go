package fastnb

import (
	"math"
	"strings"
	"testing"
)

func TestLRFindGolden(t *testing.T) {
	var cases []struct {
		Script       string
		NBatches     int         `json:"n_batches"`
		NumIt        int         `json:"num_it"`
		StartLR      float64     `json:"start_lr"`
		EndLR        float64     `json:"end_lr"`
		StopDiv      bool        `json:"stop_div"`
		ScriptLosses []jsonFloat `json:"script_losses"`
		LRs          []float64
		Smooth       []jsonFloat
		NRecorded    int       `json:"n_recorded"`
		MinGradLR    jsonFloat `json:"min_grad_lr"`
	}
	golden(t, "lr_find.json", &cases)
	for _, c := range cases {
		losses := make([]float64, len(c.ScriptLosses))
		for k, v := range c.ScriptLosses {
			losses[k] = float64(v)
		}
		l, e := fakeLearner(t, c.NBatches, 3, 3, losses...)
		e.weight = 7
		if err := l.LRFind(NumIt(c.NumIt), StartLR(c.StartLR), EndLR(c.EndLR), StopDiv(c.StopDiv)); err != nil {
			t.Fatal(c.Script, err)
		}
		r := l.Recorder
		if len(r.Losses) != c.NRecorded || e.weight != 7 || e.opt {
			t.Errorf("%s: %d batches, want %d; weight %v put back? optimizer left? %v", c.Script, len(r.Losses), c.NRecorded, e.weight, e.opt)
		}
		for k := range min(len(c.LRs), len(r.LRs)) {
			near(t, c.Script+" lr", r.LRs[k], c.LRs[k], 1e-6)
			if s := float64(c.Smooth[k]); !math.IsNaN(s) || !math.IsNaN(r.Losses[k]) {
				near(t, c.Script+" smooth", r.Losses[k], s, 1e-6)
			}
		}
		g, _, ok := suggest(cut(r.Losses, 10, 5))
		if want := float64(c.MinGradLR); math.IsNaN(want) == ok {
			t.Errorf("%s: a suggestion? %v", c.Script, ok)
		} else if ok {
			near(t, c.Script+" suggestion", cut(r.LRs, 10, 5)[g], want, 1e-6)
		}
	}
}

func TestLRFindErrors(t *testing.T) {
	l, _ := fakeLearner(t, 3, 1, 1, 1)
	for what, err := range map[string]error{
		"no batches": l.LRFind(NumIt(0)), "not its option": l.LRFind(PctStart(.5)), "bad rate": l.LRFind(StartLR(-1)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "fastnb: l") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

package fastnb

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// golden reads a file of testdata made by fastai 1.0.61.
func golden(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func near(t testing.TB, what string, got, want, rel float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= rel*math.Max(math.Abs(want), math.Abs(got))) && d != 0 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// lrSpec is a learning rate in the goldens: a number, or a slice.
type lrSpec struct{ LRs }

func (l *lrSpec) UnmarshalJSON(b []byte) error {
	var x float64
	if json.Unmarshal(b, &x) == nil {
		l.LRs = LR(x)
		return nil
	}
	var s struct {
		Start *float64
		Stop  float64
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if l.LRs = Slice(s.Stop); s.Start != nil {
		l.LRs = Slice(*s.Start, s.Stop)
	}
	return nil
}

// floats is a number or a list of numbers.
type floats []float64

func (f *floats) UnmarshalJSON(b []byte) error {
	var x float64
	if json.Unmarshal(b, &x) == nil {
		*f = floats{x}
		return nil
	}
	var s []float64
	err := json.Unmarshal(b, &s)
	*f = s
	return err
}

func TestOneCycleGolden(t *testing.T) {
	var cases []struct {
		Config struct {
			NBatches  int `json:"n_batches"`
			Epochs    int
			LR        lrSpec
			Groups    int
			Moms      []float64
			PctStart  *float64 `json:"pct_start"`
			DivFactor *float64 `json:"div_factor"`
			FinalDiv  *float64 `json:"final_div"`
		}
		LRs      []floats
		Moms     []floats
		FinalLR  floats `json:"final_lr"`
		FinalMom floats `json:"final_mom"`
	}
	golden(t, "one_cycle.json", &cases)
	for _, c := range cases {
		cfg := defaultOneCycle
		set := func(dst *float64, v *float64) {
			if v != nil {
				*dst = *v
			}
		}
		set(&cfg.pctStart, c.Config.PctStart)
		set(&cfg.div, c.Config.DivFactor)
		set(&cfg.finalDiv, c.Config.FinalDiv)
		if c.Config.Moms != nil {
			cfg.momHi, cfg.momLo = c.Config.Moms[0], c.Config.Moms[1]
		}
		lrs, err := c.Config.LR.Groups(max(c.Config.Groups, 1))
		if err != nil {
			t.Fatal(err)
		}
		s := cfg.schedule(lrs, c.Config.NBatches*c.Config.Epochs)
		for k, want := range append(c.LRs, c.FinalLR) {
			h := s(k)
			for g := range want {
				near(t, "lr", h.lr[g], want[g], 1e-9)
			}
			near(t, "mom", h.mom, append(c.Moms, c.FinalMom)[k][0], 1e-9)
		}
	}
}

func TestLRRangeGolden(t *testing.T) {
	var cases []struct {
		Groups int
		LR     lrSpec
		Result json.RawMessage
	}
	golden(t, "lr_range.json", &cases)
	for _, c := range cases {
		got, err := c.LR.Groups(c.Groups)
		if err != nil {
			t.Fatal(err)
		}
		var want floats
		if json.Unmarshal(c.Result, &want) != nil {
			// fastai divides by zero for one group and a range; the upper end is meant.
			want = floats{c.LR.list[1]}
		}
		for g := range got {
			near(t, c.LR.String(), got[g], want[min(g, len(want)-1)], 1e-12)
		}
	}
}

func TestAnnealingGolden(t *testing.T) {
	var g struct {
		Pcts, Cos, Exp, Linear, Poly2 []float64
		Start, End                    float64
	}
	golden(t, "annealing.json", &g)
	for k, p := range g.Pcts {
		near(t, "cos", AnnealCos(g.Start, g.End, p), g.Cos[k], 1e-12)
		near(t, "exp", AnnealExp(g.Start, g.End, p), g.Exp[k], 1e-12)
		near(t, "linear", AnnealLinear(g.Start, g.End, p), g.Linear[k], 1e-12)
		near(t, "poly", AnnealPoly(g.Start, g.End, p, 2), g.Poly2[k], 1e-12)
	}
}

func TestLRErrors(t *testing.T) {
	for _, r := range []LRs{LR(0), LR(math.NaN()), Slice(-1), Slice(1, 2, 3), LRList(1, 2)} {
		if _, err := r.Groups(3); err == nil {
			t.Errorf("%v must be an error", r)
		}
	}
}

func TestSmoother(t *testing.T) {
	var s smoother
	for k, want := range []float64{1, .747475, .578289, .635407} {
		if got := s.add([]float64{1, .5, .25, .8}[k]); math.Abs(got-want) > 1e-6 {
			t.Errorf("%d: got %v, want %v", k, got, want)
		}
	}
}

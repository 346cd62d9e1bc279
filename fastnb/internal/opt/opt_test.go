package opt

import "testing"

func TestRefuse(t *testing.T) {
	var g Given
	g.Note("Moms", "FitOneCycle", "FitFC")
	g.Note("NumIt", "LRFind")
	if err := g.Refuse("fit one cycle", "FitOneCycle"); err == nil || err.Error() != "fastnb: fit one cycle: option NumIt has no effect on FitOneCycle (try it with LRFind)" {
		t.Error(err)
	}
	if err := g.Refuse("fit", "Fit", "LRFind"); err == nil || err.Error() != "fastnb: fit: option Moms has no effect on Fit (try it with FitOneCycle or FitFC)" {
		t.Error(err)
	}
	if err := g.Refuse("both", "FitFC", "LRFind"); err != nil {
		t.Error(err)
	}
	if !g.Has("Moms") || g.Has("Fit") {
		t.Error("what was given")
	}
}

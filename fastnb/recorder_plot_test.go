package fastnb

import (
	"strings"
	"testing"
)

func TestPlotOfFewBatches(t *testing.T) {
	r := newRecorder(nil)
	if _, err := r.Plot(); err == nil || !strings.Contains(err.Error(), "no losses were recorded") {
		t.Errorf("plot of nothing: %v", err)
	}
	r.LRs, r.Losses = []float64{1e-7, 1e-6, 1e-5}, []float64{1, 2, 3}
	f, err := r.Plot(SkipStart(2), SkipEnd(2))
	if err != nil {
		t.Fatal(err)
	}
	if s := f.String(); !strings.Contains(s, "(3)") { // all three points
		t.Errorf("plot of three batches, four of them to skip: %s", s)
	}
}

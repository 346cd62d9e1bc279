package fastnb

import (
	"math"
	"testing"

	"github.com/fastnb/go/fastnb/tensor"
)

// TestEpochMetrics compares with values worked out by hand: 5 items, 3 of class 1, of which 2 are
// found, and one of class 0 taken for class 1.
func TestEpochMetrics(t *testing.T) {
	out := tensor.FromFloat32([]float32{0, 3, 0, 2, 1, .5, 0, 1, 4, 0}, 5, 2)
	targ := tensor.FromInt64([]int64{1, 1, 1, 0, 0}, 5)
	for _, c := range []struct {
		m    Metric
		want float64
	}{
		{Precision(), 2.0 / 3},
		{Recall(), 2.0 / 3},
		{KappaScore(), (3.0/5 - 13.0/25) / (1 - 13.0/25)},
		{MatthewsCorrCoef(), (3.0*5 - 13) / math.Sqrt(12*12)},
		{AUROC(), 5.0 / 6},
	} {
		s := c.m.start()
		must(t, s.add(out.Slice(0, 2), targ.Slice(0, 2)))
		must(t, s.add(out.Slice(2, 5), targ.Slice(2, 5)))
		if got := s.value(); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: got %v, want %v", c.m.Name, got, c.want)
		}
		if err := c.m.start().add(out, targ.Slice(0, 3)); err == nil {
			t.Errorf("%s: too few targets must be an error", c.m.Name)
		}
		if v := c.m.start().value(); !math.IsNaN(v) {
			t.Errorf("%s of nothing: %v", c.m.Name, v)
		}
	}
}

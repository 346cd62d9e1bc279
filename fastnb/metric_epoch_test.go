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
		{MatthewsCorreff(), (3.0*5 - 13) / math.Sqrt(12*12)},
		{AUROC(), 5.0 / 6},
		{ClassFBeta(Beta(1)), 2.0 / 3},
		{Precision(Average("macro")), (1.0/2 + 2.0/3) / 2},
		{Recall(Average("weighted")), 3.0 / 5},
		{Recall(Average("micro")), 3.0 / 5},
		{Precision(Average("micro")), 2.0/5*1/2 + 3.0/5*2/3},
		{KappaScore(KappaWeights("quadratic")), (3.0/5 - 13.0/25) / (1 - 13.0/25)}, // of two classes the same
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

// TestKappaWeights has three classes: one item of class 0 was taken for class 2, the other five are right.
func TestKappaWeights(t *testing.T) {
	out := tensor.New(tensor.Float32, 6, 3)
	for r, k := range []int{0, 0, 1, 1, 2, 2} {
		out.Float32s()[3*r+k] = 1
	}
	targ := tensor.FromInt64([]int64{0, 0, 1, 1, 2, 0}, 6)
	// Rows 3, 2, 1, columns 2, 2, 2 of 6 items: expected counts are 1, 2/3, 1/3 in each row.
	for name, want := range map[string]float64{
		"": 1 - 1/(2*1+2*2.0/3+2*1.0/3), "linear": 1 - 2/(1*1+2*1+2.0/3+2.0/3+2.0/3+1.0/3), "quadratic": 1 - 4/(1*1+4*1+2.0/3+2.0/3+4.0/3+1.0/3),
	} {
		got, err := KappaScore(KappaWeights(name)).Of(out, targ)
		if err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%q: %v, want %v (%v)", name, got, want, err)
		}
	}
	for _, m := range []Metric{KappaScore(KappaWeights("cubic")), Precision(Average("samples")), MultiLabelFbeta(Average("binary"))} {
		if m.Err() == nil {
			t.Errorf("%s: no error", m.Name)
		}
	}
}

// TestMultiLabelFbeta counts by hand: label 0 is right once and missed once, label 1 right once and wrongly
// given once, label 2 right once.
func TestMultiLabelFbeta(t *testing.T) {
	out := tensor.FromFloat32([]float32{.9, .9, .9, .1, .6, .1}, 2, 3)
	targ := tensor.FromFloat32([]float32{1, 1, 1, 1, 0, 0}, 2, 3)
	f := func(p, r float64) float64 { return 5 * p * r / (4*p + r) }
	for average, want := range map[string]float64{
		"micro": f(3.0/4, 3.0/4), "macro": (f(1, .5) + f(.5, 1) + f(1, 1)) / 3, "weighted": (2*f(1, .5) + f(.5, 1) + f(1, 1)) / 4,
	} {
		s := MultiLabelFbeta(WithSigmoid(false), Average(average)).start()
		must(t, s.add(out.Slice(0, 1), targ.Slice(0, 1)))
		must(t, s.add(out.Slice(1, 2), targ.Slice(1, 2)))
		if got := s.value(); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v, want %v", average, got, want)
		}
	}
}

// TestWholeValues: these are not averages of their batches.
func TestWholeValues(t *testing.T) {
	p, y := tensor.FromFloat32([]float32{1, 2, 4, 4}, 4), tensor.FromFloat32([]float32{1, 2, 3, 6}, 4)
	for _, c := range []struct {
		m    Metric
		want float64
	}{{RMSE(), math.Sqrt(5.0 / 4)}, {R2Score(), 1 - 5.0/14}, {PSNR(), (-10*math.Log10(.5) - 10*math.Log10(2)) / 2}} {
		cut := []int{0, 2, 4}
		if c.m.Name == "psnr" { // a batch without noise has no ratio
			p, y = tensor.FromFloat32([]float32{1, 2, 4, 4}, 4), tensor.FromFloat32([]float32{1, 1, 4, 2}, 4)
		}
		s := c.m.start()
		for k := range 2 {
			must(t, s.add(p.Slice(cut[k], cut[k+1]), y.Slice(cut[k], cut[k+1])))
		}
		if got := s.value(); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", c.m.Name, got, c.want)
		}
	}
}

package fastnb

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/tensor"
)

// TestMetricsByClass makes a column of each class, for ready metrics and for the user's.
func TestMetricsByClass(t *testing.T) {
	calls := 0
	share := func(out, targ *Tensor) *Tensor { // the share of each class in the targets
		calls++
		n := make([]float32, 3)
		for _, k := range targ.Int64s() {
			n[k] += 1 / float32(targ.Len())
		}
		return tensor.FromFloat32(n, 3)
	}
	classes := []string{"cat", "dog", "cow"}
	ms, err := columns([]Metric{Accuracy(), Precision(Average("none")), Recall(Average("none")), NewMetric("share", share, Average("none"))}, classes)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"accuracy", "precision_cat", "precision_dog", "precision_cow", "recall_cat", "recall_dog", "recall_cow", "share_cat", "share_dog", "share_cow"}
	if got := newRecorder(ms).Names; !slices.Equal(got[3:len(got)-1], want) {
		t.Errorf("columns %v", got)
	}
	// Two batches: actual 0 0 1 2 and 2 2 1 0, predicted 0 1 1 2 and 2 0 1 0.
	hot := func(ks ...int) *Tensor {
		x := tensor.New(tensor.Float32, len(ks), 3)
		for r, k := range ks {
			x.Float32s()[3*r+k] = 1
		}
		return x
	}
	states := make([]*metricState, len(ms))
	for k, m := range ms {
		states[k] = m.start()
	}
	for _, b := range []struct {
		out  *Tensor
		targ []int64
	}{{hot(0, 1, 1, 2), []int64{0, 0, 1, 2}}, {hot(2, 0, 1, 0), []int64{2, 2, 1, 0}}} {
		targ := tensor.FromInt64(b.targ, 4)
		for _, s := range states {
			if err := s.add(b.out, targ); err != nil {
				t.Fatal(err)
			}
		}
	}
	for k, want := range []float64{.75, 2. / 3, 2. / 3, 1, 2. / 3, 1, 2. / 3, .375, .25, .375} {
		if got := states[k].value(); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %v, want %v", ms[k].Name, got, want)
		}
	}
	if calls != 2 {
		t.Errorf("the user's function was called %d times for two batches", calls)
	}
	labels, err := columns([]Metric{MultiLabelFbeta(Average("none"), Beta(1), WithSigmoid(false), Thresh(.5))}, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	out, targ := tensor.FromFloat32([]float32{.9, .1, .8, .9}, 2, 2), tensor.FromFloat32([]float32{1, 1, 0, 1}, 2, 2)
	for k, want := range []float64{2. / 3, 2. / 3} { // a: one of two right, all found; b: right, one of two found
		if got, err := labels[k].Of(out, targ); err != nil || math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %v (%v), want %v", labels[k].Name, got, err, want)
		}
	}
	two, err := columns([]Metric{NewMetric("share", share, Average("none"))}, classes[:2])
	if err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]func() error{
		"the data has no classes": func() error { _, err := columns([]Metric{Precision(Average("none"))}, nil); return err },
		"columns of a learner": func() error {
			_, err := Precision(Average("none")).Of(hot(0), tensor.FromInt64([]int64{0}, 1))
			return err
		},
		"not a value for each": func() error { _, err := two[0].Of(hot(0), tensor.FromInt64([]int64{0}, 1)); return err },
		"cannot use func":      func() error { return NewMetric("x", func(_, _ *Tensor) float64 { return 0 }, Average("none")).Err() },
		`no Average("macro")`:  func() error { return NewMetric("x", share, Average("macro")).Err() },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

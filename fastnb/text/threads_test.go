package text

import (
	"fmt"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
)

// What texts teach does not depend on how many threads compute it: losses, weights and answers are the same to the bit.
func TestThreadsMakeNoDifference(t *testing.T) {
	tab := reviews(t, 60)
	type learnt struct {
		losses  []float64
		weights map[string]*tensor.Tensor
		written string
		preds   *tensor.Tensor
	}
	of := func(threads int) (out learnt) {
		t.Setenv("FASTNB_THREADS", fmt.Sprint(threads))
		dir := datasets.NewPath(t.TempDir())
		lm := lmOf(t, tab, dir)
		defer lm.Destroy()
		data.Seed(5)
		must(t, lm.FitOneCycle(2, fastnb.LR(1e-2), fastnb.Moms(.8, .7)))
		var err error
		out.written, err = lm.Predict("film number", 12)
		must(t, err)
		must(t, lm.SaveEncoder("enc"))
		clas := clasOf(t, tab, dir, lm.Data.Vocab.Itos)
		defer clas.Destroy()
		must(t, clas.LoadEncoder("enc"))
		data.Seed(6)
		must(t, clas.FitOneCycle(1, fastnb.LR(1e-2)))
		out.losses = append(lm.Recorder.BatchLosses, clas.Recorder.BatchLosses...)
		out.weights, err = clas.StateDict()
		must(t, err)
		out.preds, _, err = clas.GetPreds()
		must(t, err)
		return out
	}
	one := of(1)
	for _, threads := range []int{2, 3, 7} {
		got := of(threads)
		if fmt.Sprint(got.losses) != fmt.Sprint(one.losses) {
			t.Errorf("%d threads: losses %v, one has %v", threads, got.losses, one.losses)
		}
		for name, w := range one.weights {
			if same(got.weights[name], w) {
				continue
			}
			t.Errorf("%d threads: %s differs", threads, name)
		}
		if got.written != one.written || !same(got.preds, one.preds) {
			t.Errorf("%d threads: wrote %q, one wrote %q, or predictions differ", threads, got.written, one.written)
		}
	}
}

func same(a, b *tensor.Tensor) bool {
	if a.DType() != tensor.Float32 {
		return fmt.Sprint(a) == fmt.Sprint(b)
	}
	x, y := a.Float32s(), b.Float32s()
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return len(x) == len(y)
}

package text

import (
	"context"
	"slices"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
)

// TestStatesStayApart: who asks a language model between the batches of a fit, of its validation or of another who
// asks, changes nothing for them, though each goes on from the state of the batch before.
func TestStatesStayApart(t *testing.T) {
	tab, dir := reviews(t, 60), datasets.NewPath(t.TempDir())
	ctx := context.Background()
	run := func(between func(l *LanguageLearner) error) (train, valid []float64) {
		lm := lmOf(t, tab, dir)
		defer lm.Destroy()
		look := fastnb.Callback{Name: "look", AfterBatch: func(*fastnb.Learner) error { return between(lm) }}
		must(t, lm.Fit(2, fastnb.LR(1e-2), fastnb.Callbacks(look)))
		return lm.Recorder.BatchLosses, lm.Recorder.ValLosses
	}
	train, valid := run(func(*LanguageLearner) error { return nil })
	for name, between := range map[string]func(l *LanguageLearner) error{
		"Sequence": func(l *LanguageLearner) error {
			_, err := Generate(ctx, l.Model, "Film number 3", 2, 1, nil)
			return err
		},
		"GetPreds": func(l *LanguageLearner) error {
			_, _, err := l.GetPreds(fastnb.NBatch(1))
			return err
		},
		"Export": func(l *LanguageLearner) error { return l.Export() },
	} {
		got, val := run(between)
		if !slices.Equal(got, train) || !slices.Equal(val, valid) {
			t.Errorf("%s: losses %v, %v; without it %v, %v", name, got, val, train, valid)
		}
	}
	lm := lmOf(t, tab, dir)
	defer lm.Destroy()
	alone, err := Generate(ctx, lm.Model, "Film number 3 was", 5, 1, nil)
	must(t, err)
	for range 2 {
		text, err := Generate(ctx, lm.Model, "Film number 3 was", 5, 1, func(string) error {
			_, err := lm.Outputs(firstWords(t, lm))
			return err
		})
		if must(t, err); text != alone {
			t.Errorf("wrote %q, alone %q", text, alone)
		}
	}
}

func firstWords(t *testing.T, lm *LanguageLearner) *fastnb.Tensor {
	t.Helper()
	b, err := lm.Data.OneBatch(data.On(data.Valid))
	must(t, err)
	return b.X[0]
}

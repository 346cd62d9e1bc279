package fastnb

import (
	"context"
	"testing"

	"github.com/fastnb/go/fastnb/engine"
)

// watchedEngine counts the outputs that are read.
type watchedEngine struct {
	*fakeEngine

	train, eval int
}

type watchedResult struct {
	engine.Result

	n *int
}

func (r watchedResult) Output(ctx context.Context) (*Tensor, error) {
	*r.n++
	return r.Result.Output(ctx)
}

func (e *watchedEngine) Train(ctx context.Context, b engine.Batch) (engine.Result, error) {
	r, err := e.fakeEngine.Train(ctx, b)
	return watchedResult{r, &e.train}, err
}

func (e *watchedEngine) Forward(ctx context.Context, b engine.Batch) (engine.Result, error) {
	r, err := e.fakeEngine.Forward(ctx, b)
	return watchedResult{r, &e.eval}, err
}

// TestOutputsAreReadWhereSomebodyLooks: a training batch's output stays on the device unless a callback may look
// at it, a validation batch's unless a metric or a callback does.
func TestOutputsAreReadWhereSomebodyLooks(t *testing.T) {
	see := func(*Learner) error { return nil }
	for name, c := range map[string]struct {
		metrics     []Metric
		callbacks   []Callback
		train, eval bool
	}{
		"nobody":             {nil, nil, false, false},
		"a metric":           {[]Metric{NewMetric("one", func(_, _ *Tensor) float64 { return 1 })}, nil, false, true},
		"ours":               {nil, []Callback{GradientClipping(1), EarlyStopping(), StopAfterNBatches(100), TerminateOnNaN()}, false, false},
		"before the batch":   {nil, []Callback{{BeforeBatch: see}}, false, false},
		"behind the loss":    {nil, []Callback{{AfterLoss: see}}, true, true},
		"behind the epoch":   {nil, []Callback{{AfterEpoch: see}}, true, true},
		"behind the batches": {nil, []Callback{GradientClipping(1), {AfterBatch: see}}, true, true},
	} {
		l, f := fakeLearner(t, 4, 2, 2, .5)
		e := &watchedEngine{fakeEngine: f}
		l.eng, l.Model.eng, l.Metrics = e, e, c.metrics
		if err := l.Fit(1, LR(1e-3), Callbacks(c.callbacks...)); err != nil {
			t.Fatal(name, err)
		}
		if e.train > 0 != c.train || e.eval > 0 != c.eval {
			t.Errorf("%s: %d outputs of training batches and %d of validation were read", name, e.train, e.eval)
		}
	}
}

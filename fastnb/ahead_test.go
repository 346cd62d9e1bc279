package fastnb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/data"
)

// The engine is shown each next batch while one is under way, before anybody waits for its loss; not where a
// callback may still change it.
func TestNextBatchIsShown(t *testing.T) {
	l, e := fakeLearner(t, 4, 1, 1, 1)
	if err := l.Fit(2, LR(.1)); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, x := range e.fed {
		if i%4 > 0 {
			want = append(want, fmt.Sprint(x, " during batch ", i-1))
		}
	}
	if len(e.fed) != 8 || !slices.Equal(e.ahead, want) {
		t.Errorf("shown %q, want %q", e.ahead, want)
	}
	e.ahead = nil
	if err := l.Fit(1, LR(.1), Callbacks(Callback{Name: "looks", BeforeBatch: func(*Learner) error { return nil }})); err != nil || e.ahead != nil {
		t.Error("before a callback's turn: ", e.ahead, err)
	}
}

// brokenFeed fails behind its first batches.
type brokenFeed struct {
	fakeFeed
	err error
}

func (f brokenFeed) Run(ctx context.Context, epoch int64) batches {
	return func(yield func(*data.Batch, error) bool) {
		for b, err := range f.fakeFeed.Run(ctx, epoch) {
			if !yield(b, err) {
				return
			}
		}
		yield(nil, f.err)
	}
}

// A batch that cannot be made is told when its turn has come: the step before it was taken.
func TestBrokenNextBatch(t *testing.T) {
	l, e := fakeLearner(t, 2, 1, 1, 1)
	bad := errors.New("a torn picture")
	l.feeds[data.Train] = brokenFeed{fakeFeed{2, 6, 2}, bad}
	if err := l.Fit(1, LR(.1)); !errors.Is(err, bad) || e.weight != 2 {
		t.Errorf("%v after %g steps", err, e.weight)
	}
	// And who stops before has not to hear of it.
	l, e = fakeLearner(t, 2, 1, 1, 1)
	l.feeds[data.Train] = brokenFeed{fakeFeed{2, 6, 2}, bad}
	stop := Callback{Name: "stop", Blind: true, AfterBatch: func(l *Learner) error {
		if l.Batch == 1 {
			return ErrStopEpoch
		}
		return nil
	}}
	if err := l.Fit(1, LR(.1), Callbacks(stop)); err != nil || e.weight != 2 || strings.Contains(fmt.Sprint(l.FitErr), "torn") {
		t.Errorf("%v after %g steps", err, e.weight)
	}
}

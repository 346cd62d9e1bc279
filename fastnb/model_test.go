package fastnb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
)

// sameAnswers is how far the probabilities of one item may lie apart in batches of different sizes.
const sameAnswers = 1e-5

func apart(a, b Prediction) float64 {
	d := 0.0
	for k := range a.Probs {
		d = math.Max(d, math.Abs(a.Probs[k]-b.Probs[k]))
	}
	return d
}

// Any number of goroutines ask; each gets its own answer, the one it would get alone.
func TestModelAnswersAlike(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	must(t, l.Fit(1, LR(1e-2)))
	ctx := context.Background()
	alone := make([]Prediction, 40)
	for i := range alone {
		p, err := l.Predict(drawing(i))
		must(t, err)
		alone[i] = p
	}
	all := make([]any, len(alone))
	for i := range all {
		all[i] = drawing(i)
	}
	for n := 1; n <= len(all); n += 3 { // batches of all sizes
		ps, err := l.Model.Predict(ctx, all[:n]...)
		must(t, err)
		for i := range ps {
			if d := apart(ps[i], alone[i]); d > sameAnswers {
				t.Fatalf("item %d among %d lies %g apart", i, n, d)
			}
		}
	}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for k := range 10 {
				i := (g*7 + k) % len(alone)
				ps, err := l.Model.Predict(ctx, drawing(i))
				if err != nil || apart(ps[0], alone[i]) > sameAnswers {
					t.Errorf("item %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A model is asked while it trains, loads and is looked at.
func TestModelIsAskedWhileItTrains(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	must(t, l.Save("start"))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	asked := make([]int, 4)
	for g := range asked {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ps, err := l.Model.Predict(context.Background(), drawing(g), drawing(g+1))
				if err != nil || len(ps) != 2 || math.IsNaN(ps[0].Probs[0]) {
					t.Errorf("%v %v", ps, err)
					return
				}
				asked[g]++
			}
		})
	}
	must(t, l.Fit(2, LR(1e-3)))
	must(t, l.Load("start"))
	_, _, err := l.GetPreds()
	must(t, err)
	must(t, l.Purge())
	close(stop)
	wg.Wait()
	if asked[0] == 0 {
		t.Error("nobody was answered")
	}
}

// A second learner on the first one's model goes on where it is; both train the same weights.
func TestLearnersShareAModel(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	must(t, l.Fit(1, LR(1e-2)))
	want, err := l.Validate()
	must(t, err)
	two, err := NewLearner(l.Data, l.Model, nil, Silent(true), Metrics(l.Metrics...))
	must(t, err)
	got, err := two.Validate()
	must(t, err)
	if got[0] != want[0] {
		t.Fatalf("the second learner begins with a loss of %v, the first has %v", got[0], want[0])
	}
	must(t, two.Fit(1, LR(1e-2)))
	a, err := l.StateDict()
	must(t, err)
	b, err := two.StateDict()
	must(t, err)
	for name := range a {
		same(t, name, a[name], b[name])
	}
	if moved, err := l.Validate(); err != nil || moved[0] == want[0] {
		t.Errorf("the first learner saw nothing of the second's training: %v %v", moved, err)
	}
	// The network itself is shared too, and what one lets go the other keeps.
	three, err := NewLearner(l.Data, network(l.Model), nil, Silent(true))
	must(t, err)
	last, err := two.Validate()
	must(t, err)
	l.Destroy()
	two.Destroy()
	if got, err := three.Validate(); err != nil || got[0] != last[0] {
		t.Errorf("%v %v, want %v", got, err, last[0])
	}
	net := network(three.Model)
	three.Destroy()
	if _, err := NewLearner(drawings(t, datasets.NewPath(t.TempDir()), 20, 4), net, nil); !errors.Is(err, engine.ErrGone) {
		t.Errorf("a network whose weights are gone: %v", err)
	}
}

func TestModelMistakes(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Model.Predict(ctx, drawing(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if _, err := l.Model.Predict(context.Background(), drawing(1), 3.5); err == nil || !strings.Contains(err.Error(), "item 1") {
		t.Errorf("an item that is none: %v", err)
	}
	if ps, err := l.Model.Predict(context.Background()); err != nil || len(ps) != 0 {
		t.Errorf("nothing asked: %v %v", ps, err)
	}
	if _, err := NewLearner(l.Data, l.Model, nil, OnDevice("host")); err == nil || !strings.Contains(err.Error(), "(try ") {
		t.Errorf("one network on two devices: %v", err)
	}
	m := l.Model
	l.Destroy()
	if _, err := m.Predict(context.Background(), drawing(1)); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a model that is gone: %v", err)
	}
}

// What an export holds predicts as the learner did, from any goroutine, and leaves nothing behind.
func TestLoadModel(t *testing.T) {
	dir := datasets.NewPath(t.TempDir())
	l := resnetLearner(t, dir)
	must(t, l.Export())
	want, err := l.Predict(drawing(3))
	must(t, err)
	l.Destroy()
	before := runtime.NumGoroutine()
	for range 3 {
		m, err := LoadModel(dir)
		must(t, err)
		ps, err := m.Predict(context.Background(), drawing(3))
		must(t, err)
		if d := apart(ps[0], want); d > sameAnswers {
			t.Errorf("%g apart", d)
		}
		m.Close()
		m.Close()
	}
	for deadline := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

func TestRowsFor(t *testing.T) {
	var got []int
	for n := 1; n <= mostRows; n++ {
		got = append(got, rowsFor(n))
	}
	if s := fmt.Sprint(got); s != "[1 2 4 4 8 8 8 8 16 16 16 16 16 16 16 16 32 32 32 32 32 32 32 32 32 32 32 32 32 32 32 32]" {
		t.Error(s)
	}
}

// gate lets a batch wait, so that others gather behind it.
type gate struct{ sizes []int }

// Those who come while a batch is computed are computed together, and one who leaves holds up nobody.
func TestLineGathers(t *testing.T) {
	l, g := newLine(), gate{}
	d := &data.DataBunch{}
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	compute := func(_ context.Context, jobs []*job, rows int) error {
		once.Do(func() { close(entered); <-release })
		g.sizes = append(g.sizes, len(jobs))
		return nil
	}
	job := func(ctx context.Context) []*job { return []*job{newJob(ctx, recipe{d, nn.Loss{}}, drawing(1))} }
	var wg sync.WaitGroup
	ctx := context.Background()
	wg.Go(func() { must(t, l.wait(ctx, job(ctx), compute)) })
	<-entered
	gone, leave := context.WithCancel(ctx)
	wg.Go(func() {
		if err := l.wait(gone, job(gone), compute); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	for range 5 {
		wg.Go(func() { must(t, l.wait(ctx, job(ctx), compute)) })
	}
	for l.waiting() < 6 {
		time.Sleep(time.Millisecond)
	}
	leave()
	time.Sleep(time.Millisecond)
	close(release)
	wg.Wait()
	if s := fmt.Sprint(g.sizes); s != "[1 5]" {
		t.Error("batches of", s)
	}
}

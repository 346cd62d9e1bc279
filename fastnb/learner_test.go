package fastnb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// A kind of generated pictures: item number n has three labels by the bits of n, and a channel is
// bright where its bit is set.

const side = 16

type drawing int

func (d drawing) Tensor() *Tensor {
	t := tensor.New(tensor.Float32, 3, side, side)
	x := t.Float32s()
	for k := range x {
		noise := float32((k*7919+int(d)*104729)%97) / 97
		x[k] = .25*noise + .6*float32(int(d)>>(k/(side*side))&1)
	}
	return t
}

func (d drawing) Show(...data.ShowOption) *plotting.Figure { return plotting.TextFigure(d.String()) }
func (d drawing) String() string                           { return fmt.Sprint("drawing ", int(d)) }

type drawingKind struct{}

func (drawingKind) Name() string { return "drawing" }
func (drawingKind) Open(ref string) (data.Item, error) {
	n, err := strconv.Atoi(filepath.Base(ref))
	return drawing(n), err
}

func (drawingKind) Show(xs, ys []data.Item, c data.ShowConfig) *plotting.Figure {
	s := c.Title
	for k := range xs {
		s += fmt.Sprintf("\n%v: %v", xs[k], ys[k])
	}
	return plotting.TextFigure(s)
}

func bits(p datasets.Path) []string {
	n, _ := strconv.Atoi(p.Name())
	var tags []string
	for k, name := range []string{"red", "green", "blue"} {
		if n>>k&1 == 1 {
			tags = append(tags, name)
		}
	}
	return append(tags, "any")
}

func init() {
	data.RegisterKind("drawing", func(json.RawMessage) (data.Kind, error) { return drawingKind{}, nil })
	RegisterArch("test", func(_ json.RawMessage, d *data.DataBunch) (nn.Layer, [][]*nn.Param, error) { return smallResNet(d) })
}

// smallResNet is a ResNet18 with fresh weights.
func smallResNet(d *data.DataBunch) (nn.Layer, [][]*nn.Param, error) {
	net, err := models.CNN(models.ResNet18, d.C, models.HeadOptions{}, nn.NewRNG(data.CurrentSeed()))
	if err != nil {
		return nil, nil, err
	}
	return net, models.Groups(models.ResNet18, net), nil
}

func drawings(t testing.TB, dir datasets.Path, n, bs int) *data.DataBunch {
	t.Helper()
	refs, valid := []string{}, []int{}
	for k := range n {
		refs = append(refs, strconv.Itoa(k))
		if k%4 == 3 {
			valid = append(valid, k)
		}
	}
	d, err := data.NewItemList(drawingKind{}, dir, refs).SplitByIdx(valid).LabelFromFunc(bits).
		Normalize(data.Stats{Mean: []float32{.4, .4, .4}, Std: []float32{.3, .3, .3}}).DataBunch(data.BS(bs))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func resnetLearner(t testing.TB, dir datasets.Path) *Learner {
	t.Helper()
	data.Seed(7)
	d := drawings(t, dir, 23, 8)
	net, groups, err := smallResNet(d)
	must(t, err)
	return drawingLearner(t, d, net, groups)
}

// quickLearner has a net of two convolutions, with dropout.
func quickLearner(t testing.TB, dir datasets.Path) *Learner {
	t.Helper()
	data.Seed(7)
	d := drawings(t, dir, 43, 8)
	net := trajectoryNet()
	head := net.Layers[1].(*nn.Sequential)
	head.Layers = append(head.Layers[:2:2], append([]nn.Layer{nn.NewDropout(.3)}, head.Layers[2:]...)...)
	nn.NamePaths(net, "")
	nn.InitParams(net, nn.NewRNG(data.CurrentSeed()))
	return drawingLearner(t, d, net, [][]*nn.Param{nn.AllParams(net.Layers[0]), nn.AllParams(head)})
}

func drawingLearner(t testing.TB, d *data.DataBunch, net nn.Layer, groups [][]*nn.Param) *Learner {
	t.Helper()
	l, err := NewConfigured(d, net, groups, &ArchSpec{Kind: "test", Name: "resnet18", Config: json.RawMessage("{}")},
		Configure(Metrics(AccuracyThresh(Thresh(.2)), FBeta(Thresh(.2))), Silent(true)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func preds(t testing.TB, l *Learner, o ...data.PredsOption) *Tensor {
	t.Helper()
	p, _, err := l.GetPreds(o...)
	must(t, err)
	return p
}

// tolSame is for numbers computed twice from the same weights in batches of different sizes.
const tolSame = 1e-5

func same(t testing.TB, what string, a, b *Tensor) {
	t.Helper()
	if d := a.Sub(b); d.Err() != nil || d.Abs().Max() > tolSame {
		t.Errorf("%s: differ by %v (%v)", what, d.Abs().Max(), d.Err())
	}
}

// TestResNetEndToEnd trains, saves, loads, exports and predicts with a real network on the device.
func TestResNetEndToEnd(t *testing.T) {
	dir := datasets.NewPath(t.TempDir())
	l := resnetLearner(t, dir)
	must(t, l.FitOneCycle(4, Slice(1e-3, 1e-2)))
	r := l.Recorder
	if first, end := r.BatchLosses[0], r.LastLoss(); !(end < first*.9) {
		t.Errorf("the loss does not fall: %v, then %v", first, end)
	}
	if v, err := l.Validate(); err != nil || len(v) != 3 {
		t.Error(v, err)
	} else {
		near(t, "validate", v[0], r.LastValLoss(), 1e-5)
	}
	want := preds(t, l)
	if d := cmp.Diff([]int{5, 4}, want.Shape()); d != "" || want.Max() > 1 || want.Min() < 0 {
		t.Error("probabilities", d)
	}
	t.Run("checkpoint", func(t *testing.T) { checkpointRoundTrip(t, l, want) })
	t.Run("export", func(t *testing.T) { exportRoundTrip(t, l, want) })
	t.Run("freeze", func(t *testing.T) { freezing(t, l) })
	t.Run("results", func(t *testing.T) {
		f, err := l.ShowResults(data.Rows(2))
		must(t, err)
		if s := f.String(); !strings.Contains(s, "Ground truth\nPredictions") || !strings.Contains(s, "drawing 3: red;green;any\n") && !strings.Contains(s, "any;green;red\n") {
			t.Error(s)
		}
	})
}

func checkpointRoundTrip(t *testing.T, l *Learner, want *Tensor) {
	must(t, l.Save("one"))
	if !l.ModelFile("one").Exists() {
		t.Fatal("no file", l.ModelFile("one"))
	}
	must(t, l.Fit(1, LR(1e-2)))
	if preds(t, l).Sub(want).Abs().Max() < 1e-4 {
		t.Error("training must change something")
	}
	must(t, l.Load("one"))
	same(t, "loaded weights", want, preds(t, l))
	// A step from the loaded state is the step that followed when it was saved: the optimizer is back.
	must(t, l.Fit(1, LR(1e-2)))
	a := preds(t, l)
	must(t, l.Load("one"))
	must(t, l.Fit(1, LR(1e-2)))
	same(t, "training on from a checkpoint", a, preds(t, l))
	must(t, l.Load("one"))
	if err := l.Load("none"); err == nil || !strings.Contains(err.Error(), "there are one") {
		t.Error(err)
	}
	b, err := os.ReadFile(l.ModelFile("one").String())
	must(t, err)
	must(t, os.WriteFile(l.ModelFile("cut").String(), b[:len(b)/2], 0o666))
	if err := l.Load("cut"); err == nil || !strings.Contains(err.Error(), "cut.safetensors") {
		t.Error("a truncated file:", err)
	}
	must(t, os.WriteFile(l.ModelFile("odd").String(), []byte("not a checkpoint at all"), 0o666))
	if err := l.Load("odd"); err == nil {
		t.Error("another file must be an error")
	}
	same(t, "weights after failed loads", want, preds(t, l))
}

func exportRoundTrip(t *testing.T, l *Learner, want *Tensor) {
	must(t, l.Export())
	test := data.NewItemList(drawingKind{}, l.Path, []string{"3", "7", "11", "20"})
	got, err := LoadLearner(l.Path, TestItems(test), With(Silent(true)))
	must(t, err)
	p := preds(t, got, data.On(data.Test))
	same(t, "predictions of the export", want.Slice(0, 3), p.Slice(0, 3))
	one, err := got.Predict("7")
	must(t, err)
	for k, v := range one.Probs {
		near(t, "one item", v, p.Rows()[1][k], tolSame)
	}
	if d := cmp.Diff(l.Data.Classes, got.Data.Classes); d != "" {
		t.Error(d)
	}
	if _, err := LoadLearner(l.Path, File("models/one.safetensors")); err == nil || !strings.Contains(err.Error(), "not an export") {
		t.Error(err)
	}
	if _, err := got.Predict(3); err == nil {
		t.Error("a number is no item")
	}
	if err := got.Fit(1, LR(1)); err == nil || !strings.Contains(err.Error(), "no training set") {
		t.Error(err)
	}
}

func freezing(t *testing.T, l *Learner) {
	weight := func(name string) *Tensor {
		s, err := l.eng.State()
		must(t, err)
		if s[name] == nil {
			t.Fatalf("no weight %s", name)
		}
		return s[name].Clone()
	}
	conv, bn, head := weight("0.0.weight"), weight("0.1.weight"), weight("1.8.weight")
	must(t, l.Freeze())
	must(t, l.Fit(1, LR(1e-3)))
	if weight("0.0.weight").Sub(conv).Abs().Max() != 0 {
		t.Error("a frozen convolution must not move")
	}
	if weight("0.1.weight").Sub(bn).Abs().Max() == 0 || weight("1.8.weight").Sub(head).Abs().Max() == 0 {
		t.Error("batch norm and the head must move")
	}
	must(t, l.Unfreeze())
	must(t, l.Fit(1, LR(1e-3)))
	if weight("0.0.weight").Sub(conv).Abs().Max() == 0 {
		t.Error("an unfrozen convolution must move")
	}
}

func TestFindLeavesNoTrace(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	must(t, l.Fit(1, LR(1e-2)))
	before := preds(t, l)
	must(t, l.LRFind(NumIt(5)))
	same(t, "weights after LRFind", before, preds(t, l))
	must(t, l.Fit(1, LR(1e-2)))
	other := quickLearner(t, datasets.NewPath(t.TempDir()))
	must(t, other.Fit(1, LR(1e-2)))
	must(t, other.Fit(1, LR(1e-2)))
	same(t, "training after LRFind and without", preds(t, l), preds(t, other))
}

// TestResume goes on from a checkpoint in another learner, with the numbers of an unbroken run.
func TestResume(t *testing.T) {
	dir := datasets.NewPath(t.TempDir())
	whole := quickLearner(t, dir)
	must(t, whole.FitOneCycle(3, Slice(1e-3, 1e-2)))
	first := quickLearner(t, dir)
	must(t, first.FitOneCycle(1, Slice(1e-3, 1e-2), TotEpochs(3)))
	must(t, first.Save("after-1"))
	second := quickLearner(t, dir)
	must(t, second.Load("after-1"))
	must(t, second.FitOneCycle(3, Slice(1e-3, 1e-2), StartEpoch(1)))
	if d := cmp.Diff(whole.Recorder.ValLosses[1:], second.Recorder.ValLosses); d != "" {
		t.Error("a run in two parts must be the whole one:", d)
	}
	if d := preds(t, whole).Sub(preds(t, second)).Abs().Max(); d != 0 {
		t.Error("predictions differ by", d)
	}
}

func TestInterruptLeavesUsable(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	ctx, cancel := context.WithCancel(context.Background())
	leave := cell.Enter(ctx, nil)
	stop := Callback{AfterBatch: func(l *Learner) error {
		if l.Training && l.Iteration == 1 {
			cancel()
		}
		return nil
	}}
	err := l.Fit(2, LR(1e-3), Callbacks(stop))
	leave()
	if !errors.Is(err, cell.ErrInterrupted) || len(l.Recorder.Losses) != 2 {
		t.Errorf("got %v after %d batches", err, len(l.Recorder.Losses))
	}
	must(t, l.Fit(1, LR(1e-3)))
}

// TestSeedFixesAll trains twice from one seed, with other numbers of workers.
func TestSeedFixesAll(t *testing.T) {
	var runs []*Tensor
	for _, workers := range []int{1, 3} {
		l := quickLearner(t, datasets.NewPath(t.TempDir()))
		l.Data.Workers = workers
		must(t, l.FitOneCycle(1, LR(1e-2)))
		runs = append(runs, preds(t, l))
	}
	if d := runs[0].Sub(runs[1]).Abs().Max(); d != 0 {
		t.Error("the same seed must give the same bits; they differ by", d)
	}
}

// TestInterruptEverywhere interrupts a fit in validation, the finder and predictions.
func TestInterruptEverywhere(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	must(t, l.Fit(1, LR(1e-2)))
	before := preds(t, l)
	for what, run := range map[string]func(stop Callback) error{
		"fit":      func(stop Callback) error { return l.Fit(1, LR(0.01), Callbacks(stop)) },
		"find":     func(stop Callback) error { return l.LRFind(Callbacks(stop)) },
		"validate": func(stop Callback) error { l.Callbacks = []Callback{stop}; _, err := l.Validate(); return err },
	} {
		ctx, cancel := context.WithCancel(context.Background())
		leave := cell.Enter(ctx, nil)
		err := run(Callback{AfterBatch: func(l *Learner) error {
			if what == "find" && l.Iteration == 2 || !l.Training {
				cancel()
			}
			return nil
		}})
		leave()
		cancel()
		l.Callbacks = nil
		if !errors.Is(err, cell.ErrInterrupted) {
			t.Errorf("%s: got %v", what, err)
		}
		if what == "fit" {
			must(t, l.Save("x"))
			before = preds(t, l)
		}
		same(t, "weights after "+what, before, preds(t, l))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	defer cell.Enter(ctx, nil)()
	if _, _, err := l.GetPreds(); !errors.Is(err, cell.ErrInterrupted) {
		t.Error("predictions:", err)
	}
	if _, err := l.Predict("3"); !errors.Is(err, cell.ErrInterrupted) {
		t.Error("prediction:", err)
	}
}

// TestInterruptThenResume: a fit that saves each epoch is interrupted in the middle of one; another learner, as after
// a restart of the kernel, goes on from the last epoch saved and ends where an unbroken fit does, to the bit.
func TestInterruptThenResume(t *testing.T) {
	lrs := Slice(1e-3, 1e-2)
	begin := func() *Learner {
		l := quickLearner(t, datasets.NewPath(t.TempDir()))
		must(t, l.Freeze())
		return l
	}
	whole := begin()
	must(t, whole.FitOneCycle(3, lrs))
	broken := begin()
	ctx, cancel := context.WithCancel(context.Background())
	leave := cell.Enter(ctx, nil)
	err := broken.FitOneCycle(3, lrs, Callbacks(SaveModel("at", EveryEpoch(true)), Callback{AfterStep: func(l *Learner) error {
		if l.Epoch == 1 && l.Batch == 2 {
			cancel()
		}
		return nil
	}}))
	leave()
	if !errors.Is(err, cell.ErrInterrupted) {
		t.Fatal(err)
	}
	again := begin()
	again.Path = broken.Path
	must(t, again.Load("at_0"))
	must(t, again.FitOneCycle(3, lrs, StartEpoch(1)))
	if d := cmp.Diff(whole.Recorder.ValLosses[1:], again.Recorder.ValLosses); d != "" {
		t.Error("validation losses:", d)
	}
	if d := preds(t, whole).Sub(preds(t, again)).Abs().Max(); d != 0 {
		t.Error("predictions differ by", d)
	}
	// The interrupted learner itself can do the same.
	must(t, broken.Load("at_0"))
	must(t, broken.FitOneCycle(3, lrs, StartEpoch(1)))
	if d := preds(t, whole).Sub(preds(t, broken)).Abs().Max(); d != 0 {
		t.Error("predictions of the interrupted learner differ by", d)
	}
}

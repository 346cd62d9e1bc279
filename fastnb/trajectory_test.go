package fastnb

import (
	"context"
	"math"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	_ "github.com/fastnb/go/fastnb/device/hostdev" // registers "host"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// Tolerances of the trajectories: Adam divides by the square root of squared gradients, so rounding
// grows where gradients are near 0.
const (
	tolLoss   = 1e-4
	tolWeight = 2e-3
)

// trajectoryNet is the net of testdata/trajectories.
func trajectoryNet() *nn.Sequential {
	conv := func(in, out int) nn.Layer {
		return nn.NewSequential(nn.NewConv2D(in, out, 3, nn.Stride(2), nn.Pad(1), nn.NoBias()), nn.NewReLU(), nn.NewBatchNorm(out))
	}
	head := nn.NewSequential(nn.NewGlobalPool(true, true), nn.NewFlatten(), nn.NewBatchNorm(24), nn.NewLinear(24, 10), nn.NewReLU(), nn.NewBatchNorm(10), nn.NewLinear(10, 4))
	net := nn.NewSequential(nn.NewSequential(conv(3, 8), conv(8, 12)), head)
	nn.NamePaths(net, "")
	return net
}

// tensorFeed gives rows of x and y in order, bs at a time.
type tensorFeed struct {
	x, y *Tensor
	bs   int
}

func (f tensorFeed) Len() int       { return (f.Items() + f.bs - 1) / f.bs }
func (f tensorFeed) Items() int     { return f.x.Shape()[0] }
func (f tensorFeed) BatchSize() int { return f.bs }
func (f tensorFeed) Run(context.Context, int64) batches {
	return func(yield func(*data.Batch, error) bool) {
		for k := 0; k < f.Items(); k += f.bs {
			to := min(k+f.bs, f.Items())
			if !yield(&data.Batch{X: []*Tensor{f.x.Slice(k, to)}, Y: []*Tensor{f.y.Slice(k, to)}, N: to - k}, nil) {
				return
			}
		}
	}
}

// trajectoryLearner has the golden's start weights and batches.
func trajectoryLearner(t testing.TB, dev string, ts map[string]*Tensor, groups int, o ...LearnerOption) *Learner {
	t.Helper()
	net := trajectoryNet()
	gs := [][]*nn.Param{nn.AllParams(net.Children()[0].Layer), nn.AllParams(net.Children()[1].Layer)}
	if groups == 1 {
		gs = [][]*nn.Param{nn.AllParams(net)}
	}
	d := &data.DataBunch{Loss: nn.CrossEntropyFlat, Path: datasets.NewPath(t.TempDir())}
	l, err := NewLearner(d, net, gs, append([]LearnerOption{Silent(true), OnDevice(dev), Metrics(Accuracy(), ErrorRate())}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	x, y := ts["cnn/x"], ts["cnn/y"]
	l.feeds = map[data.DSType]feed{data.Train: tensorFeed{x.Slice(0, 32), y.Slice(0, 32), 8}, data.Valid: tensorFeed{x.Slice(32, 44), y.Slice(32, 44), 8}}
	if err := l.eng.LoadState(under(ts, "cnn/init/"), true); err != nil {
		t.Fatal(err)
	}
	return l
}

// under gives the tensors whose names start with prefix, without it.
func under(ts map[string]*Tensor, prefix string) map[string]*Tensor {
	out := map[string]*Tensor{}
	for k, v := range ts {
		if len(k) > len(prefix) && k[:len(prefix)] == prefix {
			out[k[len(prefix):]] = v.Clone()
		}
	}
	return out
}

func TestTrajectoriesGolden(t *testing.T) {
	var cases []struct {
		Name      string
		Loss      []float64 `json:"batch_loss_incl_regularisation"`
		Smooth    []float64
		LR        []floats
		Mom       []floats
		ValLosses []float64 `json:"val_losses"`
		Metrics   [][]float64
	}
	golden(t, "trajectories.json", &cases)
	ts := goldenTensors(t, "trajectories.safetensors")
	devices := append([]string{"host", "cpu", "fake"}, gpuDevices(t)...)
	for k := range len(devices) * len(cases) {
		c, dev := cases[k/len(devices)], devices[k%len(devices)]
		t.Run(c.Name+"/"+dev, func(t *testing.T) {
			var losses []float64
			l := trajectoryRun(t, dev, ts, c.Name, &losses)
			r := l.Recorder
			for k, want := range c.Loss {
				if math.Abs(losses[k]-want) > tolLoss {
					t.Errorf("batch %d: loss %v, want %v", k, losses[k], want)
				}
			}
			for k := range c.Smooth {
				near(t, "smoothed loss", r.Losses[k], c.Smooth[k], tolLoss)
				near(t, "lr", r.LRs[k], c.LR[k][len(c.LR[k])-1], 1e-9)
				near(t, "mom", r.Moms[k], c.Mom[k][len(c.Mom[k])-1], 1e-9)
			}
			for e, want := range c.ValLosses {
				near(t, "validation loss", r.ValLosses[e], want, 2e-3)
				near(t, "accuracy", r.Metrics[e][0], c.Metrics[e][0], 1e-6)
			}
			checkWeights(t, l, under(ts, c.Name+"/final/"))
		})
	}
}

// trajectoryRun trains as the case of that name does.
func trajectoryRun(t *testing.T, dev string, ts map[string]*Tensor, name string, losses *[]float64, before ...func(*Learner) error) *Learner {
	t.Helper()
	groups, opts, cbs := 2, []LearnerOption{}, []Callback{{AfterLoss: func(l *Learner) error {
		if l.Training {
			*losses = append(*losses, l.BatchLoss)
		}
		return nil
	}}}
	switch name {
	case "cnn_no_bn_wd":
		opts = append(opts, BNWD(false))
	case "cnn_l2":
		opts = append(opts, TrueWD(false), WD(.1))
	case "cnn_clip":
		cbs = append(cbs, GradientClipping(.1))
	case "cnn_frozen_bnfreeze":
		opts = append(opts, TrainBN(false))
	case "cnn_fit_twice":
		groups = 1
	}
	l := trajectoryLearner(t, dev, ts, groups, opts...)
	fit := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range before {
		fit(f(l))
	}
	switch name {
	case "cnn_fit_twice":
		fit(l.Fit(1, LR(1e-3), Callbacks(cbs...)))
		fit(l.Fit(1, LR(5e-4), Callbacks(cbs...)))
		return l
	case "cnn_frozen", "cnn_frozen_bnfreeze":
		fit(l.Freeze())
	}
	fit(l.FitOneCycle(2, Slice(1e-3, 1e-2), Callbacks(cbs...)))
	return l
}

func checkWeights(t *testing.T, l *Learner, want map[string]*Tensor) {
	t.Helper()
	got, err := l.eng.State()
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range want {
		g := got[name]
		if g == nil || g.Len() != w.Len() || g.DType() != tensor.Float32 {
			t.Errorf("%s: missing or of another shape", name)
			continue
		}
		if d := g.Sub(w).Abs().Max(); d > tolOf(name) {
			t.Errorf("%s: differs by %v", name, d)
		}
	}
}

// tolOf is the tolerance of a final weight. The last batch norm of the body is followed by pooling and
// another batch norm, which takes any shift out again: its bias has a gradient of exactly 0 in theory,
// Adam turns the rounding in its place into steps of full size, and the next layer's running mean
// follows. fastai's own figures for these two are noise.
func tolOf(name string) float64 {
	if name == "0.1.2.bias" || name == "1.2.running_mean" {
		return 0.03
	}
	return tolWeight
}

package engine_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// goldenOptim is a case of optim.json.
type goldenOptim struct {
	Key    string
	Opt    string
	TrueWD bool `json:"true_wd"`
	BNWD   bool `json:"bn_wd"`
	Clip   float64
	WD     float64
	LRs    [][]float64
	Moms   []float64
	Losses []float64
	Norms  []float64 `json:"grad_norms_before_clip"`
}

// toyNet is the network of optim.safetensors, in two layer groups.
func toyNet() (net *nn.Sequential, groups [][]*nn.Param) {
	a := nn.NewSequential(nn.NewLinear(4, 5), nn.NewBatchNorm(5), nn.NewReLU())
	b := nn.NewSequential(nn.NewLinear(5, 3))
	net = nn.NewSequential(a, b)
	nn.NamePaths(net, "")
	return net, [][]*nn.Param{nn.AllParams(a), nn.AllParams(b)}
}

// TestOptimizersGolden trains ten batches with each optimizer, with and without decay apart from the gradient, decay
// of biases and norms, and clipping, at changing rates of two layer groups.
func TestOptimizersGolden(t *testing.T) {
	var cases []goldenOptim
	goldentest.JSON(t, "optim.json", &cases)
	if len(cases) < 20 {
		t.Fatalf("only %d cases", len(cases))
	}
	ts := goldentest.Tensors(t, "optim.safetensors")
	for _, c := range cases {
		for _, dev := range goldentest.Devices {
			t.Run(c.Key+"/"+dev, func(t *testing.T) { c.run(t, dev, ts) })
		}
	}
}

func (c goldenOptim) run(t *testing.T, name string, ts map[string]*tensor.Tensor) {
	cfg := map[string]optim.Config{
		"adamw": {Kind: "adam", Beta2: .99}, "adam_plain": {Kind: "adam", Beta2: .999}, "sgd": {Kind: "sgd"}, "rmsprop": {Kind: "rmsprop", Beta2: .9},
	}[c.Opt]
	cfg.TrueWD, cfg.BNWD = c.TrueWD, c.BNWD
	net, groups := toyNet()
	dev, err := device.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	eng, err := engine.New(dev, net, nn.MSELossFlat, groups, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.LoadState(goldentest.Under(ts, "init/"), true); err != nil {
		t.Fatal(err)
	}
	for k := range c.Losses {
		x, y := ts["x"].Slice(k, k+1).Reshape(6, 4), ts["y"].Slice(k, k+1).Reshape(6, 3)
		loss, _, err := eng.TrainBatch(context.Background(), []*tensor.Tensor{x}, []*tensor.Tensor{y})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(loss)-c.Losses[k]) > 1e-5*c.Losses[k] {
			t.Errorf("step %d: loss %v, want %v", k, loss, c.Losses[k])
		}
		if c.Clip > 0 {
			n, err := eng.ClipGrads(c.Clip)
			if err != nil || math.Abs(n-c.Norms[k]) > 1e-5*c.Norms[k] {
				t.Errorf("step %d: norm of the gradients %v (%v), want %v", k, n, err, c.Norms[k])
			}
		}
		var hs []engine.Hyper
		for g := range groups {
			hs = append(hs, engine.Hyper{LR: c.LRs[k][g], Mom: c.Moms[k], WD: c.WD})
		}
		if err := eng.Step(hs); err != nil {
			t.Fatal(err)
		}
		want := goldentest.Under(ts, fmt.Sprintf("%s/%d/", c.Key, k))
		if len(want) == 0 {
			continue
		}
		got, err := eng.State()
		if err != nil {
			t.Fatal(err)
		}
		for p, w := range want {
			goldentest.Near(t, fmt.Sprintf("after step %d: %s", k, p), got[p], w, c.tolerance(p))
		}
	}
}

// tolerance is that of a parameter: Adam's first steps divide tiny numbers by tiny numbers. The bias in front of the
// batch norm has no gradient but rounding, which Adam and RMSprop blow up to whole steps of either sign, and the
// running mean follows it: the reference's own figures for these two are noise. SGD's are not.
func (c goldenOptim) tolerance(param string) float64 {
	switch {
	case c.Opt == "sgd":
		return 2e-6
	case param == "0.0.bias" || param == "0.1.running_mean":
		return 0.2
	}
	return 1e-5
}

package gpu_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	_ "github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// narrowBody is the body of small networks of pictures.
var narrowBody = models.Arch{Name: "narrow", Out: 24, Body: func() *nn.Sequential {
	conv := func(in, out, stride int) *nn.Sequential {
		return nn.NewSequential(nn.NewConv2D(in, out, 3, nn.Stride(stride), nn.Pad(1), nn.NoBias()), nn.NewBatchNorm(out), nn.NewReLU())
	}
	return nn.NewSequential(conv(3, 16, 2), conv(16, 24, 2), conv(24, 24, 1))
}}

// family is a small network of a lesson's kind and a batch for it.
type family struct {
	name string
	net  func() (nn.Layer, error)
	x, y func() *tensor.Tensor
}

func uniform(kind tensor.DType, below int, shape ...int) func() *tensor.Tensor {
	return func() *tensor.Tensor {
		x, r := tensor.New(kind, shape...), rand.New(rand.NewPCG(5, 6))
		for i := range x.Len() {
			if kind == tensor.Uint8 {
				x.Uint8s()[i] = uint8(r.IntN(below))
			} else {
				x.Int64s()[i] = r.Int64N(int64(below))
			}
		}
		return x
	}
}

func families() []family {
	return []family{
		{"planet", func() (nn.Layer, error) {
			return models.CNN(narrowBody, 4, models.HeadOptions{LinFtrs: []int{32}, PS: []float64{0}}, nn.NewRNG(1))
		}, uniform(tensor.Uint8, 256, 8, 3, 32, 32), uniform(tensor.Int64, 4, 8)},
		// Odd sizes, and 15 channels before the last convolutions as the lesson's network has 99.
		{"camvid", func() (nn.Layer, error) {
			return models.Unet(narrowBody, 5, [2]int{19, 26}, models.UnetOptions{}, nn.NewRNG(1))
		}, uniform(tensor.Uint8, 256, 2, 3, 19, 26), uniform(tensor.Int64, 5, 2, 1, 19, 26)},
		{"imdb", func() (nn.Layer, error) {
			c := models.LMConfig().DropMult(.5)
			c.EmbSz, c.NHid, c.NLayers = 24, 72, 2
			return models.NewLanguageModel(97, c, nn.NewRNG(1))
		}, uniform(tensor.Int64, 97, 8, 5), uniform(tensor.Int64, 97, 8, 5)},
	}
}

// step gives the loss of a step of training and what it changed of each weight: its gradient.
func (f family) step(t *testing.T, dev device.Device) (float64, map[string][]float32) {
	t.Helper()
	net, err := f.net()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(dev, net, nn.CrossEntropyFlat, nil, optim.Config{Kind: "sgd"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.Seed(3)
	before, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	before = maps.Clone(before)
	for k, v := range before {
		before[k] = v.Clone()
	}
	const scale = 64
	if err := e.SetLossScale(scale); err != nil {
		t.Fatal(err)
	}
	l, _, err := e.TrainBatch(context.Background(), []*tensor.Tensor{f.x()}, []*tensor.Tensor{f.y()})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Step([]engine.Hyper{{LR: 1}}); err != nil {
		t.Fatal(err)
	}
	after, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	grads := map[string][]float32{}
	for k, v := range after {
		if v.DType() != tensor.Float32 {
			continue
		}
		g := slices.Clone(v.Float32s())
		for i, w := range before[k].Float32s() {
			g[i] -= w
		}
		grads[k] = g
	}
	return float64(l), grads
}

// onProcessor is the step that others are held beside.
func (f family) onProcessor(t *testing.T) (float64, map[string][]float32) {
	t.Helper()
	cpu, err := device.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	return f.step(t, cpu)
}

// apart is how much two sets of gradients differ, array by array: the largest distance by the reference's length,
// where an array counts that is not all roundings.
func apart(got, want map[string][]float32) (float64, string) {
	worst, where, longest := 0.0, "", 0.0
	length := func(a, b []float32) (s float64) {
		for i, v := range a {
			d := float64(v)
			if b != nil {
				d -= float64(b[i])
			}
			s += d * d
		}
		return math.Sqrt(s)
	}
	for _, w := range want {
		longest = max(longest, length(w, nil))
	}
	for k, w := range want {
		d := length(got[k], w) / (length(w, nil) + 1e-3*longest)
		if !(d <= worst) {
			worst, where = d, k
		}
	}
	return worst, where
}

// tuned is what gradients of a kind may be off the processor's by.
var tuned = map[tensor.DType]float64{tensor.Float32: 2e-3, tensor.Float16: .1, tensor.BFloat16: .6}

// between is what the gradients of two ways may differ by: sums in another order, rounded alike. A fragment that is
// wrong in a recurrent step makes .004 of it or more. All are far below but the U-Net in float16: .006.
func (f family) between(kind tensor.DType) float64 {
	switch {
	case kind == tensor.Float32:
		return 2e-4
	case kind == tensor.Float16 && f.name == "camvid":
		return .02
	}
	return 1e-3
}

// Whatever the measuring of products and of layers comes to, a step of training is the same: each way that could be
// chosen is taken, in every place at once, with guards behind all temporaries.
func TestEveryWayThatCanBeChosen(t *testing.T) {
	if testing.Short() {
		t.Skip("the double compiles each kernel when it first meets it")
	}
	defer gpu.WidenFrom(0)()
	all := os.Getenv("FASTNB_TEST_GPU") == "all"
	for _, f := range families() {
		loss, reference := f.onProcessor(t)
		for _, kind := range []tensor.DType{tensor.Float16, tensor.Float32, tensor.BFloat16} {
			if !all && (kind != tensor.Float16 || f.name == "imdb") {
				continue // make test-gpu runs them
			}
			t.Run(fmt.Sprint(f.name, " ", kind), func(t *testing.T) {
				t.Setenv("FASTNB_HOME", t.TempDir())
				t.Setenv("FASTNB_GPU_POISON", "2")
				var first map[string][]float32
				for way, most := 0, 1; way < most; way++ {
					dev := onDouble(t, kind)
					dev.Tune(func(n int) int {
						most = max(most, n)
						return way % n
					})
					l, grads := f.step(t, dev)
					dev.Close()
					if d := math.Abs(l-loss) / loss; !(d <= tolLosses[kind]) {
						t.Errorf("way %d: the loss is %.6f, on the processor %.6f", way, l, loss)
					}
					if d, where := apart(grads, reference); !(d <= tuned[kind]) {
						t.Errorf("way %d: the gradient of %s is off the processor's by %.2g", way, where, d)
					}
					if first == nil {
						first = grads
					}
					d, where := apart(grads, first)
					if !(d <= f.between(kind)) {
						t.Errorf("way %d: the gradient of %s is off the first way's by %.2g", way, where, d)
					}
					t.Logf("way %d of %d: off the first by %.2g", way, most, d)
				}
			})
		}
	}
}

// tolLosses is what losses may differ by from the processor's, relative to them.
var tolLosses = map[tensor.DType]float64{tensor.Float32: 1e-4, tensor.Float16: 2e-2, tensor.BFloat16: 4e-2}

// A step with TF32 is that of the processor, but for the bits it leaves out.
func TestStepWithTF32(t *testing.T) {
	if testing.Short() || os.Getenv("FASTNB_TEST_GPU") != "all" {
		t.Skip("make test-gpu runs it")
	}
	t.Setenv("FASTNB_GPU_TF32", "1")
	t.Setenv("FASTNB_GPU_TUNE", "0")
	for _, f := range families() {
		loss, reference := f.onProcessor(t)
		t.Run(f.name, func(t *testing.T) {
			dev := onDouble(t, tensor.Float32)
			if !dev.TF32() {
				t.Error("the device does not say so")
			}
			l, grads := f.step(t, dev)
			d, where := apart(grads, reference)
			if !(d > 5e-5 && d < tuned[tensor.Float16]) || // whose numbers have as many bits
				!(math.Abs(l-loss) < 2e-3*loss) {
				t.Errorf("the gradient of %s is off the processor's by %.2g, the loss by %.2g", where, d, l-loss)
			}
		})
	}
}

// Measuring itself ends, measures everything, and leaves a step right.
func TestStepsWithMeasuring(t *testing.T) {
	if testing.Short() {
		t.Skip("the double compiles each kernel when it first meets it")
	}
	defer gpu.WidenFrom(0)()
	for _, f := range families() {
		_, reference := f.onProcessor(t)
		for _, kind := range []tensor.DType{tensor.Float16, tensor.Float32, tensor.BFloat16} {
			if os.Getenv("FASTNB_TEST_GPU") != "all" && (kind != tensor.Float16 || f.name != "camvid") {
				continue
			}
			t.Run(fmt.Sprint(f.name, " ", kind), func(t *testing.T) {
				t.Setenv("FASTNB_HOME", t.TempDir())
				dev := onDouble(t, kind)
				dev.Tune(nil)
				_, grads := f.step(t, dev)
				if d, where := apart(grads, reference); !(d <= tuned[kind]) {
					t.Errorf("the gradient of %s is off the processor's by %.2g", where, d)
				}
				if n := dev.Measured(); n < 5 {
					t.Errorf("%d things were measured", n)
				}
				t.Logf("%d measured", dev.Measured())
			})
		}
	}
}

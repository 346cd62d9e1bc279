package opencl_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	_ "github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// tolLosses is what losses may differ by from the processor's, which keeps all in single precision, over a few
// steps with the same masks.
var tolLosses = map[tensor.DType]float64{tensor.Float32: 1e-4, tensor.Float16: 2e-2, tensor.BFloat16: 4e-2}

// Language models and text classifiers train as they do on the processor, masks and all, the same each time, and no
// step of theirs runs on the host.
func TestTextModels(t *testing.T) {
	c := models.LMConfig()
	c.EmbSz, c.NHid, c.NLayers = 24, 40, 3
	clas := models.ClasConfig()
	clas.EmbSz, clas.NHid, clas.NLayers = 24, 40, 3
	const words, rows = 200, 16
	for _, m := range []struct {
		name   string
		net    func() (nn.Layer, error)
		steps  int
		target []int
	}{
		{"language model", func() (nn.Layer, error) { return models.NewLanguageModel(words, c, nn.NewRNG(1)) }, 9, []int{rows, 9}},
		{"classifier", func() (nn.Layer, error) {
			return models.NewTextClassifier(words, 3, clas, models.TextHead{BPTT: 4, MaxLen: 8}, nn.NewRNG(1))
		}, 15, []int{rows}},
	} {
		x, y := numbers(words, rows, m.steps), numbers(3, m.target...)
		cpu, err := device.Open("cpu")
		if err != nil {
			t.Fatal(err)
		}
		want := losses(t, cpu, m.net, x, y)
		cpu.Close()
		for kind, tol := range tolLosses {
			t.Run(m.name+" "+kind.String(), func(t *testing.T) {
				dev := open(t, kind)
				got := losses(t, dev, m.net, x, y)
				if again := losses(t, dev, m.net, x, y); !slices.Equal(again, got) {
					t.Errorf("another time the losses are %v, not %v", again, got)
				}
				for i, l := range got {
					if d := math.Abs(l - want[i]); !(d <= tol*want[i]) {
						t.Errorf("loss %d: %.6f, on the processor %.6f", i, l, want[i])
					}
				}
				if n := dev.OnHost(); n > 0 {
					t.Errorf("%d steps ran on the host", n)
				}
			})
		}
	}
}

// numbers are numbers of words or classes.
func numbers(below int, shape ...int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(1, 2))
	x := tensor.New(tensor.Int64, shape...)
	for i := range x.Int64s() {
		x.Int64s()[i] = r.Int64N(int64(below))
	}
	return x
}

// losses are those of five steps of training and of a look at the result.
func losses(t *testing.T, dev device.Device, net func() (nn.Layer, error), x, y *tensor.Tensor) []float64 {
	t.Helper()
	m, err := net()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(dev, m, nn.CrossEntropyFlat, nil, optim.Config{Kind: "sgd"})
	if err != nil {
		t.Fatal(err)
	}
	e.Seed(3)
	var out []float64
	ctx := context.Background()
	for range 5 {
		l, _, err := e.TrainBatch(ctx, []*tensor.Tensor{x}, []*tensor.Tensor{y})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Step([]engine.Hyper{{LR: .02, Mom: .9}}); err != nil {
			t.Fatal(err)
		}
		out = append(out, float64(l))
	}
	l, _, err := e.Eval(ctx, []*tensor.Tensor{x}, []*tensor.Tensor{y})
	if err != nil {
		t.Fatal(err)
	}
	return append(out, float64(l))
}

// A word or a target that the vocabulary does not have is told, with its place, and the next batch trains.
func TestWordsThatAreNone(t *testing.T) {
	const words = 30
	c := models.LMConfig()
	c.EmbSz, c.NHid, c.NLayers = 8, 12, 2
	dev := open(t, tensor.Float16)
	m, err := models.NewLanguageModel(words, c, nn.NewRNG(1))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(dev, m, nn.CrossEntropyFlat, nil, optim.Config{Kind: "sgd"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, good := context.Background(), numbers(words, 3, 5)
	bad := good.Clone()
	bad.Int64s()[7] = words + 4
	train := func(x, y *tensor.Tensor) error {
		_, _, err := e.TrainBatch(ctx, []*tensor.Tensor{x}, []*tensor.Tensor{y})
		return err
	}
	for what, err := range map[string]error{"word": train(bad, good), "target": train(good, bad)} {
		var found device.BadIndexError
		if !errors.As(err, &found) || found.What != what || found.Value != words+4 || found.Row != 1 || found.Place != 2 || found.Count != words {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := train(good, good); err != nil {
		t.Error(err)
	}
}

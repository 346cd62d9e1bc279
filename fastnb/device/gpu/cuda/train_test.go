package cuda_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	_ "github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// tolLosses is what losses may differ by from the processor's, relative to them, over a few steps.
var tolLosses = map[tensor.DType]float64{tensor.Float32: 1e-4, tensor.Float16: 2e-2, tensor.BFloat16: 4e-2}

// smallNet is a residual net for pictures of 12x12.
func smallNet() nn.Layer {
	conv := func(in, out, stride int) *nn.Sequential {
		return nn.NewSequential(nn.NewConv2D(in, out, 3, nn.Stride(stride), nn.Pad(1), nn.NoBias()), nn.NewBatchNorm(out), nn.NewReLU())
	}
	net := nn.NewSequential(
		conv(3, 16, 1), nn.NewMaxPool2D(3, 2, 1), conv(16, 16, 1), conv(16, 32, 2),
		nn.NewGlobalPool(true, true), nn.NewFlatten(), nn.NewDropout(.2), nn.NewLinear(64, 5),
	)
	nn.NamePaths(net, "")
	nn.InitParams(net, nn.NewRNG(3))
	return net
}

// train gives the losses of some steps, with one batch and then another, and of a look at the result.
func train(t *testing.T, dev device.Device, steps int) []float64 {
	t.Helper()
	e, err := engine.New(dev, smallNet(), nn.CrossEntropyFlat, nil, optim.Config{Kind: "adam"})
	if err != nil {
		t.Fatal(err)
	}
	e.Seed(3)
	rng := rand.New(rand.NewPCG(1, 2))
	ctx, x, y := context.Background(), tensor.New(tensor.Uint8, 8, 3, 12, 12), tensor.New(tensor.Int64, 8)
	var out []float64
	for range steps {
		for i := range x.Uint8s() {
			x.Uint8s()[i] = uint8(rng.IntN(256))
		}
		for i := range y.Int64s() {
			y.Int64s()[i] = rng.Int64N(5)
		}
		l, _, err := e.TrainBatch(ctx, []*tensor.Tensor{x}, []*tensor.Tensor{y})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Step([]engine.Hyper{{LR: .005, Mom: .9}}); err != nil {
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

// A net trains as on the processor, and to the last bit the same from recordings as without.
func TestTraining(t *testing.T) {
	cpu, err := device.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	steps := 6
	want := train(t, cpu, steps)
	kinds := []tensor.DType{tensor.Float16}
	if !testing.Short() {
		kinds = append(kinds, tensor.Float32, tensor.BFloat16)
	}
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			dev := open(t, kind)
			got := train(t, dev, steps)
			if n := dev.Replays(); n < int64(2*(steps-2)) {
				t.Errorf("%d runs from recordings", n)
			}
			for i, l := range got {
				if d := math.Abs(l - want[i]); !(d <= tolLosses[kind]*want[i]) {
					t.Errorf("loss %d: %.6f, on the processor %.6f", i, l, want[i])
				}
			}
			t.Setenv("FASTNB_GPU_GRAPHS", "0")
			if plain := train(t, open(t, kind), steps); !slices.Equal(got, plain) {
				t.Errorf("from recordings %v, without %v", got, plain)
			}
		})
	}
}

package gpu_test

import (
	"context"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/gputest"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// Training whose batches go up before their turn is to the bit that of batches in their turn: on the double, whose
// streams are as late as their events allow, by recordings; and by OpenCL.
func TestBatchesAhead(t *testing.T) {
	for name, open := range map[string]func(testing.TB, tensor.DType) *gpu.Device{"double": onDouble, "opencl": gputest.OpenCL} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FASTNB_GPU_TUNE", "0")
			const steps = 5
			in, n := trainAhead(t, open(t, tensor.Float32), steps, false)
			if n != 0 {
				t.Fatal(n, " were ahead")
			}
			dev := open(t, tensor.Float32)
			out, n := trainAhead(t, dev, steps, true)
			if n != steps-2 { // not the first, and one was another than said
				t.Errorf("%d were ahead", n)
			}
			if !slices.Equal(in, out) || in[0] == in[1] {
				t.Errorf("losses %v, in their turn %v", out, in)
			}
			if name == "double" && dev.Replays() == 0 {
				t.Error("nothing was recorded")
			}
		})
	}
}

// trainAhead gives the losses of steps on batches of their own, and how many of those were there before their turn.
func trainAhead(t *testing.T, dev *gpu.Device, steps int, ahead bool) (losses []float32, n int) {
	t.Helper()
	net := nn.NewSequential(nn.NewConv2D(3, 8, 3, nn.Stride(4), nn.NoBias()), nn.NewBatchNorm(8), nn.NewReLU(), nn.NewGlobalPool(true, true), nn.NewFlatten(), nn.NewDropout(.1), nn.NewLinear(16, 4))
	nn.NamePaths(net, "")
	nn.InitParams(net, nn.NewRNG(3))
	e, err := engine.New(dev, net, nn.CrossEntropyFlat, nil, optim.Config{Kind: "adam"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.Seed(3)
	ctx := context.Background()
	var all []engine.Batch
	for i := range steps + 1 {
		x, y := tensor.New(tensor.Uint8, 24, 3, 32, 32), tensor.New(tensor.Int64, 24)
		for k := range x.Uint8s() {
			x.Uint8s()[k] = uint8(k * (3 + 2*i) >> 2)
		}
		for k := range y.Int64s() {
			y.Int64s()[k] = int64((k + i) % 4)
		}
		all = append(all, engine.Batch{X: []*tensor.Tensor{x}, Y: []*tensor.Tensor{y}})
	}
	for i := range steps {
		r, err := e.Train(ctx, all[i])
		if err != nil {
			t.Fatal(err)
		}
		if ahead && i+1 < steps {
			said := all[i+1]
			if i == 2 {
				said = all[steps]
			}
			if !e.Ahead(said, r) {
				t.Fatal("batch ", i+1, " stays down")
			}
		}
		l, err := r.Loss(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Step([]engine.Hyper{{LR: .01, Mom: .9}}); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, l)
	}
	return losses, e.Foreseen()
}

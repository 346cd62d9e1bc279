package opencl_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// The lesson's picture models, and all kinds of loss they have, train as they do on the processor, and no step of
// theirs runs on the host.
func TestPictureModels(t *testing.T) {
	const rows, size = 6, 64
	r := rand.New(rand.NewPCG(5, 6))
	x := tensor.New(tensor.Uint8, rows, 3, size, size)
	for i := range x.Uint8s() {
		x.Uint8s()[i] = uint8(r.IntN(256))
	}
	floats := func(shape ...int) *tensor.Tensor {
		y := tensor.New(tensor.Float32, shape...)
		for i := range y.Float32s() {
			y.Float32s()[i] = float32(r.IntN(2))
		}
		return y
	}
	cnn := func(a models.Arch, classes int, o models.HeadOptions) func() (nn.Layer, error) {
		return func() (nn.Layer, error) { return models.CNN(a, classes, o, nn.NewRNG(1)) }
	}
	small := models.HeadOptions{LinFtrs: []int{24}}
	for _, m := range []struct {
		name  string
		times float64 // the tolerance: nets start with weights of chance, and some deep ones make more of roundings
		net   func() (nn.Layer, error)
		loss  nn.Loss
		y     *tensor.Tensor
		slow  bool
		masks bool
	}{
		{"classes", 1, cnn(models.ResNet34, 37, small), nn.CrossEntropyFlat, numbers(37, rows), true, false},
		{"labels", 1, cnn(models.ResNet18, 17, small), nn.BCEWithLogitsFlat, floats(rows, 17), false, false},
		{"smoothed", 10, cnn(models.MobileNetV2, 5, models.HeadOptions{NoConcat: true}), nn.LabelSmoothingCrossEntropy(.1), numbers(5, rows), false, false},
		{"points", 1, cnn(models.ResNet18, 2, models.HeadOptions{LinFtrs: []int{24}, YRange: &[2]float64{-1, 1}}), nn.MSELossFlat, floats(rows, 2), true, false},
		{"masks", 1, func() (nn.Layer, error) {
			return models.Unet(models.ResNet18, 4, [2]int{size, size}, models.UnetOptions{SelfAttention: true, Blur: true}, nn.NewRNG(1))
		}, nn.CrossEntropyFlat, numbers(4, 2, 1, size, size), true, true},
	} {
		if m.slow && testing.Short() {
			continue
		}
		x := x
		if m.masks {
			x = tensor.FromUint8(x.Uint8s()[:2*3*size*size], 2, 3, size, size)
		}
		cpu, err := device.Open("cpu")
		if err != nil {
			t.Fatal(err)
		}
		want := pictureLosses(t, cpu, m.net, m.loss, x, m.y)
		cpu.Close()
		kinds := []tensor.DType{tensor.Float32, tensor.Float16}
		if m.slow {
			kinds = kinds[1:]
		}
		for _, kind := range kinds {
			t.Run(m.name+" "+kind.String(), func(t *testing.T) {
				dev := open(t, kind)
				for i, l := range pictureLosses(t, dev, m.net, m.loss, x, m.y) {
					if d := math.Abs(l - want[i]); !(d <= m.times*tolLosses[kind]*max(1, want[i])) {
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

// pictureLosses are those of two steps of training, the second after one of Adam, and of a look at the result.
func pictureLosses(t *testing.T, dev device.Device, net func() (nn.Layer, error), loss nn.Loss, x, y *tensor.Tensor) (out []float64) {
	t.Helper()
	m, err := net()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(dev, m, loss, nil, optim.Config{TrueWD: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.SetLossScale(512); err != nil {
		t.Fatal(err)
	}
	e.Seed(3)
	ctx := context.Background()
	b := engine.Batch{X: []*tensor.Tensor{x}, Y: []*tensor.Tensor{y}, Norm: device.Normalize{Mean: []float32{.485, .456, .406}, Std: []float32{.229, .224, .225}}}
	for range 2 {
		r, err := e.Train(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		l, err := r.Loss(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.GradsOverflow(); err != nil {
			t.Fatal(err)
		}
		if err := e.Step([]engine.Hyper{{LR: 1e-6, Mom: .9, WD: .01}}); err != nil {
			t.Fatal(err)
		}
		out = append(out, float64(l))
	}
	r, err := e.Forward(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.Loss(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return append(out, float64(l))
}

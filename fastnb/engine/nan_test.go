package engine_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// TestNaNLeavesNoTrace: a batch with a NaN in it has a NaN loss, and without its step the model is as it was, running
// statistics included.
func TestNaNLeavesNoTrace(t *testing.T) {
	for _, name := range goldentest.Devices {
		t.Run(name, func(t *testing.T) {
			dev, err := device.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			net, groups := toyNet()
			eng, err := engine.New(dev, net, nn.MSELossFlat, groups, optim.Config{TrueWD: true, BNWD: true})
			if err != nil {
				t.Fatal(err)
			}
			x, y := goldentest.Fill("x", 1, 0, 6, 4), goldentest.Fill("y", 1, 0, 6, 3)
			batch := func() float32 {
				t.Helper()
				loss, _, err := eng.TrainBatch(context.Background(), []*tensor.Tensor{x}, []*tensor.Tensor{y})
				if err != nil {
					t.Fatal(err)
				}
				return loss
			}
			state := func() map[string]*tensor.Tensor {
				t.Helper()
				s, err := eng.State()
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			fresh := state()
			batch()
			before := state()
			if slices.Equal(fresh["0.1.running_mean"].Float32s(), before["0.1.running_mean"].Float32s()) {
				t.Fatal("a good batch must move the running mean")
			}
			for _, bad := range []float64{math.NaN(), math.Inf(1)} {
				x.Float32s()[5] = float32(bad)
				if loss := batch(); !math.IsNaN(float64(loss)) {
					t.Errorf("%v: loss %v", bad, loss)
				}
				for name, want := range before {
					if got := state()[name]; !slices.Equal(got.Float32s(), want.Float32s()) {
						t.Errorf("%v: %s has changed: %v, was %v", bad, name, got.Float32s(), want.Float32s())
					}
				}
			}
			x.Float32s()[5] = 0
			if loss := batch(); math.IsNaN(float64(loss)) {
				t.Error("the next batch has a loss of", loss)
			}
		})
	}
}

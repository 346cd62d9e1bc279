package engine_test

import (
	"context"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// TestSharedWeightsAreThere: an engine that shares another's weights computes with them as the other's last step has
// left them, also on a device that works late, whose queues know nothing of one another.
func TestSharedWeightsAreThere(t *testing.T) {
	for _, name := range goldentest.Devices {
		dev, err := device.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		net, groups := toyNet()
		one, err := engine.New(dev, net, nn.MSELossFlat, groups, optim.Config{})
		if err != nil {
			t.Fatal(err)
		}
		two, err := engine.New(engine.HomeOf(net), net, nn.MSELossFlat, groups, optim.Config{})
		if err != nil {
			t.Fatal(err)
		}
		x, y := []*tensor.Tensor{goldentest.Fill("x", 1, 0, 6, 4)}, []*tensor.Tensor{goldentest.Fill("y", 1, 0, 6, 3)}
		ctx := context.Background()
		var last *tensor.Tensor
		for k := range 4 {
			if _, err := one.Train(ctx, engine.Batch{X: x, Y: y}); err != nil {
				t.Fatal(err)
			}
			if err := one.Step([]engine.Hyper{{LR: .1}}); err != nil {
				t.Fatal(err)
			}
			_, got, err := two.Eval(ctx, x, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, want, err := one.Eval(ctx, x, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Float32s(), want.Float32s()) {
				t.Errorf("%s: after step %d the other engine has older weights", name, k+1)
			}
			if last != nil && slices.Equal(got.Float32s(), last.Float32s()) {
				t.Errorf("%s: step %d changes nothing", name, k+1)
			}
			last = got
		}
		two.Close()
		one.Close()
	}
}

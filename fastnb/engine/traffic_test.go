package engine_test

import (
	"context"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// TestTraffic: in a training step the batch, the seed of the masks and the hyper-parameters of all groups in one
// piece go up; what comes down is what is asked for.
func TestTraffic(t *testing.T) {
	dev, err := device.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	net, groups := toyNet()
	eng, err := engine.New(dev, net, nn.MSELossFlat, groups, optim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Close()
	b := engine.Batch{X: []*tensor.Tensor{goldentest.Fill("x", 1, 0, 6, 4)}, Y: []*tensor.Tensor{goldentest.Fill("y", 1, 0, 6, 3)}}
	step := func(output bool) device.Stats {
		before := eng.Stats()
		r, err := eng.Train(context.Background(), b)
		if err == nil {
			_, err = r.Loss(context.Background())
		}
		if err == nil && output {
			_, err = r.Output(context.Background())
		}
		if err == nil {
			err = eng.Step([]engine.Hyper{{LR: .1}})
		}
		if err != nil {
			t.Fatal(err)
		}
		return eng.Stats().Sub(before)
	}
	step(false) // the loss scale goes up once
	batch, seed, hypers := int64(6*(4+3)*4), int64(16), int64(2*len(groups)*8*4)
	want := device.Stats{Up: batch + seed + hypers, Down: 4, Writes: 4, Reads: 1, Runs: 2}
	if got := step(false); got != want {
		t.Errorf("a step is %+v, want %+v", got, want)
	}
	want.Down, want.Reads = 4+6*3*4, 2
	if got := step(true); got != want {
		t.Errorf("a step whose output is looked at is %+v, want %+v", got, want)
	}
	// A result that the next batch has written over is told, not given.
	r, err := eng.Train(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	step(false)
	if _, err := r.Output(context.Background()); err == nil {
		t.Error("the output of the batch before is given")
	}
}

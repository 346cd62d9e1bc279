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

// scaleRun trains the toy net for six batches, the last two added up, every one clipped, with the loss
// scale that scale gives for a batch, and gives the norms and the state.
func scaleRun(t *testing.T, name string, scale func(k int) float64) (norms []float64, state map[string]*tensor.Tensor) {
	t.Helper()
	dev, err := device.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	net, groups := toyNet()
	eng, err := engine.New(dev, net, nn.MSELossFlat, groups, optim.Config{TrueWD: true, BNWD: true})
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	x, y := goldentest.Fill("x", 1, 0, 6, 4), goldentest.Fill("y", 1, 0, 6, 3)
	for k := range 6 {
		must(eng.SetLossScale(scale(k)))
		_, _, err := eng.TrainBatch(context.Background(), []*tensor.Tensor{x}, []*tensor.Tensor{y})
		must(err)
		bad, err := eng.GradsOverflow()
		must(err)
		if bad {
			t.Fatalf("batch %d: overflow", k)
		}
		if k >= 4 {
			must(eng.AddGrads(6))
			if k == 4 {
				continue
			}
			must(eng.TakeGrads())
		}
		n, err := eng.ClipGrads(.05)
		must(err)
		norms = append(norms, n)
		must(eng.Step([]engine.Hyper{{LR: .1, Mom: .9, WD: .01}}))
	}
	state, err = eng.State()
	must(err)
	return norms, state
}

// TestLossScaleChangesNoBit: a power of two goes through the backward pass, clipping, adding up and the step, and
// leaves the weights of a training without it, also where it changes from batch to batch.
func TestLossScaleChangesNoBit(t *testing.T) {
	for _, name := range goldentest.Devices {
		t.Run(name, func(t *testing.T) {
			norms, want := scaleRun(t, name, func(int) float64 { return 1 })
			if norms[0] < .05 {
				t.Fatalf("a norm of %v is not clipped", norms[0])
			}
			for _, scale := range []func(int) float64{
				func(int) float64 { return 1 << 16 },
				func(k int) float64 { return math.Ldexp(1, 4*k) },
			} {
				n, got := scaleRun(t, name, scale)
				if !slices.Equal(n, norms) {
					t.Errorf("norms %v, want %v", n, norms)
				}
				for p, w := range want {
					if !slices.Equal(got[p].Float32s(), w.Float32s()) {
						t.Errorf("%s is %v, want %v", p, got[p].Float32s(), w.Float32s())
					}
				}
			}
		})
	}
}

// TestGradsOverflow: a scale too large for single precision is seen in the gradients, not in the loss, and the next
// batch at a smaller one is sound.
func TestGradsOverflow(t *testing.T) {
	for _, name := range goldentest.Devices {
		dev, err := device.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		net, groups := toyNet()
		eng, err := engine.New(dev, net, nn.MSELossFlat, groups, optim.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []float64{0, -1, math.NaN(), math.Inf(1), 1e39, 1e-50} {
			if eng.SetLossScale(s) == nil {
				t.Errorf("%s: scale %v is accepted", name, s)
			}
		}
		if _, err := eng.GradsOverflow(); err == nil {
			t.Errorf("%s: there are no gradients yet", name)
		}
		x, y := goldentest.Fill("x", 1, 0, 6, 4), goldentest.Fill("y", 100, 0, 6, 3)
		for _, c := range []struct {
			scale float64
			want  bool
		}{{1 << 16, false}, {math.Ldexp(1, 127), true}, {1, false}} {
			if err := eng.SetLossScale(c.scale); err != nil {
				t.Fatal(err)
			}
			loss, _, err := eng.TrainBatch(context.Background(), []*tensor.Tensor{x}, []*tensor.Tensor{y})
			if err != nil || math.IsNaN(float64(loss)) || math.IsInf(float64(loss), 0) {
				t.Fatalf("%s: scale %v: loss %v, error %v", name, c.scale, loss, err)
			}
			got, err := eng.GradsOverflow()
			if err != nil || got != c.want {
				t.Errorf("%s: scale %v: overflow %v, error %v", name, c.scale, got, err)
			}
		}
		eng.Close()
	}
}

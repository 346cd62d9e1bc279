package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// small is a body with batch norm or without, and a head that averages the maps.
func small(t *testing.T, norm bool) (*Engine, *nn.Sequential) {
	t.Helper()
	body := nn.NewSequential(nn.NewConv2D(3, 6, 3, nn.Pad(1), nn.Stride(2)), nn.NewReLU())
	if norm {
		body = nn.NewSequential(nn.NewConv2D(3, 6, 3, nn.Pad(1), nn.Stride(2)), nn.NewBatchNorm(6), nn.NewReLU())
	}
	net := nn.NewSequential(body, nn.NewSequential(nn.NewGlobalPool(false, true), nn.NewFlatten(), nn.NewDropout(.5), nn.NewLinear(6, 4)))
	nn.NamePaths(net, "")
	e, err := New(cpu.New(2), net, nn.CrossEntropyFlat, [][]*nn.Param{nn.AllParams(net)}, optim.Config{Kind: "sgd", TrueWD: true})
	if err != nil {
		t.Fatal(err)
	}
	return e, net
}

func noise(seed uint64, shape ...int) *tensor.Tensor {
	x := tensor.New(tensor.Float32, shape...)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(r.NormFloat64())
	}
	return x
}

func TestInspect(t *testing.T) {
	e, net := small(t, true)
	x := noise(1, 2, 3, 9, 8)
	w := tensor.New(tensor.Float32, 2, 4)
	w.Float32s()[1], w.Float32s()[4+2] = 1, 1
	a, err := e.Inspect(context.Background(), x, "0", w)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Value.Shape(), []int{2, 6, 5, 4}) || !slices.Equal(a.Grad.Shape(), a.Value.Shape()) {
		t.Fatal(a.Value.Shape(), a.Grad.Shape())
	}
	_, out, err := e.Eval(context.Background(), []*tensor.Tensor{x}, nil)
	if err != nil || !slices.Equal(out.Float32s(), a.Output.Float32s()) {
		t.Error("output differs from Eval's", err)
	}
	// The head averages maps of 5x4 and weighs them: the derivative of class k's score by any pixel of
	// map c is W[k, c]/20.
	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	lin := state[net.Layers[1].(*nn.Sequential).Layers[3].(*nn.Linear).Weight.Name].Float32s()
	for n, class := range []int{1, 2} {
		for c := range 6 {
			for i := range 20 {
				got, want := a.Grad.Float32s()[(n*6+c)*20+i], lin[class*6+c]/20
				if math.Abs(float64(got-want)) > 1e-7 {
					t.Fatalf("item %d, map %d, pixel %d: %g, want %g", n, c, i, got, want)
				}
			}
		}
	}
	for i, v := range a.Value.Float32s() {
		if v < 0 {
			t.Fatalf("the body ends with a ReLU, its output has %g at %d", v, i)
		}
	}
	if _, err := e.Inspect(context.Background(), x, "7", nil); err == nil {
		t.Error("a layer that is not there: no error")
	}
}

func TestLayerShapes(t *testing.T) {
	e, _ := small(t, true)
	got, err := e.LayerShapes(tensor.New(tensor.Float32, 2, 3, 9, 8))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		path  string
		shape []int
	}{
		{"0.0", []int{2, 6, 5, 4}},
		{"0.1", []int{2, 6, 5, 4}},
		{"0.2", []int{2, 6, 5, 4}},
		{"1.0", []int{2, 6}},
		{"1.1", []int{2, 6}},
		{"1.2", []int{2, 6}},
		{"1.3", []int{2, 4}},
	}
	if len(got) != len(want) {
		t.Fatal(got)
	}
	for i, w := range want {
		if got[i].Path != w.path || !slices.Equal(got[i].Output, w.shape) {
			t.Errorf("%s %v, want %s %v", got[i].Path, got[i].Output, w.path, w.shape)
		}
	}
}

// TestAccumulate: two parts of a batch, added up, step as the whole batch does.
func TestAccumulate(t *testing.T) {
	x, y := noise(2, 6, 3, 8, 8), tensor.FromInt64([]int64{0, 1, 2, 3, 1, 1}, 6)
	rows := func(a, b int) ([]*tensor.Tensor, []*tensor.Tensor) {
		n := 3 * 8 * 8
		return []*tensor.Tensor{tensor.FromFloat32(x.Float32s()[a*n:b*n], b-a, 3, 8, 8)}, []*tensor.Tensor{tensor.FromInt64(y.Int64s()[a:b], b-a)}
	}
	step := func(cuts ...int) map[string]*tensor.Tensor {
		e, net := small(t, false)
		net.Layers[1].(*nn.Sequential).Layers[2].(*nn.Dropout).P = 0
		for round := range 2 { // the second sum must not hold the first
			for i := range len(cuts) - 1 {
				bx, by := rows(cuts[i], cuts[i+1])
				if _, _, err := e.TrainBatch(context.Background(), bx, by); err != nil {
					t.Fatal(err)
				}
				if len(cuts) > 2 {
					if err := e.AddGrads(float64(cuts[i+1] - cuts[i])); err != nil {
						t.Fatal(err)
					}
				}
			}
			if len(cuts) > 2 {
				if err := e.TakeGrads(); err != nil {
					t.Fatal(err)
				}
				if err := e.TakeGrads(); err == nil {
					t.Error("taking twice: no error")
				}
			}
			if err := e.Step([]Hyper{{LR: .3, Mom: .5 * float64(round)}}); err != nil {
				t.Fatal(err)
			}
		}
		s, err := e.State()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	whole, parts := step(0, 6), step(0, 4, 6)
	for name, w := range whole {
		for i, v := range w.Float32s() {
			if d := math.Abs(float64(v - parts[name].Float32s()[i])); d > 1e-6 {
				t.Fatalf("%s[%d]: whole %g, parts %g", name, i, v, parts[name].Float32s()[i])
			}
		}
	}
}

func TestEvalWithDropout(t *testing.T) {
	e, net := small(t, true)
	x := noise(3, 2, 3, 9, 8)
	outs, err := e.EvalWithDropout(context.Background(), x, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(outs[0].Float32s(), outs[1].Float32s()) || slices.Equal(outs[1].Float32s(), outs[2].Float32s()) {
		t.Error("each run must drop other elements")
	}
	again, err := e.EvalWithDropout(context.Background(), x, 3, 0)
	if err != nil || !slices.Equal(outs[2].Float32s(), again[2].Float32s()) {
		t.Error("the same seed, other numbers", err)
	}
	net.Layers[1].(*nn.Sequential).Layers[2].(*nn.Dropout).P = 0
	outs, err = e.EvalWithDropout(context.Background(), x, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, want, err := e.Eval(context.Background(), []*tensor.Tensor{x}, nil); err != nil || !slices.Equal(outs[0].Float32s(), want.Float32s()) {
		t.Error("without dropout it is evaluation", err)
	}
}

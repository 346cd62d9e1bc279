package nn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// ownLosses are the losses of testdata/own_losses.py, as a user would write them.
func ownLosses() map[string]nn.Loss {
	type (
		bld = *nn.Builder
		nd  = *nn.Node
	)
	return map[string]nn.Loss{
		"huber": nn.NewLoss("huber", func(b bld, out, y nd) nd {
			d := b.Abs(b.Sub(out, y))
			c := b.Clamp(d, 0, 1)
			return b.Sub(b.Mul(c, d), b.Affine(b.Square(c), .5, 0))
		}),
		"logcosh": nn.NewLoss("logcosh", func(b bld, out, y nd) nd {
			d := b.Sub(out, y) // log cosh d = d + softplus(-2d) - log 2
			return b.Add(d, b.Affine(b.Softplus(b.Affine(d, -2, 0)), 1, -math.Ln2))
		}),
		"poisson": nn.NewLoss("poisson", func(b bld, out, y nd) nd { return b.Sub(b.Exp(out), b.Mul(y, out)) }),
		"focal": nn.NewLoss("focal", func(b bld, out, y nd) nd {
			c := b.Shape(out)[1]
			lp := b.SumLast(b.Mul(b.LogSoftmax(out), b.OneHot(y, c)))
			return b.Neg(b.Mul(b.Square(b.Affine(b.Exp(lp), -1, 1)), lp))
		}, nn.WithActivation("softmax")),
		"dice": nn.NewLoss("dice", func(b bld, out, y nd) nd {
			p := b.Sigmoid(out)
			both := b.Affine(b.Sum(b.Mul(p, y)), 2, 1)
			all := b.Affine(b.Add(b.Sum(p), b.Sum(y)), 1, 1)
			return b.Affine(b.Div(both, all), -1, 1)
		}, nn.WithActivation("sigmoid")),
		"relative": nn.NewLoss("relative", func(b bld, out, y nd) nd {
			return b.Sqrt(b.Affine(b.Square(b.Affine(b.Div(out, y), 1, -1)), 1, .1))
		}),
		"power":          nn.NewLoss("power", func(b bld, out, y nd) nd { return b.Abs(b.Sub(b.Pow(out, 1.5), y)) }),
		"pos_weight":     nn.BCEWithLogitsPosWeight(1, 3, .5, 2),
		"pos_weight_one": nn.BCEWithLogitsPosWeight(4),
		"segmentation": nn.NewLoss("segmentation", func(b bld, out, y nd) nd {
			s := b.Shape(out)
			return b.Neg(b.SumLast(b.Mul(b.OneHot(y, s[len(s)-1]), b.LogSoftmax(out))))
		}, nn.WithActivation("softmax")),
	}
}

// TestOwnLosses holds losses that users write, their gradients and those of single items to PyTorch's, on every
// device.
func TestOwnLosses(t *testing.T) {
	var want map[string]struct {
		X, DX, Per     []float32
		XShape, YShape []int
		Y              []float64
		Whole          bool
		Value          float64
	}
	goldentest.JSON(t, "own_losses.json", &want)
	losses := ownLosses()
	if len(want) != len(losses) {
		t.Fatalf("%d losses, want %d", len(losses), len(want))
	}
	const tol = 1e-5
	for name, c := range want {
		t.Run(name, func(t *testing.T) {
			loss, ok := losses[name]
			if !ok {
				t.Fatal("no such loss")
			}
			x := tensor.FromFloat32(c.X, c.XShape...)
			y := tensor.New(tensor.Float32, c.YShape...)
			if c.Whole {
				y = tensor.New(tensor.Int64, c.YShape...)
			}
			for i, v := range c.Y {
				if c.Whole {
					y.Int64s()[i] = int64(v)
				} else {
					y.Float32s()[i] = float32(v)
				}
			}
			for _, dev := range goldentest.Devices {
				r := goldentest.Pass{
					Device: dev, Train: true, X: []*tensor.Tensor{x}, Loss: &loss, Y: y,
					Build: func(_ *nn.Builder, x ...*nn.Node) *nn.Node { return x[0] },
				}.Run(t)
				if math.Abs(r.Loss-c.Value) > tol*math.Max(1, math.Abs(c.Value)) {
					t.Errorf("%s: value %v, want %v", dev, r.Loss, c.Value)
				}
				goldentest.Near(t, dev+": gradient", r.DX[0], tensor.FromFloat32(c.DX, c.XShape...), tol)
			}
			per, err := loss.Host(x, y)
			if err != nil {
				t.Fatal(err)
			}
			goldentest.Near(t, "single items", tensor.FromFloat32(per, len(per)), tensor.FromFloat32(c.Per, len(c.Per)), 2*tol)
		})
	}
}

// TestOwnLossMistakes: what is wrong in a loss of one's own is an error that names it.
func TestOwnLossMistakes(t *testing.T) {
	x, y := tensor.New(tensor.Float32, 2, 3), tensor.New(tensor.Float32, 2, 4)
	for name, c := range map[string]struct {
		loss nn.Loss
		want string
	}{
		"shapes":     {nn.NewLoss("mine", func(b *nn.Builder, out, y *nn.Node) *nn.Node { return b.Sub(out, y) }), "predictions are (1, 3), targets (1, 4)"},
		"nothing":    {nn.NewLoss("mine", func(*nn.Builder, *nn.Node, *nn.Node) *nn.Node { return nil }), "the function gave nothing"},
		"panic":      {nn.NewLoss("mine", func(b *nn.Builder, out, _ *nn.Node) *nn.Node { return []*nn.Node{out}[len(b.Shape(out))] }), "index out of range"},
		"activation": {nn.NewLoss("mine", func(_ *nn.Builder, out, _ *nn.Node) *nn.Node { return out }, nn.WithActivation("relu")), `no activation "relu"`},
		"weights":    {nn.BCEWithLogitsPosWeight(1, 2), "2 weights for (1, 3)"},
		"negative":   {nn.BCEWithLogitsPosWeight(-1), "weight -1: must be at least 0"},
	} {
		targets := y
		if name == "weights" {
			targets = x
		}
		if _, err := c.loss.Host(x, targets); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "fastnb: loss ") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

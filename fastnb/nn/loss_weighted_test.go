package nn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// TestWeightedCrossEntropy holds value, gradient and losses of single items to PyTorch's
// cross_entropy(weight=...): the numbers are its answers to these inputs.
func TestWeightedCrossEntropy(t *testing.T) {
	for _, c := range []struct {
		name    string
		x, y    *tensor.Tensor
		w       []float64
		value   float64
		dx, per []float32
	}{
		{
			"flat",
			tensor.FromFloat32([]float32{.803, .175, .089, -.614, .046, -1.368, .337, 1.011, -1.435, .977, .522, 1.238, -.865, .299, .419}, 5, 3),
			tensor.FromInt64([]int64{0, 2, 2, 1, 0}, 5),
			[]float64{.5, 2, .25},
			1.6186867,
			[]float32{-.072253, .037679, .034574, .020976, .040584, -.06156, .022806, .044746, -.067552, .194849, -.447807, .252958, -.124574, .058554, .06602},
			[]float32{.3523747, .4948313, .7284229, 3.0618305, 1.0279441},
		},
		{
			"pixels",
			tensor.FromFloat32([]float32{-.476, -.293, -.348, .349, .037, -.068, .429, -.868, .62, 1.91, -1.578, .507, .203, -.204, -.412, .687, .624, 1.144, -.121, .626, -1.954, -1.222, -.33, -.424}, 2, 3, 2, 2),
			tensor.FromInt64([]int64{2, 1, 2, 2, 2, 1, 1, 2}, 2, 1, 2, 2),
			[]float64{1.5, 0, 3},
			1.7829192,
			[]float32{.03532, 0, .057683, .081061, .058995, 0, .125457, .024004, -.094316, 0, -.18314, -.105064, .075782, 0, 0, .088104, .115452, 0, 0, .08289, -.191234, 0, 0, -.170994},
			[]float32{(1.9135795 + 7.4200677 + 2.2353532) / 4, (9.3823776 + 5.7924089) / 4},
		},
	} {
		loss := nn.WeightedCrossEntropyFlat(c.w...)
		for _, dev := range goldentest.Devices {
			r := goldentest.Pass{
				Device: dev, Train: true, X: []*tensor.Tensor{c.x}, Loss: &loss, Y: c.y,
				Build: func(_ *graph.Builder, x ...*graph.Node) *graph.Node { return x[0] },
			}.Run(t)
			if math.Abs(r.Loss-c.value) > 2e-6 {
				t.Errorf("%s on %s: value %v, want %v", c.name, dev, r.Loss, c.value)
			}
			goldentest.Near(t, c.name+" on "+dev+": gradient", r.DX[0], tensor.FromFloat32(c.dx, c.x.Shape()...), 2e-6)
		}
		per, err := loss.Host(c.x, c.y)
		if err != nil {
			t.Fatal(err)
		}
		goldentest.Near(t, c.name+": single items", tensor.FromFloat32(per, len(per)), tensor.FromFloat32(c.per, len(c.per)), 2e-6)
	}
}

// TestWeightedCrossEntropyNothing: a batch whose classes all have the weight 0 has no loss, and what cannot
// be weights is refused.
func TestWeightedCrossEntropyNothing(t *testing.T) {
	x, y := tensor.FromFloat32([]float32{1, -1, 2, .5}, 2, 2), tensor.FromInt64([]int64{1, 1}, 2)
	loss := nn.WeightedCrossEntropyFlat(1, 0)
	for _, dev := range goldentest.Devices {
		r := goldentest.Pass{
			Device: dev, Train: true, X: []*tensor.Tensor{x}, Loss: &loss, Y: y,
			Build: func(_ *graph.Builder, x ...*graph.Node) *graph.Node { return x[0] },
		}.Run(t)
		if r.Loss != 0 || r.DX[0].Abs().Max() != 0 {
			t.Errorf("%s: loss %v, gradient %v", dev, r.Loss, r.DX[0])
		}
	}
	for want, w := range map[string][]float64{"weights of 1 classes": {1}, "weight -1 of class 1": {1, -1}, "weight NaN of class 0": {math.NaN(), 1}} {
		b := graph.NewBuilder(true)
		nn.WeightedCrossEntropyFlat(w...).Build(b, b.Input("x", tensor.Float32, 2, 2), b.Input("y", tensor.Int64, 2))
		if err := b.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("weights %v: error %v, want %q", w, err, want)
		}
		if _, err := nn.WeightedCrossEntropyFlat(w...).Host(x, y); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("weights %v per item: error %v, want %q", w, err, want)
		}
	}
}

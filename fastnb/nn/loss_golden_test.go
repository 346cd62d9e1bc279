package nn_test

import (
	"math"
	"testing"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// tolLoss is the tolerance of values and gradients of losses.
const tolLoss = 1e-6

// TestLossesGolden holds each loss and its gradient by the predictions to fastai's.
func TestLossesGolden(t *testing.T) {
	var cases []struct {
		Name  string
		Value float64
	}
	goldentest.JSON(t, "losses.json", &cases)
	ts := goldentest.Tensors(t, "losses.safetensors")
	losses := map[string]nn.Loss{"bce_logits": nn.BCEWithLogitsFlat, "mse_points": nn.MSELossFlat, "ce": nn.CrossEntropyFlat, "ce_lm": nn.CrossEntropyFlat, "ce_seg": nn.CrossEntropyFlat, "label_smoothing": nn.LabelSmoothingCrossEntropy(.1)}
	if len(cases) != len(losses) {
		t.Fatalf("%d cases, want %d", len(cases), len(losses))
	}
	for _, c := range cases {
		for _, dev := range goldentest.Devices {
			t.Run(c.Name+"/"+dev, func(t *testing.T) {
				loss, ok := losses[c.Name]
				if !ok {
					t.Fatal("no such loss")
				}
				x, y := ts[c.Name+"/x"], ts[c.Name+"/y"]
				r := goldentest.Pass{
					Device: dev, Train: true, X: []*tensor.Tensor{x}, Loss: &loss, Y: y,
					Build: func(_ *graph.Builder, x ...*graph.Node) *graph.Node { return x[0] },
				}.Run(t)
				if math.Abs(r.Loss-c.Value) > tolLoss {
					t.Errorf("value %v, want %v", r.Loss, c.Value)
				}
				goldentest.Near(t, "gradient", r.DX[0], ts[c.Name+"/dx"], tolLoss)
			})
		}
	}
}

// TestLossPerItem: the mean of the losses of single items is the loss of the batch.
func TestLossPerItem(t *testing.T) {
	ts := goldentest.Tensors(t, "losses.safetensors")
	var cases []struct {
		Name  string
		Value float64
	}
	goldentest.JSON(t, "losses.json", &cases)
	for _, c := range cases {
		loss, ok := map[string]nn.Loss{"bce_logits": nn.BCEWithLogitsFlat, "mse_points": nn.MSELossFlat, "ce": nn.CrossEntropyFlat, "ce_seg": nn.CrossEntropyFlat, "label_smoothing": nn.LabelSmoothingCrossEntropy(.1)}[c.Name]
		if !ok {
			continue
		}
		per, err := loss.Host(ts[c.Name+"/x"], ts[c.Name+"/y"])
		if err != nil {
			t.Fatal(err)
		}
		mean := 0.0
		for _, v := range per {
			mean += float64(v) / float64(len(per))
		}
		if math.Abs(mean-c.Value) > tolLoss {
			t.Errorf("%s: mean of single items %v, want %v", c.Name, mean, c.Value)
		}
	}
}

// TestWeightedClasses: a mixture of two classes has the mixture of their losses.
func TestWeightedClasses(t *testing.T) {
	x, loss := tensor.FromFloat32([]float32{.3, -1, 2, .5, 0, .25}, 2, 3), nn.CrossEntropyFlat
	of := func(y *tensor.Tensor) float64 {
		return goldentest.Pass{
			Device: "cpu", Train: true, X: []*tensor.Tensor{x}, Loss: &loss, Y: y,
			Build: func(_ *graph.Builder, x ...*graph.Node) *graph.Node { return x[0] },
		}.Run(t).Loss
	}
	got := of(tensor.FromFloat32([]float32{.7, .3, 0, 0, .3, .7}, 2, 3))
	if want := .7*of(tensor.FromInt64([]int64{0, 2}, 2)) + .3*of(tensor.FromInt64([]int64{1, 1}, 2)); math.Abs(got-want) > tolLoss {
		t.Errorf("%g, want %g", got, want)
	}
}

package data

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/tensor"
)

// TestNormalizeGolden holds a normalised picture to fastai's, and the way back to the picture.
func TestNormalizeGolden(t *testing.T) {
	var g struct {
		Mean, Std []float32
		X, Out    [][][]float32
	}
	b, err := os.ReadFile("testdata/normalize.json")
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	flat := func(x [][][]float32) *tensor.Tensor {
		var v []float32
		for _, c := range x {
			v = append(v, slices.Concat(c...)...)
		}
		return tensor.FromFloat32(v, 1, len(x), len(x[0]), len(x[0][0]))
	}
	x, n := flat(g.X), normalizer{Stats: Stats{g.Mean, g.Std}}
	near := func(what string, want []float32) {
		t.Helper()
		for k, w := range want {
			if d := math.Abs(float64(x.Float32s()[k] - w)); !(d <= 1e-6) {
				t.Fatalf("%s: element %d is %v, want %v", what, k, x.Float32s()[k], w)
			}
		}
	}
	if err := n.apply(x); err != nil {
		t.Fatal(err)
	}
	near("normalised", flat(g.Out).Float32s())
	if err := n.undo(x); err != nil {
		t.Fatal(err)
	}
	near("and back", flat(g.X).Float32s())
}

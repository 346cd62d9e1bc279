package nn

import (
	"math"
	"slices"
	"testing"
)

// PyTorch's Conv2d starts weights and bias uniformly within 1/sqrt(in/groups*k*k), Kaiming's normal has
// a standard deviation of sqrt(2/(in/groups*k*k)) (torch.nn.init, whose fan is that of weight[0]).
func TestGroupsDivideTheStart(t *testing.T) {
	for _, o := range [][]ConvOption{{Groups(8)}, {Groups(8), NoBias()}, {WeightNorm(), Groups(8)}} {
		c := NewConv2D(64, 256, 3, o...)
		NamePaths(c, "")
		InitParams(c, NewRNG(1))
		if !slices.Equal(c.Weight.Shape, []int{256, 8, 3, 3}) {
			t.Fatal(c.Weight.Shape)
		}
		bound, most := 1/math.Sqrt(8*9), 0.0
		for _, v := range c.Weight.Value.Float32s() {
			most = max(most, math.Abs(float64(v)))
		}
		if most > bound || most < .99*bound {
			t.Errorf("weights up to %v, PyTorch's bound is %v", most, bound)
		}
	}
	for _, o := range [][]ConvOption{{Groups(8), KaimingFanIn()}, {KaimingFanIn(), Groups(8)}} {
		c := NewConv2D(64, 256, 3, o...)
		NamePaths(c, "")
		InitParams(c, NewRNG(1))
		sum := 0.0
		for _, v := range c.Weight.Value.Float32s() {
			sum += float64(v) * float64(v)
		}
		if got, want := math.Sqrt(sum/float64(c.Weight.Value.Len())), math.Sqrt(2./(8*9)); math.Abs(got/want-1) > .02 {
			t.Errorf("standard deviation %v, want %v", got, want)
		}
	}
}

package models

import (
	"errors"
	"math"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

type mobileGolden struct {
	Name           string
	Shape          []int
	Keys           [][2]any // name, shape
	OutEval        sums     `json:"out_eval"`
	OutTrain       sums     `json:"out_train"`
	Real           sums     // evaluation with the published weights
	Loss           float64
	Grads, Running map[string]sums
}

// TestMobileGolden fills bodies through the names of the published files with the formula's weights, and
// holds a step on odd pictures to the reference's.
func TestMobileGolden(t *testing.T) {
	var gs []mobileGolden
	readGz(t, "testdata/mobile.json.gz", &gs)
	for _, g := range gs {
		t.Run(g.Name, func(t *testing.T) {
			arch, err := ByName(g.Name)
			if err != nil {
				t.Fatal(err)
			}
			ts := map[string]*tensor.Tensor{}
			for _, k := range g.Keys {
				var shape []int
				for _, d := range k[1].([]any) {
					shape = append(shape, int(d.(float64)))
				}
				name := k[0].(string)
				ts[name] = goldentest.Weight(g.Name+":"+name, shape...)
			}
			body := arch.Body()
			nn.NamePaths(body, "")
			if err := FillBody(arch, body, ts); err != nil {
				t.Fatal(err)
			}
			x := goldentest.Fill("mobile.x", 2, 0, 2, 3, 50, 70)
			got := runNet(t, body, x, nil, nn.MSELossFlat, false)
			compareSums(t, "evaluation", got.Out, g.OutEval, 1e-3)
			got = runNet(t, body, x, goldentest.Fill("mobile.y", 1, 0, g.Shape...), nn.MSELossFlat, true)
			compareSums(t, "training", got.Out, g.OutTrain, 1e-3)
			if l := got.Loss; math.Abs(l-g.Loss) > 1e-4*g.Loss {
				t.Errorf("loss %g, want %g", l, g.Loss)
			}
			for name, want := range g.Grads {
				if l := norm(got.Grads[arch.Rename(name)]); math.Abs(l-want[2]) > 2e-2*want[2]+1e-7 {
					t.Errorf("gradient of %s has length %g, want %g", name, l, want[2])
				}
			}
			for name, want := range g.Running {
				compareSums(t, name, got.After[arch.Rename(name)], want, 1e-3)
			}
		})
	}
}

// TestEfficientNetWeights reads the published weights where somebody has brought them.
func TestEfficientNetWeights(t *testing.T) {
	var gs []mobileGolden
	readGz(t, "testdata/mobile.json.gz", &gs)
	body := EfficientNetLite0.Body()
	err := LoadPretrained(EfficientNetLite0, body)
	if errors.Is(err, datasets.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	nn.NamePaths(body, "")
	got := runNet(t, body, goldentest.Fill("mobile.x", 2, 0, 2, 3, 50, 70), nil, nn.MSELossFlat, false)
	compareSums(t, "evaluation", got.Out, gs[0].Real, 1e-3)
}

// TestMobileUnets builds U-Nets over both and runs them on an odd size.
func TestMobileUnets(t *testing.T) {
	for _, a := range []Arch{EfficientNetLite0, MobileNetV2} {
		u, err := Unet(a, 3, [2]int{48, 64}, UnetOptions{}, nn.NewRNG(1))
		if err != nil {
			t.Fatal(err)
		}
		out := runNet(t, u, goldentest.Fill("x", 1, 0, 1, 3, 45, 61), nil, nn.CrossEntropyFlat, false)
		if got := out.Out.Shape(); got[1] != 3 || got[2] != 45 || got[3] != 61 {
			t.Errorf("%s: output %v", a.Name, got)
		}
		if n := len(UnetGroups(a, u)); n != 3 {
			t.Errorf("%s: %d layer groups", a.Name, n)
		}
	}
}

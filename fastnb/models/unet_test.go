package models

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

type learnerGoldens struct {
	Groups map[string][][]string
	Init   [][4]any // name, shape, mean, standard deviation
}

func readLearners(t *testing.T) (g learnerGoldens) {
	b, err := os.ReadFile("testdata/learners.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGroupsGolden(t *testing.T) {
	g := readLearners(t)
	cnn, err := CNN(ResNet34, 10, HeadOptions{}, nn.NewRNG(1))
	if err != nil {
		t.Fatal(err)
	}
	unet, err := Unet(ResNet18, 12, [2]int{64, 96}, UnetOptions{}, nn.NewRNG(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, groups := range map[string][][]*nn.Param{"cnn_learner_resnet34": Groups(ResNet34, cnn), "unet_learner_resnet18": UnetGroups(ResNet18, unet)} {
		if len(groups) != len(g.Groups[name]) {
			t.Fatalf("%s: %d groups, want %d", name, len(groups), len(g.Groups[name]))
		}
		for i, ps := range groups {
			var got []string
			for _, p := range ps {
				if p.Kind.Trainable() {
					got = append(got, p.Name)
				}
			}
			want := g.Groups[name][i]
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: group %d has %v, want %v", name, i, got, want)
			}
		}
	}
}

// TestUnetInitGolden holds the spread of fresh weights to fastai's.
func TestUnetInitGolden(t *testing.T) {
	g := readLearners(t)
	u, err := Unet(ResNet18, 12, [2]int{64, 96}, UnetOptions{}, nn.NewRNG(7))
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]*nn.Param{}
	for _, p := range nn.AllParams(u) {
		params[p.Name] = p
	}
	for _, row := range g.Init {
		name, mean, std := row[0].(string), row[2].(float64), row[3].(float64)
		p := params[name]
		if p == nil {
			t.Fatalf("no parameter %s", name)
		}
		m, s := spread(p.Value)
		if n := p.Value.Len(); math.Abs(m-mean) > 6*std/math.Sqrt(float64(n))+1e-6 || n >= 1000 && math.Abs(s-std) > .1*std+1e-6 {
			t.Errorf("%s: mean %g, spread %g, want %g and %g", name, m, s, mean, std)
		}
	}
}

func spread(t *tensor.Tensor) (mean, std float64) {
	n := float64(t.Len())
	for _, v := range t.Float32s() {
		mean += float64(v) / n
	}
	for _, v := range t.Float32s() {
		std += (float64(v) - mean) * (float64(v) - mean) / n
	}
	return mean, math.Sqrt(std)
}

// TestUnetSizes counts the lesson's networks and runs odd sizes.
func TestUnetSizes(t *testing.T) {
	for _, c := range []struct {
		classes, params int
		o               UnetOptions
	}{{32, 41224168, UnetOptions{}}, {12, 41133018, UnetOptions{Bottle: true}}} {
		u, err := Unet(ResNet34, c.classes, [2]int{96, 128}, c.o, nn.NewRNG(1))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range nn.AllParams(u) {
			if p.Kind.Trainable() {
				n += tensor.Count(p.Shape)
			}
		}
		if n != c.params {
			t.Errorf("%d classes, %+v: %d parameters, want %d", c.classes, c.o, n, c.params)
		}
	}
	// Made for one size, run at others, odd ones among them.
	u, err := Unet(ResNet18, 3, [2]int{48, 64}, UnetOptions{AlwaysBlur: true, DetachSkips: true, SelfAttention: true, Norm: nn.NormTypeBatch}, nn.NewRNG(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range [][2]int{{45, 61}, {50, 70}, {33, 35}} {
		x := goldentest.Fill("x", 1, 0, 2, 3, s[0], s[1])
		out := runNet(t, u, x, formulaInts("y", 3, 2, 1, s[0], s[1]), nn.CrossEntropyFlat, true)
		if got := out.Out.Shape(); !slices.Equal(got, []int{2, 3, s[0], s[1]}) {
			t.Errorf("%v: output %v", s, got)
		}
		if norm(out.Grads["layers.0.0.weight"]) == 0 {
			t.Errorf("%v: no gradient reaches the first convolution", s)
		}
	}
}

func TestUnetRefuses(t *testing.T) {
	flat := Arch{Name: "flat", Out: 8, Body: func() *nn.Sequential {
		return nn.NewSequential(nn.NewConv2D(3, 8, 3, nn.Pad(1)), nn.NewReLU())
	}}
	pooled := Arch{Name: "pooled", Out: 8, Body: func() *nn.Sequential {
		return nn.NewSequential(nn.NewConv2D(3, 8, 3, nn.Pad(1)), nn.NewGlobalPool(true, false))
	}}
	for want, a := range map[string]Arch{
		"flat: none of its 2 children makes a 32x32 map smaller": flat,
		"pooled: child 1 gives [1 8], not maps":                  pooled,
	} {
		if _, err := Unet(a, 2, [2]int{32, 32}, UnetOptions{}, nn.NewRNG(1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := Unet(ResNet18, 2, [2]int{0, 32}, UnetOptions{}, nn.NewRNG(1)); err == nil {
		t.Error("a picture without rows was taken")
	}
}

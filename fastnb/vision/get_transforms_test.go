package vision

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestGetTransformsLists: which transforms the options give, in order.
func TestGetTransformsLists(t *testing.T) {
	names := func(list []Transform) (s string) {
		for _, f := range list {
			s += " " + f.Name()
		}
		return strings.TrimSpace(s)
	}
	for _, c := range []struct {
		name string
		opts []TransformsOption
		want string
	}{
		{"defaults", nil, "crop_pad flip_lr symmetric_warp rotate zoom brightness contrast"},
		{"planet", []TransformsOption{FlipVert(true), MaxLighting(.1), MaxZoom(1.05), MaxWarp(0)}, "crop_pad dihedral_affine rotate zoom brightness contrast"},
		{"none", []TransformsOption{DoFlip(false), MaxRotate(0), MaxZoom(1), MaxLighting(0), MaxWarp(0)}, "crop_pad"},
		{"extra", []TransformsOption{DoFlip(false), MaxRotate(0), MaxZoom(1), MaxLighting(0), MaxWarp(0), XtraTfms(Cutout(Fixed(1), Fixed(8)))}, "crop_pad cutout"},
	} {
		tf := GetTransforms(c.opts...)
		if got := names(tf.Train); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := names(tf.Valid); got != "crop_pad" {
			t.Errorf("%s, validation: %s", c.name, got)
		}
	}
}

// TestDistributions: values lie in their ranges, evenly, and each transform runs as often as its
// probability says, whatever the others do.
func TestDistributions(t *testing.T) {
	const n = 4000
	rng := rand.New(rand.NewPCG(3, 4))
	runs, dihedrals := map[string]int{}, map[float64]int{}
	lo, hi := map[string]float64{}, map[string]float64{}
	logs := 0.
	for range n {
		list, err := drawAll(planetTfms().Train, rng)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			if d.run {
				runs[d.spec.name]++
			}
			for k, v := range d.values {
				name := fmt.Sprint(d.spec.name, k)
				if _, seen := lo[name]; !seen {
					lo[name], hi[name] = v, v
				}
				lo[name], hi[name] = min(lo[name], v), max(hi[name], v)
			}
			switch d.spec.name {
			case "dihedral_affine":
				dihedrals[d.values[0]]++
			case "contrast":
				logs += math.Log(d.values[0]) / n
			}
		}
	}
	for name, p := range map[string]float64{"crop_pad": 1, "dihedral_affine": 1, "rotate": .75, "zoom": .75, "brightness": .75, "contrast": .75} {
		if got := float64(runs[name]) / n; math.Abs(got-p) > .03 {
			t.Errorf("%s ran in %.3f of the draws, want %.2f", name, got, p)
		}
	}
	if len(dihedrals) != 8 {
		t.Errorf("symmetries drawn: %v", dihedrals)
	}
	if math.Abs(logs) > .005 {
		t.Errorf("mean logarithm of the contrast %v, want 0", logs)
	}
	for name, want := range map[string][2]float64{
		"crop_pad0": {0, 1}, "crop_pad1": {0, 1}, "dihedral_affine0": {0, 7}, "rotate0": {-10, 10},
		"zoom0": {1, 1.05}, "zoom1": {0, 1}, "zoom2": {0, 1}, "brightness0": {.45, .55}, "contrast0": {.9, 1 / .9},
	} {
		room := .01 * (want[1] - want[0])
		if l, h := lo[name], hi[name]; l < want[0] || h > want[1] || l > want[0]+room || h < want[1]-room {
			t.Errorf("%s was drawn from %v to %v, want %v", name, l, h, want)
		}
	}
}

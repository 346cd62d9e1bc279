package fastnb

import (
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// TestGroupsGolden holds the layer groups of a ResNet34 with its head, which of their parameters decay and
// which train after a freeze, to fastai's.
func TestGroupsGolden(t *testing.T) {
	var want struct {
		Groups []struct {
			WD   []string
			NoWD []string `json:"no_wd"`
		}
		Trainable [][]string // after FreezeTo(-1), FreezeTo(-2), FreezeTo(-3)
	}
	golden(t, "groups.json", &want)
	l, e := fakeLearner(t, 1, 1, 1, 1)
	net := nn.NewSequential(models.ResNet34.Body(), nil)
	head, err := models.Head(models.ResNet34.Out, 17, models.HeadOptions{})
	must(t, err)
	net.Layers[1] = head
	nn.NamePaths(net, "")
	l.groups = models.Groups(models.ResNet34, net)
	if len(l.groups) != len(want.Groups) {
		t.Fatalf("%d groups, want %d", len(l.groups), len(want.Groups))
	}
	for g, ps := range l.groups {
		var wd, noWD []string
		for _, p := range ps {
			switch {
			case !p.Kind.Trainable():
			case p.Kind == nn.Weight:
				wd = append(wd, p.Name)
			default:
				noWD = append(noWD, p.Name)
			}
		}
		if d := cmp.Diff(want.Groups[g].WD, wd, inAnyOrder); d != "" {
			t.Errorf("group %d, what decays: %s", g, d)
		}
		if d := cmp.Diff(want.Groups[g].NoWD, noWD, inAnyOrder); d != "" {
			t.Errorf("group %d, what BNWD(false) leaves alone: %s", g, d)
		}
	}
	for k, names := range want.Trainable {
		must(t, l.FreezeTo(-1-k))
		var got []string
		for _, p := range nn.AllParams(net) {
			if p.Kind.Trainable() && e.trains(p) {
				got = append(got, p.Name)
			}
		}
		if d := cmp.Diff(names, got, inAnyOrder); d != "" {
			t.Errorf("FreezeTo(%d): %s", -1-k, d)
		}
	}
}

var inAnyOrder = cmp.Transformer("sorted", func(s []string) []string {
	out := append([]string{}, s...)
	sort.Strings(out)
	return out
})

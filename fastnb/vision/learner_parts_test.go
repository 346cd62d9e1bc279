package vision

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// TestCutAndSplit trains a network of a part of a body, in groups of the reader's, and finds it again in
// its export.
func TestCutAndSplit(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	dir := tiles(t, 12)
	data.Seed(3)
	d, err := source(dir).Transform(nil, data.Size(16)).DataBunch(data.BS(4))
	check(t, err)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), Cut(6), SplitOn(2, 4, 5), fastnb.LinFtrs(8), fastnb.Silent(true))
	check(t, err)
	if learn.LayerGroups() != 5 {
		t.Errorf("%d layer groups, want 5", learn.LayerGroups())
	}
	check(t, learn.Fit(1, fastnb.Slice(1e-4, 1e-3)))
	a, _, err := learn.GetPreds()
	check(t, err)
	check(t, learn.Export())
	loaded, err := fastnb.LoadLearner(dir, fastnb.TestItems(d.ValidDS.List()))
	check(t, err)
	if loaded.LayerGroups() != 5 {
		t.Errorf("the export has %d layer groups, want 5", loaded.LayerGroups())
	}
	b, _, err := loaded.GetPreds(data.On(data.Test))
	check(t, err)
	if d := cmp.Diff(a.Float32s(), b.Float32s()); d != "" {
		t.Error("the export predicts otherwise:", d)
	}
	whole, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), SplitOn(), fastnb.Silent(true))
	check(t, err)
	if whole.LayerGroups() != 2 {
		t.Errorf("SplitOn(): %d layer groups, want 2", whole.LayerGroups())
	}
	for _, o := range []fastnb.LearnerOption{Cut(9), SplitOn(8), SplitOn(3, 2)} {
		if _, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), o); err == nil || !strings.Contains(err.Error(), "cnn learner: ") || !strings.Contains(err.Error(), "resnet18") {
			t.Error("a child that is not there:", err)
		}
	}
}

// TestCustomHead trains a head of the reader's own.
func TestCustomHead(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	d, err := source(tiles(t, 12)).Transform(nil, data.Size(16)).DataBunch(data.BS(4))
	check(t, err)
	head := nn.NewSequential(nn.NewGlobalPool(false, true), nn.NewFlatten(), nn.NewLinear(models.ResNet18.Out, d.C))
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), CustomHead(head), fastnb.Silent(true))
	check(t, err)
	if n := len(nn.AllParams(learn.Model.Children()[1].Layer)); n != 2 {
		t.Errorf("the head has %d parameters, want 2", n)
	}
	check(t, learn.Fit(1, fastnb.LR(1e-3)))
	check(t, learn.Save("own"))
	check(t, learn.Load("own"))
	if err := learn.Export(); err == nil || !strings.Contains(err.Error(), "CustomHead") {
		t.Error("a head that nobody could build again:", err)
	}
	if _, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), CustomHead(head), fastnb.PS(.1)); err == nil || !strings.Contains(err.Error(), "no place for PS") {
		t.Error("an option of the other head:", err)
	}
	wrong := nn.NewSequential(nn.NewGlobalPool(false, true), nn.NewFlatten(), nn.NewLinear(models.ResNet18.Out, d.C+1))
	if learn, err = CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), CustomHead(wrong), fastnb.Silent(true)); err == nil {
		err = learn.Fit(1, fastnb.LR(1e-3))
	}
	if err == nil || !strings.Contains(err.Error(), "predictions are") {
		t.Error("a head for other classes:", err)
	}
}

// TestUnetCut joins fewer maps on the way up from a body that ends earlier.
func TestUnetCut(t *testing.T) {
	a, err := bodyConfig{Arch: "resnet18", Cut: -1, SplitOn: []int{5}}.arch()
	check(t, err)
	u, err := models.Unet(a, 3, [2]int{32, 48}, models.UnetOptions{}, nn.NewRNG(1))
	check(t, err)
	if n := len(u.Body.Layers); n != 7 || !slices.Equal(a.Split, []int{5}) {
		t.Errorf("the body has %d children, split at %v", n, a.Split)
	}
}

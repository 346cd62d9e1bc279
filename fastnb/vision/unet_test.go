package vision

import (
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
)

// TestUnetLearner trains a U-Net to find a bright square, saves, exports and predicts.
func TestUnetLearner(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	data.Seed(5)
	dir := scenes(t, 12)
	src := SegmentationListFromFolder(dir.Join("images")).SplitByRandPct(.25).LabelFromFunc(maskOf, data.Classes("ground", "square"))
	d, err := src.Transform(GetTransforms(), data.Size(30, 40), data.TfmY(true)).Normalize(ImageNetStats).DataBunch(data.BS(3))
	check(t, err)
	acc := fastnb.NewMetric("acc", func(pred, targ *fastnb.Tensor) *fastnb.Tensor {
		return pred.ArgMax(1).Eq(targ.Squeeze(1)).Mean()
	})
	learn, err := UnetLearner(d, models.ResNet18, fastnb.Metrics(acc), fastnb.WD(1e-2), fastnb.Silent(true), fastnb.Pretrained(false))
	check(t, err)
	if learn.LayerGroups() != 3 {
		t.Errorf("%d layer groups, want 3", learn.LayerGroups())
	}
	check(t, learn.FitOneCycle(4, fastnb.LR(1e-3)))
	r := learn.Recorder
	if !(r.Losses[len(r.Losses)-1] < r.Losses[0]/2) {
		t.Error("the loss does not fall:", r.Losses)
	}
	if a := r.Metrics[len(r.Metrics)-1][0]; a < .9 {
		t.Errorf("accuracy %g after training", a)
	}
	preds, targs, err := learn.GetPreds()
	check(t, err)
	if s := preds.Shape(); len(s) != 4 || s[1] != 2 || s[2] != 30 || s[3] != 40 || targs.Shape()[1] != 1 {
		t.Errorf("predictions %v, targets %v", preds.Shape(), targs.Shape())
	}
	check(t, learn.Export())
	again, err := fastnb.LoadLearner(learn.Path)
	check(t, err)
	img, err := OpenImage(dir.Join("images", "s0.png"))
	check(t, err)
	want, err := learn.Predict(img)
	check(t, err)
	got, err := again.Predict(img)
	check(t, err)
	for i, v := range want.Probs {
		if d := got.Probs[i] - v; d > 1e-5 || d < -1e-5 {
			t.Fatalf("the loaded learner predicts %g at %d, the first one %g", got.Probs[i], i, v)
		}
	}
}

func TestUnetOptionsElsewhere(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	d, err := source(tiles(t, 16)).Transform(GetTransforms(), data.Size(16)).DataBunch(data.BS(4))
	check(t, err)
	if _, err := CNNLearner(d, models.ResNet18, Bottle(true)); err == nil || !strings.Contains(err.Error(), "Bottle") {
		t.Errorf("a U-Net's option in CNNLearner: error %v", err)
	}
	if _, err := UnetLearner(d, models.ResNet18, fastnb.PS(.5)); err == nil || !strings.Contains(err.Error(), "PS") {
		t.Errorf("a head's option in UnetLearner: error %v", err)
	}
}

package vision

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/safetensors"
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

// TestUnetPretrained starts from weights that are at hand: the body is frozen but for its batch norms.
func TestUnetPretrained(t *testing.T) {
	home := t.TempDir()
	t.Setenv("FASTNB_HOME", home)
	t.Setenv("FASTNB_OFFLINE", "1")
	b, err := os.ReadFile("../models/testdata/tiny_resnet_zip.pth")
	check(t, err)
	sum := sha256.Sum256(b)
	name := "tiny-" + hex.EncodeToString(sum[:])[:8] + ".pth"
	check(t, os.MkdirAll(filepath.Join(home, "models"), 0o777))
	check(t, os.WriteFile(filepath.Join(home, "models", name), b, 0o666))
	tiny := models.Arch{
		Name: "tiny", Out: 8, Weights: &models.WeightsFile{URL: "https://weights.invalid/" + name, Name: name},
		Rename: func(k string) string {
			if rest, ok := strings.CutPrefix(k, "conv1."); ok {
				return "0." + rest
			}
			if rest, ok := strings.CutPrefix(k, "bn1."); ok {
				return "1." + rest
			}
			return ""
		},
		Body: func() *nn.Sequential {
			return nn.NewSequential(nn.NewConv2D(3, 8, 7, nn.Stride(2), nn.Pad(3), nn.NoBias()), nn.NewBatchNorm(8), nn.NewReLU(), nn.NewMaxPool2D(3, 2, 1))
		},
	}
	data.Seed(5)
	src := SegmentationListFromFolder(scenes(t, 8).Join("images")).SplitByRandPct(.25).LabelFromFunc(maskOf, data.Classes("ground", "square"))
	d, err := src.Transform(GetTransforms(), data.Size(24, 32), data.TfmY(true)).DataBunch(data.BS(3))
	check(t, err)
	learn, err := UnetLearner(d, tiny, fastnb.Pretrained(true), SelfAttention(true), NormType(nn.NormTypeSpectral), Blur(true), BlurFinal(false), Bottle(true), fastnb.Silent(true))
	check(t, err)
	body := func() ([]float32, []float32) {
		check(t, learn.Save("now"))
		all, _, err := safetensors.Read(learn.Path.Join("models", "now.safetensors").String())
		check(t, err)
		return all["layers.0.0.weight"].Float32s(), all["layers.0.1.weight"].Float32s()
	}
	conv, norm := body()
	check(t, learn.FitOneCycle(1, fastnb.LR(1e-2)))
	conv2, norm2 := body()
	if !slices.Equal(conv, conv2) {
		t.Error("a frozen convolution moved")
	}
	if slices.Equal(norm, norm2) {
		t.Error("the batch norm did not train")
	}
	check(t, learn.Unfreeze())
	check(t, learn.FitOneCycle(1, fastnb.LR(1e-2)))
	if conv3, _ := body(); slices.Equal(conv, conv3) {
		t.Error("the convolution does not train")
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

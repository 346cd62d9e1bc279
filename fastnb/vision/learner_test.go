package vision

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// tiles writes n pictures of two colours and a table of their tags into a new folder.
func tiles(t testing.TB, n int) datasets.Path {
	t.Helper()
	dir := datasets.NewPath(t.TempDir())
	check(t, dir.Join("tiles").Mkdir())
	csv := "image_name,tags\n"
	for k := range n {
		name, tags := fmt.Sprintf("t_%d", k), "clear"
		c := color.RGBA{R: 20, G: 20, B: 20, A: 255}
		if k%2 == 0 {
			c.G, tags = 220, tags+" forest"
		}
		if k%3 == 0 {
			c.B, tags = 220, tags+" water"
		}
		m := image.NewRGBA(image.Rect(0, 0, 24, 24))
		for p := range m.Pix {
			m.Pix[p] = []uint8{c.R, c.G, c.B, 255}[p%4] + uint8((p*31+k*17)%20)*uint8(min(1, 3-p%4))
		}
		f, err := os.Create(dir.Join("tiles", name+".png").String())
		check(t, err)
		check(t, png.Encode(f, m))
		check(t, f.Close())
		csv += name + "," + tags + "\n"
	}
	check(t, os.WriteFile(dir.Join("tags.csv").String(), []byte(csv), 0o666))
	return dir
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func source(dir datasets.Path) *data.LabelLists {
	return ImageListFromCSV(dir, "tags.csv", data.Folder("tiles"), data.Suffix(".png")).
		SplitByRandPct(.25).LabelFromTable(data.LabelDelim(" "))
}

// TestCNNLearnerLesson goes the planet lesson's way on a few small tiles.
func TestCNNLearnerLesson(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	dir := tiles(t, 32)
	data.Seed(42)
	src := source(dir)
	tfms := GetTransforms(FlipVert(true), MaxLighting(.1), MaxZoom(1.05), MaxWarp(0))
	d, err := src.Transform(tfms, data.Size(16)).Normalize(ImageNetStats).DataBunch(data.BS(8))
	check(t, err)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Metrics(fastnb.AccuracyThresh(fastnb.Thresh(.2)), fastnb.FBeta(fastnb.Thresh(.2))), fastnb.Silent(true))
	check(t, err)
	if learn.LayerGroups() != 3 {
		t.Errorf("%d layer groups, want 3", learn.LayerGroups())
	}
	check(t, learn.FitOneCycle(3, fastnb.Slice(.01)))
	r := learn.Recorder
	if !(r.Losses[len(r.Losses)-1] < r.Losses[0]) {
		t.Error("the loss does not fall:", r.Losses)
	}
	check(t, learn.Save("stage-1"))
	check(t, learn.Unfreeze())
	check(t, learn.LRFind(fastnb.NumIt(4)))
	_, err = learn.Recorder.Plot(fastnb.SkipStart(1), fastnb.SkipEnd(0))
	check(t, err)

	d, err = src.Transform(tfms, data.Size(20)).Normalize(ImageNetStats).DataBunch(data.BS(8))
	check(t, err)
	check(t, learn.SetData(d))
	check(t, learn.Freeze())
	check(t, learn.FitOneCycle(1, fastnb.Slice(1e-4, 1e-3)))
	_, err = learn.Recorder.PlotLosses(data.FigSize(5, 3))
	check(t, err)
	fig, err := learn.ShowResults(data.Rows(2))
	check(t, err)
	if len(fig.PNG()) == 0 {
		t.Error("results must be a picture")
	}
	check(t, learn.Export())

	test := ImageListFromFolder(dir.Join("tiles"))
	loaded, err := fastnb.LoadLearner(dir, fastnb.TestItems(test), fastnb.With(fastnb.Silent(true)))
	check(t, err)
	preds, _, err := loaded.GetPreds(data.On(data.Test))
	check(t, err)
	if d := cmp.Diff([]int{32, 3}, preds.Shape()); d != "" {
		t.Error(d)
	}
	file := loaded.Data.TestDS.Items()[5]
	img, err := OpenImage(file)
	check(t, err)
	for what, item := range map[string]any{"a picture": img, "its path": file} {
		a, err := loaded.Predict(item, fastnb.Thresh(.2))
		check(t, err)
		b, err := learn.Predict(item, fastnb.Thresh(.2))
		check(t, err)
		if d := cmp.Diff(a.Probs, b.Probs); d != "" || a.Class != b.Class {
			t.Errorf("%s: the export predicts %v, the learner %v", what, a, b)
		}
	}
}

func TestCNNLearnerOptions(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	d, err := source(tiles(t, 12)).Transform(nil, data.Size(16)).DataBunch(data.BS(4))
	check(t, err)
	if _, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(true)); err == nil || !strings.Contains(err.Error(), "pretrained weights of resnet18") {
		t.Error("weights that cannot be had, but must:", err)
	}
	if _, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.PS(.1, .2, .3)); err == nil {
		t.Error("three dropouts for two layers")
	}
	if _, err := CNNLearner(nil, models.ResNet18); err == nil {
		t.Error("no data")
	}
	if _, err := fastnb.NewLearner(d, nn.NewSequential(nn.NewFlatten()), nil, fastnb.PS(.1)); err == nil || !strings.Contains(err.Error(), "option PS has no effect") {
		t.Error("an option of another receiver:", err)
	}
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.LinFtrs(8, 6), BNFinal(true), YRange(0, 1), fastnb.LossFunc(nn.MSELossFlat), fastnb.Silent(true))
	check(t, err)
	check(t, learn.Fit(1, fastnb.LR(1e-3)))
}

// TestParameterCounts holds the lesson's network to the figures of its specification.
func TestParameterCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("fills 25 million weights")
	}
	d, err := source(tiles(t, 12)).Transform(nil, data.Size(16)).DataBunch(data.BS(4))
	check(t, err)
	d.C = 17
	learn, err := CNNLearner(d, models.ResNet50, fastnb.Pretrained(false))
	check(t, err)
	want := "Learner: 25623633 parameters in 3 layer groups, 25623633 trainable; loss BCEWithLogitsFlat"
	if learn.String() != want {
		t.Errorf("got %s\nwant %s", learn, want)
	}
	check(t, learn.Freeze())
	if !strings.Contains(learn.String(), " 2168721 trainable") {
		t.Error("frozen:", learn)
	}
}

// TestSeedFixesTraining trains the lesson's way, with augmentation and dropout: one seed gives the same bits
// whatever the number of workers, another seed others.
func TestSeedFixesTraining(t *testing.T) {
	dir := tiles(t, 28)
	run := func(seed, workers int) (losses []float64, preds []float32) {
		data.Seed(seed)
		d, err := source(dir).Transform(GetTransforms(FlipVert(true)), data.Size(16)).Normalize(ImageNetStats).DataBunch(data.BS(4), data.Workers(workers))
		check(t, err)
		learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true))
		check(t, err)
		check(t, learn.FitOneCycle(2, fastnb.LR(1e-3)))
		p, _, err := learn.GetPreds()
		check(t, err)
		return append(learn.Recorder.BatchLosses, learn.Recorder.ValLosses...), p.Float32s()
	}
	losses, preds := run(3, 1)
	for _, workers := range []int{2, 4, 1} {
		l, p := run(3, workers)
		if d := cmp.Diff(losses, l); d != "" {
			t.Errorf("losses with %d workers: %s", workers, d)
		}
		if d := cmp.Diff(preds, p); d != "" {
			t.Errorf("predictions with %d workers: %s", workers, d)
		}
	}
	if l, _ := run(4, 1); cmp.Equal(losses, l) {
		t.Error("another seed gives the same losses")
	}
}

package vision

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// shapes writes n pictures of 32x32 with a bright square above or below, in folders by that name.
func shapes(t *testing.T, n int) datasets.Path {
	t.Helper()
	dir := datasets.NewPath(t.TempDir())
	for k := range n {
		class, at := "above", 4
		if k%2 == 1 {
			class, at = "below", 20
		}
		check(t, dir.Join(class).Mkdir())
		m := image.NewRGBA(image.Rect(0, 0, 32, 32))
		for y := range 32 {
			for x := range 32 {
				c := color.RGBA{30, uint8(30 + k), 40, 255}
				if y >= at && y < at+8 && x >= 4+k%16 && x < 12+k%16 {
					c = color.RGBA{240, 230, 90, 255}
				}
				m.SetRGBA(x, y, c)
			}
		}
		f, err := os.Create(dir.Join(class, fmt.Sprintf("s%02d.png", k)).String())
		check(t, err)
		check(t, png.Encode(f, m))
		check(t, f.Close())
	}
	return dir
}

func shapesBunch(t *testing.T, dir datasets.Path, tfms *Transforms, size int) *data.DataBunch {
	t.Helper()
	data.Seed(7)
	d, err := ImageListFromFolder(dir).SplitByRandPct(.25).LabelFromFolder().Transform(tfms, data.Size(size)).Normalize(ImageNetStats).DataBunch(data.BS(6))
	check(t, err)
	return d
}

func TestInterpretClasses(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	d := shapesBunch(t, shapes(t, 24), GetTransforms(DoFlip(false), MaxWarp(0), MaxRotate(0)), 64)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Metrics(fastnb.Accuracy()), fastnb.Silent(true))
	check(t, err)
	check(t, learn.FitOneCycle(2, fastnb.LR(3e-4)))
	c, err := learn.Interpret()
	check(t, err)
	m, err := c.ConfusionMatrix()
	check(t, err)
	v, err := learn.Validate()
	check(t, err)
	if n := m[0][0] + m[0][1] + m[1][0] + m[1][1]; n != 6 || math.Abs(v[1]-float64(m[0][0]+m[1][1])/6) > 1e-6 {
		t.Errorf("confusion %v of 6 items, accuracy %v", m, v[1])
	}
	top, items := c.TopLosses(3)
	if !(top[0] >= top[1] && top[1] >= top[2]) || math.Abs(mean(c.Losses)-v[0]) > 1e-5 || top[0] != c.Losses[items[0]] {
		t.Errorf("losses %v, validation %v, top %v at %v", c.Losses, v[0], top, items)
	}
	plain, err := c.PlotTopLosses(4)
	check(t, err)
	heat, err := c.PlotTopLosses(4, fastnb.WithHeatmap(true))
	check(t, err)
	if len(plain.PNG()) == 0 || bytes.Equal(plain.PNG(), heat.PNG()) {
		t.Error("a heat map must show")
	}
	if _, err := c.PlotMultiTopLosses(3); err == nil {
		t.Error("one label per item: no error")
	}
	cam, err := learn.GradCAM(d.ValidDS.Items()[0], -1, data.FigSize(3, 3))
	check(t, err)
	if len(cam.PNG()) == 0 {
		t.Error("no picture")
	}
	drops, err := learn.PredictWithMCDropout(d.ValidDS.Items()[0], 4)
	check(t, err)
	if len(drops) != 4 || slices.Equal(drops[0].Probs, drops[1].Probs) && slices.Equal(drops[1].Probs, drops[2].Probs) {
		t.Errorf("with dropout predictions lie apart: %v %v %v", drops[0].Probs, drops[1].Probs, drops[2].Probs)
	}
	if _, err := learn.GradCAM(d.ValidDS.Items()[0], 5); err == nil {
		t.Error("class 5 of 2: no error")
	}
	if _, err := fastnb.SegmentationInterpretationFromLearner(learn); err == nil {
		t.Error("no masks: no error")
	}

	batch, err := learn.PredBatch()
	check(t, err)
	preds, _, err := learn.GetPreds()
	check(t, err)
	if d := cmp.Diff(batch.Float32s(), preds.Slice(0, 6).Float32s()); d != "" {
		t.Error("the first batch has other predictions:", d)
	}
	raw, _, err := learn.GetPreds(fastnb.Activ("none"))
	check(t, err)
	if d := raw.Softmax(1).Sub(preds).Abs().Max(); d > 1e-6 {
		t.Error("raw outputs through softmax differ by", d)
	}
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v / float64(len(x))
	}
	return s
}

func TestInterpretLabels(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	data.Seed(42)
	d, err := source(tiles(t, 32)).Transform(GetTransforms(), data.Size(16)).Normalize(ImageNetStats).DataBunch(data.BS(8))
	check(t, err)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Silent(true))
	check(t, err)
	c, err := fastnb.ClassificationInterpretationFromLearner(learn)
	check(t, err)
	if _, err := c.ConfusionMatrix(); err == nil {
		t.Error("several labels have no confusion matrix")
	}
	for what, f := range map[string]func() (interface{ PNG() []byte }, error){
		"top losses":       func() (interface{ PNG() []byte }, error) { return c.PlotTopLosses(4) },
		"multi top losses": func() (interface{ PNG() []byte }, error) { return c.PlotMultiTopLosses(4) },
		"labels":           func() (interface{ PNG() []byte }, error) { return c.LabelTable(fastnb.Thresh(.2)) },
	} {
		if _, err := f(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestInterpretMasks(t *testing.T) {
	dir := scenes(t, 6)
	d, err := SegmentationListFromFolder(dir.Join("images")).SplitByIdx([]int{0, 1}).LabelFromFunc(maskOf, data.Classes("ground", "square", "sky")).
		Transform(NewTransforms(nil, nil), data.Size(30, 40), data.TfmY(true)).DataBunch(data.BS(2))
	check(t, err)
	net := nn.NewSequential(nn.NewConv2D(3, 3, 3, nn.Pad(1)))
	nn.NamePaths(net, "")
	learn, err := fastnb.NewLearner(d, net, nil, fastnb.Silent(true))
	check(t, err)
	check(t, learn.FitOneCycle(12, fastnb.LR(.3)))
	s, err := fastnb.SegmentationInterpretationFromLearner(learn)
	check(t, err)
	v, err := learn.Validate()
	check(t, err)
	if math.Abs(mean(s.Losses)-v[0]) > 1e-5 || len(s.Counts) != 2 {
		t.Errorf("losses %v, validation %v", s.Losses, v)
	}
	z, err := s.Confusion()
	check(t, err)
	if !math.IsNaN(z[2][0]) || math.Abs(z[1][0]+z[1][1]+z[1][2]-1) > 1e-9 {
		t.Errorf("rows add up to 1, a class without pixels has none: %v", z)
	}
	total := 0
	for _, row := range s.Counts[0] {
		for _, n := range row {
			total += n
		}
	}
	if total != 30*40 || s.Counts[0][1][0]+s.Counts[0][1][1]+s.Counts[0][1][2] != 64 {
		t.Errorf("the picture has 1200 pixels, 64 of the square: %v", s.Counts[0])
	}
	if !(z[1][1] > .8) {
		t.Errorf("the square is bright, a single convolution finds it: %v", z)
	}
	_, err = s.PlotConfusion()
	check(t, err)
	fig, err := s.PlotTopLosses(2)
	check(t, err)
	if len(fig.PNG()) == 0 {
		t.Error("no picture")
	}
	if _, err := learn.Interpret(); err == nil {
		t.Error("masks are not classes of items: no error")
	}
	if _, _, err := learn.TTA(); err == nil {
		t.Error("masks cannot be averaged over magnified pictures: no error")
	}
}

// TestTTA does by hand what TTA does, with transforms that draw nothing at random.
func TestTTA(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	dir := shapes(t, 24)
	bright := Brightness(Fixed(.6))
	d := shapesBunch(t, dir, NewTransforms([]Transform{RandCrop(), FlipLR(P(.5)), RandZoom(Uniform(1, 1.1)), bright}, []Transform{CropPad()}), 32)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Silent(true))
	check(t, err)
	plain, y, err := learn.GetPreds()
	check(t, err)
	want := make([]float64, plain.Len())
	for i, v := range plain.Float32s() {
		want[i] = .4 * float64(v)
	}
	for _, corner := range [][2]float64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		for _, flip := range []bool{false, true} {
			row, col := RowPct(Fixed(corner[0])), ColPct(Fixed(corner[1]))
			list := []Transform{bright, Zoom(Fixed(1.35), row, col), CropPad(row, col)}
			if flip {
				list = append(list, FlipLR())
			}
			check(t, learn.SetData(shapesBunch(t, dir, NewTransforms(nil, list), 32)))
			p, _, err := learn.GetPreds()
			check(t, err)
			for i, v := range p.Float32s() {
				want[i] += .6 * float64(v) / 8
			}
		}
	}
	check(t, learn.SetData(d))
	got, ty, err := learn.TTA()
	check(t, err)
	for i, w := range want {
		if math.Abs(float64(got.Float32s()[i])-w) > 1e-5 {
			t.Fatalf("prediction %d is %v, by hand %v", i, got.Float32s()[i], w)
		}
	}
	if !slices.Equal(y.Int64s(), ty.Int64s()) {
		t.Error("other targets")
	}
	only, _, err := learn.TTA(fastnb.Beta(1))
	check(t, err)
	if d := only.Sub(plain).Abs().Max(); d > 1e-6 {
		t.Error("Beta(1) is plain prediction; differs by", d)
	}
	if _, err := learn.Interpret(fastnb.WithTTA(true)); err != nil {
		t.Error(err)
	}
	for what, o := range map[string]data.PredsOption{"beta": fastnb.Beta(2), "scale": fastnb.TTAScale(.5)} {
		if _, _, err := learn.TTA(o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestSummary has torchvision's and fastai's counts: a ResNet18 body and the head for two classes.
func TestSummary(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	d := shapesBunch(t, shapes(t, 24), GetTransforms(), 64)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Silent(true))
	check(t, err)
	check(t, learn.Freeze())
	s, err := learn.Summary()
	check(t, err)
	const body, head, norms = 11176512, 2*1024 + 1024*512 + 512 + 2*512 + 512*2 + 2, 9600
	if s.Params != body+head || s.Trainable != head+norms {
		t.Errorf("%d parameters, %d trainable, want %d and %d", s.Params, s.Trainable, body+head, head+norms)
	}
	first, last := s.Layers[0], s.Layers[len(s.Layers)-1]
	if first.Type != "Conv2D" || !slices.Equal(first.Output, []int{64, 32, 32}) || first.Params != 9408 || first.Trainable || last.Type != "Linear" || !slices.Equal(last.Output, []int{2}) {
		t.Errorf("%+v\n%+v", first, last)
	}
}

package nbtest

import (
	"context"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/nb"
)

// guide is a notebook of our own, without an original.
type guide struct {
	file   string
	params map[string]string
	shows  []check // each by some cell, in this order
}

// run runs the notebook offline in a home of its own.
func (g guide) run(t *testing.T) *nb.Notebook {
	t.Helper()
	n := lesson{file: g.file}.read(t)
	if testing.Short() {
		t.Skip("runs a whole notebook")
	}
	t.Setenv("FASTNB_OFFLINE", "1")
	t.Setenv("FASTNB_HOME", t.TempDir())
	sum, err := nb.Run(context.Background(), n, nb.Options{Params: g.params, Progress: testLog{t}, Dir: filepath.Join("..", "..", "notebooks")})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Failed > 0 || sum.Skipped > 0 {
		t.Fatal(sum)
	}
	at := 0
	for _, c := range n.Cells {
		for at < len(g.shows) && g.shows[at].ok(c.Outputs) {
			at++
		}
	}
	if at < len(g.shows) {
		t.Errorf("no cell shows %s, after %d others", g.shows[at].what, at)
	}
	return n
}

// failure is an error that a cell shows on purpose.
func failure(text string) check {
	return anyOutput("an error: "+text, func(o nb.Output) bool { return o.Type() == "error" && strings.Contains(o.Text(), text) })
}

func TestVisionTransforms(t *testing.T) {
	n := guide{file: "vision-transforms", params: map[string]string{"height": "30", "width": "40"}, shows: []check{
		picture("3 pictures"), picture("24 pictures in 8 rows of 3"), picture("24 pictures in 8 rows"), picture("24 pictures in 8 rows"), picture("24 pictures in 8 rows"),
		picture("15 pictures in 5 rows"), textLike(`symmetric_warp`), picture("9 pictures in 3 rows"), textLike(`smaller than that`),
	}}.run(t)
	// Every transform that there is has its row.
	var all strings.Builder
	for _, c := range n.Cells {
		all.WriteString(c.Source)
	}
	for _, name := range []string{
		"Rotate(", "Zoom(", "RandZoom(", "Squish(", "FlipAffine(", "DihedralAffine(", "FlipLR(", "Dihedral(", "SymmetricWarp(", "PerspectiveWarp(", "Tilt(",
		"Skew(", "Jitter(", "Brightness(", "Contrast(", "Pad(", "RandPad(", "Crop(", "CropPad(", "RandCrop(", "ZoomCrop(", "RandResizeCrop(", "Cutout(", "RGBRandomize(",
	} {
		if !strings.Contains(all.String(), name) {
			t.Errorf("the gallery lacks %s)", name)
		}
	}
}

func TestDeploy(t *testing.T) {
	guide{file: "deploy", params: map[string]string{"epochs": "2", "size": "32", "items": "30"}, shows: []check{
		picture("9 pictures in 3 rows of 3"), textLike(`written: true`), textLike(`serving at http://127\.0\.0\.1:[0-9]+/`),
		textLike(`{"result":"(black|grizzly|teddys)"}`), textLike(`"probabilities":\[{"class":"(black|grizzly|teddys)","p":0\.[0-9]+}`),
		textLike(`\.jpg (black|grizzly|teddys) \(0\.[0-9]+\)`), textLike(`<nil>`),
	}}.run(t)
}

func TestDataBlock(t *testing.T) {
	n := guide{file: "data-block", shows: []check{
		textLike(`image list \(30 items\)`), textLike(`SplitByFnameFile\(\.\./valid\.txt\) +21 train +3 valid`), textLike(`Labels \(category\)`),
		textLike(`two columns, 0 or 1 +multi_category, classes \[wet green\]`), textLike(`points 2 numbers`), picture("4 pictures"),
		textLike(`\[2 3 24 32\] \[2 1 24 32\]`), picture("4 pictures"), textLike(`test: 6 items`),
		failure("there is no such folder"), failure("no file ends in .jpg (24 other files)"), failure("there is no such file"), failure("no item lies in"),
		failure("none of 1 names is among the 24 items"), failure("none of 24 items is for validation"), failure("does not match"), failure("not made of a table"),
		failure("rgb.cal: there is no such file"), failure("names of their classes"), failure("is none of the 10 classes"), failure("normalised already"),
		failure("batch size 5000 is above"), failure("list.LabelFromFolder undefined"), failure("split.DataBunch undefined"),
		failure("cannot use"),
	}}.run(t)
	for _, c := range n.Cells { // a cell that shall fail does
		failed := slices.ContainsFunc(c.Outputs, func(o nb.Output) bool { return o.Type() == "error" })
		if c.Type == "code" && failed != c.Tagged("raises-exception") {
			t.Errorf("failed: %v, in %s", failed, c.Source)
		}
	}
}

func TestYourOwnData(t *testing.T) {
	guide{file: "your-own-data", params: map[string]string{"items": "80", "epochs": "1", "lrIters": "12", "size": "16", "bs": "9"}, shows: []check{
		textLike(`Labels \(category\): `), textLike(`DataBunch`), picture("9 pictures"), chart("Learning Rate"), epochTable("accuracy", "error_rate"), chart("Batches processed"),
		anyOutput("a confusion matrix", func(o nb.Output) bool { return o.Has("image/png") }), picture("9 pictures"), picture("9 pictures"), picture("1 pictures"),
		picture("4 pictures"), epochTable("accuracy_thresh", "fbeta"), picture("4 pictures"), picture("4 pictures"), epochTable(), picture("4 pictures in 2 rows of 2"),
		picture("4 pictures"), picture("4 pictures in 2 rows of 2"),
		htmlTable("idx", "text"), textLike(`^The story .{10}`), htmlTable("text", "target"), textLike(`^(positive|negative) \(0\.\d+\)$`), textLike(`data: mnist_tiny-twin \(twin\), \d+ items`), htmlTable("task", "valid_loss here"),
	}}.run(t)
}

func TestPets(t *testing.T) {
	guide{file: "lesson1-pets", params: map[string]string{"items": "74", "bs": "9", "size": "24", "size2": "32", "epochs1": "1", "epochs2": "1", "lrIters": "8"}, shows: []check{
		textLike(`images`), textLike(`Abyssinian_1\.jpg`), picture("9 pictures"), textLike(`37 37`), textLike(`Sequential`), epochTable("error_rate"), picture("9 pictures"),
		anyOutput("a confusion matrix", func(o nb.Output) bool { return o.Has("image/png") }), epochTable("error_rate"), chart("Learning Rate"), epochTable("error_rate"), epochTable("error_rate"),
		picture("9 pictures"), htmlTable("name", "label"), textLike(`\[3 7\]`), picture("9 pictures"), textLike(`\[3 7\]`), textLike(`\[3 7\]`), textLike(`\[3 7\]`),
		textLike(`data: oxford-iiit-pet-twin \(twin\), 74 pictures`), htmlTable("stage", "valid_loss", "error_rate"),
	}}.run(t)
}

func TestBears(t *testing.T) {
	guide{file: "lesson2-download", params: map[string]string{"items": "60", "bs": "9", "size": "24", "epochs1": "1", "epochs2": "1", "lrIters": "8"}, shows: []check{
		textLike(`black.*grizzly.*teddys`), textLike(`black 0 broken`), textLike(`\[black grizzly teddys\]`), picture("9 pictures"), epochTable("error_rate"), chart("Learning Rate"),
		epochTable("error_rate"), anyOutput("a confusion matrix", func(o nb.Output) bool { return o.Has("image/png") }), picture("4 pictures"),
		anyOutput("the cleaner", func(o nb.Output) bool {
			return strings.Count(o.MIME("text/html"), "<figure") == 6 && strings.Contains(o.Text(), "decision")
		}),
		htmlTable("name", "label"), textLike(`60 pictures are left`), textLike(`^(black|grizzly|teddys) \(0\.\d+\)$`), chart("Batches processed"), textLike(`data: bears-twin \(twin\), 60 pictures`),
	}}.run(t)
}

func TestGoInFifteenMinutes(t *testing.T) {
	n := guide{file: "go-in-fifteen-minutes", shows: []check{
		textLike(`^0\.003$`), textLike(`^5$`), failure("four"), textLike(`24 0\.714`), textLike(`resnet34: 5 epochs at 0\.0030, true`), textLike(`4 64 \[128 256\] 512`), textLike(`76\.1 0 false`),
		textLike(`epoch 2`), textLike(`\[64 128 256\]`), textLike(`0\.03 64 512 42`), failure("seven"), textLike(`so be it`), textLike(`0\.4`), textLike(`first, best 0\.400`), textLike(`go is small 1\.414`), textLike(`^5$`),
		epochTable("accuracy"), picture("4 pictures"),
	}}.run(t)
	for _, c := range n.Cells { // a cell that shall fail does
		failed := slices.ContainsFunc(c.Outputs, func(o nb.Output) bool { return o.Type() == "error" })
		if c.Type == "code" && failed != c.Tagged("raises-exception") {
			t.Errorf("failed: %v, in %s", failed, c.Source)
		}
	}
}

func TestUniversalApproximation(t *testing.T) {
	n := guide{file: "universal-approximation", params: map[string]string{"steps": "60", "nnEpochs": "6", "widest": "8", "drawEvery": "20"}, shows: []check{
		chart("saw"), chart("1 u1 - 2 u2 + 2 u3"), chart("network"), chart("weights written down"), textLike(`b2 +derived +-?0\.\d{4}, measured +-?0\.\d{4}`),
		chart("wave, 8 units, step 60: error 0."), chart("chirp, 32 units, step 60"), chart("weights found by training"), htmlTable("curve", "written down, 2 units", "8 units"),
		htmlTable("x", "y"), textLike(`\(2\): Linear\(48, 1\)`), chart("chirp with nn, 48 units, epoch 6"), chart("outside of what it has seen"),
	}}.run(t)
	// The slopes that the notebook derives are those it measures.
	for _, c := range n.Cells {
		for _, o := range c.Outputs {
			for _, m := range regexp.MustCompile(`derived +(\S+), measured +(\S+)`).FindAllStringSubmatch(o.Text(), -1) {
				derived, err1 := strconv.ParseFloat(m[1], 64)
				measured, err2 := strconv.ParseFloat(m[2], 64)
				if err1 != nil || err2 != nil || math.Abs(derived-measured) > 2e-3 {
					t.Error(m[0])
				}
			}
		}
	}
}

package nbtest

import (
	"context"
	"path/filepath"
	"slices"
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

func TestDataBlock(t *testing.T) {
	n := guide{file: "data-block", shows: []check{
		textLike(`image list \(30 items\)`), textLike(`SplitByFnameFile\(\.\./valid\.txt\) +21 train +3 valid`), textLike(`Labels \(category\)`),
		textLike(`two columns, 0 or 1 +multi_category, classes \[wet green\]`), textLike(`points 2 numbers`), picture("4 pictures"),
		textLike(`\[2 3 24 32\] \[2 1 24 32\]`), picture("4 pictures"), textLike(`test: 6 items`),
		failure("there is no such folder"), failure("no file ends in .jpg (24 other files)"), failure("there is no such file"), failure("no item lies in"),
		failure("none of 1 names is among the 24 items"), failure("none of 24 items is for validation"), failure("does not match"), failure("not made of a table"),
		failure("rgb.cal: there is no such file"), failure("names of their classes"), failure("is none of the 10 classes"), failure("normalised already"),
		failure("batch size 5000 is above"), failure("list has no field or method LabelFromFolder"), failure("split has no field or method DataBunch"),
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

package serve

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/text"
	"github.com/fastnb/go/fastnb/vision"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// square is a picture of one colour with a light square in it.
func square(side, at int, c color.RGBA) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			m.SetRGBA(x, y, c)
			if x >= at && x < at+side/3 && y >= at && y < at+side/3 {
				m.SetRGBA(x, y, color.RGBA{250, 250, 250, 255})
			}
		}
	}
	return m
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, png.Encode(&b, m))
	return b.Bytes()
}

func write(t testing.TB, file string, b []byte) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(file), 0o777))
	check(t, os.WriteFile(file, b, 0o666))
}

var quick = []fastnb.LearnerOption{fastnb.Pretrained(false), fastnb.Silent(true), vision.Cut(5)}

// pictures exports a classifier of two kinds of picture.
func pictures(t testing.TB) datasets.Path {
	t.Helper()
	dir := t.TempDir()
	for k := range 12 {
		for name, c := range map[string]color.RGBA{"blue": {20, 30, 200, 255}, "red": {200, 30, 20, 255}} {
			write(t, filepath.Join(dir, name, fmt.Sprintf("%d.png", k)), pngOf(t, square(40, 2*k, c)))
		}
	}
	data.Seed(1)
	d, err := vision.ImageListFromFolder(datasets.NewPath(dir)).SplitByRandPct(.2).LabelFromFolder().
		Transform(nil, data.Size(32)).Normalize(vision.ImageNetStats).DataBunch(data.BS(6))
	check(t, err)
	l, err := vision.CNNLearner(d, models.ResNet18, quick...)
	check(t, err)
	check(t, l.FitOneCycle(6, fastnb.LR(3e-3)))
	check(t, l.Export())
	l.Destroy()
	return d.Path.Join("export.fastnb")
}

// masks exports a segmenter.
func masks(t testing.TB) datasets.Path {
	t.Helper()
	dir := t.TempDir()
	for k := range 6 {
		write(t, filepath.Join(dir, "images", fmt.Sprintf("%d.png", k)), pngOf(t, square(32, 3*k, color.RGBA{20, 120, 30, 255})))
		m := image.NewGray(image.Rect(0, 0, 32, 32))
		for i := range m.Pix {
			m.Pix[i] = uint8(i / 16 % 2)
		}
		write(t, filepath.Join(dir, "labels", fmt.Sprintf("%d.png", k)), pngOf(t, m))
	}
	d, err := vision.SegmentationListFromFolder(datasets.NewPath(dir).Join("images")).SplitByRandPct(.3).
		LabelFromFunc(func(p datasets.Path) datasets.Path { return p.Replace("images", "labels") }, data.Classes("left", "right")).
		Transform(nil, data.Size(32), data.TfmY(true)).DataBunch(data.BS(2))
	check(t, err)
	l, err := vision.UnetLearner(d, models.ResNet18, quick...)
	check(t, err)
	check(t, l.Export())
	l.Destroy()
	return d.Path.Join("export.fastnb")
}

// points exports a finder of one place.
func points(t testing.TB) datasets.Path {
	t.Helper()
	dir := t.TempDir()
	for k := range 6 {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.png", k)), pngOf(t, square(40, 4*k, color.RGBA{20, 120, 130, 255})))
	}
	d, err := vision.PointsListFromFolder(datasets.NewPath(dir)).SplitByRandPct(.3).
		LabelFromFunc(func(datasets.Path) vision.Points { return vision.Points{{Y: 10, X: 20}} }).
		Transform(nil, data.Size(32), data.TfmY(true)).DataBunch(data.BS(2))
	check(t, err)
	l, err := vision.CNNLearner(d, models.ResNet18, quick...)
	check(t, err)
	check(t, l.Export())
	l.Destroy()
	return d.Path.Join("export.fastnb")
}

// texts exports a classifier of texts.
func texts(t testing.TB) datasets.Path {
	t.Helper()
	dir := t.TempDir()
	table := "text,label\n"
	for k := range 24 {
		table += fmt.Sprintf("a %s film number %d,%s\n", []string{"good", "bad"}[k%2], k, []string{"pos", "neg"}[k%2])
	}
	write(t, filepath.Join(dir, "t.csv"), []byte(table))
	d, err := text.TextListFromCSV(datasets.NewPath(dir), "t.csv", data.Cols("text"), text.MinFreq(1)).SplitByRandPct(.2).
		LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(4))
	check(t, err)
	c := models.ClasConfig()
	c.EmbSz, c.NHid, c.NLayers = 8, 12, 2
	l, err := text.TextClassifierLearner(d, models.AWDLSTM, text.Config(c), fastnb.Pretrained(false), fastnb.Silent(true))
	check(t, err)
	check(t, l.Export())
	l.Destroy()
	return d.Path.Join("export.fastnb")
}

// pngFile is a file with a red picture.
func pngFile(t testing.TB) string {
	t.Helper()
	f := filepath.Join(t.TempDir(), "p.png")
	write(t, f, pngOf(t, square(40, 9, color.RGBA{200, 30, 20, 255})))
	return f
}

package serve

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"sync"
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

// fixture is an export of one kind of model, made once for all tests.
type fixture struct {
	make func(dir string) (*fastnb.Learner, error)
	with []fastnb.ExportOption
	once sync.Once
	file datasets.Path
	err  error
}

// file gives the export, of which each test that changes it takes a copy.
func (f *fixture) export(t testing.TB) datasets.Path {
	t.Helper()
	f.once.Do(func() {
		dir, err := os.MkdirTemp(exports, "")
		check(t, err)
		data.Seed(1)
		l, err := f.make(dir)
		if err == nil && l.Data.TrainDS != nil && len(l.Data.TrainDS.Items()) > 0 && f.with == nil && l.Data.TrainDS.Items()[0].Exists() {
			f.with = []fastnb.ExportOption{fastnb.Examples(l.Data.TrainDS.Items()[:2]...)}
		}
		if err == nil {
			err = l.ExportWith(f.with...)
			f.file = l.Path.Join("export.fastnb")
			l.Destroy()
		}
		f.err = err
	})
	check(t, f.err)
	return f.file
}

// copied is the export in a folder of the test's own.
func (f *fixture) copied(t testing.TB) datasets.Path {
	t.Helper()
	b, err := os.ReadFile(f.export(t).String())
	check(t, err)
	to := datasets.NewPath(t.TempDir()).Join("export.fastnb")
	check(t, os.WriteFile(to.String(), b, 0o666))
	return to
}

// exports is the folder of the fixtures: a temporary one, or what FASTNB_SERVE_EXPORTS names, where they are left
// for the browser's tests.
var exports string

func TestMain(m *testing.M) {
	exports = os.Getenv("FASTNB_SERVE_EXPORTS")
	if exports != "" {
		if err := os.MkdirAll(exports, 0o777); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	} else {
		dir, err := os.MkdirTemp("", "serve")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		exports = dir
	}
	code := m.Run()
	if os.Getenv("FASTNB_SERVE_EXPORTS") == "" {
		_ = os.RemoveAll(exports)
	}
	os.Exit(code)
}

// TestExports leaves all fixtures, by their names, where FASTNB_SERVE_EXPORTS says.
func TestExports(t *testing.T) {
	if os.Getenv("FASTNB_SERVE_EXPORTS") == "" {
		t.Skip("FASTNB_SERVE_EXPORTS names no folder")
	}
	for name, f := range map[string]*fixture{"colours": pictures, "labels": labels, "masks": masks, "points": points, "texts": texts, "writer": writer} {
		b, err := os.ReadFile(f.export(t).String())
		check(t, err)
		write(t, filepath.Join(exports, name+".fastnb"), b)
	}
}

// drawn writes n pictures into a folder of the test's data, each with its square further on.
func drawn(dir, folder string, n, side int, c color.RGBA) error {
	if err := os.MkdirAll(filepath.Join(dir, folder), 0o777); err != nil {
		return err
	}
	for k := range n {
		var b bytes.Buffer
		if err := png.Encode(&b, square(side, k*side*2/3/n, c)); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, folder, fmt.Sprintf("%d.png", k)), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// small are the options of all networks for pictures here.
var small = []fastnb.LearnerOption{fastnb.Pretrained(false), fastnb.Silent(true), vision.Cut(5)}

// learn makes a network for pictures and trains it for so many epochs.
func learn(d *data.DataBunch, err error, of func(*data.DataBunch, models.Arch, ...fastnb.LearnerOption) (*fastnb.Learner, error), epochs int, o ...fastnb.LearnerOption) (*fastnb.Learner, error) {
	if err != nil {
		return nil, err
	}
	l, err := of(d, models.ResNet18, append(o, small...)...)
	if err == nil && epochs > 0 {
		err = l.FitOneCycle(epochs, fastnb.LR(3e-3))
	}
	return l, err
}

// pictures is a classifier of two kinds of picture.
var pictures = &fixture{make: func(dir string) (*fastnb.Learner, error) {
	err := errors.Join(drawn(dir, "blue", 12, 40, blue), drawn(dir, "red", 12, 40, red))
	if err != nil {
		return nil, err
	}
	d, err := vision.ImageListFromFolder(datasets.NewPath(dir)).SplitByRandPct(.2).LabelFromFolder().
		Transform(nil, data.Size(32)).Normalize(vision.ImageNetStats).DataBunch(data.BS(6))
	return learn(d, err, vision.CNNLearner, 6)
}}

// labels gives pictures several labels.
var labels = &fixture{make: func(dir string) (*fastnb.Learner, error) {
	err := errors.Join(drawn(dir, "blue", 6, 40, blue), drawn(dir, "red", 6, 40, red))
	if err != nil {
		return nil, err
	}
	d, err := vision.ImageListFromFolder(datasets.NewPath(dir)).SplitByRandPct(.2).
		LabelFromFunc(func(p datasets.Path) []string { return []string{p.Parent().Name(), "square"} }).
		Transform(nil, data.Size(32)).Normalize(vision.ImageNetStats).DataBunch(data.BS(3))
	return learn(d, err, vision.CNNLearner, 2)
}}

// masks is a segmenter.
var masks = &fixture{make: func(dir string) (*fastnb.Learner, error) {
	if err := drawn(dir, "images", 6, 32, green); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "labels"), 0o777); err != nil {
		return nil, err
	}
	m := image.NewGray(image.Rect(0, 0, 32, 32))
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 16 % 2)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return nil, err
	}
	for k := range 6 {
		if err := os.WriteFile(filepath.Join(dir, "labels", fmt.Sprintf("%d.png", k)), b.Bytes(), 0o666); err != nil {
			return nil, err
		}
	}
	d, err := vision.SegmentationListFromFolder(datasets.NewPath(dir).Join("images")).SplitByRandPct(.3).
		LabelFromFunc(func(p datasets.Path) datasets.Path { return p.Replace("images", "labels") }, data.Classes("left", "right")).
		Transform(nil, data.Size(32), data.TfmY(true)).DataBunch(data.BS(2))
	return learn(d, err, vision.UnetLearner, 0)
}}

// points finds one place.
var points = &fixture{make: func(dir string) (*fastnb.Learner, error) {
	err := errors.Join(drawn(dir, "1", 4, 40, red), drawn(dir, "2", 4, 40, green), drawn(dir, "3", 4, 40, blue), drawn(dir, "4", 4, 40, color.RGBA{A: 255}), drawn(dir, "5", 4, 40, color.RGBA{255, 255, 255, 255}),
		drawn(dir, "6", 4, 40, color.RGBA{0, 136, 0, 255})) // the ground of the camera that browsers make up
	if err != nil {
		return nil, err
	}
	d, err := vision.PointsListFromFolder(datasets.NewPath(dir)).SplitByRandPct(.3).
		LabelFromFunc(func(datasets.Path) vision.Points { return vision.Points{{Y: 10, X: 20}} }).
		Transform(nil, data.Size(32), data.TfmY(true)).Normalize(vision.ImageNetStats).DataBunch(data.BS(16))
	return learn(d, err, vision.CNNLearner, 80, fastnb.PS(0), vision.YRange(-.9, .9))
}}

// films are texts that say what they are.
func films() (*data.Table, error) {
	var texts, labels []string
	for k := range 40 {
		texts = append(texts, fmt.Sprintf("a %s film number %d", []string{"good", "bad"}[k%2], k))
		labels = append(labels, []string{"pos", "neg"}[k%2])
	}
	return data.NewTable("text", texts, "label", labels)
}

// texts is a classifier of texts.
var texts = &fixture{with: []fastnb.ExportOption{fastnb.ExampleTexts("a good film number 7", "a bad film number 8")}, make: func(dir string) (*fastnb.Learner, error) {
	t, err := films()
	if err != nil {
		return nil, err
	}
	d, err := text.TextListFromTable(datasets.NewPath(dir), t, data.Cols("text"), text.MinFreq(1)).SplitByRandPct(.2).
		LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(4))
	if err != nil {
		return nil, err
	}
	c := models.ClasConfig()
	c.EmbSz, c.NHid, c.NLayers = 16, 24, 2
	l, err := text.TextClassifierLearner(d, models.AWDLSTM, text.Config(c), text.DropMult(.1), fastnb.Pretrained(false), fastnb.Silent(true))
	if err != nil {
		return nil, err
	}
	return l.Learner, l.FitOneCycle(8, fastnb.LR(2e-2))
}}

// writer is a language model.
var writer = &fixture{make: func(dir string) (*fastnb.Learner, error) {
	t, err := films()
	if err != nil {
		return nil, err
	}
	d, err := text.TextListFromTable(datasets.NewPath(dir), t, data.Cols("text"), text.MinFreq(1)).SplitByRandPct(.2).
		LabelForLM().DataBunch(data.BS(4), data.BPTT(9))
	if err != nil {
		return nil, err
	}
	c := models.LMConfig()
	c.EmbSz, c.NHid, c.NLayers = 16, 24, 2
	l, err := text.LanguageModelLearner(d, models.AWDLSTM, text.Config(c), text.DropMult(.1), fastnb.Pretrained(false), fastnb.Silent(true))
	if err != nil {
		return nil, err
	}
	return l.Learner, l.FitOneCycle(3, fastnb.LR(2e-2))
}}

// pngFile is a file with a red picture.
func pngFile(t testing.TB) string {
	t.Helper()
	f := filepath.Join(t.TempDir(), "p.png")
	write(t, f, pngOf(t, square(40, 9, red)))
	return f
}

package vision

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/internal/exporttest"
)

// Whatever the description in an export of a network for pictures says, there is a learner or an error.
func TestHostileExports(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	dir := tiles(t, 8)
	d, err := source(dir).Transform(GetTransforms(), data.Size(16)).Normalize(ImageNetStats).DataBunch(data.BS(4))
	check(t, err)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), Cut(5), fastnb.LinFtrs(8), fastnb.Silent(true))
	check(t, err)
	check(t, learn.Export())
	img, err := OpenImage(dir.Join("tiles", "t_1.png"))
	check(t, err)
	huge := []any{-1.0, 1e9, 1e12}
	exporttest.Sweep(t, dir.Join("export.fastnb").String(), func(path string) error {
		l, err := fastnb.LoadLearner(datasets.NewPath(path), fastnb.With(fastnb.Silent(true)))
		if err != nil {
			return err
		}
		defer l.Destroy()
		_, err = l.Predict(img)
		return err
	}, map[string][]any{
		"/version": {999.0, 0.0}, "/export/data/args/height": huge, "/export/data/args/width": huge,
		"/arch/config/classes": huge, "/arch/config/LinFtrs": {[]any{-1.0}, []any{0.0}, []any{1e6}, []any{1e12}},
		"/export/data/normalize/std": {[]any{1.0}, []any{0.0, 1.0, 1.0}, nil, []any{-1.0, 1.0, 1.0}}, "/export/data/normalize/mean": {[]any{1.0}},
	})
}

// A flipped bit anywhere in an export of a U-Net is found before anything is built of it: in its first bytes, which say
// how long its description is and begin it, and all over the rest.
func TestFlippedUnetExports(t *testing.T) {
	d, err := SegmentationListFromFolder(scenes(t, 6).Join("images")).SplitByIdx([]int{0, 1, 2}).LabelFromFunc(maskOf, data.Classes("ground", "square")).
		Transform(nil, data.Size(32), data.TfmY(true)).DataBunch(data.BS(2))
	check(t, err)
	learn, err := UnetLearner(d, models.ResNet18, Cut(5), fastnb.Pretrained(false), fastnb.Silent(true))
	check(t, err)
	defer learn.Destroy()
	check(t, learn.Export())
	file := learn.Path.Join("export.fastnb")
	good, err := os.ReadFile(file.String())
	check(t, err)
	load := func(b []byte) error {
		m, err := fastnb.LoadModelFrom("flipped", b)
		if err == nil {
			m.Close()
		}
		return err
	}
	check(t, load(good))
	step := max(1, len(good)/60)
	for at := 0; at < len(good); {
		good[at] ^= 1 << (at % 8)
		if load(good) == nil {
			t.Errorf("loaded with bit %d of byte %d of %d changed", at%8, at, len(good))
		}
		good[at] ^= 1 << (at % 8)
		if at++; at > 60 {
			at += step
		}
	}
	check(t, load(good))
	for _, n := range []int{0, 7, 8, 100, len(good) / 2, len(good) - 1} {
		if load(good[:n]) == nil {
			t.Errorf("loaded when cut to %d bytes of %d", n, len(good))
		}
	}
}

// FuzzExport tries any description around the weights of a small network.
func FuzzExport(f *testing.F) {
	f.Setenv("FASTNB_HOME", f.TempDir())
	f.Setenv("FASTNB_OFFLINE", "1")
	dir := datasets.NewPath(f.TempDir())
	pixels := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 8 {
		for k := range pixels.Pix {
			pixels.Pix[k] = byte(k * (i + 1))
		}
		var b bytes.Buffer
		check(f, png.Encode(&b, pixels))
		check(f, os.MkdirAll(dir.Join("tiles").String(), 0o777))
		check(f, os.WriteFile(dir.Join("tiles", fmt.Sprintf("t_%d.png", i)).String(), b.Bytes(), 0o666))
	}
	d, err := ImageListFromFolder(dir.Join("tiles")).SplitByIdx([]int{0, 1}).LabelFromRe(`(\d)`).Transform(GetTransforms(), data.Size(16)).Normalize(ImageNetStats).DataBunch(data.BS(2))
	check(f, err)
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), Cut(5), fastnb.LinFtrs(8), fastnb.Silent(true))
	check(f, err)
	check(f, learn.Export())
	img, err := OpenImage(dir.Join("tiles", "t_1.png"))
	check(f, err)
	whole := exporttest.Open(f, learn.Path.Join("export.fastnb").String())
	f.Add(whole.Meta)
	f.Add(`{"version":1,"arch":{"kind":"cnn","name":"resnet18","config":{"classes":1000000000000}},"export":{}}`)
	f.Add(strings.Replace(whole.Meta, `"resnet18"`, `"resnet152"`, 1))
	f.Add(strings.Replace(whole.Meta, `"cnn"`, `"unet"`, 1))
	out := filepath.Join(f.TempDir(), "export.fastnb")
	f.Fuzz(func(t *testing.T, meta string) {
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		whole.Write(t, out, meta)
		l, err := fastnb.LoadLearner(datasets.NewPath(out), fastnb.With(fastnb.Silent(true)))
		if err != nil {
			return
		}
		defer l.Destroy()
		_, _ = l.Predict(img)
	})
}

// A size that no picture can have is refused where it is said.
func TestHugeSizes(t *testing.T) {
	dir := tiles(t, 8)
	for _, s := range []data.TransformOption{data.Size(1_000_000), data.Size(1<<40, 1<<40), data.Size(1, 1<<40)} {
		if _, err := source(dir).Transform(GetTransforms(), s).DataBunch(data.BS(2)); err == nil {
			t.Error("a size of more than a thousand million pixels was taken")
		}
	}
}

package vision

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// writeTiles writes n JPEGs of size pixels and a table of their tags.
func writeTiles(t testing.TB, n, size int) datasets.Path {
	t.Helper()
	dir := t.TempDir()
	table := "image_name,tags\n"
	if err := os.Mkdir(filepath.Join(dir, "train-jpg"), 0o777); err != nil {
		t.Fatal(err)
	}
	for k := range n {
		m := image.NewRGBA(image.Rect(0, 0, size, size))
		for y := range size {
			for x := range size {
				m.SetRGBA(x, y, color.RGBA{uint8(x * 255 / size), uint8(y * 255 / size), uint8(17 * k), 255})
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "train-jpg", fmt.Sprintf("train_%d.jpg", k)), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		table += fmt.Sprintf("train_%d,%s\n", k, []string{"clear primary", "haze", "clear water"}[k%3])
	}
	if err := os.WriteFile(filepath.Join(dir, "train_v2.csv"), []byte(table), 0o666); err != nil {
		t.Fatal(err)
	}
	return datasets.NewPath(dir)
}

// planetTfms are those of the planet lesson.
func planetTfms() *Transforms {
	return GetTransforms(FlipVert(true), MaxLighting(.1), MaxZoom(1.05), MaxWarp(0))
}

func planetLabels(path datasets.Path) *data.LabelLists {
	return ImageListFromCSV(path, "train_v2.csv", data.Folder("train-jpg"), data.Suffix(".jpg")).
		SplitByRandPct(.2).LabelFromTable(data.LabelDelim(" "))
}

func TestPlanetBunch(t *testing.T) {
	data.Seed(42)
	src := planetLabels(writeTiles(t, 20, 40))
	var sums [2]float64
	for k, workers := range []int{1, 3} {
		d, err := src.Transform(planetTfms(), data.Size(32)).Normalize(ImageNetStats).DataBunch(data.BS(8), data.Workers(workers))
		if err != nil {
			t.Fatal(err)
		}
		l, err := d.TrainLoader()
		if err != nil {
			t.Fatal(err)
		}
		it := l.Iter(context.Background(), 1)
		for it.Next() {
			b := it.Batch()
			if got := fmt.Sprint(b.X[0].Shape(), b.Y[0].Shape()); got != "[8 3 32 32] [8 4]" {
				t.Fatalf("batch of %s", got)
			}
			for j, v := range b.X[0].Float32s() {
				sums[k] += float64(v) * float64(j%97)
			}
		}
		if it.Close(); it.Err() != nil {
			t.Fatal(it.Err())
		}
		if k == 1 {
			f, err := d.ShowBatch(data.Rows(2))
			if err != nil {
				t.Fatal(err)
			}
			if f.Err() != nil || f.Image() == nil {
				t.Fatal("no picture of the batch", f.Err())
			}
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("batches depend on the number of workers: %v", sums)
	}
}

func TestBrokenItemIsNamed(t *testing.T) {
	data.Seed(1)
	path := writeTiles(t, 10, 24)
	bad := path.Join("train-jpg", "train_3.jpg").String()
	b, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bad, b[:len(b)*2/3], 0o666); err != nil {
		t.Fatal(err)
	}
	d, err := planetLabels(path).Transform(planetTfms(), data.Size(16)).DataBunch(data.BS(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range []data.DSType{data.Fix, data.Valid} {
		err = d.Batches(context.Background(), on, func(*data.Batch) error { return nil })
		if err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "train_3.jpg") || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%v", err)
	}
}

func TestWrongArguments(t *testing.T) {
	src := planetLabels(writeTiles(t, 10, 24))
	for want, tf := range map[string]*Transforms{
		"MaxLighting(1.5)": GetTransforms(MaxLighting(1.5)),
		"probability 2":    GetTransforms(PAffine(2)),
		"positive":         NewTransforms([]Transform{Contrast(LogUniform(-1, 2))}, nil),
		"no row_pct":       NewTransforms([]Transform{FlipLR(RowPct(Fixed(1)))}, nil),
		"smaller":          NewTransforms([]Transform{Crop(30, 30)}, nil),
		"between 0 and 1":  NewTransforms([]Transform{Brightness(Fixed(1))}, nil),
	} {
		err := src.Transform(tf, data.Size(16)).Err()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

func TestTransformsRoundTrip(t *testing.T) {
	tf := planetTfms()
	state, err := tf.State()
	if err != nil {
		t.Fatal(err)
	}
	back, err := loadTransforms(state)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(back), tf.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if _, err := loadTransforms([]byte(`{"Train":[{"name":"twirl","p":1}]}`)); err == nil {
		t.Error("an unknown transform is taken")
	}
}

func TestRender(t *testing.T) {
	m := spot(2, 2)
	out := m.Render()
	if _, ok := out.Data["image/png"].([]byte); !ok {
		t.Errorf("no picture: %v", out.Data)
	}
}

// mirrored is a real data set out of FASTNB_MIRROR, unpacked.
func mirrored(t testing.TB, name string) datasets.Path {
	t.Helper()
	if os.Getenv("FASTNB_MIRROR") == "" {
		t.Skipf("needs FASTNB_MIRROR, a folder with %s.tgz", name)
	}
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	path, err := datasets.GetData(name)
	if err != nil || datasets.Source(path) != "mirror" {
		t.Skipf("needs %s.tgz in FASTNB_MIRROR: %v", name, err)
	}
	return path
}

// realTiles are the real Planet tiles, unpacked.
func realTiles(t testing.TB) datasets.Path { return mirrored(t, "planet") }

// TestRealTiles: all real tiles, JPEGs with four components without Adobe's marker, can be read, and a
// loader gives them at a training's pace.
func TestRealTiles(t *testing.T) {
	path := realTiles(t)
	files := ImageListFromFolder(path)
	if files.Len() < 1000 {
		t.Fatalf("%d tiles", files.Len())
	}
	for k := range files.Len() {
		x, err := files.Get(k)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(x.(*Image).Shape()); got != "[3 256 256]" {
			t.Errorf("%s: %s", files.Ref(k), got)
		}
	}
	data.Seed(42)
	d, err := planetLabels(path).Transform(planetTfms(), data.Size(128)).Normalize(ImageNetStats).DataBunch(data.Workers(2))
	if err != nil {
		t.Fatal(err)
	}
	start, n := time.Now(), 0
	err = d.Batches(context.Background(), data.Train, func(b *data.Batch) error { n += b.N; return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d tiles at 128 pixels, augmented, 2 workers: %.0f a second", n, float64(n)/time.Since(start).Seconds())
}

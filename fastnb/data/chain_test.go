package data_test

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
	. "github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/vision"
)

// The whole chain with real picture files: vision's kinds and transforms through data's stages.

const pictures = 40

// planet writes a small set in the layout of the planet lesson: JPEGs and a table of tags.
func planet(t testing.TB) datasets.Path {
	t.Helper()
	path := datasets.NewPath(t.TempDir())
	for _, dir := range []string{"train-jpg", "test-jpg"} {
		if err := path.Join(dir).Mkdir(); err != nil {
			t.Fatal(err)
		}
	}
	var csv strings.Builder
	csv.WriteString("image_name,tags\n")
	for k := range pictures {
		fmt.Fprintf(&csv, "train_%d,%s\n", k, []string{"clear primary", "haze primary water", "cloudy", "clear"}[k%4])
		picture(t, path.Join("train-jpg", fmt.Sprintf("train_%d.jpg", k)), k)
	}
	for k := range 5 {
		picture(t, path.Join("test-jpg", fmt.Sprintf("test_%d.png", k)), k)
	}
	if err := os.WriteFile(path.Join("train_v2.csv").String(), []byte(csv.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func picture(t testing.TB, file datasets.Path, k int) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 48, 40))
	for y := range 40 {
		for x := range 48 {
			m.Set(x, y, color.RGBA{uint8(5*x + k), uint8(6*y + 3*k), uint8(60 * (k % 4)), 255})
		}
	}
	f, err := os.Create(file.String())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if file.Ext() == ".png" {
		err = png.Encode(f, m)
	} else {
		err = jpeg.Encode(f, m, &jpeg.Options{Quality: 95})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func source(path datasets.Path) *LabelLists {
	return vision.ImageListFromCSV(path, "train_v2.csv", Folder("train-jpg"), Suffix(".jpg")).
		SplitByRandPct(0.2, SplitSeed(42)).
		LabelFromTable(LabelDelim(" "))
}

func lessonData(t testing.TB, path datasets.Path, workers int, opts ...BunchOption) *DataBunch {
	t.Helper()
	tfms := vision.GetTransforms(vision.FlipVert(true), vision.MaxLighting(0.1), vision.MaxZoom(1.05), vision.MaxWarp(0))
	d, err := source(path).Transform(tfms, Size(32)).Normalize(vision.ImageNetStats).DataBunch(append(opts, BS(8), Workers(workers))...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestChainOfPictures(t *testing.T) {
	path := planet(t)
	var want []*Batch
	for _, workers := range []int{1, 2, 4} {
		Seed(42)
		d := lessonData(t, path, workers)
		if d := cmp.Diff([]string{"clear", "cloudy", "haze", "primary", "water"}, d.Classes); d != "" {
			t.Fatal(d)
		}
		if d.Loss.Name == "" || d.C != 5 || d.TrainDS.Len() != 32 || d.ValidDS.Len() != 8 {
			t.Fatal(d)
		}
		var got []*Batch
		l, err := d.TrainLoader()
		if err != nil {
			t.Fatal(err)
		}
		for epoch := range int64(2) {
			it := l.Iter(context.Background(), epoch)
			for it.Next() {
				got = append(got, it.Batch())
			}
			it.Close()
			if it.Err() != nil {
				t.Fatal(it.Err())
			}
		}
		if want == nil {
			want = got
			checkBatch(t, got[0])
		}
		if len(got) != 8 || len(want) != 8 {
			t.Fatalf("%d batches", len(got))
		}
		for k := range got {
			if !cmp.Equal(got[k].Index, want[k].Index) || !equalBits(got[k].X[0].Float32s(), want[k].X[0].Float32s()) || !equalBits(got[k].Y[0].Float32s(), want[k].Y[0].Float32s()) {
				t.Fatalf("batch %d with %d workers is not that with 1", k, workers)
			}
		}
	}
}

func checkBatch(t *testing.T, b *Batch) {
	t.Helper()
	if d := cmp.Diff([]int{8, 3, 32, 32}, b.X[0].Shape()); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff([]int{8, 5}, b.Y[0].Shape()); d != "" {
		t.Fatal(d)
	}
	for _, v := range b.X[0].Float32s() {
		if math.IsNaN(float64(v)) || v < -2.2 || v > 2.7 {
			t.Fatalf("normalised pixel %v", v)
		}
	}
}

func equalBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if math.Float32bits(a[k]) != math.Float32bits(b[k]) {
			return false
		}
	}
	return true
}

func TestChainShowsAndExports(t *testing.T) {
	path := planet(t)
	d := lessonData(t, path, 2)
	f, err := d.ShowBatch(Rows(2), FigSize(4, 4))
	if err != nil {
		t.Fatal(err)
	}
	if f.PNG() == nil {
		t.Error("no picture is shown")
	}
	x, y, err := d.TrainDS.At(0)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{3, 32, 32}, x.Tensor().Shape()); d != "" || y.String() == "" {
		t.Error(d, y)
	}
	s, err := d.State()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	e, err := LoadState(back, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.AddTest(vision.ImageListFromFolder(path.Join("test-jpg"))); err != nil {
		t.Fatal(err)
	}
	b, err := e.OneBatch(On(Test))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{5, 3, 32, 32}, b.X[0].Shape()); d != "" {
		t.Error(d)
	}
	// A loaded bunch makes the same of a picture as the validation set it came from.
	item, err := d.ValidDS.List().Get(0)
	if err != nil {
		t.Fatal(err)
	}
	one, err := e.OneItem(item)
	if err != nil {
		t.Fatal(err)
	}
	valid, err := d.OneBatch(On(Valid))
	if err != nil {
		t.Fatal(err)
	}
	if !equalBits(one.X[0].At(0).Float32s(), valid.X[0].At(0).Float32s()) {
		t.Error("the picture differs after the export")
	}
}

func TestChainOfOtherSizes(t *testing.T) {
	path := planet(t)
	file := path.Join("train-jpg", "train_3.jpg")
	if err := os.Remove(file.String()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(f, image.NewGray(image.Rect(0, 0, 20, 30)), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := source(path).DataBunch(BS(8))
	if err != nil {
		t.Fatal(err)
	}
	err = d.Batches(context.Background(), Fix, func(*Batch) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "train_3.jpg [3 30 20] beside") || !strings.Contains(err.Error(), "try Size") {
		t.Error(err)
	}
}

func TestChainBrokenPictures(t *testing.T) {
	path := planet(t)
	file := path.Join("train-jpg", "train_3.jpg")
	b, err := os.ReadFile(file.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file.String(), b[:len(b)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	walk := func(d *DataBunch) error {
		return d.Batches(context.Background(), Fix, func(*Batch) error { return nil })
	}
	err = walk(lessonData(t, path, 2))
	if err == nil || !strings.Contains(err.Error(), "train_3.jpg") || !strings.Contains(err.Error(), "SkipBroken") {
		t.Errorf("truncated picture: %v", err)
	}
	d := lessonData(t, path, 2, SkipBroken(true))
	if err := walk(d); err != nil {
		t.Error(err)
	}
	if s := d.Skipped(); len(s) != 1 || !strings.Contains(s[0], "train_3.jpg") {
		t.Error(s)
	}
	if err := os.Remove(file.String()); err != nil {
		t.Fatal(err)
	}
	if err := source(path).Err(); err == nil || !strings.Contains(err.Error(), "train_v2.csv:5") {
		t.Errorf("absent picture: %v", err)
	}
}

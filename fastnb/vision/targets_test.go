package vision

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// scenes writes n pictures of 30x40 with a bright square, and masks where the square is class 1.
func scenes(t *testing.T, n int) datasets.Path {
	t.Helper()
	dir := t.TempDir()
	for k := range n {
		m, y := image.NewGray(image.Rect(0, 0, 40, 30)), image.NewGray(image.Rect(0, 0, 40, 30))
		for i := range 8 {
			for j := range 8 {
				m.SetGray(10+k+j, 8+i, color.Gray{Y: 250})
				y.SetGray(10+k+j, 8+i, color.Gray{Y: 1})
			}
		}
		for sub, img := range map[string]image.Image{"images": m, "labels": y} {
			if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(filepath.Join(dir, sub, fmt.Sprintf("s%d.png", k)))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, img); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return datasets.NewPath(dir)
}

func maskOf(p datasets.Path) datasets.Path { return p.Replace("images", "labels") }

func TestSegmentationBunch(t *testing.T) {
	data.Seed(5)
	dir := scenes(t, 8)
	src := SegmentationListFromFolder(dir.Join("images")).SplitByRandPct(.25).LabelFromFunc(maskOf, data.Classes("ground", "square"))
	d, err := src.Transform(GetTransforms(), data.Size(24, 32), data.TfmY(true)).Normalize(ImageNetStats).DataBunch(data.BS(4))
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.OneBatch()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(b.X[0].Shape(), b.Y[0].Shape(), b.Y[0].DType()); got != "[4 3 24 32] [4 1 24 32] int64" {
		t.Errorf("batch of %s", got)
	}
	// Picture and mask moved alike: bright where the class is 1.
	x, y, err := d.TrainDS.At(0)
	if err != nil {
		t.Fatal(err)
	}
	var bright, dark, nb, nd float64
	for k, c := range y.Tensor().Int64s() {
		v := float64(x.Tensor().Float32s()[k])
		if c == 1 {
			bright, nb = bright+v, nb+1
		} else {
			dark, nd = dark+v, nd+1
		}
	}
	if !(bright/nb > .6 && dark/nd < .1) {
		t.Errorf("brightness %v inside the mask, %v outside", bright/nb, dark/nd)
	}
	if f, err := d.ShowBatch(data.Rows(2)); err != nil || f.Err() != nil {
		t.Error(err, f.Err())
	}
	if d.C != 2 {
		t.Errorf("C = %d", d.C)
	}
}

func TestBadMasks(t *testing.T) {
	dir := scenes(t, 4)
	list := SegmentationListFromFolder(dir.Join("images")).SplitByIdx([]int{3})
	small := func(p datasets.Path) datasets.Path { return datasets.NewPath("testdata", "sample_mask_l.png") }
	many := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	for want, l := range map[string]*data.LabelLists{
		"names of their classes": list.LabelFromFunc(maskOf),
		"is none of the 1":       list.LabelFromFunc(maskOf, data.Classes("ground")),
		"its picture 30x40":      list.LabelFromFunc(small, data.Classes(many...)),
	} {
		d, err := l.Transform(GetTransforms(), data.Size(16), data.TfmY(true)).DataBunch(data.BS(2))
		if err == nil {
			_, err = d.OneBatch()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

func TestPointsBunch(t *testing.T) {
	data.Seed(6)
	dir := scenes(t, 8)
	centre := func(p datasets.Path) (Points, error) {
		var k int
		_, err := fmt.Sscanf(p.Name(), "s%d.png", &k)
		return Points{{Y: 12, X: 14 + float64(k)}}, err
	}
	src := PointsListFromFolder(dir.Join("images")).SplitByRandPct(.25).LabelFromFunc(centre)
	d, err := src.Transform(GetTransforms(), data.Size(60, 80), data.TfmY(true)).DataBunch(data.BS(4))
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.OneBatch()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(b.Y[0].Shape(), d.C); got != "[4 1 2] 2" {
		t.Errorf("targets %s", got)
	}
	// The point stays on the bright square.
	for i := range d.TrainDS.Len() {
		x, y, err := d.TrainDS.At(i)
		if err != nil {
			t.Fatal(err)
		}
		p := y.Tensor().Float32s()
		if len(p) == 0 {
			continue // it left the picture
		}
		r, c := int(float64(p[0]+1)/2*59+.5), int(float64(p[1]+1)/2*79+.5)
		if v := x.Tensor().Float32s()[r*80+c]; v < .6 {
			t.Errorf("item %d: brightness %v at (%d, %d)", i, v, r, c)
		}
	}
	if f, err := d.ShowBatch(data.Rows(2)); err != nil || f.Err() != nil {
		t.Error(err, f.Err())
	}
	_, err = src.Transform(GetTransforms(), data.Size(60, 80)).DataBunch(data.BS(4))
	if err == nil {
		d, _ := src.Transform(GetTransforms(), data.Size(60, 80)).DataBunch(data.BS(4))
		err = d.Batches(context.Background(), data.Valid, func(*data.Batch) error { return nil })
	}
	if err == nil || !strings.Contains(err.Error(), "TfmY(true)") {
		t.Errorf("points without the size of their picture: %v", err)
	}
}

func TestDecodeTargets(t *testing.T) {
	m, err := MaskKind("a", "b").Decode(tensor.FromFloat32([]float32{1, 0, 0, 2, 0, 1, 1, 0}, 2, 2, 2), data.DecodeArgs{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(m.Tensor().Int64s()); got != "[0 1 1 0]" {
		t.Errorf("mask %s", got)
	}
	k, err := PointsKind().Fit([]any{Points{{1, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := k.Decode(tensor.FromFloat32([]float32{.25, -.5}, 2), data.DecodeArgs{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p); got != "(0.2500, -0.5000)" {
		t.Errorf("points %s", got)
	}
	for _, raw := range []any{Points{{math.NaN(), 1}}, Points{{1, 2}, {3, 4}}, "x"} {
		if _, err := k.Encode(raw); err == nil {
			t.Errorf("%v is taken", raw)
		}
	}
}

func TestPlotMulti(t *testing.T) {
	f, err := PlotMulti(2, 3, func(i, j int) (*plotting.Figure, error) { return spot(i, j).Show(), nil }, data.FigSize(6, 4))
	if err != nil || f.Err() != nil {
		t.Fatal(err, f.Err())
	}
	_, err = PlotMulti(1, 2, func(_, j int) (*plotting.Figure, error) {
		if j == 1 {
			return nil, errors.New("no such file")
		}
		return spot(0, 0).Show(), nil
	})
	if err == nil || !strings.Contains(err.Error(), "column 1: no such file") {
		t.Errorf("%v", err)
	}
}

package vision

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// TestTransformY makes masks of half the pictures' size that show the same.
func TestTransformY(t *testing.T) {
	data.Seed(8)
	src := SegmentationListFromFolder(scenes(t, 8).Join("images")).SplitByRandPct(.25).LabelFromFunc(maskOf, data.Classes("ground", "square"))
	d, err := src.Transform(GetTransforms(MaxLighting(0)), data.Size(48, 64), data.TfmY(true)).TransformY(nil, data.Size(24, 32)).DataBunch(data.BS(4))
	check(t, err)
	b, err := d.OneBatch()
	check(t, err)
	if diff := cmp.Diff([][]int{{4, 3, 48, 64}, {4, 1, 24, 32}}, [][]int{b.X[0].Shape(), b.Y[0].Shape()}); diff != "" {
		t.Error(diff)
	}
	right, n := 0, 0
	for i := range d.TrainDS.Len() {
		x, y, err := d.TrainDS.At(i)
		check(t, err)
		px, m := x.Tensor().Float32s(), y.Tensor().Int64s()
		for r := range 24 {
			for c := range 32 {
				mean := (px[2*r*64+2*c] + px[2*r*64+2*c+1] + px[(2*r+1)*64+2*c] + px[(2*r+1)*64+2*c+1]) / 4
				n++
				if (mean > .5) == (m[r*32+c] == 1) {
					right++
				}
			}
		}
	}
	if float64(right) < .98*float64(n) {
		t.Errorf("%d of %d pixels of the masks are those of their pictures", right, n)
	}

	// Saved data and exports transform their targets the same.
	check(t, d.Save())
	again, err := data.LoadData(d.Path, "", data.BS(4))
	check(t, err)
	_, half, err := again.TrainDS.At(0)
	check(t, err)
	if diff := cmp.Diff([]int{1, 24, 32}, half.Tensor().Shape()); diff != "" {
		t.Errorf("saved data forgets TransformY: %s", diff)
	}

	// Transforms of the targets' own.
	d, err = src.Transform(NewTransforms([]Transform{FlipLR()}, nil)).TransformY(NewTransforms(nil, nil)).DataBunch(data.BS(1))
	check(t, err)
	x, y, err := d.TrainDS.At(0)
	check(t, err)
	raw, err := OpenImage(d.TrainDS.Items()[0])
	check(t, err)
	flipped, _, err := ApplyTfms([]Transform{FlipLR()}, raw, nil)
	check(t, err)
	mask, err := d.TrainDS.Y(0)
	check(t, err)
	if !slices.Equal(x.Tensor().Float32s(), flipped.Tensor().Float32s()) || !slices.Equal(y.Tensor().Int64s(), mask.Tensor().Int64s()) {
		t.Error("the picture is flipped, its mask is not: not so")
	}
	for want, l := range map[string]*data.LabelLists{
		"try Transform first":                   src.TransformY(nil, data.Size(8)),
		"transform targets: size 0x8":           src.Transform(GetTransforms(), data.Size(8)).TransformY(nil, data.Size(0, 8)),
		"transform targets: Size takes one num": src.Transform(GetTransforms(), data.Size(8)).TransformY(nil, data.Size(1, 2, 3)),
	} {
		if _, err := l.DataBunch(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestUseOnY leaves a transform out for the target, also after an export.
func TestUseOnY(t *testing.T) {
	x := spot(3, 1)
	y := &Mask{px: newBytes(1, x.px.h, x.px.w)}
	y.px.u[3*x.px.w+1] = 1
	for _, on := range []bool{true, false} {
		moved, ys, err := ApplyTfms([]Transform{FlipLR(UseOnY(on))}, x, []data.Item{y})
		check(t, err)
		if slices.Equal(moved.Tensor().Float32s(), x.Tensor().Float32s()) {
			t.Error("the picture was not flipped")
		}
		if same := slices.Equal(ys[0].Tensor().Int64s(), y.Tensor().Int64s()); same == on {
			t.Errorf("UseOnY(%v): mask unchanged: %v", on, same)
		}
	}
	js, err := NewTransforms([]Transform{FlipLR(UseOnY(false), P(.25))}, []Transform{Rotate(Fixed(4))}).State()
	check(t, err)
	back, err := loadTransforms(js)
	check(t, err)
	if got := back.(*Transforms); !got.Train[0].notY || got.Train[0].p != .25 || got.Valid[0].notY || !strings.Contains(got.String(), "not on y") {
		t.Errorf("after an export: %v", got)
	}
}

// TestShowAll lays out pictures, the last row as far as it goes.
func TestShowAll(t *testing.T) {
	items := []data.Item{spot(0, 0), spot(1, 1), spot(2, 2), spot(3, 3), spot(4, 4)}
	f, err := ShowAll(items, 2, data.FigSize(6, 4))
	check(t, err)
	if len(f.PNG()) == 0 || 2*f.Image().Bounds().Dx() != 3*f.Image().Bounds().Dy() {
		t.Errorf("%v", f.Image().Bounds())
	}
	if _, err := ShowAll(items, 6); err == nil || !strings.Contains(err.Error(), "5 items in 6 rows") {
		t.Error(err)
	}
	var order []int
	_, err = PlotFlat(2, 2, func(k int) (*plotting.Figure, error) { order = append(order, k); return items[k].Show(), nil })
	check(t, err)
	if diff := cmp.Diff([]int{0, 1, 2, 3}, order); diff != "" {
		t.Error(diff)
	}
	if _, err := PlotFlat(2, 2, nil); err == nil {
		t.Error("no function: no error")
	}
	f, err = ShowMulti(2, 3, func(i, j int) (*Image, error) { return spot(i, j), nil })
	check(t, err)
	if b := f.Image().Bounds(); b.Dx() == 0 || b.Dx() != b.Dy() {
		t.Errorf("%v", b)
	}
	if _, err := ShowMulti(1, 1, func(int, int) (*Image, error) { return nil, nil }); err == nil || !strings.Contains(err.Error(), "no picture") {
		t.Error(err)
	}
}

package vision

import (
	"errors"
	"image"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
)

// scribble is the mask of testdata/formats: class 1 in the middle with class 2 inside, class 3 in a corner.
func scribble() []uint8 {
	m := make([]uint8, 12*16)
	fill := func(y0, y1, x0, x1 int, v uint8) {
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				m[y*16+x] = v
			}
		}
	}
	fill(3, 9, 4, 12, 1)
	fill(5, 7, 6, 9, 2)
	fill(10, 12, 14, 16, 3)
	return m
}

// TestMaskForms: each form of mask that people have is read as its classes, or refused with what to try.
func TestMaskForms(t *testing.T) {
	classes := scribble()
	ones := make([]uint8, len(classes))
	for k, v := range classes {
		if v == 1 {
			ones[k] = 1
		}
	}
	void := append([]uint8{}, classes...)
	for x := range 16 {
		void[2*16+x] = 0
	}
	voc := []string{"#000000", "#800000", "#008000", "#808000"}
	for _, c := range []struct {
		file string
		opts []MaskOption
		want []uint8
		err  string
	}{
		{file: "mask_grey.png", want: classes},
		{file: "mask_grey_as_rgb.png", want: classes},
		{file: "mask_255.png", opts: []MaskOption{Div(true)}, want: ones},
		{file: "mask_1bit.png", opts: []MaskOption{Div(true)}, want: ones},
		{file: "mask_grey.png", opts: []MaskOption{Div(true)}, err: "the value 1 at row 3, column 4 is neither 0 nor 255"},
		{file: "mask_255.jpg", err: "a JPEG does not keep the values of a mask exactly (try PNG files; or Masks with Div(true)"},
		{file: "mask_255.jpg", opts: []MaskOption{Div(true)}, want: ones},
		{file: "mask_voc.png", err: "has a palette: at row 3, column 4 is its colour number 1, of grey value 38 (try Masks with PaletteIndex(true)"},
		{file: "mask_voc.png", opts: []MaskOption{PaletteIndex(true)}, want: classes},
		{file: "mask_voc.png", opts: []MaskOption{MaskColors(voc...)}, want: classes},
		{file: "mask_rgb.png", err: "is in colour: (128, 0, 0) at row 3, column 4 (try Masks with MaskColors"},
		{file: "mask_rgb.png", opts: []MaskOption{MaskColors(voc...)}, want: classes},
		{file: "mask_rgb.png", opts: []MaskOption{MaskColors(voc[:3]...)}, err: "the colour #808000 at row 10, column 14 is none of MaskColors"},
		{file: "mask_rgb.png", opts: []MaskOption{MaskColors("red")}, err: `"red" is no colour`},
		{file: "mask_void.png", opts: []MaskOption{ReplaceValue(255, 0)}, want: void},
	} {
		m, err := OpenMask(formatFile(c.file), c.opts...)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.file, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.file, err)
		default:
			if d := cmp.Diff(c.want, m.px.u); d != "" {
				t.Errorf("%s: %s", c.file, d)
			}
		}
	}
	m, err := OpenMask(formatFile("mask_rgb.jpg"), MaskColors(voc...))
	check(t, err)
	wrong := 0
	for k, v := range m.px.u {
		if v != classes[k] {
			wrong++
		}
	}
	if wrong > len(classes)/20 {
		t.Errorf("%d of %d pixels of the JPEG have another colour than the nearest", wrong, len(classes))
	}
}

// TestMasksOfLists: the options reach the masks of a list, its exports, and the words of its errors.
func TestMasksOfLists(t *testing.T) {
	dir := datasets.NewPath(t.TempDir())
	check(t, dir.Join("images").Mkdir())
	f, err := os.Create(dir.Join("images", "a.png").String())
	check(t, err)
	check(t, png.Encode(f, image.NewRGBA(image.Rect(0, 0, 16, 12))))
	check(t, f.Close())
	list := SegmentationListFromFolder(dir.Join("images")).SplitNone()
	mask := func(name string) func(datasets.Path) datasets.Path {
		return func(datasets.Path) datasets.Path {
			return datasets.NewPath(mustWd(t)).Join("testdata", "formats", name)
		}
	}
	open := func(file string, o ...data.LabelOption) (data.Item, error) {
		l := list.LabelFromFunc(mask(file), o...)
		if l.Err() != nil {
			return nil, l.Err()
		}
		d, err := l.DataBunch(data.BS(1))
		check(t, err)
		_, y, err := d.TrainDS.At(0)
		return y, err
	}
	two, four := data.Classes("ground", "thing"), data.Classes("a", "b", "c", "d")
	for _, c := range []struct {
		file string
		opts []data.LabelOption
		err  string
	}{
		{"mask_255.png", []data.LabelOption{two}, "is none of the 2 classes (its values are 0 and 255: try Masks(Div(true)))"},
		{"mask_255.png", []data.LabelOption{two, Masks(Div(true))}, ""},
		{"mask_void.png", []data.LabelOption{four}, "255 often marks borders: try Masks(ReplaceValue(255"},
		{"mask_grey.png", []data.LabelOption{two}, "its values go up to 3: try Classes with a name for each"},
		{"mask_voc.png", []data.LabelOption{four}, "try Masks with PaletteIndex(true)"},
		{"mask_voc.png", []data.LabelOption{four, Masks(PaletteIndex(true))}, ""},
		{"mask_rgb.png", []data.LabelOption{four, Masks(MaskColors("#000000"))}, "1 colours for 4 classes"},
		{"mask_rgb.png", []data.LabelOption{four, Masks(ReplaceValue(1, 256))}, "ReplaceValue(1, 256): values are 0 to 255"},
		{"mask_rgb.png", []data.LabelOption{four, Masks(MaskFunc(func(p datasets.Path) (*Mask, error) {
			m, err := OpenMask(p, GreyMask(true))
			if err != nil {
				return nil, err
			}
			if m, err = m.Replace(38, 1); err == nil {
				if m, err = m.Replace(75, 2); err == nil {
					m, err = m.Replace(113, 3)
				}
			}
			return m, err
		}))}, ""},
		{"mask_rgb.png", []data.LabelOption{four, Masks(MaskFunc(func(datasets.Path) (*Mask, error) { return nil, nil }))}, "gave no mask and no error"},
		{"mask_rgb.png", []data.LabelOption{four, Masks(MaskFunc(func(datasets.Path) (*Mask, error) { return nil, errors.New("no idea") }))}, "no idea"},
	} {
		y, err := open(c.file, c.opts...)
		switch {
		case c.err == "" && err != nil:
			t.Errorf("%s: %v", c.file, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, want %q", c.file, err, c.err)
		case c.err != "" && strings.Contains(err.Error(), "SkipBroken") && strings.Contains(c.err, "try"):
			t.Errorf("%s: told to throw the data away: %v", c.file, err)
		case c.err == "" && c.file != "mask_255.png":
			if d := cmp.Diff(scribble(), y.(*Mask).px.u); d != "" {
				t.Errorf("%s: %s", c.file, d)
			}
		}
	}
	l := list.LabelFromFunc(mask("mask_voc.png"), four, Masks(PaletteIndex(true), ReplaceValue(3, 0)))
	d, err := l.DataBunch(data.BS(1))
	check(t, err)
	check(t, d.Save())
	e, err := data.LoadData(d.Path, "", data.BS(1))
	check(t, err)
	_, y, err := e.TrainDS.At(0)
	check(t, err)
	if v := y.(*Mask).px.u; v[3*16+4] != 1 || v[11*16+15] != 0 {
		t.Errorf("saved data opens its masks otherwise: %v", v)
	}
	l = ImageListFromFolder(dir.Join("images")).SplitNone().LabelConst("a", Masks(Div(true)))
	if l.Err() == nil || !strings.Contains(l.Err().Error(), "option Masks: the labels are of kind category") {
		t.Error(l.Err())
	}
}

func mustWd(t *testing.T) string {
	t.Helper()
	d, err := os.Getwd()
	check(t, err)
	return d
}

// TestMaskOf makes masks of numbers.
func TestMaskOf(t *testing.T) {
	m, err := MaskOf(tensor.FromInt64([]int64{0, 1, 255, 3}, 1, 2, 2))
	check(t, err)
	if d := cmp.Diff([]uint8{0, 1, 255, 3}, m.px.u); d != "" {
		t.Error(d)
	}
	for _, bad := range []*tensor.Tensor{tensor.FromFloat32([]float32{.5}, 1, 1), tensor.FromInt64([]int64{256}, 1, 1), tensor.FromInt64([]int64{1}, 1)} {
		if _, err := MaskOf(bad); err == nil {
			t.Errorf("%v %v is a mask", bad.Shape(), bad.Float64s())
		}
	}
}

// lender is a kind of one's own whose pictures and masks share memory that it keeps.
type lender struct {
	data.Kind
	of func(ref string) data.Item
}

func (l lender) Open(ref string) (data.Item, error) { return l.of(ref), nil }

// TestLentMemory: pictures and masks that are made of somebody's memory are never given to the pools, whatever
// is done to them on the way.
func TestLentMemory(t *testing.T) {
	numbers := make([]float32, 3*8*8)
	for k := range numbers {
		numbers[k] = float32(k) / 192
	}
	kept := append([]float32{}, numbers...)
	shared := tensor.FromFloat32(numbers, 3, 8, 8)
	one, err := ImageFromTensor(shared)
	check(t, err)
	for name, of := range map[string]func(string) data.Item{
		"of a tensor each time": func(string) data.Item { x, _ := ImageFromTensor(shared); return x },
		"the same each time":    func(string) data.Item { return one },
	} {
		list := data.NewItemList(lender{ImageKind(), of}, datasets.NewPath(t.TempDir()), []string{"a", "b", "c", "d"}).SplitNone().LabelConst("x")
		for _, tf := range []data.Augmenter{nil, GetTransforms()} {
			l := list
			if tf != nil {
				l = list.Transform(tf, data.Size(6))
			}
			d, err := l.DataBunch(data.BS(2))
			check(t, err)
			for range 3 {
				check(t, d.Batches(t.Context(), data.Train, func(b *data.Batch) error { return nil }))
				for range 4 { // whatever lies in the pools is written over
					p := newFloats(3, 8, 8)
					for k := range p.f {
						p.f[k] = -1
					}
				}
			}
		}
		if d := cmp.Diff(kept, numbers); d != "" {
			t.Fatalf("%s: the pools took memory that was lent: %s", name, d)
		}
	}
	file, err := OpenImage(formatFile("exif1.jpg"))
	check(t, err)
	file.Recycle()
	if file.Height() != 21 {
		t.Error("a picture of OpenImage is gone after Recycle")
	}
	m, err := MaskOf(tensor.FromInt64([]int64{1}, 1, 1))
	check(t, err)
	m.Recycle()
	if m.Height() != 1 {
		t.Error("a mask of MaskOf is gone after Recycle")
	}
}

package vision

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"slices"
	"strconv"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
)

// MaskOption is an option of OpenMask, and of Masks for the masks of a list: Div, PaletteIndex, GreyMask,
// MaskColors, ReplaceValue and, for lists, MaskFunc.
type MaskOption interface{ applyMask(*maskOpener) }

type maskFunc func(*maskOpener)

func (f maskFunc) applyMask(o *maskOpener) { f(o) }

// maskOpener is how the classes of a mask's file are read.
type maskOpener struct {
	Div     bool       `json:"div,omitempty"`
	Index   *bool      `json:"palette_index,omitempty"`
	Grey    bool       `json:"grey,omitempty"`
	Colours []string   `json:"colours,omitempty"`
	Replace [][2]uint8 `json:"replace,omitempty"`
	Func    bool       `json:"func,omitempty"` // opened by f, which no file keeps

	f   func(datasets.Path) (*Mask, error)
	err error
}

// Div divides the values by 255, for masks of two classes in black and white (fastai's div). A value between
// is an error, but in a JPEG, which never keeps values exactly, it counts as the nearer of the two.
func Div(on bool) MaskOption { return maskFunc(func(o *maskOpener) { o.Div = on }) }

// PaletteIndex says what the classes of a picture with a palette are: the numbers of its colours, as in Pascal
// VOC (true), or the grey values of these colours, as fastai has it (false). Without, a palette whose colours
// are not the greys of their own numbers is an error.
func PaletteIndex(on bool) MaskOption { return maskFunc(func(o *maskOpener) { o.Index = &on }) }

// GreyMask takes the grey values, by Pillow's formula, of masks in colour or in JPEGs, as fastai does.
func GreyMask(on bool) MaskOption { return maskFunc(func(o *maskOpener) { o.Grey = on }) }

// MaskColors reads masks in colour: the first colour is class 0 and so on, as in
// MaskColors("#000000", "#800000"). Another colour is an error that names its place; in a JPEG it counts as
// the nearest.
func MaskColors(hex ...string) MaskOption {
	return maskFunc(func(o *maskOpener) {
		o.Colours = hex
		for _, h := range hex {
			if _, err := parseColour(h); err != nil {
				o.err = err
			}
		}
	})
}

// ReplaceValue gives one value of the masks another, after all else, such as 255 where that marks borders.
func ReplaceValue(from, to int) MaskOption {
	return maskFunc(func(o *maskOpener) {
		if from < 0 || from > 255 || to < 0 || to > 255 {
			o.err = fmt.Errorf("ReplaceValue(%d, %d): values are 0 to 255", from, to)
			return
		}
		o.Replace = append(o.Replace, [2]uint8{uint8(from), uint8(to)})
	})
}

// MaskFunc opens the masks of a list by a function of yours, which is called by several goroutines at once;
// MaskOf makes a mask of numbers. Exports and saved data do not keep it.
func MaskFunc(f func(datasets.Path) (*Mask, error)) MaskOption {
	return maskFunc(func(o *maskOpener) { o.f, o.Func = f, f != nil })
}

// Masks says how the masks of a list are read: LabelFromFunc(getMask, Classes(…), Masks(Div(true))).
func Masks(opts ...MaskOption) data.LabelOption {
	return data.ForLabelKind(func(k data.LabelKind) (data.LabelKind, error) {
		m, ok := k.(maskKind)
		if !ok {
			return k, fmt.Errorf("option Masks: the labels are of kind %s, not masks (try it with SegmentationListFromFolder and the like)", k.Name())
		}
		for _, o := range opts {
			o.applyMask(&m.Opener)
		}
		if c := m.Opener.Colours; m.Opener.err == nil && c != nil && len(c) != len(m.Names) {
			return k, fmt.Errorf("option MaskColors: %d colours for %d classes", len(c), len(m.Names))
		}
		return m, m.Opener.err
	})
}

// MaskOf is a mask of whole numbers 0 to 255, [H, W] or [1, H, W].
func MaskOf(t *tensor.Tensor) (*Mask, error) {
	s := t.Shape()
	if err := t.Err(); err != nil {
		return nil, err
	}
	if len(s) == 3 && s[0] == 1 {
		s = s[1:]
	}
	if len(s) != 2 || s[0] == 0 || s[1] == 0 {
		return nil, fmt.Errorf("fastnb: mask of a tensor: %v is not [height, width]", t.Shape())
	}
	m := &Mask{px: newBytes(1, s[0], s[1])}
	m.px.lent = true
	for k, v := range t.Float64s() {
		if v != float64(uint8(v)) {
			return nil, fmt.Errorf("fastnb: mask of a tensor: the value %v at row %d, column %d is no whole number of 0 to 255", v, k/s[1], k%s[1])
		}
		m.px.u[k] = uint8(v)
	}
	return m, nil
}

func parseColour(h string) ([3]uint8, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(h, "#"), 16, 32)
	if err != nil || len(strings.TrimPrefix(h, "#")) != 6 {
		return [3]uint8{}, fmt.Errorf("MaskColors: %q is no colour (try one such as %q)", h, "#80ff00")
	}
	return [3]uint8{uint8(v >> 16), uint8(v >> 8), uint8(v)}, nil
}

// open reads a mask whose memory may be recycled.
func (o maskOpener) open(file string) (*Mask, error) {
	switch {
	case o.err != nil:
		return nil, o.err
	case o.f != nil:
		m, err := o.f(datasets.NewPath(file))
		if err == nil && (m == nil || m.px == nil) {
			err = errors.New("the function of MaskFunc gave no mask and no error")
		}
		if err != nil {
			return nil, err
		}
		return m.replaced(o.Replace), nil
	case o.Func:
		return nil, errors.New("the masks were opened by a function (MaskFunc), which files do not keep (try making the list anew)")
	}
	b, err := readFile(file)
	if err != nil {
		return nil, err
	}
	p, err := o.classes(b)
	if err != nil {
		return nil, err
	}
	if o.Div {
		if err := divide(p, isJPEG(b) || lossyWebP(b)); err != nil {
			return nil, err
		}
	}
	return (&Mask{px: p}).replaced(o.Replace), nil
}

// classes reads the values of a file.
func (o maskOpener) classes(b []byte) (*planes, error) {
	lossy := isJPEG(b) || lossyWebP(b)
	if lossy && !o.Grey && !o.Div && o.Colours == nil {
		return nil, errors.New("a JPEG does not keep the values of a mask exactly (try PNG files; or Masks with Div(true) for black and white, MaskColors, or GreyMask(true) to take the values as they are)")
	}
	if !isJPEG(b) && !isWebP(b) && o.Colours == nil {
		m, err := decodeAny(b)
		if err != nil {
			return nil, err
		}
		switch m := m.(type) {
		case *image.Gray, *image.Gray16:
			return greyOf(m)
		case *image.Paletted:
			o.Grey = o.Grey || o.Index != nil && !*o.Index
			if p, err := o.indices(m); p != nil || err != nil {
				return p, err
			}
		}
	}
	rgb, err := decodeRGB(b)
	if err != nil {
		return nil, err
	}
	defer rgb.release()
	if o.Colours != nil {
		return o.byColour(rgb, lossy)
	}
	n := rgb.h * rgb.w
	if !o.Grey && !lossy {
		for k := range n {
			if r, g, b := rgb.u[k], rgb.u[n+k], rgb.u[2*n+k]; r != g || g != b {
				return nil, fmt.Errorf("the mask is in colour: (%d, %d, %d) at row %d, column %d (try Masks with MaskColors, a colour for each class, or GreyMask(true) for grey values as fastai takes them)", r, g, b, k/rgb.w, k%rgb.w)
			}
		}
	}
	return greyOfRGB(rgb), nil
}

// greyOf takes the values of a grey picture.
func greyOf(m image.Image) (*planes, error) {
	r := m.Bounds()
	p := newBytes(1, r.Dy(), r.Dx())
	switch m := m.(type) {
	case *image.Gray:
		for y := range p.h {
			copy(p.u[y*p.w:(y+1)*p.w], m.Pix[y*m.Stride:])
		}
	case *image.Gray16:
		for k := range p.u {
			v := m.Gray16At(k%p.w, k/p.w).Y
			if v > 255 {
				return nil, fmt.Errorf("the mask has 16 bits, and the value %d at row %d, column %d is above 255", v, k/p.w, k%p.w)
			}
			p.u[k] = uint8(v)
		}
	}
	return p, nil
}

// indices takes the numbers of colours, or gives nil where grey values are wanted.
func (o maskOpener) indices(m *image.Paletted) (*planes, error) {
	if o.Grey {
		return nil, nil
	}
	p := newBytes(1, m.Rect.Dy(), m.Rect.Dx())
	for y := range p.h {
		copy(p.u[y*p.w:(y+1)*p.w], m.Pix[y*m.Stride:])
	}
	if o.Index != nil {
		return p, nil
	}
	for k, v := range p.u {
		c := color.NRGBAModel.Convert(m.Palette[v]).(color.NRGBA)
		if grey := luma(c.R, c.G, c.B); grey != v {
			return nil, fmt.Errorf("the mask has a palette: at row %d, column %d is its colour number %d, of grey value %d (try Masks with PaletteIndex(true) for the numbers, as in Pascal VOC, or PaletteIndex(false) for the grey values, as fastai takes them)", k/p.w, k%p.w, v, grey)
		}
	}
	return p, nil
}

// luma is Pillow's grey value of a colour.
func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 32768) >> 16)
}

func greyOfRGB(rgb *planes) *planes {
	p := newBytes(1, rgb.h, rgb.w)
	n := len(p.u)
	for k := range p.u {
		p.u[k] = luma(rgb.u[k], rgb.u[n+k], rgb.u[2*n+k])
	}
	return p
}

// byColour finds the class of each colour.
func (o maskOpener) byColour(rgb *planes, nearest bool) (*planes, error) {
	known := map[[3]uint8]uint8{}
	var all [][3]uint8
	for k, h := range o.Colours {
		c, err := parseColour(h)
		if err != nil {
			return nil, err
		}
		known[c] = uint8(k)
		all = append(all, c)
	}
	p := newBytes(1, rgb.h, rgb.w)
	n := len(p.u)
	for k := range p.u {
		c := [3]uint8{rgb.u[k], rgb.u[n+k], rgb.u[2*n+k]}
		class, ok := known[c]
		if !ok && !nearest {
			return nil, fmt.Errorf("the colour #%02x%02x%02x at row %d, column %d is none of MaskColors", c[0], c[1], c[2], k/p.w, k%p.w)
		}
		if !ok {
			class = nearestColour(all, c)
			known[c] = class
		}
		p.u[k] = class
	}
	return p, nil
}

func nearestColour(all [][3]uint8, c [3]uint8) uint8 {
	best, least := 0, 1<<30
	for k, a := range all {
		d := 0
		for i := range a {
			x := int(a[i]) - int(c[i])
			d += x * x
		}
		if d < least {
			best, least = k, d
		}
	}
	return uint8(best)
}

// divide makes 1 of 255, and of values nearer to it where they are not exact.
func divide(p *planes, lossy bool) error {
	for k, v := range p.u {
		switch {
		case v == 0 || v == 255 || lossy:
			p.u[k] = v >> 7
		default:
			return fmt.Errorf("the value %d at row %d, column %d is neither 0 nor 255, and so not for Div", v, k/p.w, k%p.w)
		}
	}
	return nil
}

// replaced is the mask with other values.
func (m *Mask) replaced(pairs [][2]uint8) *Mask {
	if len(pairs) == 0 {
		return m
	}
	var to [256]uint8
	for v := range to {
		to[v] = uint8(v)
		for _, p := range pairs {
			if uint8(v) == p[0] {
				to[v] = p[1]
			}
		}
	}
	p := newBytes(1, m.px.h, m.px.w)
	for k, v := range m.px.u {
		p.u[k] = to[v]
	}
	m.Recycle()
	return &Mask{px: p}
}

// Replace is the mask with one value where another is.
func (m *Mask) Replace(from, to int) (*Mask, error) {
	var o maskOpener
	ReplaceValue(from, to).applyMask(&o)
	if o.err != nil {
		return nil, fmt.Errorf("fastnb: mask: %w", o.err)
	}
	n := &Mask{px: m.px} // which stays as it is
	p := *m.px
	p.lent = true
	n.px = &p
	out := n.replaced(o.Replace)
	out.px.lent = true
	return out, nil
}

// hint says what may be meant by a mask with values that are no classes.
func (m *Mask) hint(classes int) string {
	var there [256]bool
	for _, v := range m.px.u {
		there[v] = true
	}
	all := values(there[:])
	others := slices.ContainsFunc(all, func(v int) bool { return v >= classes && v != 255 })
	switch {
	case !slices.ContainsFunc(all, func(v int) bool { return v != 0 && v != 255 }):
		return "its values are 0 and 255: try Masks(Div(true))"
	case !others:
		return "255 often marks borders: try Masks(ReplaceValue(255, …)), or a class of its own"
	}
	return fmt.Sprintf("its values go up to %d: try Classes with a name for each, or Masks with ReplaceValue", all[len(all)-1])
}

func values(there []bool) []int {
	var v []int
	for k, ok := range there {
		if ok {
			v = append(v, k)
		}
	}
	return v
}

package vision

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// Mask is a class for every pixel of a picture, [1, H, W]. It does not change.
type Mask struct {
	px   *planes // c = 1, 8 bits
	from *planes
}

// OpenMask reads a mask: the 8-bit values of a grey picture are the classes. Pictures in colour, with a
// palette, or in JPEGs can be read in more than one way, which options say: Div, PaletteIndex, GreyMask (as
// fastai's open_mask does), MaskColors, ReplaceValue.
func OpenMask(path datasets.Path, opts ...MaskOption) (*Mask, error) {
	var o maskOpener
	for _, f := range opts {
		f.applyMask(&o)
	}
	m, err := o.open(path.String())
	if err != nil {
		return nil, fmt.Errorf("fastnb: open mask: %s: %w", path, err)
	}
	m.px.lent = true
	return m, nil
}

// Shape is [1, H, W].
func (m *Mask) Shape() []int { return []int{1, m.px.h, m.px.w} }

// Size is the mask's height and width.
func (m *Mask) Size() data.Dims { return data.Dims{H: m.px.h, W: m.px.w} }

// Height is the number of rows.
func (m *Mask) Height() int { return m.px.h }

// Width is the number of columns.
func (m *Mask) Width() int { return m.px.w }

// Tensor is the classes as int64 [1, H, W].
func (m *Mask) Tensor() *tensor.Tensor {
	v := make([]int64, len(m.px.u))
	for k, c := range m.px.u {
		v[k] = int64(c)
	}
	return tensor.FromInt64(v, 1, m.px.h, m.px.w)
}

// String is the mask's kind and size.
func (m *Mask) String() string { return fmt.Sprintf("Mask [1, %d, %d]", m.px.h, m.px.w) }

// Recycle gives the memory back of a mask that a loader opened or transformed; such a mask must not be used
// after it. One that OpenMask or MaskOf made stays as it is.
func (m *Mask) Recycle() {
	if m.px != nil && m.px.lent {
		return
	}
	for _, p := range []*planes{m.px, m.from} {
		if p != nil {
			p.release()
		}
	}
	m.px, m.from = nil, nil
}

// Keep makes the mask one that Recycle leaves as it is, and gives the bytes it takes.
func (m *Mask) Keep() int64 { return m.px.keep() }

// Show draws the mask, each class in a colour of its own that is the same in every picture. Options:
// FigSize (3x3 inches), Alpha (1), Title.
func (m *Mask) Show(opts ...data.ShowOption) *plotting.Figure {
	c := data.NewShowConfig(data.Train, opts...)
	if err := c.Refuse("show", "Mask.Show"); err != nil {
		return plotting.Failed(err)
	}
	if c.W == 0 || c.H == 0 {
		c.W, c.H = 3, 3
	}
	if c.Alpha == 0 {
		c.Alpha = 1
	}
	return plotting.Grid([]plotting.Tile{{Image: m.picture(c.Alpha), Title: c.Title}}, plotting.GridOpts{Rows: 1, Cols: 1, W: c.W, H: c.H})
}

// Render shows the mask where it is a cell's last value.
func (m *Mask) Render() struct{ Data, Metadata, Transient map[string]any } { return m.Show().Render() }

// overlay lays the mask over its picture, half transparent unless Alpha says otherwise.
func (m *Mask) overlay(t *plotting.Tile, c data.ShowConfig) {
	a := c.Alpha
	if a == 0 {
		a = .5
	}
	t.Overlay = m.picture(a)
}

func (m *Mask) picture(alpha float64) image.Image {
	p := &image.Paletted{Pix: m.px.u, Stride: m.px.w, Rect: image.Rect(0, 0, m.px.w, m.px.h), Palette: make(color.Palette, 256)}
	for k := range p.Palette {
		c := classColour(k)
		c.A = uint8(math.Round(255 * min(max(alpha, 0), 1)))
		p.Palette[k] = c
	}
	return p
}

// tab20 is Matplotlib's colour map of that name.
var tab20 = [20]uint32{
	0x1f77b4, 0xaec7e8, 0xff7f0e, 0xffbb78, 0x2ca02c, 0x98df8a, 0xd62728, 0xff9896, 0x9467bd, 0xc5b0d5,
	0x8c564b, 0xc49c94, 0xe377c2, 0xf7b6d2, 0x7f7f7f, 0xc7c7c7, 0xbcbd22, 0xdbdb8d, 0x17becf, 0x9edae5,
}

// classColour is the colour of a class: tab20, and beyond it hues a golden angle apart.
func classColour(k int) color.NRGBA {
	if k < len(tab20) {
		v := tab20[k]
		return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
	}
	hue := math.Mod(float64(k)*.618033988749895, 1) * 6
	part := func(shift float64) uint8 {
		x := math.Mod(hue+shift, 6)
		return uint8(70 + 170*min(max(math.Abs(x-3)-1, 0), 1)*(1-.3*float64(k%3)/2))
	}
	return color.NRGBA{part(0), part(4), part(2), 255}
}

func (m *Mask) transformed(list []Drawn, a data.TransformArgs) (data.Item, error) {
	px, err := run(m.px, true, list, a)
	if err != nil {
		return nil, err
	}
	if px == m.px {
		return m, nil
	}
	return &Mask{px: px, from: m.px}, nil
}

// onto checks that the mask fits its picture.
func (m *Mask) onto(x *Image) (data.Item, error) {
	if m.px.h != x.px.h || m.px.w != x.px.w {
		return nil, fmt.Errorf("the mask is %dx%d, its picture %dx%d", m.px.h, m.px.w, x.px.h, x.px.w)
	}
	return m, nil
}

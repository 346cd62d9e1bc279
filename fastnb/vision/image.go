package vision

import (
	"fmt"
	"image"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// Image is a colour picture [3, H, W], red, green and blue in [0, 1]. As read from a file it keeps the
// file's 8 bits; transforms make it float32. An Image does not change: transforms give new ones.
type Image struct {
	px   *planes
	from *planes // what px was sampled from, to be recycled with it
}

// OpenImage reads a picture: JPEG (also with four components), PNG, GIF and WebP (of animated ones the first
// frame), BMP or TIFF. Grey becomes three equal channels, transparency is dropped, and an EXIF orientation is
// ignored, as fastai does (fastai/vision/image.py, open_image), with a line that says so. Option: UseEXIF
// (false). The pixels are those of Pillow.
func OpenImage(path datasets.Path, opts ...OpenOption) (*Image, error) {
	var k imageKind
	for _, o := range opts {
		o.applyOpen(&k)
	}
	x, err := k.open(path.String())
	if err != nil {
		return nil, fmt.Errorf("fastnb: open image: %s: %w", path, err)
	}
	x.px.lent = true
	return x, nil
}

// open reads a picture whose memory may be recycled.
func (k imageKind) open(file string) (*Image, error) {
	b, err := readFile(file)
	if err != nil {
		return nil, err
	}
	px, err := decodeRGB(b)
	if err != nil {
		return nil, err
	}
	return &Image{px: k.turned(px, b, file)}, nil
}

// NewImage is a picture of any image.Image, its transparency dropped.
func NewImage(m image.Image) *Image {
	px := planesOf(m)
	px.lent = true
	return &Image{px: px}
}

// ImageFromTensor is a picture of float32 [3, H, W] in [0, 1], which it shares.
func ImageFromTensor(t *tensor.Tensor) (*Image, error) {
	s := t.Shape()
	if t.DType() != tensor.Float32 || len(s) != 3 || s[0] != 3 || s[1] == 0 || s[2] == 0 {
		return nil, fmt.Errorf("fastnb: image of a tensor: %s %v is not float32 [3, height, width]", t.DType(), s)
	}
	return &Image{px: &planes{c: 3, h: s[1], w: s[2], f: t.Float32s(), lent: true}}, nil
}

// Shape is [3, H, W].
func (x *Image) Shape() []int { return []int{x.px.c, x.px.h, x.px.w} }

// Size is the picture's height and width.
func (x *Image) Size() data.Dims { return data.Dims{H: x.px.h, W: x.px.w} }

// Height is the number of rows.
func (x *Image) Height() int { return x.px.h }

// Width is the number of columns.
func (x *Image) Width() int { return x.px.w }

// Tensor is the picture as float32 [3, H, W] in [0, 1].
func (x *Image) Tensor() *tensor.Tensor {
	f := x.px.f
	if f == nil {
		f = make([]float32, len(x.px.u))
		x.px.floats(f)
	}
	return tensor.FromFloat32(f, x.px.c, x.px.h, x.px.w)
}

// String is the picture's kind and size.
func (x *Image) String() string { return fmt.Sprintf("Image [%d, %d, %d]", x.px.c, x.px.h, x.px.w) }

// Recycle gives the memory back of a picture that a loader opened or transformed; such a picture must not be
// used after it. One that OpenImage, NewImage or ImageFromTensor made stays as it is.
func (x *Image) Recycle() {
	if x.px != nil && x.px.lent {
		return
	}
	for _, p := range []*planes{x.px, x.from} {
		if p != nil {
			p.release()
		}
	}
	x.px, x.from = nil, nil
}

// Keep makes the picture one that Recycle leaves as it is, and gives the bytes it takes.
func (x *Image) Keep() int64 { return x.px.keep() }

// Picture is an 8-bit copy for drawing and saving.
func (x *Image) Picture() *image.RGBA { return x.px.picture() }

// Show draws the picture. Options: FigSize (3x3 inches), Title, WithY (a target drawn on it), Alpha.
func (x *Image) Show(opts ...data.ShowOption) *plotting.Figure {
	c := data.NewShowConfig(data.Train, opts...)
	if err := c.Refuse("show", "Image.Show"); err != nil {
		return plotting.Failed(err)
	}
	if c.W == 0 || c.H == 0 {
		c.W, c.H = 3, 3
	}
	return plotting.Grid([]plotting.Tile{x.tile(c.Y, c)}, plotting.GridOpts{Rows: 1, Cols: 1, W: c.W, H: c.H})
}

// Render shows the picture where it is a cell's last value, at most 256 pixels wide or high
// (gophernotes' Renderer).
func (x *Image) Render() struct{ Data, Metadata, Transient map[string]any } {
	const inch, most = 72., 256.
	k := min(1, most/float64(max(x.px.h, x.px.w)))
	return x.Show(data.FigSize(float64(x.px.w)*k/inch, float64(x.px.h)*k/inch)).Render()
}

// overlayer is a target that is drawn on its picture, such as a mask.
type overlayer interface {
	overlay(t *plotting.Tile, c data.ShowConfig)
}

// heated is a target with a map of what matters in the picture, drawn over it.
type heated interface{ HeatMap() image.Image }

// tile is the picture with its target: drawn on it, or as a title in words.
func (x *Image) tile(y data.Item, c data.ShowConfig) plotting.Tile {
	t := plotting.Tile{Image: x.Picture(), Title: c.Title}
	switch y := y.(type) {
	case nil:
	case overlayer:
		y.overlay(&t, c)
	default:
		if t.Title == "" {
			t.Title = y.String()
		}
	}
	if h, ok := y.(heated); ok {
		if m := h.HeatMap(); m != nil {
			t.Overlay, t.Smooth = m, true
		}
	}
	return t
}

package vision

import (
	"fmt"
	"math"
	"strings"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// Point is a place in a picture, in pixels from the top left corner.
type Point struct{ Y, X float64 }

var _ settler = Points{}

// Points are places in a picture, as label functions give them.
type Points []Point

// Tensor is the points in pixels, float32 [n, 2], y first.
func (p Points) Tensor() *tensor.Tensor {
	v := make([]float32, 0, 2*len(p))
	for _, q := range p {
		v = append(v, float32(q.Y), float32(q.X))
	}
	return tensor.FromFloat32(v, len(p), 2)
}

// String is the points as (y, x).
func (p Points) String() string {
	s := make([]string, len(p))
	for k, q := range p {
		s[k] = fmt.Sprintf("(%.7g, %.7g)", q.Y, q.X)
	}
	return strings.Join(s, " ")
}

// Show shows the numbers; img.Show(WithY(points)) draws them.
func (p Points) Show(o ...data.ShowOption) *plotting.Figure {
	return showText("Points.Show", p.String(), o)
}

// showText is a text, or the error of an option that has no effect on texts.
func showText(call, text string, o []data.ShowOption) *plotting.Figure {
	if err := data.NewShowConfig(data.Train, o...).Refuse("show", call); err != nil {
		return plotting.Failed(err)
	}
	return plotting.TextFigure(text)
}

func (p Points) overlay(t *plotting.Tile, _ data.ShowConfig) {
	for _, q := range p {
		t.Dots = append(t.Dots, [2]float64{q.X, q.Y})
	}
}

// inside is an error where a point lies outside its picture: more often than not rows and columns are
// exchanged, or the calibration is of other pictures.
func (p Points) inside(x *Image) error {
	h, w := float64(x.px.h), float64(x.px.w)
	for _, q := range p {
		if !(q.Y >= 0 && q.Y <= h && q.X >= 0 && q.X <= w) {
			return fmt.Errorf("the point at row %.5g, column %.5g lies outside its picture of %dx%d (try RemoveOut(false) to keep such points)", q.Y, q.X, x.px.h, x.px.w)
		}
	}
	return nil
}

// onto makes the points relative to their picture: p/(h/2, w/2) - 1.
func (p Points) onto(x *Image) (data.Item, error) {
	r := &ImagePoints{xy: make([][2]float64, len(p)), h: x.px.h, w: x.px.w}
	for k, q := range p {
		r.xy[k] = [2]float64{2*q.X/float64(r.w) - 1, 2*q.Y/float64(r.h) - 1}
	}
	return r, nil
}

// ImagePoints are places in a picture in units of its sides: -1 is the upper or left edge, 1 the lower or
// right one. They follow the picture's transforms.
type ImagePoints struct {
	xy      [][2]float64 // (x, y)
	h, w    int          // of the picture
	dropOut bool         // points outside the picture are left out of what is shown
}

// Len is the number of points, also of those that left the picture.
func (p *ImagePoints) Len() int { return len(p.xy) }

// kept are the points that have not left the picture.
func (p *ImagePoints) kept() [][2]float64 {
	if !p.dropOut {
		return p.xy
	}
	var in [][2]float64
	for _, v := range p.xy {
		if math.Abs(v[0]) <= 1 && math.Abs(v[1]) <= 1 {
			in = append(in, v)
		}
	}
	return in
}

// In is the points in pixels of a picture of the given size, those that left it left out.
func (p *ImagePoints) In(d data.Dims) Points {
	out := Points{}
	for _, v := range p.kept() {
		out = append(out, Point{Y: (v[1] + 1) * float64(d.H) / 2, X: (v[0] + 1) * float64(d.W) / 2})
	}
	return out
}

func yxTensor(xy [][2]float64) *tensor.Tensor {
	v := make([]float32, 0, 2*len(xy))
	for _, q := range xy {
		v = append(v, float32(q[1]), float32(q[0]))
	}
	return tensor.FromFloat32(v, len(xy), 2)
}

// Tensor is the points, float32 [n, 2] from -1 to 1, y first. Points that left the picture are missing
// unless RemoveOut(false) was given; a batch holds them all, since its items must be equally long.
func (p *ImagePoints) Tensor() *tensor.Tensor { return yxTensor(p.kept()) }

// String is the points as (y, x).
func (p *ImagePoints) String() string {
	var s []string
	for _, v := range p.kept() {
		s = append(s, fmt.Sprintf("(%.4f, %.4f)", v[1], v[0]))
	}
	return strings.Join(s, " ")
}

// Show shows the numbers; img.Show(WithY(points)) draws them.
func (p *ImagePoints) Show(o ...data.ShowOption) *plotting.Figure {
	return showText("ImagePoints.Show", p.String(), o)
}

func (p *ImagePoints) overlay(t *plotting.Tile, _ data.ShowConfig) {
	b := t.Image.Bounds()
	for _, v := range p.kept() {
		t.Dots = append(t.Dots, [2]float64{(v[0] + 1) * float64(b.Dx()) / 2, (v[1] + 1) * float64(b.Dy()) / 2})
	}
}

// onto has nothing to do: the points are relative already.
func (p *ImagePoints) onto(*Image) (data.Item, error) { return p, nil }

func (p *ImagePoints) transformed(list []Drawn, a data.TransformArgs) (data.Item, error) {
	s := &pointSet{xy: append([][2]float64{}, p.xy...), args: a, aff: identity, srcH: p.h, srcW: p.w}
	s.h, s.w = resizeTarget(p.h, p.w, a)
	changed := false
	for _, d := range list {
		if !d.run {
			continue
		}
		changed = true
		if err := s.do(d.op); err != nil {
			return nil, fmt.Errorf("%s: %w", d, err)
		}
	}
	if err := s.flush(); err != nil {
		return nil, err
	}
	return &ImagePoints{xy: s.xy, h: s.h, w: s.w, dropOut: changed && a.RemoveOut}, nil
}

package vision

import (
	"fmt"
	"math/rand/v2"

	"github.com/fastnb/go/fastnb/data"
)

var cropPadSpec = register(spec{
	name: "crop_pad", order: orderCrop,
	params: []param{{name: "row_pct", def: Fixed(.5)}, {name: "col_pct", def: Fixed(.5)}},
	build:  func(v []float64, _ *rand.Rand) (op, error) { return &cropPad{row: v[0], col: v[1]}, nil },
})

// CropPad cuts pictures to the size of Transform, and pads those that are too small by its padding mode.
// Settings: P, RowPct (Fixed(.5)), ColPct (Fixed(.5)): which part is kept.
func CropPad(s ...TransformSetting) Transform { return newTransform(cropPadSpec, s) }

// RandCrop is CropPad of any part of the picture. Settings: P.
func RandCrop(s ...TransformSetting) Transform {
	return newTransform(cropPadSpec, s, Uniform(0, 1), Uniform(0, 1))
}

var _ pixelOp = &cropPad{}

type cropPad struct{ row, col float64 }

// window is what crop_pad cuts of a picture of h by w: first padding on each side, then the place.
type window struct{ padR, padC, r, c int }

func (o *cropPad) window(h, w, rows, cols int) window {
	// At exactly 1 the cut would begin one pixel too far.
	pct := func(p float64) float64 {
		if p == 1 {
			return 1 - 1e-7
		}
		return p
	}
	var v window
	if h < rows || w < cols {
		v.padR, v.padC = max((rows-h+1)/2, 0), max((cols-w+1)/2, 0)
		h, w = h+2*v.padR, w+2*v.padC
	}
	v.r, v.c = int(float64(h-rows+1)*pct(o.row)), int(float64(w-cols+1)*pct(o.col))
	return v
}

func (o *cropPad) pixels(c *canvas) error {
	rows, cols := c.args.Height, c.args.Width
	if rows == 0 || c.px.h == rows && c.px.w == cols || c.args.Method != data.ResizeCrop && c.args.Method != data.ResizePad {
		return nil
	}
	v := o.window(c.px.h, c.px.w, rows, cols)
	return c.cut(rows, cols, v.r-v.padR, v.c-v.padC, c.args.Padding)
}

func (o *cropPad) points(p *pointSet) error {
	rows, cols := p.args.Height, p.args.Width
	if rows == 0 || p.h == rows && p.w == cols || p.args.Method != data.ResizeCrop && p.args.Method != data.ResizePad {
		return nil
	}
	v := o.window(p.h, p.w, rows, cols)
	if v.padR > 0 || v.padC > 0 {
		p.scale(float64(p.w)/float64(p.w+2*v.padC), float64(p.h)/float64(p.h+2*v.padR), 0, 0)
		p.h, p.w = p.h+2*v.padR, p.w+2*v.padC
	}
	p.crop(rows, cols, v.r, v.c)
	return nil
}

// cut takes rows by cols of the picture from (top, left) on; what lies outside is filled in. A picture
// can be mirrored only into a band narrower than itself.
func (c *canvas) cut(rows, cols, top, left int, pad data.Padding) error {
	src := c.px
	if pad == data.PadReflection && (-top >= src.h || -left >= src.w || top+rows-src.h >= src.h || left+cols-src.w >= src.w) {
		return fmt.Errorf("a picture of %dx%d cannot be mirrored to fill %dx%d (try PaddingMode(PadBorder))", src.h, src.w, rows, cols)
	}
	dst := src.like(rows, cols)
	ys, xs := padIndex(top, rows, src.h, pad), padIndex(left, cols, src.w, pad)
	if src.u != nil {
		gather(dst.u, src.u, src.c, src.h*src.w, src.w, ys, xs)
	} else {
		gather(dst.f, src.f, src.c, src.h*src.w, src.w, ys, xs)
	}
	c.replace(dst)
	return nil
}

// padIndex says for n positions from at on which of size source positions each takes, -1 for none.
func padIndex(at, n, size int, pad data.Padding) []int {
	ix := make([]int, n)
	for k := range ix {
		i := at + k
		switch {
		case i >= 0 && i < size:
		case pad == data.PadZeros:
			i = -1
		case pad == data.PadBorder:
			i = min(max(i, 0), size-1)
		case i < 0:
			i = -i
		default:
			i = 2*(size-1) - i
		}
		ix[k] = i
	}
	return ix
}

func gather[T uint8 | float32](dst, src []T, channels, area, stride int, ys, xs []int) {
	k := 0
	for ch := range channels {
		plane := src[ch*area : (ch+1)*area]
		for _, y := range ys {
			row := dst[k : k+len(xs)]
			k += len(xs)
			if y < 0 {
				clear(row)
				continue
			}
			from := plane[y*stride : (y+1)*stride]
			for j, x := range xs {
				if x < 0 {
					row[j] = 0
				} else {
					row[j] = from[x]
				}
			}
		}
	}
}

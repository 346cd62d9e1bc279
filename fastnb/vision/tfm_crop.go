package vision

import (
	"fmt"
	"math/rand/v2"

	"github.com/fastnb/go/fastnb/data"
)

var cropSpec = register(spec{
	name: "crop", order: orderPixel,
	params: []param{{name: "height", def: Fixed(1)}, {name: "width", def: Fixed(1)}, {name: "row_pct", def: Fixed(.5)}, {name: "col_pct", def: Fixed(.5)}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		if v[0] < 1 || v[1] < 1 {
			return nil, fmt.Errorf("size %gx%g is not positive", v[0], v[1])
		}
		return crop{int(v[0]), int(v[1]), cropPad{v[2], v[3]}}, nil
	},
})

// Crop cuts pictures to height and width, which must not be larger than they are. Settings: P, RowPct
// (Fixed(.5)), ColPct (Fixed(.5)): which part is kept.
func Crop(height, width int, s ...TransformSetting) Transform {
	return newTransform(cropSpec, s, Fixed(float64(height)), Fixed(float64(width)))
}

type crop struct {
	rows, cols int
	cropPad
}

func (o crop) fits(h, w int) error {
	if h < o.rows || w < o.cols {
		return fmt.Errorf("a picture of %dx%d is smaller than that (try CropPad)", h, w)
	}
	return nil
}

func (o crop) pixels(c *canvas) error {
	if err := o.fits(c.px.h, c.px.w); err != nil {
		return err
	}
	v := o.window(c.px.h, c.px.w, o.rows, o.cols)
	return c.cut(o.rows, o.cols, v.r, v.c, data.PadZeros)
}

func (o crop) points(p *pointSet) error {
	if err := o.fits(p.h, p.w); err != nil {
		return err
	}
	v := o.window(p.h, p.w, o.rows, o.cols)
	p.crop(o.rows, o.cols, v.r, v.c)
	return nil
}

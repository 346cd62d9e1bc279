package vision

import (
	"errors"
	"math/rand/v2"

	"github.com/fastnb/go/fastnb/data"
)

var padSpec = register(spec{
	name: "pad", order: orderPad,
	params: []param{{name: "padding", def: Fixed(0)}, {name: "mode", def: Fixed(float64(data.PadReflection))}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		if v[0] < 0 {
			return nil, errors.New("padding must not be negative")
		}
		return padding{int(v[0]), data.Padding(v[1])}, nil
	},
})

// Pad adds pixels on all four sides, before any other transform. Settings: P.
func Pad(pixels int, mode data.Padding, s ...TransformSetting) Transform {
	return newTransform(padSpec, s, Fixed(float64(pixels)), Fixed(float64(mode)))
}

// RandPad pads all sides and then cuts any part of the given size: pictures moved by up to padding
// pixels.
func RandPad(pixels, height, width int, mode data.Padding) []Transform {
	return []Transform{Pad(pixels, mode), Crop(height, width, RowPct(Uniform(0, 1)), ColPct(Uniform(0, 1)))}
}

var _ pixelOp = padding{}

type padding struct {
	n    int
	mode data.Padding
}

func (o padding) pixels(c *canvas) error {
	return c.cut(c.px.h+2*o.n, c.px.w+2*o.n, -o.n, -o.n, o.mode)
}

func (o padding) points(p *pointSet) error {
	h, w := p.h+2*o.n, p.w+2*o.n
	p.scale(float64(p.w)/float64(w), float64(p.h)/float64(h), 0, 0)
	p.h, p.w = h, w
	return nil
}

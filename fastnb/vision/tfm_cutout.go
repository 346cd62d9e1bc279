package vision

import (
	"errors"
	"math/rand/v2"
)

var cutoutSpec = register(spec{
	name: "cutout", order: orderCutout,
	params: []param{{name: "n_holes", def: Fixed(1)}, {name: "length", def: Fixed(40)}},
	build: func(v []float64, rng *rand.Rand) (op, error) {
		if v[0] < 0 || v[1] < 0 {
			return nil, errors.New("holes and length must not be negative")
		}
		o := cutout{length: v[1]}
		for range int(v[0]) {
			o.centres = append(o.centres, [2]float64{rng.Float64(), rng.Float64()})
		}
		return o, nil
	},
})

// Cutout blackens square holes of length pixels around any places. Settings: P.
func Cutout(holes, length Dist, s ...TransformSetting) Transform {
	return newTransform(cutoutSpec, s, holes, length)
}

var _ pixelOp = cutout{}

type cutout struct {
	length  float64
	centres [][2]float64 // row and column as parts of height and width
}

func (o cutout) pixels(c *canvas) error {
	dst := c.px.like(c.px.h, c.px.w)
	copy(dst.u, c.px.u)
	copy(dst.f, c.px.f)
	span := func(centre float64, size int) (int, int) {
		at := float64(int(centre * float64(size)))
		return int(max(at-o.length/2, 0)), int(min(at+o.length/2, float64(size)))
	}
	for _, p := range o.centres {
		y0, y1 := span(p[0], dst.h)
		x0, x1 := span(p[1], dst.w)
		for ch := range dst.c {
			for y := y0; y < y1; y++ {
				a := (ch*dst.h + y) * dst.w
				if dst.u != nil {
					clear(dst.u[a+x0 : a+x1])
				} else {
					clear(dst.f[a+x0 : a+x1])
				}
			}
		}
	}
	c.replace(dst)
	return nil
}

func (cutout) points(*pointSet) error { return nil }

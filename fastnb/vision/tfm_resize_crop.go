package vision

import (
	"math"
	"math/rand/v2"
)

// tries is how many random windows RandResizeCrop tests before it takes the centre.
const tries = 8

var zoomSquishSpec = register(spec{
	name: "zoom_squish", order: orderCoord,
	params: []param{
		{name: "scale", def: Fixed(1), count: tries},
		{name: "squish", def: Fixed(1), count: tries},
		{name: "invert", def: UniformInt(0, 1), count: tries},
		{name: "row_pct", def: Fixed(.5)},
		{name: "col_pct", def: Fixed(.5)},
	},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		return zoomSquish{v[:tries], v[tries : 2*tries], v[2*tries : 3*tries], v[3*tries], v[3*tries+1]}, nil
	},
})

// ZoomSquish looks at a window of the picture whose area is 1/scale and whose sides are in proportion
// squish (or, as often, its inverse), at any place: of 8 drawn windows the first that lies inside, or the
// largest square. Settings: P, RowPct (Fixed(.5)), ColPct (Fixed(.5)).
func ZoomSquish(scale, squish Dist, s ...TransformSetting) Transform {
	return newTransform(zoomSquishSpec, s, scale, squish)
}

// RandResizeCrop shows any part of a picture, from the whole to 1/maxScale of its area, stretched by up
// to the ratios (fastai: 2, .75, 1.33), at the size given. Use it with ResizeMethod(ResizeSquish) and
// that Size.
func RandResizeCrop(height, width int, maxScale, minRatio, maxRatio float64) []Transform {
	return []Transform{
		ZoomSquish(Uniform(1, maxScale), Uniform(minRatio, maxRatio), RowPct(Uniform(0, 1)), ColPct(Uniform(0, 1))),
		Crop(height, width),
	}
}

var _ coordOp = zoomSquish{}

type zoomSquish struct {
	scale, squish, invert []float64
	row, col              float64
}

func (z zoomSquish) homography(h, w int) (matrix, error) {
	for k, s := range z.scale {
		a, b := 1/math.Sqrt(s), math.Sqrt(z.squish[k])
		if !(a*b <= 1 && a/b <= 1) {
			continue
		}
		kx, ky := a*b, a/b
		if z.invert[k] != 0 {
			kx, ky = ky, kx
		}
		return matrix{kx, 0, (1 - kx) * (2*z.col - 1), 0, ky, (1 - ky) * (2*z.row - 1), 0, 0, 1}, nil
	}
	if w > h {
		return matrix{float64(h) / float64(w), 0, 0, 0, 1, 0, 0, 0, 1}, nil
	}
	return matrix{1, 0, 0, 0, float64(w) / float64(h), 0, 0, 0, 1}, nil
}

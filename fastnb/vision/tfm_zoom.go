package vision

import (
	"errors"
	"math/rand/v2"
)

var zoomSpec = register(spec{
	name: "zoom", order: orderAffine,
	params: []param{{name: "scale", def: Fixed(1)}, {name: "row_pct", def: Fixed(.5)}, {name: "col_pct", def: Fixed(.5)}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		if !(v[0] > 0) {
			return nil, errors.New("scale must be positive")
		}
		return zoom{v[0], v[1], v[2]}, nil
	},
})

// Zoom enlarges pictures by scale around a point. Settings: P, RowPct (Fixed(.5)), ColPct (Fixed(.5)).
func Zoom(scale Dist, s ...TransformSetting) Transform { return newTransform(zoomSpec, s, scale) }

// RandZoom is Zoom around any point of the picture. Settings: P.
func RandZoom(scale Dist, s ...TransformSetting) Transform {
	return newTransform(zoomSpec, s, scale, Uniform(0, 1), Uniform(0, 1))
}

// ZoomCrop is a zoom and a crop to the size of Transform: in the middle, or with anywhere around and of any
// place. Settings, of the zoom: P. (fastai/vision/transform.py, zoom_crop.)
func ZoomCrop(scale Dist, anywhere bool, s ...TransformSetting) []Transform {
	if anywhere {
		return []Transform{RandZoom(scale, s...), RandCrop()}
	}
	return []Transform{Zoom(scale, s...), CropPad()}
}

type zoom struct{ scale, row, col float64 }

func (z zoom) affine() matrix {
	k := 1 - 1/z.scale
	return matrix{1 / z.scale, 0, k * (2*z.col - 1), 0, 1 / z.scale, k * (2*z.row - 1), 0, 0, 1}
}

package vision

import (
	"math/rand/v2"
)

var symmetricWarpSpec = register(spec{
	name: "symmetric_warp", order: orderCoord,
	params: []param{{name: "magnitude", def: Fixed(0), count: 4}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		return warp{{-1 - v[3], -1 - v[1]}, {-1 - v[2], 1 + v[1]}, {1 + v[3], -1 - v[0]}, {1 + v[2], 1 + v[0]}}, nil
	},
})

// SymmetricWarp tilts pictures as if seen from another place: four magnitudes are drawn, for the right,
// the left, the lower and the upper edge. Settings: P.
func SymmetricWarp(magnitude Dist, s ...TransformSetting) Transform {
	return newTransform(symmetricWarpSpec, s, magnitude)
}

var perspectiveWarpSpec = register(spec{
	name: "perspective_warp", order: orderCoord,
	params: []param{{name: "magnitude", def: Fixed(0), count: 8}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		w := warp(corners)
		for k := range w {
			w[k][0] += v[2*k]
			w[k][1] += v[2*k+1]
		}
		return w, nil
	},
})

// PerspectiveWarp moves each corner by a drawn amount across and down. Settings: P.
func PerspectiveWarp(magnitude Dist, s ...TransformSetting) Transform {
	return newTransform(perspectiveWarpSpec, s, magnitude)
}

// warp is where the picture's corners go, in the order of corners.
type warp [4][2]float64

func (w warp) homography(int, int) (matrix, error) { return homography(w, corners) }

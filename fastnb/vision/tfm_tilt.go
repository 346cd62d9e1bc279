package vision

import (
	"fmt"
	"math/rand/v2"
)

var tiltSpec = register(spec{
	name: "tilt", order: orderCoord,
	params: []param{{name: "direction", def: UniformInt(0, 3)}, {name: "magnitude", def: Fixed(0)}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		w, m := warp(corners), v[1]
		switch v[0] {
		case 0: // the right edge becomes longer
			w[2][1], w[3][1] = -1-m, 1+m
		case 1: // the left
			w[0][1], w[1][1] = -1-m, 1+m
		case 2: // the lower
			w[1][0], w[3][0] = -1-m, 1+m
		case 3: // the upper
			w[0][0], w[2][0] = -1-m, 1+m
		default:
			return nil, fmt.Errorf("direction %g is not 0, 1, 2 or 3", v[0])
		}
		return w, nil
	},
})

// Tilt brings one edge nearer to the beholder by magnitude (farther where negative): right, left, lower
// or upper for direction 0 to 3. Settings: P.
func Tilt(direction, magnitude Dist, s ...TransformSetting) Transform {
	return newTransform(tiltSpec, s, direction, magnitude)
}

// skewMoves are the corner, the coordinate (x, y) and the sense of each direction of Skew.
var skewMoves = [8]struct {
	corner, axis int
	sign         float64
}{{0, 0, -1}, {0, 1, -1}, {1, 0, -1}, {1, 1, 1}, {2, 0, 1}, {2, 1, -1}, {3, 0, 1}, {3, 1, 1}}

var skewSpec = register(spec{
	name: "skew", order: orderCoord,
	params: []param{{name: "direction", def: UniformInt(0, 7)}, {name: "magnitude", def: Fixed(0)}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		if v[0] < 0 || v[0] > 7 {
			return nil, fmt.Errorf("direction %g is not between 0 and 7", v[0])
		}
		w, d := warp(corners), skewMoves[int(v[0])]
		w[d.corner][d.axis] += d.sign * v[1]
		return w, nil
	},
})

// Skew pulls one corner out of the picture by magnitude: directions 0 and 1 are the upper left across
// and down, 2 and 3 the lower left, 4 and 5 the upper right, 6 and 7 the lower right. Settings: P.
func Skew(direction, magnitude Dist, s ...TransformSetting) Transform {
	return newTransform(skewSpec, s, direction, magnitude)
}

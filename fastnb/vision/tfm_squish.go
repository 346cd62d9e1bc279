package vision

import (
	"errors"
	"math/rand/v2"
)

var squishSpec = register(spec{
	name: "squish", order: orderAffine,
	params: []param{{name: "scale", def: Fixed(1)}, {name: "row_pct", def: Fixed(.5)}, {name: "col_pct", def: Fixed(.5)}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		if !(v[0] > 0) {
			return nil, errors.New("scale must be positive")
		}
		return squish{v[0], v[1], v[2]}, nil
	},
})

// Squish stretches pictures in one direction: a scale below 1 makes things wider, one above 1 higher.
// Settings: P, RowPct (Fixed(.5)), ColPct (Fixed(.5)).
func Squish(scale Dist, s ...TransformSetting) Transform { return newTransform(squishSpec, s, scale) }

type squish struct{ scale, row, col float64 }

func (q squish) affine() matrix {
	if q.scale <= 1 {
		return matrix{q.scale, 0, (1 - q.scale) * (2*q.col - 1), 0, 1, 0, 0, 0, 1}
	}
	s := 1 / q.scale
	return matrix{1, 0, 0, 0, s, (1 - s) * (2*q.row - 1), 0, 0, 1}
}

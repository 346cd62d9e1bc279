package vision

import (
	"math"
	"math/rand/v2"
)

var rotateSpec = register(spec{
	name: "rotate", order: orderAffine,
	params: []param{{name: "degrees", def: Fixed(0)}},
	build:  func(v []float64, _ *rand.Rand) (op, error) { return rotation(v[0]), nil },
})

// Rotate turns pictures by degrees, counter-clockwise where positive. Settings: P.
func Rotate(degrees Dist, s ...TransformSetting) Transform {
	return newTransform(rotateSpec, s, degrees)
}

type rotation float64

func (r rotation) affine() matrix {
	sin, cos := math.Sincos(float64(r) * math.Pi / 180)
	return matrix{cos, -sin, 0, sin, cos, 0, 0, 0, 1}
}

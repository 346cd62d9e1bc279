package vision

import (
	"errors"
	"math"
	"math/rand/v2"
)

var brightnessSpec = register(spec{
	name: "brightness", order: orderLighting,
	params: []param{{name: "change", def: Fixed(.5)}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		if !(v[0] > 0 && v[0] < 1) {
			return nil, errors.New("change must be between 0 and 1")
		}
		return light{1, math.Log(v[0] / (1 - v[0]))}, nil
	},
})

// Brightness makes pictures darker (change below .5) or brighter (above), between 0 and 1. Settings: P.
func Brightness(change Dist, s ...TransformSetting) Transform {
	return newTransform(brightnessSpec, s, change)
}

var contrastSpec = register(spec{
	name: "contrast", order: orderLighting,
	params: []param{{name: "scale", def: Fixed(1)}},
	build:  func(v []float64, _ *rand.Rand) (op, error) { return light{v[0], 0}, nil },
})

// Contrast strengthens (scale above 1) or weakens (below) the contrast. Settings: P.
func Contrast(scale Dist, s ...TransformSetting) Transform {
	return newTransform(contrastSpec, s, scale)
}

type light struct{ scale, shift float64 }

func (l light) light() (scale, shift float64) { return l.scale, l.shift }

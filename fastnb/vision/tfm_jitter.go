package vision

import "math/rand/v2"

var jitterSpec = register(spec{
	name: "jitter", order: orderCoord,
	params: []param{{name: "magnitude", def: Fixed(0)}},
	build: func(v []float64, rng *rand.Rand) (op, error) {
		return jitter{v[0], rng.Uint64(), rng.Uint64()}, nil
	},
})

// Jitter moves every pixel by up to magnitude (1 is half the picture) in both directions, each for
// itself. It is not for points. Settings: P.
func Jitter(magnitude Dist, s ...TransformSetting) Transform {
	return newTransform(jitterSpec, s, magnitude)
}

// jitter draws its noise from a seed of its own, so that a picture and its mask get the same.
type jitter struct {
	magnitude float64
	seedA     uint64
	seedB     uint64
}

func (o jitter) move(grid []float64, _, _ int) {
	rng := rand.New(rand.NewPCG(o.seedA, o.seedB))
	for k := range grid {
		grid[k] += (2*rng.Float64() - 1) * o.magnitude
	}
}

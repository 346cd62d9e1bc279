package vision

import (
	"fmt"
	"math/rand/v2"
)

var dihedralAffineSpec = register(spec{
	name: "dihedral_affine", order: orderAffine,
	params: []param{{name: "k", def: UniformInt(0, 7)}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		if v[0] < 0 || v[0] > 7 {
			return nil, fmt.Errorf("k %g is not one of the 8 symmetries, 0 to 7", v[0])
		}
		return dihedralAffine(v[0]), nil
	},
})

// DihedralAffine gives one of the eight views of a square, flipped and turned by quarter turns, as part
// of the one resampling. Settings: P,
// DihedralK (UniformInt(0, 7)).
func DihedralAffine(s ...TransformSetting) Transform { return newTransform(dihedralAffineSpec, s) }

// dihedralAffine: bit 1 mirrors left and right, bit 2 top and bottom, bit 4 swaps the axes.
type dihedralAffine int

func (k dihedralAffine) affine() matrix {
	x, y := 1., 1.
	if k&1 != 0 {
		x = -1
	}
	if k&2 != 0 {
		y = -1
	}
	if k&4 != 0 {
		return matrix{0, x, 0, y, 0, 0, 0, 0, 1}
	}
	return matrix{x, 0, 0, 0, y, 0, 0, 0, 1}
}

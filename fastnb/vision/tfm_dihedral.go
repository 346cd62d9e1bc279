package vision

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

var dihedralSpec = register(spec{
	name: "dihedral", order: orderPixel,
	params: []param{{name: "k", def: UniformInt(0, 7)}},
	build: func(v []float64, _ *rand.Rand) (op, error) {
		if v[0] < 0 || v[0] > 7 {
			return nil, fmt.Errorf("k %g is not one of the 8 symmetries, 0 to 7", v[0])
		}
		return dihedral(v[0]), nil
	},
})

// Dihedral gives one of the eight views of a square by moving whole pixels; the pictures of a batch must
// be square. It is not for points: DihedralAffine is. Settings: P,
// DihedralK (UniformInt(0, 7)).
func Dihedral(s ...TransformSetting) Transform { return newTransform(dihedralSpec, s) }

var _ pixelOp = dihedral(0)

// dihedral: bit 1 mirrors top and bottom, bit 2 left and right, then bit 4 swaps the axes.
type dihedral int

func (k dihedral) pixels(c *canvas) error {
	src := c.px
	dst := src.like(src.h, src.w)
	if k&4 != 0 {
		dst.h, dst.w = src.w, src.h
	}
	if src.u != nil {
		turn(dst.u, src.u, src, int(k))
	} else {
		turn(dst.f, src.f, src, int(k))
	}
	c.replace(dst)
	return nil
}

func turn[T uint8 | float32](dst, from []T, src *planes, k int) {
	h, w := src.h, src.w
	for ch := range src.c {
		a, b := dst[ch*h*w:(ch+1)*h*w], from[ch*h*w:(ch+1)*h*w]
		for i := range h {
			for j := range w {
				y, x := i, j
				if k&1 != 0 {
					y = h - 1 - i
				}
				if k&2 != 0 {
					x = w - 1 - j
				}
				to := y*w + x
				if k&4 != 0 {
					to = x*h + y
				}
				a[to] = b[i*w+j]
			}
		}
	}
}

func (dihedral) points(*pointSet) error {
	return errors.New("points cannot be moved by it (try DihedralAffine)")
}

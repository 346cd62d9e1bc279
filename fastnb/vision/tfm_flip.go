package vision

import "math/rand/v2"

var (
	flipLRSpec = register(spec{
		name: "flip_lr", order: orderPixel,
		build: func([]float64, *rand.Rand) (op, error) { return flipLR{}, nil },
	})
	flipAffineSpec = register(spec{
		name: "flip_affine", order: orderAffine,
		build: func([]float64, *rand.Rand) (op, error) { return flipAffine{}, nil },
	})
)

// FlipLR mirrors left and right. Settings: P.
func FlipLR(s ...TransformSetting) Transform { return newTransform(flipLRSpec, s) }

// FlipAffine mirrors left and right as part of the one resampling. Settings: P.
func FlipAffine(s ...TransformSetting) Transform { return newTransform(flipAffineSpec, s) }

type flipAffine struct{}

func (flipAffine) affine() matrix { return matrix{-1, 0, 0, 0, 1, 0, 0, 0, 1} }

var _ pixelOp = flipLR{}

type flipLR struct{}

func (flipLR) pixels(c *canvas) error {
	src := c.px
	dst := src.like(src.h, src.w)
	if src.u != nil {
		reverseRows(dst.u, src.u, src.w)
	} else {
		reverseRows(dst.f, src.f, src.w)
	}
	c.replace(dst)
	return nil
}

func reverseRows[T uint8 | float32](dst, src []T, w int) {
	for at := 0; at < len(src); at += w {
		d, s := dst[at:at+w], src[at:at+w]
		for k := range d {
			d[k] = s[w-1-k]
		}
	}
}

func (flipLR) points(p *pointSet) error {
	for k := range p.xy {
		p.xy[k][0] = -p.xy[k][0]
	}
	return nil
}

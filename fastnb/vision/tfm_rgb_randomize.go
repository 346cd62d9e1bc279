package vision

import (
	"fmt"
	"math/rand/v2"
)

var rgbRandomizeSpec = register(spec{
	name: "rgb_randomize", order: orderPixel,
	// fastai's automatic choice never picks the last channel.
	params: []param{{name: "channel", def: UniformInt(0, 1)}, {name: "thresh", def: Fixed(.3)}},
	build: func(v []float64, rng *rand.Rand) (op, error) {
		if v[0] < 0 || v[0] > 2 {
			return nil, fmt.Errorf("channel %g is not 0, 1 or 2", v[0])
		}
		return rgbRandomize{int(v[0]), rng.Float64() * v[1], rng.Uint64(), rng.Uint64()}, nil
	},
})

// RGBRandomize replaces one channel (UniformInt(0, 1) is red or green, as fastai chooses) by noise between
// 0 and a number up to thresh. Settings: P.
func RGBRandomize(channel, thresh Dist, s ...TransformSetting) Transform {
	return newTransform(rgbRandomizeSpec, s, channel, thresh)
}

var _ pixelOp = rgbRandomize{}

type rgbRandomize struct {
	channel      int
	factor       float64
	seedA, seedB uint64
}

func (o rgbRandomize) pixels(c *canvas) error {
	if c.mask {
		return nil
	}
	dst := newFloats(c.px.c, c.px.h, c.px.w)
	c.px.floats(dst.f)
	rng := rand.New(rand.NewPCG(o.seedA, o.seedB))
	n := dst.h * dst.w
	for k := range dst.f[o.channel*n : (o.channel+1)*n] {
		dst.f[o.channel*n+k] = float32(rng.Float64() * o.factor)
	}
	c.replace(dst)
	return nil
}

func (rgbRandomize) points(*pointSet) error { return nil }

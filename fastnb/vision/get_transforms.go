package vision

import "fmt"

// tfmsConfig is what the options of GetTransforms say.
type tfmsConfig struct {
	doFlip, flipVert                         bool
	maxRotate, maxZoom, maxLighting, maxWarp float64
	pAffine, pLighting                       float64
	extra                                    []Transform
	idles                                    []idleOption
}

// idleOption is an option that may have nothing to work on beside the others.
type idleOption struct {
	name, try string
	is        func() bool
}

func (c *tfmsConfig) idle(name, try string, is func() bool) {
	c.idles = append(c.idles, idleOption{name, try, is})
}

// unused is the error of an option that changes nothing beside the others.
func (c *tfmsConfig) unused() error {
	for _, o := range c.idles {
		if o.is() {
			return fmt.Errorf("fastnb: get transforms: option %s has no effect beside the others (try it with %s, or leave it out)", o.name, o.try)
		}
	}
	return nil
}

// TransformsOption is an option of GetTransforms.
type TransformsOption interface{ applyTransforms(*tfmsConfig) }

type tfmsFunc func(*tfmsConfig)

func (f tfmsFunc) applyTransforms(c *tfmsConfig) { f(c) }

// DoFlip says whether pictures are mirrored at random (default true).
func DoFlip(on bool) TransformsOption { return tfmsFunc(func(c *tfmsConfig) { c.doFlip = on }) }

// FlipVert says whether they may also be turned upside down and by quarter turns (default false).
func FlipVert(on bool) TransformsOption {
	return tfmsFunc(func(c *tfmsConfig) {
		c.flipVert = on
		c.idle("FlipVert", "DoFlip(true)", func() bool { return on && !c.doFlip })
	})
}

// MaxRotate is the largest rotation to either side in degrees; 0 for none (default 10).
func MaxRotate(deg float64) TransformsOption {
	return tfmsFunc(func(c *tfmsConfig) { c.maxRotate = deg })
}

// MaxZoom is the largest magnification; 1 for none (default 1.1).
func MaxZoom(scale float64) TransformsOption {
	return tfmsFunc(func(c *tfmsConfig) { c.maxZoom = scale })
}

// MaxLighting is the largest change of brightness and contrast, below 1; 0 for none (default 0.2).
func MaxLighting(m float64) TransformsOption {
	return tfmsFunc(func(c *tfmsConfig) { c.maxLighting = m })
}

// MaxWarp is the largest magnitude of the perspective warp; 0 for none (default 0.2).
func MaxWarp(m float64) TransformsOption { return tfmsFunc(func(c *tfmsConfig) { c.maxWarp = m }) }

// PAffine is the probability of each of warp, rotation and zoom (default 0.75).
func PAffine(p float64) TransformsOption {
	return tfmsFunc(func(c *tfmsConfig) {
		c.pAffine = p
		c.idle("PAffine", "MaxWarp, MaxRotate or MaxZoom", func() bool { return c.maxWarp == 0 && c.maxRotate == 0 && !(c.maxZoom > 1) })
	})
}

// PLighting is the probability of each of brightness and contrast (default 0.75).
func PLighting(p float64) TransformsOption {
	return tfmsFunc(func(c *tfmsConfig) {
		c.pLighting = p
		c.idle("PLighting", "MaxLighting", func() bool { return c.maxLighting == 0 })
	})
}

// XtraTfms appends transforms to the training list.
func XtraTfms(t ...Transform) TransformsOption {
	return tfmsFunc(func(c *tfmsConfig) { c.extra = append(c.extra, t...) })
}

// GetTransforms are the transforms that suit most photographs: for training a random crop, flip, warp,
// rotation, zoom, brightness and contrast; for validation the centre. Options: DoFlip (true), FlipVert
// (false), MaxRotate (10), MaxZoom (1.1), MaxLighting (0.2), MaxWarp (0.2), PAffine (0.75), PLighting
// (0.75), XtraTfms. Wrong values show in Err of the result, and where the transforms are used.
// (fastai/vision/transform.py, get_transforms.)
func GetTransforms(opts ...TransformsOption) *Transforms {
	c := tfmsConfig{doFlip: true, maxRotate: 10, maxZoom: 1.1, maxLighting: .2, maxWarp: .2, pAffine: .75, pLighting: .75}
	for _, o := range opts {
		o.applyTransforms(&c)
	}
	train := []Transform{RandCrop()}
	train[0].err = c.unused()
	if c.doFlip {
		if c.flipVert {
			train = append(train, DihedralAffine())
		} else {
			train = append(train, FlipLR(P(.5)))
		}
	}
	p := P(c.pAffine)
	if c.maxWarp != 0 {
		train = append(train, SymmetricWarp(Uniform(-c.maxWarp, c.maxWarp), p))
	}
	if c.maxRotate != 0 {
		train = append(train, Rotate(Uniform(-c.maxRotate, c.maxRotate), p))
	}
	if c.maxZoom > 1 {
		train = append(train, RandZoom(Uniform(1, c.maxZoom), p))
	}
	if m := c.maxLighting; m != 0 {
		p := P(c.pLighting)
		bright, contr := Brightness(Uniform(.5*(1-m), .5*(1+m)), p), Contrast(LogUniform(1-m, 1/(1-m)), p)
		if !(m > 0 && m < 1) {
			bright.err = fmt.Errorf("fastnb: get transforms: MaxLighting(%g) is not between 0 and 1", m)
		}
		train = append(train, bright, contr)
	}
	return &Transforms{Train: append(train, c.extra...), Valid: []Transform{CropPad()}}
}

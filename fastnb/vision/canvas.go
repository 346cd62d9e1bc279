package vision

import (
	"math"

	"github.com/fastnb/go/fastnb/data"
)

// canvas is a picture or a mask on which transforms are done. Changes of positions and of light are only
// noted and done together when pixels are asked for: positions by one sampling, then light.
type canvas struct {
	px   *planes
	mask bool // nearest pixels and no light
	args data.TransformArgs

	src *planes // what the canvas began with; not the canvas's to recycle

	h, w   int       // of the pending sampling's result; 0, 0: none is pending
	coord  matrix    // projective map of the result's positions, done first
	aff    matrix    // then this affine one
	grid   []float64 // positions (x, y) moved one by one, before coord; nil: the regular ones
	again  bool      // padding and nearest pixels were used: later samplings have the defaults
	lit    bool
	ls, lt float64 // pending light: logit*ls + lt
}

func newCanvas(px *planes, mask bool, args data.TransformArgs) *canvas {
	return &canvas{px: px, src: px, mask: mask, args: args, coord: identity, aff: identity}
}

// size is that of the result as it is pending.
func (c *canvas) size() (h, w int) {
	if c.h > 0 {
		return c.h, c.w
	}
	return c.px.h, c.px.w
}

// replace takes over new pixels.
func (c *canvas) replace(p *planes) {
	if c.px != c.src {
		c.px.release()
	}
	c.px = p
}

// resize notes the size of the result.
func (c *canvas) resize(h, w int) {
	if h != c.px.h || w != c.px.w {
		c.h, c.w = h, w
	}
}

// do notes or does one operation.
func (c *canvas) do(o op) error {
	switch o := o.(type) {
	case affineOp:
		c.flushLight()
		h, w := c.size()
		// Each matrix is corrected for the shape only when positions are computed, so the product is
		// kept uncorrected.
		c.aff = c.aff.mul(o.affine())
		c.h, c.w = h, w
	case coordOp:
		c.flushLight()
		h, w := c.size()
		m, err := o.homography(c.px.h, c.px.w)
		if err != nil {
			return err
		}
		c.foldAffine()
		c.coord = m.mul(c.coord)
		c.h, c.w = h, w
	case gridOp:
		c.flushLight()
		h, w := c.size()
		c.h, c.w = h, w
		c.foldAffine()
		c.materialise()
		o.move(c.grid, h, w)
	case lightOp:
		if c.mask {
			return nil
		}
		c.flushGeometry()
		s, t := o.light()
		if !c.lit {
			c.lit, c.ls, c.lt = true, 1, 0
		}
		c.ls, c.lt = c.ls*s, c.lt*s+t
	case pixelOp:
		c.flush()
		return o.pixels(c)
	}
	return nil
}

// foldAffine makes the affine matrix part of the projective one, for an operation that comes after it.
func (c *canvas) foldAffine() {
	h, w := c.size()
	c.coord, c.aff = c.aff.aspect(h, w).mul(c.coord), identity
}

// materialise writes the positions out.
func (c *canvas) materialise() {
	h, w := c.size()
	if c.grid == nil {
		c.grid = make([]float64, 0, 2*h*w)
		for i := range h {
			for j := range w {
				c.grid = append(c.grid, linspace(j, w), linspace(i, h))
			}
		}
	}
	for k := 0; k < len(c.grid); k += 2 {
		c.grid[k], c.grid[k+1] = c.coord.apply(c.grid[k], c.grid[k+1])
	}
	c.coord = identity
}

// linspace is the k-th of n positions from -1 to 1.
func linspace(k, n int) float64 {
	if n == 1 {
		return -1
	}
	return -1 + 2*float64(k)/float64(n-1)
}

func (c *canvas) flush() {
	c.flushGeometry()
	c.flushLight()
}

func (c *canvas) flushLight() {
	if !c.lit {
		return
	}
	c.lit = false
	src, dst := c.px, c.px
	if src.f == nil || src == c.src {
		dst = newFloats(src.c, src.h, src.w)
	}
	if src.u != nil {
		lightBytes(dst.f, src.u, c.ls, c.lt)
	} else {
		lightFloats(dst.f, src.f, float32(c.ls), float32(c.lt))
	}
	if dst != src {
		c.replace(dst)
	}
}

// flushGeometry samples the picture if positions are pending.
func (c *canvas) flushGeometry() {
	if c.h == 0 {
		return
	}
	s := sampler{h: c.h, w: c.w, grid: c.grid, pad: c.args.Padding, nearest: c.args.Nearest || c.mask}
	if c.again {
		s.pad, s.nearest = data.PadReflection, c.mask
	}
	s.m = c.aff.aspect(c.h, c.w).mul(c.coord)
	src := c.px
	if d := s.shrink(src); d > 1 {
		src = areaAverage(src, int(math.Floor(float64(src.h)/d)), int(math.Floor(float64(src.w)/d)))
	}
	var dst *planes
	if c.mask {
		dst = newBytes(src.c, c.h, c.w)
		sample(&s, dst.u, src.u, src, 1)
	} else {
		dst = newFloats(src.c, c.h, c.w)
		if src.u != nil {
			sample(&s, dst.f, src.u, src, 1./255)
		} else {
			sample(&s, dst.f, src.f, src, 1)
		}
	}
	if src != c.px {
		src.release()
	}
	c.replace(dst)
	c.h, c.w, c.grid, c.coord, c.aff, c.again = 0, 0, nil, identity, identity, true
}

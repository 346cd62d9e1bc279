package datasets

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
)

// painter draws a picture of w x h pixels, red, green and blue in [0, 255], and with it a class for
// every pixel. What is drawn later covers what was drawn before, in both. Like a canvas it takes all
// randomness from rng.
type painter struct {
	w, h  int
	px    []float32
	class []uint8
	rng   *rand.Rand
}

func newPainter(w, h int, seed, item uint64) *painter {
	return &painter{w, h, make([]float32, 3*w*h), make([]uint8, w*h), rand.New(rand.NewPCG(seed, item))}
}

// pt is a place in pixels.
type pt struct{ x, y float64 }

func (p *painter) chance(prob float64) bool       { return p.rng.Float64() < prob }
func (p *painter) between(lo, hi float64) float64 { return lo + (hi-lo)*p.rng.Float64() }

// pick is one of the colours, shifted a little at random.
func (p *painter) pick(spread float64, colors ...rgb) rgb {
	col := colors[p.rng.IntN(len(colors))]
	for i := range col {
		col[i] += float32(p.rng.NormFloat64() * spread)
	}
	return col
}

// noise is smooth random texture in [0, 1] of the picture's shape, see canvas.noise.
func (p *painter) noise(base, octaves int, gain float32) []float32 {
	c := canvas{n: max(p.w, p.h), rng: p.rng}
	square := c.noise(base, octaves, gain)
	out := make([]float32, 0, p.w*p.h)
	for y := range p.h {
		out = append(out, square[y*c.n:y*c.n+p.w]...)
	}
	return out
}

// set paints pixel (x, y), which lies inside.
func (p *painter) set(x, y int, col rgb, class uint8) {
	k := y*p.w + x
	copy(p.px[3*k:], col[:])
	p.class[k] = class
}

// polygon fills a polygon (even-odd rule): the pixels whose middles lie in it.
func (p *painter) polygon(corners []pt, col rgb, class uint8) {
	top, bottom := math.Inf(1), math.Inf(-1)
	for _, q := range corners {
		top, bottom = min(top, q.y), max(bottom, q.y)
	}
	var xs []float64
	for y := max(0, int(math.Floor(top))); y < p.h && float64(y) <= bottom; y++ {
		line := float64(y) + .5
		xs = xs[:0]
		for i, a := range corners {
			b := corners[(i+1)%len(corners)]
			if (a.y <= line) != (b.y <= line) {
				xs = append(xs, a.x+(line-a.y)*(b.x-a.x)/(b.y-a.y))
			}
		}
		slices.Sort(xs)
		for i := 0; i+1 < len(xs); i += 2 {
			from, to := max(0, math.Ceil(xs[i]-.5)), min(float64(p.w), math.Ceil(xs[i+1]-.5))
			for x := int(from); x < int(to); x++ {
				p.set(x, y, col, class)
			}
		}
	}
}

// rect fills an upright rectangle between two corners in any order.
func (p *painter) rect(x0, y0, x1, y1 float64, col rgb, class uint8) {
	p.polygon([]pt{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}, col, class)
}

// ellipse fills an ellipse around (x, y).
func (p *painter) ellipse(x, y, rx, ry float64, col rgb, class uint8) {
	const sides = 28
	var c [sides]pt
	for i := range c {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / sides)
		c[i] = pt{x + rx*cos, y + ry*sin}
	}
	p.polygon(c[:], col, class)
}

// soften blurs the picture a little, across and down, as a lens does; classes stay sharp.
func (p *painter) soften(weight float32) {
	blur := func(at, stride, n int) {
		last := p.px[at]
		for k := range n {
			i := at + k*stride
			next := p.px[i]
			if k+1 < n {
				next = p.px[i+stride]
			}
			v := p.px[i]
			p.px[i] = v + weight*(last-2*v+next)
			last = v
		}
	}
	for ch := range 3 {
		for y := range p.h {
			blur(3*y*p.w+ch, 3, p.w)
		}
		for x := range p.w {
			blur(3*x+ch, 3*p.w, p.h)
		}
	}
}

// picture is the picture in 8 bits with a little sensor noise.
func (p *painter) picture(sensor float32) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, p.w, p.h))
	for i := range p.w * p.h {
		grain := sensor * (p.rng.Float32() + p.rng.Float32() - 1)
		for k := range 3 {
			m.Pix[4*i+k] = uint8(max(0, min(255, p.px[3*i+k]+grain+.5)))
		}
		m.Pix[4*i+3] = 255
	}
	return m
}

// jpeg is the picture as a JPEG file.
func (p *painter) jpeg(quality int, sensor float32) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, p.picture(sensor), &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}

// pngs are the picture and its classes as PNG files, the classes as an 8-bit grey picture.
func (p *painter) pngs(sensor float32) (pic, classes []byte, err error) {
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	var a, b bytes.Buffer
	if err := enc.Encode(&a, p.picture(sensor)); err != nil {
		return nil, nil, err
	}
	grey := &image.Gray{Pix: p.class, Stride: p.w, Rect: image.Rect(0, 0, p.w, p.h)}
	err = enc.Encode(&b, grey)
	return a.Bytes(), b.Bytes(), err
}

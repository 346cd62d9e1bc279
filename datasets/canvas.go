package datasets

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// canvas is the picture a generator draws on: n x n pixels, interleaved red, green, blue in [0,255].
// All randomness comes from rng, so that the same seed draws the same picture.
type canvas struct {
	n   int
	px  []float32
	rng *rand.Rand
}

// rgb is a colour of a canvas.
type rgb [3]float32

func newCanvas(n int, seed, item uint64) *canvas {
	return &canvas{n: n, px: make([]float32, 3*n*n), rng: rand.New(rand.NewPCG(seed, item))}
}

// chance is true with probability p.
func (c *canvas) chance(p float64) bool { return c.rng.Float64() < p }

// between is uniform in [lo, hi).
func (c *canvas) between(lo, hi float64) float64 { return lo + (hi-lo)*c.rng.Float64() }

// pick is one of the colours, shifted a little at random.
func (c *canvas) pick(spread float64, colors ...rgb) rgb {
	col := colors[c.rng.IntN(len(colors))]
	for i := range col {
		col[i] += float32(c.rng.NormFloat64() * spread)
	}
	return col
}

// noise is smooth random texture in [0,1], n x n: octaves of value noise from base cells across, each
// twice as fine and gain times as strong as the one before.
func (c *canvas) noise(base, octaves int, gain float32) []float32 {
	out := make([]float32, c.n*c.n)
	amp, sum := float32(1), float32(0)
	for k := range octaves {
		cells := base << k
		if cells > c.n {
			break
		}
		c.valueNoise(out, cells, amp)
		sum += amp
		amp *= gain
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// valueNoise adds one octave to out: random heights at the corners of cells x cells fields, joined by
// smoothstep curves.
func (c *canvas) valueNoise(out []float32, cells int, amp float32) {
	n := c.n
	side := cells + 2
	lattice := make([]float32, side*side)
	for i := range lattice {
		lattice[i] = c.rng.Float32() * amp
	}
	at := make([]int, n)
	frac := make([]float32, n)
	for x := range n {
		t := float32(x) * float32(cells) / float32(n)
		at[x] = int(t)
		f := t - float32(at[x])
		frac[x] = f * f * (3 - 2*f)
	}
	row := make([]float32, side)
	for y := range n {
		a := lattice[at[y]*side : (at[y]+1)*side]
		b := lattice[(at[y]+1)*side : (at[y]+2)*side]
		for i := range row {
			row[i] = a[i] + (b[i]-a[i])*frac[y]
		}
		line := out[y*n : (y+1)*n]
		for x := range line {
			l := row[at[x]]
			line[x] += l + (row[at[x]+1]-l)*frac[x]
		}
	}
}

// mix blends col into the picture by mask (0 keeps, 1 covers).
func (c *canvas) mix(mask []float32, col rgb) {
	for i, m := range mask {
		if m <= 0 {
			continue
		}
		m = min(m, 1)
		for k := range 3 {
			p := &c.px[3*i+k]
			*p += (col[k] - *p) * m
		}
	}
}

// shade multiplies the brightness by 1 + mask.
func (c *canvas) shade(mask []float32) {
	for i, m := range mask {
		for k := range 3 {
			c.px[3*i+k] *= 1 + m
		}
	}
}

// rect fills a small upright field.
func (c *canvas) rect(x, y, w, h int, col rgb) {
	for j := max(0, y); j < min(c.n, y+h); j++ {
		for i := max(0, x); i < min(c.n, x+w); i++ {
			copy(c.px[3*(j*c.n+i):], col[:])
		}
	}
}

// curve is a line across the picture, bending by about bend of its side; points lie less than a
// pixel apart.
func (c *canvas) curve(bend float64) (xs, ys []float64) {
	n := float64(c.n)
	var phase, amp, freq [3]float64
	for k := range 3 {
		phase[k] = c.between(0, 2*math.Pi)
		amp[k] = c.between(.03, max(.031, bend)) / float64(k+1)
		freq[k] = c.between(.4, .9) * float64(k+1)
	}
	shift, turn := c.between(-.3, .3), c.between(0, math.Pi)
	sin, cos := math.Sincos(turn)
	steps := 3 * c.n
	for s := range steps {
		t := -.75 + 1.5*float64(s)/float64(steps)
		v := shift
		for k := range 3 {
			v += amp[k] * math.Sin(2*math.Pi*freq[k]*t+phase[k])
		}
		xs = append(xs, (t*cos-v*sin+.5)*n)
		ys = append(ys, (t*sin+v*cos+.5)*n)
	}
	return xs, ys
}

// stroke is the mask of a line of the given half width, with soft edges.
func (c *canvas) stroke(xs, ys []float64, half float64) []float32 {
	mask := make([]float32, c.n*c.n)
	r := int(half) + 2
	lastX, lastY := math.Inf(1), math.Inf(1)
	for i := range xs {
		if step := math.Hypot(xs[i]-lastX, ys[i]-lastY); step < max(.5, half*.2) {
			continue // a disc there would change nothing
		}
		lastX, lastY = xs[i], ys[i]
		x0, y0 := int(xs[i]), int(ys[i])
		for y := max(0, y0-r); y <= min(c.n-1, y0+r); y++ {
			for x := max(0, x0-r); x <= min(c.n-1, x0+r); x++ {
				d := math.Hypot(float64(x)-xs[i], float64(y)-ys[i])
				if v := float32(half + .5 - d); v > mask[y*c.n+x] {
					mask[y*c.n+x] = min(1, v)
				}
			}
		}
	}
	return mask
}

// blob is the mask of a patch with ragged edges; size is its radius as a part of the side.
func (c *canvas) blob(size float64, base int) []float32 {
	f := c.noise(base, 4, .55)
	n := float64(c.n)
	x0, y0 := c.between(.25, .75)*n, c.between(.25, .75)*n
	for y := range c.n {
		for x := range c.n {
			d := math.Hypot(float64(x)-x0, float64(y)-y0) / (size * n)
			i := y*c.n + x
			f[i] = clamp01((f[i] + .5 - float32(d)) * 12)
		}
	}
	return f
}

// times is the product of masks.
func times(a, b []float32) []float32 {
	out := make([]float32, len(a))
	for i := range a {
		out[i] = a[i] * b[i]
	}
	return out
}

// over is the mask of where f exceeds t, with an edge of the given steepness, times strength.
func over(f []float32, t, steep, strength float32) []float32 {
	out := make([]float32, len(f))
	for i, v := range f {
		out[i] = clamp01((v-t)*steep) * strength
	}
	return out
}

func clamp01(x float32) float32 { return max(0, min(1, x)) }

// jpeg is the picture as a JPEG file, with a little sensor noise.
func (c *canvas) jpeg(quality int, sensor float32) ([]byte, error) {
	m := image.NewRGBA(image.Rect(0, 0, c.n, c.n))
	for i := range c.n * c.n {
		grain := sensor * (c.rng.Float32() + c.rng.Float32() - 1)
		for k := range 3 {
			m.Pix[4*i+k] = uint8(max(0, min(255, c.px[3*i+k]+grain+.5)))
		}
		m.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}

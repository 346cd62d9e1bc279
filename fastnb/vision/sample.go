package vision

import (
	"math"

	"github.com/fastnb/go/fastnb/data"
)

// sampler reads a picture at the positions of a grid of h by w: the positions of grid, or the regular
// ones from -1 to 1 in both directions, mapped by m. Corners are aligned: -1 and 1 are the centres of the
// outermost pixels.
type sampler struct {
	h, w    int
	m       matrix
	grid    []float64 // (x, y) in [-1, 1], or nil
	pad     data.Padding
	nearest bool
}

// shrink is the factor by which a much larger picture is averaged before it is sampled, or 0. The rule
// is fastai's: half the ratio of the sizes, unless the map zooms in further than that.
func (s *sampler) shrink(src *planes) float64 {
	d := min(float64(src.h)/float64(s.h), float64(src.w)/float64(s.w)) / 2
	if s.nearest || d <= 1 {
		return 0
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	see := func(x, y float64) {
		x, y = s.m.apply(x, y)
		lo, hi = min(lo, x, y), max(hi, x, y)
	}
	if s.grid != nil {
		for k := 0; k < len(s.grid); k += 2 {
			see(s.grid[k], s.grid[k+1])
		}
	} else { // a projective map sends the corners to corners
		for _, p := range corners {
			see(min(p[0], linspace(s.w-1, s.w)), min(p[1], linspace(s.h-1, s.h)))
		}
	}
	if d > 2/(hi-lo) {
		return d
	}
	return 0
}

// taps are where the pixels of one row of the result come from.
type taps struct {
	at     []int32 // index of the upper left of four source pixels
	fx, fy []float32
}

// sample fills dst with all channels of src, times scale.
func sample[D, S uint8 | float32](s *sampler, dst []D, from []S, src *planes, scale float32) {
	t := taps{make([]int32, s.w), make([]float32, s.w), make([]float32, s.w)}
	pos := s.positions(src.h, src.w)
	area := src.h * src.w
	for i := range s.h {
		pos.row(i)
		switch {
		case s.nearest:
			pos.nearest(&t)
			for ch := range src.c {
				nearestRow(dst[(ch*s.h+i)*s.w:][:s.w], from[ch*area:(ch+1)*area], &t, scale)
			}
		case s.pad == data.PadZeros:
			for ch := range src.c {
				zerosRow(dst[(ch*s.h+i)*s.w:][:s.w], from[ch*area:(ch+1)*area], pos, scale)
			}
		default:
			pos.bilinear(&t)
			for ch := range src.c {
				bilinearRow(dst[(ch*s.h+i)*s.w:][:s.w], from[ch*area:(ch+1)*area], &t, pos.right, pos.below, scale)
			}
		}
	}
}

// positions are the source positions of one row of the result after another, in pixels.
type positions struct {
	s            *sampler
	m            matrix // from column and row of the result to pixels of the source
	h, w         int    // of the source
	right, below int    // index steps to the neighbouring pixels, 0 in a source of one pixel
	x, y         []float64
}

func (s *sampler) positions(h, w int) *positions {
	p := &positions{s: s, h: h, w: w, right: min(1, w-1), below: w, x: make([]float64, s.w), y: make([]float64, s.w)}
	if h == 1 {
		p.below = 0
	}
	p.m = matrix{float64(w-1) / 2, 0, float64(w-1) / 2, 0, float64(h-1) / 2, float64(h-1) / 2, 0, 0, 1}.mul(s.m)
	if s.grid == nil {
		step := func(n int) float64 {
			if n == 1 {
				return 0
			}
			return 2 / float64(n-1)
		}
		p.m = p.m.mul(matrix{step(s.w), 0, -1, 0, step(s.h), -1, 0, 0, 1})
	}
	return p
}

// row computes the positions of row i.
func (p *positions) row(i int) {
	m, y := p.m, float64(i)
	xs, ys := p.x, p.y[:len(p.x)]
	switch {
	case p.s.grid != nil:
		g := p.s.grid[2*i*p.s.w:]
		for j := range xs {
			xs[j], ys[j] = m.apply(g[2*j], g[2*j+1])
		}
	case m[6] == 0 && m[7] == 0:
		x0, y0 := m[1]*y+m[2], m[4]*y+m[5]
		for j := range xs {
			f := float64(j)
			xs[j], ys[j] = x0+f*m[0], y0+f*m[3]
		}
	default:
		x0, y0, z0 := m[1]*y+m[2], m[4]*y+m[5], m[7]*y+m[8]
		for j := range xs {
			f := float64(j)
			z := 1 / (z0 + f*m[6])
			xs[j], ys[j] = (x0+f*m[0])*z, (y0+f*m[3])*z
		}
	}
}

// inside brings a position outside [0, size-1] back in by the padding mode.
func (p *positions) inside(v float64, size int) float64 {
	last := float64(size - 1)
	if math.IsNaN(v) || size == 1 {
		return 0
	}
	if p.s.pad == data.PadReflection {
		v = math.Abs(v)
		turns := math.Floor(v / last)
		v -= turns * last
		if math.Mod(turns, 2) == 1 {
			v = last - v
		}
	}
	return min(max(v, 0), last)
}

// bilinear finds the four source pixels of each pixel and the weights between them.
func (p *positions) bilinear(t *taps) {
	lastX, lastY := float64(p.w-1), float64(p.h-1)
	maxX, maxY := max(p.w-2, 0), max(p.h-2, 0)
	at, fx, fy, ys := t.at[:len(p.x)], t.fx[:len(p.x)], t.fy[:len(p.x)], p.y[:len(p.x)]
	for j, x := range p.x {
		y := ys[j]
		if !(x >= 0 && x <= lastX) {
			x = p.inside(x, p.w)
		}
		if !(y >= 0 && y <= lastY) {
			y = p.inside(y, p.h)
		}
		ix, iy := min(int(x), maxX), min(int(y), maxY)
		at[j] = int32(iy*p.w + ix)
		fx[j], fy[j] = float32(x-float64(ix)), float32(y-float64(iy))
	}
}

// snap takes the noise off positions, so that halves are halves.
func snap(v float64) float64 { return math.Round(v*(1<<20)) / (1 << 20) }

// nearest finds the source pixel of each pixel, halves rounded to even; -1 where there is none.
func (p *positions) nearest(t *taps) {
	for j, x := range p.x {
		y := p.y[j]
		if p.s.pad != data.PadZeros {
			x, y = p.inside(x, p.w), p.inside(y, p.h)
		}
		x, y = math.RoundToEven(snap(x)), math.RoundToEven(snap(y))
		if x < 0 || y < 0 || x >= float64(p.w) || y >= float64(p.h) || math.IsNaN(x) || math.IsNaN(y) {
			t.at[j] = -1
			continue
		}
		t.at[j] = int32(y)*int32(p.w) + int32(x)
	}
}

func bilinearRow[D, S uint8 | float32](dst []D, src []S, t *taps, right, below int, scale float32) {
	at, fx, fy := t.at[:len(dst)], t.fx[:len(dst)], t.fy[:len(dst)]
	for j := range dst {
		k := int(at[j])
		a, b := float32(src[k]), float32(src[k+right])
		c, d := float32(src[k+below]), float32(src[k+below+right])
		top := a + (b-a)*fx[j]
		dst[j] = D((top + (c+(d-c)*fx[j]-top)*fy[j]) * scale)
	}
}

func nearestRow[D, S uint8 | float32](dst []D, src []S, t *taps, scale float32) {
	for j, k := range t.at[:len(dst)] {
		if k < 0 {
			dst[j] = 0
		} else {
			dst[j] = D(float32(src[k]) * scale)
		}
	}
}

// zerosRow is bilinear with black outside the picture.
func zerosRow[D, S uint8 | float32](dst []D, src []S, p *positions, scale float32) {
	for j := range dst {
		x, y := p.x[j], p.y[j]
		if !(x > -1 && y > -1 && x < float64(p.w) && y < float64(p.h)) {
			dst[j] = 0
			continue
		}
		x0, y0 := math.Floor(x), math.Floor(y)
		fx, fy := float32(x-x0), float32(y-y0)
		tap := func(dx, dy int, weight float32) float32 {
			ix, iy := int(x0)+dx, int(y0)+dy
			if ix < 0 || iy < 0 || ix >= p.w || iy >= p.h {
				return 0
			}
			return float32(src[iy*p.w+ix]) * weight
		}
		v := tap(0, 0, (1-fx)*(1-fy)) + tap(1, 0, fx*(1-fy)) + tap(0, 1, (1-fx)*fy) + tap(1, 1, fx*fy)
		dst[j] = D(v * scale)
	}
}

// areaAverage shrinks a picture: each pixel is the mean of the source pixels it covers wholly or partly
// (adaptive average pooling).
func areaAverage(src *planes, h, w int) *planes {
	dst := newFloats(src.c, h, w)
	if src.u != nil {
		average(dst, src.u, src, 1./255)
	} else {
		average(dst, src.f, src, 1)
	}
	return dst
}

func average[S uint8 | float32](dst *planes, from []S, src *planes, scale float32) {
	span := func(k, in, out int) (int, int) { return k * in / out, ((k+1)*in + out - 1) / out }
	for ch := range src.c {
		plane := from[ch*src.h*src.w : (ch+1)*src.h*src.w]
		for i := range dst.h {
			y0, y1 := span(i, src.h, dst.h)
			row := dst.f[(ch*dst.h+i)*dst.w:][:dst.w]
			for j := range row {
				x0, x1 := span(j, src.w, dst.w)
				var sum float32
				for y := y0; y < y1; y++ {
					for _, v := range plane[y*src.w+x0 : y*src.w+x1] {
						sum += float32(v)
					}
				}
				row[j] = sum * scale / float32((y1-y0)*(x1-x0))
			}
		}
	}
}

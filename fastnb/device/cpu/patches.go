package cpu

// patches says what the rows of the left matrix of a convolution-like product are: for each point
// (y, x) of a grid over each picture, the patch of the source that begins at (y*sy+oy, x*sx+ox), zeros
// outside. A plain matrix is a 1x1 patch over a 1 x rows picture.
type patches struct {
	src            []float32 // [n, h, w, c]
	n, h, w, c     int
	ps             int // from a pixel to the next, where that is not c; 0 else
	gh, gw         int // grid
	sy, sx, oy, ox int
	ph, pw         int
}

// pixel is how far a pixel is from the next.
func (p *patches) pixel() int {
	if p.ps == 0 {
		return p.c
	}
	return p.ps
}

func (p *patches) rows() int  { return p.n * p.gh * p.gw }
func (p *patches) depth() int { return p.ph * p.pw * p.c }

// direct reports whether rows can be read where they are: patches of one pixel, in order, and not so far apart that
// all would share the same few cache lines.
func (p *patches) direct() bool {
	return p.pixel()%1024 != 0 && p.ph == 1 && p.pw == 1 && p.oy == 0 && p.ox == 0 && p.sy == 1 && p.sx == 1 && p.gh == p.h && p.gw == p.w
}

// fill writes columns k0 to k1 of rows r0 to r1 into dst, rows ld apart, at least 16 more than columns; what it has
// between rows may be overwritten. A line is what a patch takes of one row of the picture as far as it is contiguous;
// patches beside each other take their lines with the same steps.
func (p *patches) fill(k *isa, dst []float32, ld, r0, r1, k0, k1 int) {
	cols, lines := p.pw, p.ph // pixels of a line, lines of a patch
	if p.pixel() != p.c {
		cols, lines = 1, p.ph*p.pw
	}
	line := cols * p.c
	across := lines / p.ph
	for r := r0; r < r1; {
		rem := r % (p.gh * p.gw)
		n, y, x := r/(p.gh*p.gw), rem/p.gw, rem%p.gw
		run := min(r1-r, p.gw-x)
		for i := k0 / line; i*line < k1; i++ {
			from, to := max(k0-i*line, 0), min(k1-i*line, line)
			l := patchLine{iy: y*p.sy + p.oy + i/across, ix: x*p.sx + p.ox + i%across, cols: cols, from: from, to: to}
			p.fillLine(k, dst[(r-r0)*ld+i*line+from-k0:], ld, run, n, l)
		}
		r += run
	}
}

// patchLine is floats from to to of a line that begins at row iy, column ix of a picture, cols pixels long.
type patchLine struct{ iy, ix, cols, from, to int }

// fillLine copies the line of run patches beside each other.
func (p *patches) fillLine(k *isa, out []float32, ld, run, n int, l patchLine) {
	size := l.to - l.from
	if l.iy < 0 || l.iy >= p.h {
		for j := range run {
			clear(out[j*ld:][:size])
		}
		return
	}
	lo := min(run, max(0, (p.sx-1-l.ix)/p.sx)) // patches from lo to hi lie within the picture
	hi := lo
	if room := p.w - l.cols - l.ix; room >= 0 {
		hi = max(lo, min(run, room/p.sx+1))
	}
	row := (n*p.h + l.iy) * p.w
	if lo < hi {
		k.copyRows(out[lo*ld:], ld, p.src[(row+l.ix+lo*p.sx)*p.pixel()+l.from:], p.sx*p.pixel(), size, hi-lo)
	}
	p.fillEdge(out, ld, 0, lo, row, l)
	p.fillEdge(out, ld, hi, run, row, l)
}

// fillEdge copies the line of patches j0 to j1 as far as it lies within the picture's row and fills up with zeros.
func (p *patches) fillEdge(out []float32, ld, j0, j1, row int, l patchLine) {
	for j := j0; j < j1; j++ {
		to := out[j*ld:][:l.to-l.from]
		clear(to)
		ix := l.ix + j*p.sx
		a, b := max(l.from, max(0, -ix)*p.c), min(l.to, min(l.cols, p.w-ix)*p.c)
		if a < b {
			copy(to[a-l.from:b-l.from], p.src[(row+ix)*p.pixel()+a:])
		}
	}
}

// matrix is a rows x cols matrix as patches of one pixel.
func matrix(f []float32, rows, cols int) *patches {
	return &patches{src: f, n: 1, h: 1, w: rows, c: cols, gh: 1, gw: rows, sy: 1, sx: 1, ph: 1, pw: 1}
}

// sink says where the rows of a product go: row r of the grid to out[at(r)], n columns each.
type sink struct {
	out []float32
	ld  int             // rows ld apart, in order, when at is nil
	at  func(r int) int // place of row r
}

// line gives the place of row r and the distance of the n rows from it on, if that is the same for all.
func (s *sink) line(r, n int) (at, ld int, ok bool) {
	if s.at == nil {
		return r * s.ld, s.ld, true
	}
	at = s.at(r)
	if n == 1 {
		return at, s.ld, true
	}
	ld = s.at(r+1) - at
	return at, ld, s.at(r+n-1)-at == (n-1)*ld
}

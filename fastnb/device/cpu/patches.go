package cpu

// patches says what the rows of the left matrix of a convolution-like product are: for each point
// (y, x) of a grid over each picture, the patch of the source that begins at (y*sy+oy, x*sx+ox), zeros
// outside. A plain matrix is a 1x1 patch over a 1 x rows picture.
type patches struct {
	src            []float32 // [n, h, w, c]
	n, h, w, c     int
	gh, gw         int // grid
	sy, sx, oy, ox int
	ph, pw         int
}

func (p *patches) rows() int  { return p.n * p.gh * p.gw }
func (p *patches) depth() int { return p.ph * p.pw * p.c }

// direct reports whether rows can be read where they are: patches of one pixel, in order, and not so far apart that
// all would share the same few cache lines.
func (p *patches) direct() bool {
	return p.c%1024 != 0 && p.ph == 1 && p.pw == 1 && p.oy == 0 && p.ox == 0 && p.sy == 1 && p.sx == 1 && p.gh == p.h && p.gw == p.w
}

// fill writes columns k0 to k1 of rows r0 to r1 into dst, rows ld apart.
func (p *patches) fill(dst []float32, ld, r0, r1, k0, k1 int) {
	line := p.pw * p.c // what a patch takes of one line of the picture: contiguous
	rem := r0 % (p.gh * p.gw)
	n, y, x := r0/(p.gh*p.gw), rem/p.gw, rem%p.gw
	for r := r0; r < r1; r++ {
		out := dst[(r-r0)*ld : (r-r0)*ld+k1-k0]
		ix := x*p.sx + p.ox
		lo, hi := max(0, -ix)*p.c, min(p.pw, p.w-ix)*p.c // the part inside the picture
		for i, k := k0/line, 0; k < k1-k0; i++ {
			from, to := max(k0-i*line, 0), min(k1-i*line, line)
			seg := out[k : k+to-from]
			k += to - from
			iy := y*p.sy + p.oy + i
			a, b := max(from, lo), min(to, hi)
			if iy < 0 || iy >= p.h || a >= b {
				clear(seg)
				continue
			}
			clear(seg[:a-from])
			base := ((n*p.h+iy)*p.w+ix)*p.c + a
			copy(seg[a-from:b-from], p.src[base:base+b-a])
			clear(seg[b-from:])
		}
		if x++; x == p.gw {
			if x, y = 0, y+1; y == p.gh {
				y, n = 0, n+1
			}
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

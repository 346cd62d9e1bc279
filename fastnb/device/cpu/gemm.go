package cpu

import (
	"unsafe"
)

func unsafeSlice(p *float32, n int) []float32 { return unsafe.Slice(p, n) }

// Blocking: kc steps of the inner dimension and mc rows at a time keep a block of A in the
// second-level cache and a panel of B in the first (Goto and van de Geijn 2008).
const (
	blockK    = 320
	blockRows = 8 // tiles of rows
)

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

// sink says where the rows of a product go: row r of the grid to out[at(r)], n columns each.
type sink struct {
	out []float32
	ld  int             // rows ld apart, in order, when at is nil
	at  func(r int) int // place of row r
}

// packB lays a k x n matrix out in panels of nr columns, each step's nr values together, the last
// panel filled up with zeros. at gives the row of values at step k: n values, step apart.
func (d *Device) packB(buf []float32, k, n int, row func(k int) (vals []float32, step int)) {
	nr := d.isa.nr
	panels := (n + nr - 1) / nr
	d.team.each((k+63)/64, func(_, part int) {
		for kk := part * 64; kk < min(part*64+64, k); kk++ {
			vals, step := row(kk)
			for j := range panels {
				dst := buf[(j*k+kk)*nr : (j*k+kk)*nr+nr]
				m := min(nr, n-j*nr)
				if step == 1 {
					copy(dst, vals[j*nr:j*nr+m])
				} else {
					for i := range m {
						dst[i] = vals[(j*nr+i)*step]
					}
				}
				clear(dst[m:])
			}
		}
	})
}

// packTransposed is packB of the transpose of rows: column j of the matrix is w[j*k : j*k+k]. It
// goes block by block, since reading across rows alone would miss the cache every time.
func (d *Device) packTransposed(buf, w []float32, k, n int) {
	nr := d.isa.nr
	panels := (n + nr - 1) / nr
	chunks := (k + 255) / 256
	d.team.each(panels*chunks, func(_, part int) {
		j, k0 := part/chunks, part%chunks*256
		k1 := min(k0+256, k)
		dst := buf[j*k*nr : (j+1)*k*nr]
		for i := range nr {
			col := j*nr + i
			if col >= n {
				for kk := k0; kk < k1; kk++ {
					dst[kk*nr+i] = 0
				}
				continue
			}
			for kk, v := range w[col*k+k0 : col*k+k1] {
				dst[(k0+kk)*nr+i] = v
			}
		}
	})
}

// panelFloats is the size of a k x n matrix laid out in panels.
func (d *Device) panelFloats(k, n int) int { return roundUp(n, d.isa.nr) * k }

func (d *Device) bufB(k, n int) []float32 { return d.scratch(0, d.panelFloats(k, n)) }

// scratch gives working memory that is valid until the next op: slot 0 is shared, 1 + worker is a
// worker's own.
func (d *Device) scratch(slot, n int) []float32 {
	for len(d.pack) <= slot {
		d.pack = append(d.pack, nil)
	}
	if d.pack[slot] == nil || len(d.pack[slot].f) < n {
		d.pack[slot].free()
		d.pack[slot] = newMemory(n + n/4)
	}
	return d.pack[slot].f[:n]
}

// multiply computes rows(A) x B into the sink, B packed with n columns. after, if given, is called
// on each finished stretch of a row.
func (d *Device) multiply(a *patches, packed []float32, n int, to sink, after func(row []float32, at, col int)) {
	mr, nr := d.isa.mr, d.isa.nr
	rows, depth := a.rows(), a.depth()
	tilesM, panels := (rows+mr-1)/mr, (n+nr-1)/nr
	mblocks := (tilesM + blockRows - 1) / blockRows
	// Few rows: cut the columns too, so that all workers have something to do.
	nparts := 1
	for mblocks*nparts < 2*d.team.n && nparts < panels {
		nparts++
	}
	kc := blockK
	ld := min(kc, depth) + 16 // not a multiple of a page, so that a tile's rows do not share cache lines
	for w := range d.team.n {
		d.scratch(1+w, blockRows*mr*ld+mr*nr)
	}
	d.team.each(mblocks*nparts, func(w, part int) {
		buf := d.pack[1+w].f
		mb, np := part/nparts, part%nparts
		r0 := mb * blockRows * mr
		r1 := min(r0+blockRows*mr, rows)
		p0, p1 := panels*np/nparts, panels*(np+1)/nparts
		for k0 := 0; k0 < depth; k0 += kc {
			k1 := min(k0+kc, depth)
			block, rs := buf, ld
			if a.direct() {
				block, rs = a.src[r0*depth+k0:], depth
			} else {
				a.fill(buf, ld, r0, r1, k0, k1)
			}
			for j := p0; j < p1; j++ {
				b := &packed[(j*depth+k0)*nr]
				d.column(block, rs, r0, r1, k1-k0, b, j*nr, min(nr, n-j*nr), k0 > 0, to, buf[blockRows*mr*ld:])
			}
		}
		if after != nil {
			for r := r0; r < r1; r++ {
				at := r * to.ld
				if to.at != nil {
					at = to.at(r)
				}
				after(to.out[at+p0*nr:at+min(p1*nr, n)], at+p0*nr, p0*nr)
			}
		}
	})
}

// column runs the tiles of one panel of columns over a block of rows.
func (d *Device) column(block []float32, rs, r0, r1, k int, b *float32, col, cols int, acc bool, to sink, tile []float32) {
	mr, nr := d.isa.mr, d.isa.nr
	run := d.isa.tile
	steps := (r1 - r0 + mr - 1) / mr
	for s := range steps {
		from, end := r0+(r1-r0)*s/steps, r0+(r1-r0)*(s+1)/steps
		a := &block[(from-r0)*rs]
		if at, ld, ok := to.line(from, end-from); ok && cols == nr {
			run(end-from, k, a, rs, 1, b, nr, &to.out[at+col], ld, acc)
			continue
		}
		run(end-from, k, a, rs, 1, b, nr, &tile[0], nr, false)
		for i := from; i < end; i++ {
			at := i * to.ld
			if to.at != nil {
				at = to.at(i)
			}
			keep(to.out[at+col:at+col+cols], tile[(i-from)*nr:], acc)
		}
	}
}

// keep writes src to dst, or adds it.
func keep(dst, src []float32, acc bool) {
	if !acc {
		copy(dst, src)
		return
	}
	for j := range dst {
		dst[j] += src[j]
	}
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

// weightProduct computes C [m, depth] = A' P, A [rows, m] and P the patches: the weight gradient of a
// convolution. Of a small C the rows are shared out, in ranges that each have a sum of their own; of a large one the
// columns are.
func (d *Device) weightProduct(a []float32, m int, p *patches, out []float32) {
	rows, depth := p.rows(), p.depth()
	if size := m * depth; size <= smallProduct && rows >= 4*blockK {
		ranges := min(2*d.team.n, rows/blockK)
		sums := d.scratch(0, ranges*size)
		for w := range d.team.n {
			d.scratch(1+w, d.stripFloats())
		}
		d.team.each(ranges, func(w, r int) {
			for c0 := 0; c0 < depth; c0 += stripPanels * d.isa.nr {
				d.strip(a, m, p, c0, min(c0+stripPanels*d.isa.nr, depth), rows*r/ranges, rows*(r+1)/ranges, sums[r*size:(r+1)*size], d.pack[1+w].f)
			}
		})
		d.team.ranges(size, 16, ranges, func(_, i, j int) {
			copy(out[i:j], sums[i:j])
			for r := 1; r < ranges; r++ {
				d.isa.vec.add(out[i:j], out[i:j], sums[r*size+i:r*size+j])
			}
		})
		return
	}
	panels := (depth + d.isa.nr - 1) / d.isa.nr
	wide := max(1, min(stripPanels, panels/(2*d.team.n))) * d.isa.nr
	for w := range d.team.n {
		d.scratch(1+w, d.stripFloats())
	}
	d.team.each((depth+wide-1)/wide, func(w, part int) {
		d.strip(a, m, p, part*wide, min(part*wide+wide, depth), 0, rows, out, d.pack[1+w].f)
	})
}

const (
	smallProduct = 1 << 17 // elements of a weight gradient of which each worker may have one of its own
	stripPanels  = 8       // panels of columns that are worked on together
)

// stripFloats is the memory that a strip needs.
func (d *Device) stripFloats() int {
	return blockK*(stripPanels+1)*d.isa.nr + d.isa.mr*d.isa.nr
}

// strip computes columns c0 to c1 of A' P over rows from to end.
func (d *Device) strip(a []float32, m int, p *patches, c0, c1, from, end int, out, own []float32) {
	mr, nr, depth := d.isa.mr, d.isa.nr, p.depth()
	ldg := (stripPanels + 1) * nr
	gathered, tile := own[:blockK*ldg], own[blockK*ldg:]
	steps := (m + mr - 1) / mr
	for r0 := from; r0 < end; r0 += blockK {
		r1 := min(r0+blockK, end)
		b, ld := gathered, ldg
		if p.direct() && (c1-c0)%nr == 0 {
			b, ld = p.src[r0*depth+c0:], depth
		} else {
			p.fill(gathered, ldg, r0, r1, c0, c1)
		}
		for s := range steps {
			i0, i1 := m*s/steps, m*(s+1)/steps
			for j := c0; j < c1; j += nr {
				if j+nr <= c1 {
					d.isa.tile(i1-i0, r1-r0, &a[r0*m+i0], 1, m, &b[j-c0], ld, &out[i0*depth+j], depth, r0 > from)
					continue
				}
				d.isa.tile(i1-i0, r1-r0, &a[r0*m+i0], 1, m, &b[j-c0], ld, &tile[0], nr, false)
				for i := i0; i < i1; i++ {
					keep(out[i*depth+j:i*depth+c1], tile[(i-i0)*nr:], r0 > from)
				}
			}
		}
	}
}

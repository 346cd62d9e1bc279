package cpu

// product is C (+)= A B with A and B packed on the way, both by functions, so that they may be transposed,
// permuted or made up. C is m x n, rows ldc apart; k is the inner size.
type product struct {
	m, n, k int
	a       packLeft
	b       packRight
	c       []float32
	ldc     int
	acc     bool
	// want, where it is not nil, adds what a will read of rows i0 to i1 and steps k0 to k1: of a left side whose rows
	// lie far apart.
	want func(w *wanted, i0, i1, k0, k1 int)
}

// productMemory is how many floats of the right matrix are packed at a time, at most.
const productMemory = 8 << 20

// evenly cuts k into stretches of at most so many steps, all about equal and multiples of unit but the last.
func evenly(k, most, unit int) int {
	n := (k + most - 1) / most
	return ((k+n-1)/n + unit - 1) / unit * unit
}

// product runs p on all workers. The result does not depend on who does what.
//
// The right matrix is packed as a whole, where it is not too large, and the steps go by within a block of rows: so the
// block of C stays in the second-level cache until all have been summed up. Memory is what a processor waits for here:
// going through all of C once for each stretch of steps costs a seventh of the time.
func (d *Device) product(p product) {
	if d.half != nil {
		d.halfProduct(d.half, p)
		return
	}
	s := &d.isa.seq
	kc := evenly(p.k, s.steps, 8)
	rows := s.rows / s.mr * s.mr
	for w := range d.team.n {
		d.scratch(1+w, rows*kc+s.mr*s.nr)
	}
	wide := min(max(productMemory/p.k, 16*s.nr), p.n)
	wide = roundUp(wide, s.nr)
	mem := d.scratch(0, wide*p.k)
	for j0 := 0; j0 < p.n; j0 += wide {
		cols := min(wide, p.n-j0)
		right := rightPanels{f: mem, kc: kc, k: p.k, n: cols, panels: (cols + s.nr - 1) / s.nr}
		right.fill(d, func(dst []float32, j, k0, k1 int) { p.b(dst, j0+j, k0, k1) })
		// Few rows: cut the columns too, so that all workers have something to do.
		blocks, cuts := (p.m+rows-1)/rows, 1
		for blocks*cuts < 4*d.team.n && cuts < right.panels/4 {
			cuts++
		}
		d.team.each(blocks*cuts, func(w, part int) {
			i0, from, to := part/cuts*rows, right.panels*(part%cuts)/cuts, right.panels*(part%cuts+1)/cuts
			left, tile := d.pack[1+w].f[:rows*kc], d.pack[1+w].f[rows*kc:]
			var want wanted
			for k0 := 0; k0 < p.k; k0 += kc {
				i1, k1 := min(i0+rows, p.m), min(k0+kc, p.k)
				if want.begin(k1 - k0); p.want != nil && k1 < p.k {
					p.want(&want, i0, i1, k1, min(k1+kc, p.k))
				}
				s.block(p, i0, i1, k0, k1, left, macro{
					b: right.at(s, k0, from), apart: p.k * s.nr, c: p.c[i0*p.ldc+j0+from*s.nr:], ldc: p.ldc,
					cols: min(cols, to*s.nr) - from*s.nr, acc: p.acc || k0 > 0, tile: tile, want: &want,
				})
			}
		})
	}
}

// block packs steps k0 to k1 of rows i0 to i1 of the left matrix and multiplies them with what m says.
func (s *seqKernels) block(p product, i0, i1, k0, k1 int, left []float32, m macro) {
	m.rows, m.k, m.a = i1-i0, k1-k0, left
	for i := i0; i < i1; i += s.mr {
		p.a(left[(i-i0)*m.k:], i, min(s.mr, i1-i), k0, k1)
	}
	s.macro(m)
}

// macro is a block of a product with both sides packed.
type macro struct {
	rows, cols, k int
	a, b, c       []float32
	apart         int // floats between the beginnings of b's panels
	ldc           int
	acc           bool
	tile          []float32 // mr x nr, for the last columns
	want          *wanted   // nil: nothing
}

// macro runs the tiles of a block: a panel of the right matrix stays in the first-level cache while the rows go by.
func (s *seqKernels) macro(m macro) {
	for j := 0; j < m.cols; j += s.nr {
		b := m.b[j/s.nr*m.apart:]
		next := b
		if j+s.nr < m.cols {
			next = b[m.apart:]
		}
		run, width := s.tileFor(m.cols - j)
		for i, q := 0, 0; i < m.rows; i, q = i+s.mr, q+1 {
			rows := min(s.mr, m.rows-i)
			// If nothing else is wanted, the lines of C that the next tiles add to, in turns the first and the second of each row.
			ahead := lookAhead{next: s.share(next, q, m.k)}
			if ahead.far, ahead.ld = m.want.take(nil); ahead.far == nil {
				ahead.far, ahead.ld = &m.c[min((i+s.mr)*m.ldc+j+q%2*s.nr/2, len(m.c)-1)], m.ldc
			}
			if m.cols-j >= width {
				run(rows, m.k, &m.a[i*m.k], &b[0], &m.c[i*m.ldc+j], m.ldc, m.acc, ahead)
				continue
			}
			run(rows, m.k, &m.a[i*m.k], &b[0], &m.tile[0], s.nr, false, ahead)
			for r := range rows {
				keep(m.c[(i+r)*m.ldc+j:(i+r)*m.ldc+m.cols], m.tile[r*s.nr:], m.acc)
			}
		}
	}
}

// tileFor is the micro-kernel for as many columns and more, and how many it makes.
func (s *seqKernels) tileFor(cols int) (run seqTile, width int) {
	if cols <= s.nr/2 {
		return s.half, s.nr / 2
	}
	return s.tile, s.nr
}

// share is where call q of those with one panel begins to fetch the next.
func (s *seqKernels) share(next []float32, q, k int) *float32 {
	return &next[min(q, s.calls-1)*(k/8*8/s.calls)*s.nr]
}

// rightPanels is a right matrix packed once for many uses: its panels one after the other, each with all its steps, and
// those worked on in stretches of kc.
type rightPanels struct {
	f      []float32
	kc, k  int
	n      int // columns
	panels int
}

// at is what panel j has from step k0 on, and what lies behind it.
func (r rightPanels) at(s *seqKernels, k0, j int) []float32 { return r.f[(j*r.k+k0)*s.nr:] }

// fill packs the matrix.
func (r rightPanels) fill(d *Device, b packRight) {
	nr := d.isa.seq.nr
	d.team.each((r.k+r.kc-1)/r.kc*r.panels, func(_, part int) {
		k0, j := part/r.panels*r.kc, part%r.panels
		k1 := min(k0+r.kc, r.k)
		b(r.at(&d.isa.seq, k0, j)[:(k1-k0)*nr], j*nr, k0, k1)
	})
}

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
}

// Blocking of products, found by measurement for second-level caches of half a megabyte: steps, rows and
// columns that are worked on at a time.
const (
	productK    = 384
	productRows = 144
	productCols = 4608
)

// evenly cuts k into stretches of at most productK, all about equal and multiples of unit but the last.
func evenly(k, unit int) int {
	n := (k + productK - 1) / productK
	return ((k+n-1)/n + unit - 1) / unit * unit
}

// product runs p on all workers. The result does not depend on who does what.
func (d *Device) product(p product) {
	if d.half != nil {
		d.halfProduct(d.half, p)
		return
	}
	s := &d.isa.seq
	kc := evenly(p.k, 8)
	rows := productRows / s.mr * s.mr
	for w := range d.team.n {
		d.scratch(1+w, rows*kc+s.mr*s.nr)
	}
	right := d.scratch(0, roundUp(min(p.n, productCols), s.nr)*kc)
	for j0 := 0; j0 < p.n; j0 += productCols {
		cols := min(productCols, p.n-j0)
		panels := (cols + s.nr - 1) / s.nr
		for k0 := 0; k0 < p.k; k0 += kc {
			k1 := min(k0+kc, p.k)
			size := s.nr * (k1 - k0) // of a panel
			d.team.each(panels, func(_, j int) { p.b(right[j*size:(j+1)*size], j0+j*s.nr, k0, k1) })
			// Few rows: cut the columns too, so that all workers have something to do.
			blocks, cuts := (p.m+rows-1)/rows, 1
			for blocks*cuts < 4*d.team.n && cuts < panels/4 {
				cuts++
			}
			d.team.each(blocks*cuts, func(w, part int) {
				i0, from, to := part/cuts*rows, panels*(part%cuts)/cuts, panels*(part%cuts+1)/cuts
				left, tile := d.pack[1+w].f[:rows*kc], d.pack[1+w].f[rows*kc:]
				d.isa.seq.block(p, i0, min(i0+rows, p.m), k0, k1, left, macro{
					b: right[from*size : to*size], c: p.c[i0*p.ldc+j0+from*s.nr:], ldc: p.ldc, cols: min(cols, to*s.nr) - from*s.nr,
					acc: p.acc || k0 > 0, tile: tile,
				})
			})
		}
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
	ldc           int
	acc           bool
	tile          []float32 // mr x nr, for the last columns
}

// macro runs the tiles of a block: a panel of the right matrix stays in the first-level cache while the rows go by.
func (s *seqKernels) macro(m macro) {
	for j := 0; j < m.cols; j += s.nr {
		b := m.b[j*m.k:]
		next := b
		if j+s.nr < m.cols {
			next = m.b[(j+s.nr)*m.k:]
		}
		run, width := s.tileFor(m.cols - j)
		for i, q := 0, 0; i < m.rows; i, q = i+s.mr, q+1 {
			rows := min(s.mr, m.rows-i)
			ahead := s.share(next, q, m.k)
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
func (s *seqKernels) tileFor(cols int) (run func(m, k int, a, b, c *float32, ldc int, acc bool, next *float32), width int) {
	if cols <= s.nr/2 {
		return s.half, s.nr / 2
	}
	return s.tile, s.nr
}

// share is where call q of those with one panel begins to fetch the next: each takes an eighth of its k steps.
func (s *seqKernels) share(next []float32, q, k int) *float32 { return &next[min(q, 7)*(k/8)*s.nr] }

// rightPanels is a right matrix packed once for many products of few rows: for each stretch of kc steps all its panels.
type rightPanels struct {
	f      []float32
	kc, k  int
	n      int // columns
	panels int
}

// at is panel j of the stretch that begins at step k0, and what lies behind it.
func (r rightPanels) at(s *seqKernels, k0, j int) []float32 {
	kc := min(r.kc, r.k-k0)
	return r.f[k0*r.panels*s.nr+j*kc*s.nr:]
}

// fill packs the matrix.
func (r rightPanels) fill(d *Device, b packRight) {
	nr := d.isa.seq.nr
	d.team.each((r.k+r.kc-1)/r.kc*r.panels, func(_, part int) {
		k0, j := part/r.panels*r.kc, part%r.panels
		k1 := min(k0+r.kc, r.k)
		b(r.at(&d.isa.seq, k0, j)[:(k1-k0)*nr], j*nr, k0, k1)
	})
}

package cpu

// product is C (+)= A B with A and B packed on the way, both by functions, so that they may be transposed,
// permuted or made up. C is m x n, rows ldc apart; k is the inner size.
type product struct {
	m, n, k int
	// a writes steps k0 to k1 of rows i0 to i0+rows of A, rows <= mr, as mr values per step.
	a func(dst []float32, i0, rows, k0, k1 int)
	// b writes steps k0 to k1 of columns j0 to j0+nr of B as nr values per step, zeros beyond n.
	b   func(dst []float32, j0, k0, k1 int)
	c   []float32
	ldc int
	acc bool
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
	panels := (min(p.n, productCols) + s.nr - 1) / s.nr
	packed := d.scratch(0, panels*s.nr*kc)
	for j0 := 0; j0 < p.n; j0 += productCols {
		j1 := min(j0+productCols, p.n)
		panels := (j1 - j0 + s.nr - 1) / s.nr
		for k0 := 0; k0 < p.k; k0 += kc {
			k1 := min(k0+kc, p.k)
			k := k1 - k0
			d.team.each(panels, func(_, j int) { p.b(packed[j*s.nr*k:(j+1)*s.nr*k], j0+j*s.nr, k0, k1) })
			// Few rows: cut the columns too, so that all workers have something to do.
			blocks, cuts := (p.m+rows-1)/rows, 1
			for blocks*cuts < 4*d.team.n && cuts < panels/4 {
				cuts++
			}
			d.team.each(blocks*cuts, func(w, part int) {
				i0 := part / cuts * rows
				i1 := min(i0+rows, p.m)
				from, to := panels*(part%cuts)/cuts, panels*(part%cuts+1)/cuts
				left, tile := d.pack[1+w].f[:rows*k], d.pack[1+w].f[rows*kc:]
				for i := i0; i < i1; i += s.mr {
					p.a(left[(i-i0)*k:], i, min(s.mr, i1-i), k0, k1)
				}
				s.macro(macro{
					rows: i1 - i0, k: k, a: left, b: packed[from*s.nr*k : to*s.nr*k], c: p.c[i0*p.ldc+j0+from*s.nr:], ldc: p.ldc,
					cols: min(j1-j0, to*s.nr) - from*s.nr, acc: p.acc || k0 > 0, tile: tile,
				})
			})
		}
	}
}

// macro is a block of a product with both sides packed.
type macro struct {
	rows, cols, k int
	a, b, c       []float32
	ldc           int
	acc           bool
	tile          []float32 // mr x nr, for the last columns
}

func (s *seqKernels) macro(m macro) {
	for j := 0; j < m.cols; j += s.nr {
		b := m.b[j*m.k:]
		next := b
		if j+s.nr < m.cols {
			next = m.b[(j+s.nr)*m.k:]
		}
		for i, q := 0, 0; i < m.rows; i, q = i+s.mr, q+1 {
			rows := min(s.mr, m.rows-i)
			// A call fetches an eighth of the next panel ahead.
			ahead := &next[min(q, 7)*(m.k/8)*s.nr]
			if m.cols-j >= s.nr {
				s.tile(rows, m.k, &m.a[i*m.k], &b[0], &m.c[i*m.ldc+j], m.ldc, m.acc, ahead)
				continue
			}
			s.tile(rows, m.k, &m.a[i*m.k], &b[0], &m.tile[0], s.nr, false, ahead)
			for r := range rows {
				dst, src := m.c[(i+r)*m.ldc+j:(i+r)*m.ldc+m.cols], m.tile[r*s.nr:]
				for x := range dst {
					if m.acc {
						dst[x] += src[x]
					} else {
						dst[x] = src[x]
					}
				}
			}
		}
	}
}

// rowsOfMatrix packs rows of a row-major matrix for the left side.
func (s *seqKernels) rowsOfMatrix(f []float32, ld int) func(dst []float32, i0, rows, k0, k1 int) {
	return func(dst []float32, i0, rows, k0, k1 int) {
		s.packA(dst, f[i0*ld+k0:], ld, rows, k1-k0)
	}
}

// transposed packs the columns of a row-major matrix as rows for the left side: row i, step k is f[k*ld+i].
func (s *seqKernels) transposed(f []float32, ld int) func(dst []float32, i0, rows, k0, k1 int) {
	return func(dst []float32, i0, rows, k0, k1 int) {
		for k := k0; k < k1; k++ {
			copy(dst[(k-k0)*s.mr:(k-k0)*s.mr+rows], f[k*ld+i0:k*ld+i0+rows])
		}
	}
}

// matrixRight packs a row-major k x n matrix for the right side.
func (s *seqKernels) matrixRight(f []float32, ld, n int) func(dst []float32, j0, k0, k1 int) {
	return func(dst []float32, j0, k0, k1 int) {
		cols := min(s.nr, n-j0)
		for k := k0; k < k1; k++ {
			to := dst[(k-k0)*s.nr : (k-k0+1)*s.nr]
			copy(to, f[k*ld+j0:k*ld+j0+cols])
			clear(to[cols:])
		}
	}
}

// transposedRight packs the transpose of a row-major n x k matrix for the right side: column j, step k is
// f[j*ld+k].
func (s *seqKernels) transposedRight(f []float32, ld, n int) func(dst []float32, j0, k0, k1 int) {
	return func(dst []float32, j0, k0, k1 int) {
		for g := 0; g < s.nr; g += 16 {
			s.group(dst[g:], f, ld, j0+g, min(16, n-j0-g), k0, k1)
		}
	}
}

// group packs up to 16 rows from row on as the first 16 of nr columns, zeros where rows are missing.
func (s *seqKernels) group(dst, f []float32, ld, row, rows, k0, k1 int) {
	if rows >= 16 {
		s.packT(dst, f[row*ld+k0:], ld, k1-k0, s.nr)
		return
	}
	for k := range k1 - k0 {
		for r := range 16 {
			dst[k*s.nr+r] = 0
			if r < rows {
				dst[k*s.nr+r] = f[(row+r)*ld+k0+k]
			}
		}
	}
}

package cpu

// packTransposed is packMatrix of the transpose of rows w [n, k]: column j of the matrix is w[j*k:j*k+k].
func (d *Device) packTransposed(dst, w []float32, k, n int) {
	nr := d.isa.nr
	panels := (n + nr - 1) / nr
	const most = 512 // steps of a panel at a time
	chunks := (k + most - 1) / most
	d.team.each(panels*chunks, func(_, part int) {
		j, k0 := part/chunks, part%chunks*most
		k1 := min(k0+most, k)
		to := dst[j*k*nr+k0*nr : j*k*nr+k1*nr]
		for g := 0; g < nr; g += 16 {
			d.isa.seq.group(to[g:], w, k, j*nr+g, min(16, n-j*nr-g), k0, k1)
		}
	})
}

// packMatrix lays a k x n matrix out in panels of nr columns, each step's nr values together, the last panel filled up
// with zeros.
func (d *Device) packMatrix(dst, f []float32, k, n int) {
	d.team.each((k+63)/64, func(_, part int) {
		d.packSteps(dst, k, n, part*64, min(64, k-part*64), f[part*64*n:], n)
	})
}

// packSteps lays steps k0 to k0+rows of a matrix with n columns out in its panels, of k steps each: the rows lie ss
// floats apart in src.
func (d *Device) packSteps(dst []float32, k, n, k0, rows int, src []float32, ss int) {
	nr := d.isa.nr
	for j := 0; j < n; j += nr {
		to := dst[j*k+k0*nr : j*k+(k0+rows)*nr]
		if j+nr <= n {
			d.isa.copyRows(to, nr, src[j:], ss, nr, rows)
			continue
		}
		clear(to)
		genericCopyRows(to, nr, src[j:], ss, n-j, rows)
	}
}

// panelFloats is the size of a k x n matrix laid out in panels.
func (d *Device) panelFloats(k, n int) int { return roundUp(n, d.isa.nr) * k }

func (d *Device) bufB(k, n int) []float32 { return d.scratch(0, d.panelFloats(k, n)) }

// packLeft writes steps k0 to k1 of rows i0 to i0+rows of a product's left matrix, rows <= mr, as mr values a step.
// What stands in dst for rows that are not there is open.
type packLeft func(dst []float32, i0, rows, k0, k1 int)

// packRight writes steps k0 to k1 of columns j0 to j0+nr of a product's right matrix as nr values a step, zeros for
// columns that are not there.
type packRight func(dst []float32, j0, k0, k1 int)

// rowsOfMatrix packs rows of a row-major matrix for the left side.
func (s *seqKernels) rowsOfMatrix(f []float32, ld int) packLeft {
	return func(dst []float32, i0, rows, k0, k1 int) {
		s.packA(dst, f[i0*ld+k0:], ld, rows, k1-k0)
	}
}

// transposed packs the columns of a row-major matrix as rows for the left side: row i, step k is f[k*ld+i].
func (s *seqKernels) transposed(f []float32, ld int) packLeft {
	return func(dst []float32, i0, rows, k0, k1 int) {
		s.packCols(dst, f[k0*ld+i0:], ld, rows, k1-k0)
	}
}

// matrixRight packs a row-major k x n matrix for the right side.
func (s *seqKernels) matrixRight(f []float32, ld, n int) packRight {
	return func(dst []float32, j0, k0, k1 int) {
		cols := min(s.nr, n-j0)
		if cols == s.nr {
			s.copyRows(dst, s.nr, f[k0*ld+j0:], ld, cols, k1-k0)
			return
		}
		for k := k0; k < k1; k++ {
			to := dst[(k-k0)*s.nr : (k-k0+1)*s.nr]
			copy(to, f[k*ld+j0:k*ld+j0+cols])
			clear(to[cols:])
		}
	}
}

// transposedRight packs the transpose of a row-major n x k matrix for the right side: column j, step k is
// f[j*ld+k].
func (s *seqKernels) transposedRight(f []float32, ld, n int) packRight {
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

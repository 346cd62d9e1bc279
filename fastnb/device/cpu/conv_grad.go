package cpu

// patchGrad computes C [m, depth] = A' P, A [rows, m] and P the patches: the weight gradient of a direct convolution.
// Both sides are laid out for the tiles block by block: maps of channels by the power of two would else fight for the
// same few cache lines. Of a small C the rows are shared out, in ranges that each have a sum of their own; of a large
// one the columns are.
func (d *Device) patchGrad(a []float32, m int, p *patches, out []float32) {
	rows, depth := p.rows(), p.depth()
	for w := range d.team.n {
		d.scratch(1+w, d.gradFloats())
	}
	if size := m * depth; size <= gradShared && rows >= 4*gradRows {
		ranges := min(2*d.team.n, rows/gradRows)
		if d.team.n == 1 {
			ranges = 1
		}
		sums := out
		if ranges > 1 {
			sums = d.scratch(0, ranges*size)
		}
		d.team.each(ranges, func(w, r int) {
			for c0 := 0; c0 < depth; c0 += gradPanels * d.isa.nr {
				g := gradStrip{a: a, m: m, p: p, c0: c0, c1: min(c0+gradPanels*d.isa.nr, depth), from: rows * r / ranges, end: rows * (r + 1) / ranges}
				g.run(d.isa, sums[r*size:(r+1)*size], d.pack[1+w].f)
			}
		})
		if ranges == 1 {
			return
		}
		d.team.ranges(size, 16, ranges, func(_, i, j int) {
			copy(out[i:j], sums[i:j])
			for r := 1; r < ranges; r++ {
				d.isa.vec.add(out[i:j], out[i:j], sums[r*size+i:r*size+j])
			}
		})
		return
	}
	panels := (depth + d.isa.nr - 1) / d.isa.nr
	wide := gradPanels
	if d.team.n > 1 {
		wide = max(1, min(wide, panels/(2*d.team.n)))
	}
	wide *= d.isa.nr
	d.team.each((depth+wide-1)/wide, func(w, part int) {
		g := gradStrip{a: a, m: m, p: p, c0: part * wide, c1: min(part*wide+wide, depth), end: rows}
		g.run(d.isa, out, d.pack[1+w].f)
	})
}

const (
	gradShared = 1 << 17 // elements of a weight gradient of which each worker may have one of its own
	gradPanels = 8       // panels of columns that are worked on together
	gradRows   = 320     // rows that are
)

// gradFloats is the memory that a strip needs: of the right side as it is gathered and as panels, of the left side's
// panel, and a tile.
func (d *Device) gradFloats() int {
	nr := d.isa.nr
	return gradRows*(2*gradPanels+1)*nr + gradRows*d.isa.mr + nr + d.isa.mr*nr
}

// gradStrip is the part of A' P in columns c0 to c1, over rows from to end.
type gradStrip struct {
	a                 []float32
	m                 int
	p                 *patches
	c0, c1, from, end int
}

func (g *gradStrip) run(k *isa, out, own []float32) {
	depth, nr := g.p.depth(), k.nr
	left, own := own[:gradRows*k.mr+nr], own[gradRows*k.mr+nr:]
	tile, right := own[:k.mr*nr], own[k.mr*nr:]
	steps := (g.m + k.mr - 1) / k.mr
	for r0 := g.from; r0 < g.end; {
		blocks := (g.end - r0 + gradRows - 1) / gradRows
		r1 := r0 + (g.end-r0+blocks-1)/blocks // all about as long
		n := r1 - r0
		g.right(k, r0, r1, right)
		for s := range steps {
			i0, i1 := g.m*s/steps, g.m*(s+1)/steps
			rows := i1 - i0
			k.copyRows(left, k.mr, g.a[r0*g.m+i0:r1*g.m], g.m, rows, n)
			for j := g.c0; j < g.c1; j += nr {
				b := &right[(j-g.c0)*n]
				if j+nr <= g.c1 {
					k.tile(rows, n, &left[0], 1, k.mr, b, nr, &out[i0*depth+j], depth, r0 > g.from)
					continue
				}
				k.tile(rows, n, &left[0], 1, k.mr, b, nr, &tile[0], nr, false)
				for i := i0; i < i1; i++ {
					keep(out[i*depth+j:i*depth+g.c1], tile[(i-i0)*nr:], r0 > g.from)
				}
			}
		}
		r0 = r1
	}
}

// right lays rows r0 to r1 of the strip's columns out in panels, the last filled up with zeros.
func (g *gradStrip) right(k *isa, r0, r1 int, dst []float32) {
	nr, n := k.nr, r1-r0
	src, ld := g.p.src, g.p.depth()
	switch {
	case g.p.whole():
		src = src[r0*ld+g.c0 : r1*ld]
	default:
		src, ld = dst[gradPanels*nr*gradRows:], (gradPanels+1)*nr
		g.p.fill(src, ld, r0, r1, g.c0, g.c1)
	}
	for j := 0; j < g.c1-g.c0; j += nr {
		cols := min(nr, g.c1-g.c0-j)
		to := dst[j*n : (j+nr)*n]
		if cols < nr {
			clear(to)
			genericCopyRows(to, nr, src[j:], ld, cols, n)
			continue
		}
		k.copyRows(to, nr, src[j:], ld, nr, n)
	}
}

// whole reports whether the patches are the picture's pixels, one after the other.
func (p *patches) whole() bool {
	return p.ph == 1 && p.pw == 1 && p.oy == 0 && p.ox == 0 && p.sy == 1 && p.sx == 1 && p.gh == p.h && p.gw == p.w
}

// packWeights lays the transpose of rows w [n, k] out in panels for a product: column j of the matrix is w[j*k:j*k+k].
func (d *Device) packWeights(dst, w []float32, k, n int) {
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

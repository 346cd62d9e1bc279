package cpu

// weightProduct computes C [m, depth] = A' P, A [rows, m], rows lda apart, and P the patches: the weight gradient of a direct convolution.
// Both sides are laid out for the tiles block by block: maps of channels by the power of two would else fight for the
// same few cache lines. Of a small C the rows are shared out, in ranges that each have a sum of their own; of a large
// one the columns are.
func (d *Device) weightProduct(a []float32, lda, m int, p *patches, out []float32) {
	rows, depth := p.rows(), p.depth()
	for w := range d.team.n {
		d.scratch(1+w, d.stripFloats())
	}
	if size := m * depth; size <= smallProduct && rows >= 4*blockK {
		ranges := min(2*d.team.n, rows/blockK)
		if d.team.n == 1 {
			ranges = 1
		}
		sums := out
		if ranges > 1 {
			sums = d.scratch(0, ranges*size)
		}
		d.team.each(ranges, func(w, r int) {
			for c0 := 0; c0 < depth; c0 += stripPanels * d.isa.nr {
				g := strip{a: a, lda: lda, m: m, p: p, c0: c0, c1: min(c0+stripPanels*d.isa.nr, depth), from: rows * r / ranges, end: rows * (r + 1) / ranges}
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
	wide := stripPanels
	if d.team.n > 1 {
		wide = max(1, min(wide, panels/(2*d.team.n)))
	}
	wide *= d.isa.nr
	d.team.each((depth+wide-1)/wide, func(w, part int) {
		g := strip{a: a, lda: lda, m: m, p: p, c0: part * wide, c1: min(part*wide+wide, depth), end: rows}
		g.run(d.isa, out, d.pack[1+w].f)
	})
}

const (
	smallProduct = 1 << 17 // elements of a weight gradient of which each worker may have one of its own
	stripPanels  = 8       // panels of columns that are worked on together
)

// stripFloats is the memory that a strip needs: of the right side as it is gathered and as panels, of the left side's
// panel, and a tile.
func (d *Device) stripFloats() int {
	nr := d.isa.nr
	return blockK*(2*stripPanels+1)*nr + blockK*d.isa.mr + nr + d.isa.mr*nr
}

// strip is the part of A' P in columns c0 to c1, over rows from to end.
type strip struct {
	a                 []float32
	lda, m            int
	p                 *patches
	c0, c1, from, end int
}

func (g *strip) run(k *isa, out, own []float32) {
	depth, nr := g.p.depth(), k.nr
	left, own := own[:blockK*k.mr+nr], own[blockK*k.mr+nr:]
	tile, right := own[:k.mr*nr], own[k.mr*nr:]
	steps := (g.m + k.mr - 1) / k.mr
	for r0 := g.from; r0 < g.end; {
		blocks := (g.end - r0 + blockK - 1) / blockK
		r1 := r0 + (g.end-r0+blocks-1)/blocks // all about as long
		n := r1 - r0
		g.right(k, r0, r1, right)
		for s := range steps {
			i0, i1 := g.m*s/steps, g.m*(s+1)/steps
			rows := i1 - i0
			k.copyRows(left, k.mr, g.a[r0*g.lda+i0:], g.lda, rows, n)
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
func (g *strip) right(k *isa, r0, r1 int, dst []float32) {
	nr, n := k.nr, r1-r0
	src, ld := g.p.src, g.p.pixel()
	switch {
	case g.p.whole():
		src = src[r0*ld+g.c0:]
	default:
		src, ld = dst[stripPanels*nr*blockK:], (stripPanels+1)*nr
		g.p.fill(k, src, ld, r0, r1, g.c0, g.c1)
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

package cpu

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

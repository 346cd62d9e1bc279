package cpu

import "unsafe"

// Products of matrices (GEMM), all cut into blocks that stay in the caches (Goto and van de Geijn 2008): an innermost
// tile of C is summed up in registers by a micro-kernel of assembly, see internal/asmgen/tile.go. There are three ways
// to get to it:
//
//   - multiply (this file) is for a left matrix that is read where it lies or gathered from pictures, and a right one
//     laid out in panels, often once for many products: convolutions and linear layers.
//   - weightProduct (gemm_weights.go) is A' P, the gradient of their weights.
//   - product (product.go) packs both sides on the way, from matrices that may be transposed, in another order or not
//     be there at all: recurrent layers and decoders.

func unsafeSlice(p *float32, n int) []float32 { return unsafe.Slice(p, n) }

// Blocking: so many steps of the inner dimension at most and so many rows at a time keep a block of A in the second-level
// cache, and a panel of B beside a tile's rows of A in the first (Goto and van de Geijn 2008).
const (
	blockK    = 256
	blockRows = 8 // tiles of rows
)

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
	blocks := max(1, (depth+blockK-1)/blockK)
	kc := (depth + blocks - 1) / blocks // all about as long
	ld := kc + 16                       // not a multiple of a page, so that a tile's rows do not share cache lines
	for w := range d.team.n {
		d.scratch(1+w, blockRows*mr*ld+mr*nr)
	}
	var whole []float32 // all rows, where workers share the columns of them out
	if nparts > 1 && !a.direct() {
		whole = d.gathered(a)
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
			switch {
			case whole != nil:
				rs = depth + 16
				block = whole[r0*rs+k0:]
			case a.direct():
				block, rs = a.src[r0*a.pixel()+k0:], a.pixel()
			default:
				a.fill(d.isa, buf, ld, r0, r1, k0, k1)
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

// gathered gives all rows of patches, each of them 16 more apart than it is long.
func (d *Device) gathered(a *patches) []float32 {
	const most = 8 // rows at a time
	rows, depth := a.rows(), a.depth()
	ld := depth + 16
	out := d.keep(slotGates, rows*ld)
	d.team.each((rows+most-1)/most, func(_, part int) {
		r0, r1 := part*most, min(part*most+most, rows)
		a.fill(d.isa, out[r0*ld:r1*ld], ld, r0, r1, 0, depth)
	})
	return out
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

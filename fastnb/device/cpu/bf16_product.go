package cpu

import (
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
)

// Products in bfloat16: what lies in memory stays in single precision, the two sides are rounded while they are
// packed.

// halfScratch is scratch for bfloat16s.
func (d *Device) halfScratch(slot, n int) []uint16 {
	return asHalf(d.scratch(slot, (n+1)/2))[:n]
}

func asHalf(f []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(f))), 2*len(f))
}

// Slots of scratch behind the workers' own: what all of them read.
func (d *Device) mapSlot() int  { return 1 + d.team.n }
func (d *Device) leftSlot() int { return 2 + d.team.n }

// halfPanels is the size of a right side of so many steps and n columns.
func halfPanels(steps, n int) int { return roundUp(n, halfCols) * halfStep * steps }

// steps is how many steps k values take.
func stepsOf(k int) int { return (k + halfStep - 1) / halfStep }

// stepOffsets are the places in a row of steps that follow one another.
func stepOffsets(steps int) []int {
	if steps <= len(fewSteps) {
		return fewSteps[:steps]
	}
	offs := make([]int, steps)
	for i := range offs {
		offs[i] = 2 * halfStep * i
	}
	return offs
}

// fewSteps are offsets at hand.
var fewSteps = func() (offs [512]int) {
	for i := range offs {
		offs[i] = 2 * halfStep * i
	}
	return offs
}()

// packHalfRows packs the transpose of rows: column j of the right side is w[j*ld : j*ld+k], its values
// from the beginning of a step on.
func packHalfRows(h *halfKernels, t *team, dst []uint16, w []float32, ld, k, n int) {
	steps := stepsOf(k)
	t.each((n+15)/16, func(_, g int) {
		to := dst[g/2*steps*stepB+g%2*halfCols:]
		whole := k / halfStep
		if n-16*g >= 16 {
			h.turnRows(to, w[16*g*ld:], ld, whole)
		} else {
			whole = 0
		}
		if whole < steps {
			packHalfEdges(h, to, w[16*g*ld:], ld, k, min(16, n-16*g), whole)
		}
		if g == (n+15)/16-1 && g%2 == 0 { // the other half of the last panel
			for s := range steps {
				for p := range halfStep / 2 {
					clear(dst[(g/2*steps+s)*stepB+p*2*halfCols+halfCols:][:halfCols])
				}
			}
		}
	})
}

// packHalfEdges packs what does not fill a block of 16 rows and a step, from a step on.
func packHalfEdges(h *halfKernels, to []uint16, w []float32, ld, k, rows, from int) {
	var edge [16 * halfStep]float32
	for s := from; s < stepsOf(k); s++ {
		clear(edge[:])
		for r := range rows {
			copy(edge[r*halfStep:(r+1)*halfStep], w[r*ld+s*halfStep:r*ld+min(k, (s+1)*halfStep)])
		}
		h.turnRows(to[s*stepB:], edge[:], halfStep, 1)
	}
}

// packHalfMatrix packs columns j0 to j0+halfCols of a k x n matrix, ld apart, as one panel; zeros to the end of the
// last step.
func packHalfMatrix(h *halfKernels, dst []uint16, f []float32, ld, k, n, j0 int) {
	whole := k / 2
	if n-j0 < halfCols {
		whole = 0
	}
	if whole > 0 {
		h.pairs(dst, f[j0:], ld, whole)
	}
	if whole == stepsOf(k)*halfStep/2 {
		return
	}
	var edge [2 * halfCols]float32
	for p := whole; p < stepsOf(k)*halfStep/2; p++ {
		clear(edge[:])
		for r := range 2 {
			if 2*p+r < k {
				at := (2*p+r)*ld + j0
				copy(edge[r*halfCols:(r+1)*halfCols], f[at:at+min(halfCols, n-j0)])
			}
		}
		h.pairs(dst[p*2*halfCols:], edge[:], halfCols, 1)
	}
}

// halfBlock is how many rows are worked on at a time.
const halfBlock = 4 * halfRows

// halfTile is a worker's memory for what is not as wide or high as a tile.
const halfTile = halfBlock*halfCols + halfRows*halfCols

// halfMultiply computes the m x k matrix x, times packed, into the sink; see multiply.
func (d *Device) halfMultiply(h *halfKernels, x []float32, m, k int, packed []uint16, n int, to sink, after func(row []float32, at, col int)) {
	steps := stepsOf(k)
	offs, lda := stepOffsets(steps), steps*halfStep
	for w := range d.team.n {
		d.scratch(1+w, halfTile+halfBlock*lda/2)
	}
	blocks := (m + halfBlock - 1) / halfBlock
	panels := (n + halfCols - 1) / halfCols
	cuts := d.cuts(blocks, panels)
	d.team.each(blocks*cuts, func(w, part int) {
		r0 := part / cuts * halfBlock
		r1 := min(r0+halfBlock, m)
		tile, a := d.pack[1+w].f[:halfTile], asHalf(d.pack[1+w].f[halfTile:])
		for r := r0; r < r1; r++ {
			row := a[(r-r0)*lda : (r-r0+1)*lda]
			h.round(row[:k], x[r*k:(r+1)*k])
			clear(row[k:])
		}
		at := part % cuts
		d.halfRows(h, halfPanel{rows: r1 - r0, a: a, lda: lda, offs: offs, b: packed}, r0, panels*at/cuts, panels*(at+1)/cuts, n, to, tile)
		if after != nil {
			for r := r0; r < r1; r++ {
				from, end := panels*at/cuts*halfCols, min(panels*(at+1)/cuts*halfCols, n)
				place := r*to.ld + from
				after(to.out[place:place+end-from], place, from)
			}
		}
	})
}

// cuts is into how many parts columns are cut, so that all workers have something to do.
func (d *Device) cuts(blocks, panels int) int {
	cuts := 1
	for blocks*cuts < 2*d.team.n && cuts < panels {
		cuts++
	}
	return cuts
}

// halfRows runs panels p0 to p1 over a block of rows that begins with row r0 of the sink.
func (d *Device) halfRows(h *halfKernels, p halfPanel, r0, p0, p1, n int, to sink, tile []float32) {
	size := len(p.offs) * stepB
	all := p.b
	p.tile = tile[halfBlock*halfCols:]
	for j := p0; j < p1; j++ {
		p.b = all[j*size : (j+1)*size]
		col := j * halfCols
		if n-col >= halfCols {
			p.c, p.ldc = to.out[r0*to.ld+col:], to.ld
			h.panel(p)
			continue
		}
		p.c, p.ldc = tile, halfCols
		acc := p.acc
		p.acc = false
		h.panel(p)
		p.acc = acc
		for r := range p.rows {
			at := (r0+r)*to.ld + col
			keep(to.out[at:at+n-col], tile[r*halfCols:], acc)
		}
	}
}

// halfMatMul is matMul of a left matrix as it lies.
func (c *call) halfMatMul(a device.MatMul, m, n, k int, after func(row []float32, at, col int)) {
	d, x, y, o := c.dev, c.in[0], c.in[1], c.out[0]
	h := d.half
	kind, pack := "half plain", func(dst []float32) {
		d.team.each((n+halfCols-1)/halfCols, func(_, j int) {
			packHalfMatrix(h, asHalf(dst)[j*stepsOf(k)*stepB:], y.f, n, k, n, j*halfCols)
		})
	}
	if a.TransB {
		kind, pack = "half transposed", func(dst []float32) { packHalfRows(h, d.team, asHalf(dst), y.f, k, k, n) }
	}
	packed := c.packedOnce(y, kind, halfPanels(stepsOf(k), n)/2, pack)
	d.halfMultiply(h, x.f, m, k, asHalf(packed), n, sink{out: o.f, ld: n}, after)
}

// halfWeights is the number of rows that a weight's gradient takes up at a time.
const halfWeights = 1024

// halfWeightProduct is weightProduct: C [m, depth] = A' P, A [rows, m], P the patches.
func (d *Device) halfWeightProduct(h *halfKernels, a []float32, m int, p *patches, out []float32) {
	rows, depth := p.rows(), p.depth()
	const wide = 8 // panels
	lda := halfWeights + halfStep
	mp := roundUp(m, halfRows)
	left := d.halfScratch(d.leftSlot(), mp*lda)
	ldg := wide*halfCols + 16
	for w := range d.team.n {
		d.scratch(1+w, halfTile+halfWeights*ldg+wide*halfCols*halfWeights/2)
	}
	for r0 := 0; r0 < rows; r0 += halfWeights {
		r1 := min(r0+halfWeights, rows)
		d.halfTurn(h, left, lda, a[r0*m:r1*m], m, r1-r0)
		steps := stepsOf(r1 - r0)
		offs := stepOffsets(steps)
		parts := (depth + wide*halfCols - 1) / (wide * halfCols)
		d.team.each(parts, func(w, part int) {
			c0 := part * wide * halfCols
			c1 := min(c0+wide*halfCols, depth)
			own := d.pack[1+w].f
			tile, gathered, packed := own[:halfTile], own[halfTile:halfTile+halfWeights*ldg], asHalf(own[halfTile+halfWeights*ldg:])
			b, ld := gathered, ldg
			if p.direct() {
				b, ld = p.src[r0*depth+c0:], depth
			} else {
				p.fill(d.isa, gathered, ldg, r0, r1, c0, c1)
			}
			for j := c0; j < c1; j += halfCols {
				packHalfMatrix(h, packed[(j-c0)/halfCols*steps*stepB:], b, ld, r1-r0, c1-c0, j-c0)
			}
			for i := 0; i < m; i += halfBlock {
				do := halfPanel{rows: min(halfBlock, m-i), a: left[i*lda:], lda: lda, offs: offs, b: packed, acc: r0 > 0}
				d.halfRows(h, do, i, 0, (c1-c0+halfCols-1)/halfCols, c1-c0, sink{out: out[c0:], ld: depth}, tile)
			}
		})
	}
}

// halfTurn rounds the transpose of n rows of m columns: column i becomes row i of dst, ldd apart, with zeros to the
// end of the last step.
func (d *Device) halfTurn(h *halfKernels, dst []uint16, ldd int, a []float32, m, n int) {
	d.team.each((m+15)/16, func(_, g int) {
		whole := n / halfStep
		to := dst[16*g*ldd:]
		if m-16*g >= 16 {
			h.turnPairs(to, ldd, a[16*g:], m, whole)
		} else {
			whole = 0
		}
		if whole == stepsOf(n) {
			return
		}
		var edge [halfStep * 16]float32
		for s := whole; s < stepsOf(n); s++ {
			clear(edge[:])
			for k := range min(halfStep, n-s*halfStep) {
				at := (s*halfStep+k)*m + 16*g
				copy(edge[k*16:(k+1)*16], a[at:at+min(16, m-16*g)])
			}
			h.turnPairs(to[s*halfStep:], ldd, edge[:], 16, 1)
		}
	})
}

// Blocking of halfProduct: steps and columns that are worked on at a time.
const (
	halfSteps   = 384
	halfColumns = 4608
)

// halfProduct is product with both sides rounded once they are packed.
func (d *Device) halfProduct(h *halfKernels, p product) {
	s := &d.isa.seq
	kc := evenly(p.k, halfSteps, halfStep)
	rows := 16 * s.mr
	own := halfTile + kc*max(s.mr, s.nr) + 16 + (rows+16)*kc/2
	for w := range d.team.n {
		d.scratch(1+w, own)
	}
	packed := d.halfScratch(0, halfPanels(stepsOf(kc), min(p.n, halfColumns)))
	for j0 := 0; j0 < p.n; j0 += halfColumns {
		j1 := min(j0+halfColumns, p.n)
		panels := (j1 - j0 + halfCols - 1) / halfCols
		for k0 := 0; k0 < p.k; k0 += kc {
			k1 := min(k0+kc, p.k)
			steps := stepsOf(k1 - k0)
			d.team.each(panels, func(w, j int) {
				buf := d.pack[1+w].f[halfTile:][:halfCols*kc]
				p.b(buf, j0+j*halfCols, k0, k1)
				packHalfMatrix(h, packed[j*steps*stepB:], buf, halfCols, k1-k0, halfCols, 0)
			})
			blocks := (p.m + rows - 1) / rows
			cuts := d.cuts(blocks, panels)
			offs := stepOffsets(steps)
			d.team.each(blocks*cuts, func(w, part int) {
				i0 := part / cuts * rows
				i1 := min(i0+rows, p.m)
				mem := d.pack[1+w].f
				tile, buf, left := mem[:halfTile], mem[halfTile:][:kc*s.mr+16], asHalf(mem[halfTile+kc*max(s.mr, s.nr)+16:])
				for i := i0; i < i1; i += s.mr {
					p.a(buf, i, min(s.mr, i1-i), k0, k1)
					clear(buf[(k1-k0)*s.mr:])
					h.turnPairs(left[(i-i0)*kc:], kc, buf, s.mr, steps)
				}
				at := part % cuts
				for i := i0; i < i1; i += halfBlock {
					do := halfPanel{rows: min(halfBlock, i1-i), a: left[(i-i0)*kc:], lda: kc, offs: offs, b: packed, acc: p.acc || k0 > 0}
					d.halfRows(h, do, i, panels*at/cuts, panels*(at+1)/cuts, j1-j0, sink{out: p.c[j0:], ld: p.ldc}, tile)
				}
			})
		}
	}
}

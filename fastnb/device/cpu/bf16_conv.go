package cpu

import "github.com/fastnb/go/fastnb/device"

// Convolutions in bfloat16 are products without a matrix of patches: the map is rounded once, with its padding, and a
// patch is as many stretches of it as it has lines. Rows that follow one another in the map are those of the product,
// also where a patch runs over a line's end: what comes of these is left out.

// halfMap is a map of patches, rounded and padded.
type halfMap struct {
	*patches
	c      int // channels with their padding
	h, w   int // of the padded map
	sy, sx int // from patch to patch in it
	run    int // values of a patch's line, with what follows up to the end of a step
	img    []uint16
}

// newHalfMap says how p is laid out.
func newHalfMap(p *patches) *halfMap {
	m := &halfMap{patches: p, sy: p.sy, sx: p.sx, c: roundUp(p.c, 16)}
	if p.c < 16 {
		m.c = roundUp(p.c, 4)
	}
	m.h, m.w = (p.gh-1)*p.sy+p.ph, (p.gw-1)*p.sx+p.pw
	if p.ph == 1 && p.pw == 1 { // only what is looked at
		m.h, m.w, m.sy, m.sx = p.gh, p.gw, 1, 1
	}
	m.run = roundUp(p.pw*m.c, halfStep)
	return m
}

// steps is the number of steps of a patch.
func (m *halfMap) steps() int { return m.ph * m.run / halfStep }

// flat reports whether patches are read over the ends of lines.
func (m *halfMap) flat() bool { return m.sy == 1 && m.sx == 1 }

// rowsToDo is how many rows the product has, those that are left out with them.
func (m *halfMap) rowsToDo() int {
	if m.flat() {
		return m.n * m.h * m.w
	}
	return m.n * m.gh * roundUp(m.gw, 16)
}

// offsets are the places of a patch's steps, in bytes.
func (m *halfMap) offsets() []int {
	var offs []int
	for y := range m.ph {
		for s := 0; s < m.run; s += halfStep {
			offs = append(offs, 2*(y*m.w*m.c+s))
		}
	}
	return offs
}

// round fills the map; it reports whether all its numbers are finite.
func (m *halfMap) round(d *Device, h *halfKernels) bool {
	beyond := (m.ph*m.w + halfBlock*m.sx) * m.c // what the last rows look at
	m.img = d.halfScratch(d.mapSlot(), m.n*m.h*m.w*m.c+beyond+m.run)
	clear(m.img[m.n*m.h*m.w*m.c:])
	stepY, stepX := 1, 1
	if m.ph == 1 && m.pw == 1 {
		stepY, stepX = m.patches.sy, m.patches.sx
	}
	bad := make([]bool, d.team.n)
	lines := m.n * m.h
	parts := min(lines, 16*d.team.n)
	d.team.each(parts, func(w, part int) {
		for l := lines * part / parts; l < lines*(part+1)/parts; l++ {
			line := m.img[l*m.w*m.c : (l+1)*m.w*m.c]
			y := l%m.h*stepY + m.oy
			if y < 0 || y >= m.patches.h {
				clear(line)
				continue
			}
			src := m.src[(l/m.h*m.patches.h+y)*m.patches.w*m.patches.c:][:m.patches.w*m.patches.c]
			if !m.roundLine(h, line, src, stepX) {
				bad[w] = true
			}
		}
	})
	for _, b := range bad {
		if b {
			return false
		}
	}
	return true
}

// roundLine rounds a line of the source into one of the map.
func (m *halfMap) roundLine(h *halfKernels, line []uint16, src []float32, step int) bool {
	c, good := m.patches.c, true
	from, end := max(0, (step-1-m.ox)/step), 0 // what is inside
	if last := m.patches.w - 1 - m.ox; last >= 0 {
		end = min(m.w, last/step+1)
	}
	if end <= from {
		clear(line)
		return true
	}
	clear(line[:from*m.c])
	clear(line[end*m.c:])
	if step == 1 && c == m.c {
		return h.round(line[from*c:end*c], src[(from+m.ox)*c:(end+m.ox)*c])
	}
	for x := from; x < end; x++ {
		at := (x*step + m.ox) * c
		to := line[x*m.c : (x+1)*m.c]
		if c < 16 {
			good = genericHalf.round(to[:c], src[at:at+c]) && good
		} else {
			good = h.round(to[:c], src[at:at+c]) && good
		}
		clear(to[c:])
	}
	return good
}

// multiply computes the patches' rows times packed, with n columns, into the sink; see Device.multiply.
func (m *halfMap) multiply(d *Device, h *halfKernels, packed []uint16, n int, to sink, after func(row []float32, at, col int)) {
	offs := m.offsets()
	per := halfBlock
	blocks := (m.n*m.h*m.w + per - 1) / per
	if !m.flat() {
		blocks = m.n * m.gh * ((m.gw + per - 1) / per)
	}
	panels := (n + halfCols - 1) / halfCols
	cuts := d.cuts(blocks, panels)
	for w := range d.team.n {
		d.scratch(1+w, halfTile)
	}
	size := len(offs) * stepB
	d.team.each(blocks*cuts, func(w, part int) {
		block, at := part/cuts, part%cuts
		place, rows, stretches := m.block(block, per)
		if len(stretches) == 0 {
			return
		}
		p := halfPanel{rows: rows, a: m.img[place:], lda: m.sx * m.c, offs: offs, c: d.pack[1+w].f, ldc: halfCols, tile: d.pack[1+w].f[halfBlock*halfCols:]}
		p0, p1 := panels*at/cuts, panels*(at+1)/cuts
		for j := p0; j < p1; j++ {
			p.b = packed[j*size : (j+1)*size]
			h.panel(p)
			col := j * halfCols
			for _, s := range stretches {
				s.put(h, to, p.c[s.from*halfCols:], col, min(halfCols, n-col))
			}
		}
		if after == nil {
			return
		}
		for _, s := range stretches {
			for r := range s.rows {
				at := to.place(s.row+r) + p0*halfCols
				after(to.out[at:at+min(p1*halfCols, n)-p0*halfCols], at, p0*halfCols)
			}
		}
	})
}

// stretch is rows of a block that belong one after the other into the sink.
type stretch struct {
	from, rows int
	row        int // of the sink, the first
}

// block gives where the rows of a block begin in the map, how many there are and which of them are kept.
func (m *halfMap) block(block, per int) (place, rows int, kept []stretch) {
	if !m.flat() {
		cuts := (m.gw + per - 1) / per
		line, x := block/cuts, block%cuts*per
		rows = min(per, m.gw-x)
		place = ((line/m.gh*m.h+line%m.gh*m.sy)*m.w + x*m.sx) * m.c
		return place, rows, []stretch{{0, rows, line*m.gw + x}}
	}
	q0 := block * per
	q1 := min(q0+per, m.n*m.h*m.w)
	for line := q0 / m.w; line <= (q1-1)/m.w; line++ {
		if line%m.h >= m.gh {
			continue
		}
		from, end := max(q0, line*m.w), min(q1, line*m.w+m.gw)
		if from < end {
			kept = append(kept, stretch{from - q0, end - from, (line/m.h*m.gh+line%m.h)*m.gw + from - line*m.w})
		}
	}
	return q0 * m.c, q1 - q0, kept
}

func (s *sink) place(r int) int {
	if s.at == nil {
		return r * s.ld
	}
	return s.at(r)
}

// put writes a stretch of a tile's rows, cols columns from col on.
func (s stretch) put(h *halfKernels, to sink, tile []float32, col, cols int) {
	if at, ld, ok := to.line(s.row, s.rows); ok && cols == halfCols {
		h.copyRows(to.out[at+col:], ld, tile, s.rows)
		return
	}
	for r := range s.rows {
		at := to.place(s.row+r) + col
		copy(to.out[at:at+cols], tile[r*halfCols:])
	}
}

// packWeights packs weights [n, kh, kw, c] for patches of all their pixels.
func (m *halfMap) packWeights(d *Device, h *halfKernels, dst []uint16, w []float32, n int) {
	c := m.patches.c
	k := m.ph * m.pw * c
	if c == m.c && m.pw*c == m.run {
		packHalfRows(h, d.team, dst, w, k, k, n)
		return
	}
	steps := m.steps()
	wide := steps * halfStep
	for i := range d.team.n {
		d.scratch(1+i, 16*wide)
	}
	d.team.each((n+15)/16, func(i, g int) {
		rows := d.pack[1+i].f[:16*wide]
		clear(rows)
		for r := range min(16, n-16*g) {
			for y := range m.ph {
				for x := range m.pw {
					copy(rows[r*wide+y*m.run+x*m.c:][:c], w[(16*g+r)*k+(y*m.pw+x)*c:])
				}
			}
		}
		to := dst[g/2*steps*stepB:]
		h.turnRows(to[g%2*halfCols:], rows, wide, steps)
		if g == (n+15)/16-1 && g%2 == 0 {
			clear(rows)
			h.turnRows(to[halfCols:], rows, wide, steps)
		}
	})
}

// packTaps packs weights [o, kh, kw, n] for patches of o channels, of the pixels that taps names line by line.
func (m *halfMap) packTaps(d *Device, h *halfKernels, dst []uint16, w []float32, taps []int, o, pixels, n int) {
	steps := m.steps()
	ld := pixels * n
	d.team.each((n+halfCols-1)/halfCols, func(_, j int) {
		to := dst[j*steps*stepB : (j+1)*steps*stepB]
		exact := o == m.c && m.pw*o == m.run
		if !exact {
			clear(to)
		}
		for i, tap := range taps {
			at := i/m.pw*m.run + i%m.pw*m.c // of the patch: even
			if n-j*halfCols >= halfCols && o%2 == 0 {
				h.pairs(to[at*halfCols:], w[tap*n+j*halfCols:], ld, o/2)
				continue
			}
			packTapEdges(h, to[at*halfCols:], w[tap*n+j*halfCols:], ld, o, min(halfCols, n-j*halfCols))
		}
	})
}

// packTapEdges packs what are not whole panels and pairs.
func packTapEdges(h *halfKernels, to []uint16, w []float32, ld, o, cols int) {
	var edge [2 * halfCols]float32
	for k := 0; k < o; k += 2 {
		clear(edge[:])
		for r := range min(2, o-k) {
			copy(edge[r*halfCols:(r+1)*halfCols], w[(k+r)*ld:(k+r)*ld+cols])
		}
		h.pairs(to[k*halfCols:], edge[:], halfCols, 1)
	}
}

// halfCost is about how long a product in bfloat16 takes, in multiplications of one in single precision.
func halfCost(h *halfKernels, m *halfMap, n int) int {
	rows, cols := m.rowsToDo(), roundUp(n, halfCols)
	return rows*m.steps()*halfStep*cols/h.rate + rows*(halfMapCost*m.c+halfStoreCost*cols) + halfWeightCost*m.steps()*halfStep*cols
}

// What it costs to round a number of a map, to bring a result to its place and to pack a weight, in multiplications
// of a product in single precision: measured.
const (
	halfMapCost    = 16
	halfStoreCost  = 16
	halfWeightCost = 16
)

// floatCost is what a convolution from x to y takes in single precision, in multiplications of a product, see
// chooseWino.
func (d *Device) floatCost(a device.Conv, w, x, y []int, weight weightWork) int {
	least := directCost(w, y, weight)
	if w[1] == 3 && w[2] == 3 && a.Stride == [2]int{1, 1} && a.Pad[0] <= 2 && a.Pad[1] <= 2 {
		least = min(least, winoCost(&d.isa.wino.four, x, y, weight), winoCost(&d.isa.wino.two, x, y, weight))
	}
	return least
}

// patchesOf are the patches of a convolution from x to y with weights w.
func patchesOf(a device.Conv, x val, w, y []int) *patches {
	return &patches{
		src: x.f, n: x.shape[0], h: x.shape[1], w: x.shape[2], c: x.shape[3], gh: y[1], gw: y[2],
		sy: a.Stride[0], sx: a.Stride[1], oy: -a.Pad[0], ox: -a.Pad[1], ph: w[1], pw: w[2],
	}
}

// halfForward is directForward in bfloat16. It gives false where single precision is thought to be faster, or where
// the map has numbers that are not finite: what they are multiplied with beyond a patch would spread them.
func (c *call) halfForward(a device.Conv, fin *finish, least int) bool {
	h := c.dev.half
	if h == nil {
		return false
	}
	w, y, d := c.in[1], c.out[0], c.dev
	n := w.shape[0]
	m := newHalfMap(patchesOf(a, c.in[0], w.shape, y.shape))
	if halfCost(h, m, n) >= least || !m.round(d, h) {
		return false
	}
	size := halfPanels(m.steps(), n)
	packed := c.packedOnce(w, "half", size/2, func(dst []float32) { m.packWeights(d, h, asHalf(dst), w.f, n) })
	var after func([]float32, int, int)
	if !fin.plain(d) {
		zero := d.zeros(n)
		after = func(row []float32, at, col int) { fin.row(&d.isa.vec, zero, row, at, col) }
	}
	m.multiply(d, h, asHalf(packed), n, sink{out: y.f, ld: n}, after)
	return true
}

// halfDX is directDX in bfloat16; see halfForward.
func (c *call) halfDX(a device.Conv, least int) bool {
	h := c.dev.half
	if h == nil {
		return false
	}
	dy, w, dx, d := c.in[0], c.in[1], c.out[0], c.dev
	kh, kw, n, o := w.shape[1], w.shape[2], w.shape[3], w.shape[0]
	ph, cost := dxPhases(a, dy, w.shape, dx.shape), 0
	for _, p := range ph {
		if p.patches != nil {
			cost += halfCost(h, newHalfMap(p.patches), n)
		}
	}
	if cost >= least {
		return false
	}
	for _, p := range ph {
		if p.patches == nil {
			for r := range p.rows {
				at := p.to.place(r)
				clear(dx.f[at : at+n])
			}
			continue
		}
		m := newHalfMap(p.patches)
		if !m.round(d, h) {
			return false
		}
		p.to.out = dx.f
		packed := d.halfScratch(0, halfPanels(m.steps(), n))
		m.packTaps(d, h, packed, w.f, p.taps, o, kh*kw, n)
		m.multiply(d, h, packed, n, p.to, nil)
	}
	return true
}

// dxPhase is a product of directDX: the pixels of dx whose coordinates leave the same remainder by the stride.
type dxPhase struct {
	*patches // nil: no output saw them
	taps     []int
	rows     int
	to       sink
}

func dxPhases(a device.Conv, dy val, w, dx []int) []dxPhase {
	var out []dxPhase
	n, h, wd := dx[3], dx[1], dx[2]
	for py := range min(a.Stride[0], h) {
		ys, oy := phase(py, a.Pad[0], a.Stride[0], w[1])
		for px := range min(a.Stride[1], wd) {
			xs, ox := phase(px, a.Pad[1], a.Stride[1], w[2])
			gh, gw := (h-py+a.Stride[0]-1)/a.Stride[0], (wd-px+a.Stride[1]-1)/a.Stride[1]
			p := dxPhase{rows: dx[0] * gh * gw, to: sink{ld: n}, taps: tapsOf(ys, xs, w[2])}
			if a.Stride[0] > 1 || a.Stride[1] > 1 {
				p.to.at = func(r int) int {
					b, rem := r/(gh*gw), r%(gh*gw)
					return ((b*h+rem/gw*a.Stride[0]+py)*wd + rem%gw*a.Stride[1] + px) * n
				}
			}
			if len(p.taps) > 0 {
				p.patches = &patches{src: dy.f, n: dy.shape[0], h: dy.shape[1], w: dy.shape[2], c: w[0], gh: gh, gw: gw, sy: 1, sx: 1, oy: oy, ox: ox, ph: len(ys), pw: len(xs)}
			}
			out = append(out, p)
		}
	}
	return out
}

// tapsOf are the pixels of lines ys and columns xs of a weight that is kw wide.
func tapsOf(ys, xs []int, kw int) []int {
	var taps []int
	for _, y := range ys {
		for _, x := range xs {
			taps = append(taps, y*kw+x)
		}
	}
	return taps
}

// halfDW is directDW in bfloat16.
func (c *call) halfDW(a device.Conv, least int) bool {
	h := c.dev.half
	if h == nil {
		return false
	}
	x, dy, dw := c.in[0], c.in[1], c.out[0]
	o := dw.shape[0]
	p := patchesOf(a, x, dw.shape, dy.shape)
	// On the map's grid, or with patches that are gathered.
	m := newHalfMap(p)
	rows, depth, mul := p.rows(), p.depth(), roundUp(o, halfRows)
	gather := rows*depth*mul/h.rate + rows*(halfGatherCost*depth+halfMapCost*mul)
	if m.smooth() {
		places := p.n * m.h * m.w
		if cost := places*depth*mul/h.rate + places*halfMapCost*(2*p.c+mul); cost < gather && cost < least && m.gradient(c.dev, h, dy.f, o, dw.f) {
			return true
		}
	}
	if gather >= least {
		return false
	}
	c.dev.halfWeightProduct(h, dy.f, o, p, dw.f)
	return true
}

// halfGatherCost is what it costs to gather, round and pack a number of a patch.
const halfGatherCost = 24

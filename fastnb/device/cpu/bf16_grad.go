package cpu

// The gradient of a convolution's weights in bfloat16, of a stride of 1: for each pixel of the weights a product of
// dy, its channels as rows, with the map, which lies as far off as the pixel says. Both lie on the padded map's grid,
// dy with zeros where no patch begins. Pairs of the map's pixels are packed twice, since a pixel may be an odd number
// of places away.

// halfGradMemory is about how many numbers are packed at a time.
const halfGradMemory = 1 << 20

// smooth reports whether m is fit for gradient.
func (m *halfMap) smooth() bool {
	return m.flat() && m.patches.c%halfCols == 0 && m.patches.sy == 1 && m.patches.sx == 1
}

// gradient computes dw [o, ph, pw, c] from dy [n, gh, gw, o]. It gives false where the map's numbers are not all
// finite: zeros of dy would meet them.
func (m *halfMap) gradient(d *Device, h *halfKernels, dy []float32, o int, dw []float32) bool {
	c := m.patches.c
	reach := (m.ph-1)*m.w + m.pw - 1
	parities := min(reach, 1) + 1
	all := m.n * m.h * m.w
	most := max(halfGradMemory/(parities*c+o), 16*halfStep)
	chunk := roundUp((all+(all+most-1)/most-1)/((all+most-1)/most), halfStep)
	lda := chunk + halfStep
	pairs := (chunk + reach + 2) / 2
	left := d.halfScratch(d.leftSlot(), roundUp(o, halfRows)*lda)
	right := d.halfScratch(d.mapSlot(), parities*c*2*pairs)
	const lines = 2 * halfStep // that are packed at a time
	for w := range d.team.n {
		d.scratch(1+w, halfTile+max((lines+1)*c, halfStep*roundUp(o, 16)))
	}
	bad := make([]bool, d.team.n)
	for q0 := 0; q0 < all; q0 += chunk {
		q1 := min(q0+chunk, all)
		steps := stepsOf(q1 - q0)
		packs := (2*pairs + lines - 1) / lines
		d.team.each(packs+steps, func(w, part int) {
			buf := d.pack[1+w].f[halfTile:]
			if part >= packs {
				m.turn(h, left, lda, dy, o, q0, q1, part-packs, buf)
				return
			}
			from := part * lines
			n := min(lines, 2*pairs-from)
			m.positions(buf, q0+from, n+1)
			for e := range parities {
				for j := range c / halfCols {
					to := right[((e*c/halfCols+j)*pairs+from/2)*2*halfCols:]
					if !h.pairs(to, buf[e*c+j*halfCols:], c, n/2) {
						bad[w] = true
					}
				}
			}
		})
		for _, b := range bad {
			if b {
				return false
			}
		}
		offs := stepOffsets(steps)
		panels := c / halfCols
		d.team.each(m.ph*m.pw*panels, func(w, part int) {
			tap, j := part/panels, part%panels
			off := tap/m.pw*m.w + tap%m.pw
			b := right[((off%2*c/halfCols+j)*pairs+off/2)*2*halfCols:]
			h.panel(halfPanel{
				rows: o, a: left, lda: lda, offs: offs, b: b, c: dw[tap*c+j*halfCols:], ldc: m.ph * m.pw * c, acc: q0 > 0,
				tile: d.pack[1+w].f[halfBlock*halfCols:],
			})
		})
	}
	return true
}

// positions writes n pixels of the padded map from position q on.
func (m *halfMap) positions(dst []float32, q, n int) {
	c := m.patches.c
	for end := q + n; q < end; {
		line, x := q/m.w, q%m.w
		k := min(m.w-x, end-q)
		to := dst[:k*c]
		dst, q = dst[k*c:], q+k
		y := line%m.h + m.oy
		if line >= m.n*m.h || y < 0 || y >= m.patches.h {
			clear(to)
			continue
		}
		a, b := max(x+m.ox, 0), min(x+k+m.ox, m.patches.w) // of the source's line
		if a >= b {
			clear(to)
			continue
		}
		first := (a - x - m.ox) * c
		clear(to[:first])
		at := ((line/m.h*m.patches.h+y)*m.patches.w + a) * c
		copy(to[first:], m.src[at:at+(b-a)*c])
		clear(to[first+(b-a)*c:])
	}
}

// turn writes a step of positions from q0 on of dy's channels as rows.
func (m *halfMap) turn(h *halfKernels, left []uint16, lda int, dy []float32, o, q0, q1, step int, buf []float32) {
	ld := roundUp(o, 16)
	rows := buf[:halfStep*ld]
	clear(rows)
	from := q0 + step*halfStep
	for q, end := from, min(from+halfStep, q1); q < end; {
		line, x := q/m.w, q%m.w
		k := min(m.w-x, end-q)
		if use := min(k, m.gw-x); use > 0 && line%m.h < m.gh {
			at := ((line/m.h*m.gh+line%m.h)*m.gw + x) * o
			if ld == o {
				copy(rows[(q-from)*o:], dy[at:at+use*o])
			} else {
				for i := range use {
					copy(rows[(q-from+i)*ld:], dy[at+i*o:at+(i+1)*o])
				}
			}
		}
		q += k
	}
	for g := 0; g < o; g += 16 {
		h.turnPairs(left[g*lda+step*halfStep:], lda, rows[g:], ld, 1)
	}
}

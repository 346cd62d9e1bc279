package cpu

import "github.com/fastnb/go/fastnb/device"

// groupRow is the first row of rows of a weight matrix [4H, ld] that the 16 columns of gates from c on stand for, and how
// many there are.
func (l *lstm) groupRow(c int) (row, rows int) {
	u := c / gateBlock * unitBlock
	return c%gateBlock/unitBlock*l.H + u, max(0, min(unitBlock, l.H-u))
}

// columnOf is the column of gates that row q of a weight matrix stands for, and how many rows from it on lie side by side.
func (l *lstm) columnOf(q int) (column, rows int) {
	gate, u := q/l.H, q%l.H
	return u/unitBlock*gateBlock + gate*unitBlock + u%unitBlock, min(unitBlock-u%unitBlock, l.H-u)
}

// rightOfGates packs the transpose of a weight matrix [4H, ld]: columns of gates as columns.
func (l *lstm) rightOfGates(w []float32, ld int) packRight {
	return func(dst []float32, j0, k0, k1 int) {
		for g := 0; g < l.s.nr; g += unitBlock {
			row, rows := 0, 0
			if j0+g < l.wide {
				row, rows = l.groupRow(j0 + g)
			}
			l.s.group(dst[g:], w, ld, row, rows, k0, k1)
		}
	}
}

// rightByGates packs a weight matrix [4H, n] itself: columns of gates as steps.
func (l *lstm) rightByGates(w []float32, n int) packRight {
	nr := l.s.nr
	return func(dst []float32, j0, k0, k1 int) {
		cols := max(0, min(nr, n-j0))
		for k := k0; k < k1; k++ {
			to := dst[(k-k0)*nr : (k-k0+1)*nr]
			row, rows := l.groupRow(k / unitBlock * unitBlock)
			if k%unitBlock == 0 && rows == unitBlock && k+unitBlock <= k1 && cols == nr {
				l.s.copyRows(dst[(k-k0)*nr:], nr, w[row*n+j0:], n, nr, unitBlock)
				k += unitBlock - 1
				continue
			}
			if k%unitBlock >= rows {
				clear(to)
				continue
			}
			row += k % unitBlock
			copy(to, w[row*n+j0:row*n+j0+cols])
			clear(to[cols:])
		}
	}
}

// packRecurrent packs a recurrent matrix, inner size k and n columns, for a whole chunk of steps.
func (l *lstm) packRecurrent(k, n int, b packRight) rightPanels {
	r := l.recurrent(k, n)
	r.f = l.d.keep(slotWeights, r.k*r.panels*l.s.nr)
	r.fill(l.d, b)
	return r
}

// recurrent says how a recurrent matrix is cut: into stretches of whole blocks.
func (l *lstm) recurrent(k, n int) rightPanels {
	return rightPanels{kc: evenly(k, l.s.steps, gateBlock), k: k, n: n, panels: (n + l.s.nr - 1) / l.s.nr}
}

// recurrentForward packs the recurrent matrix [4H, H] for the way forward.
func (l *lstm) recurrentForward(wh []float32) rightPanels {
	b := l.rightOfGates(wh, l.H)
	return l.packRecurrent(l.units, l.wide, func(dst []float32, j0, k0, k1 int) {
		b(dst, j0, k0, min(k1, l.H))
		if k1 > l.H { // units that are there to fill the block up
			clear(dst[max(0, l.H-k0)*l.s.nr:])
		}
	})
}

// recurrentBackward packs it for the way back.
func (l *lstm) recurrentBackward(wh []float32) rightPanels {
	return l.packRecurrent(l.wide, l.units, l.rightByGates(wh, l.H))
}

// bias gives the sum of both biases in the order of gates.
func (l *lstm) bias(bi, bh []float32) []float32 {
	out := make([]float32, l.wide)
	for c := range out {
		if row, rows := l.groupRow(c / unitBlock * unitBlock); c%unitBlock < rows {
			out[c] = bi[row+c%unitBlock] + bh[row+c%unitBlock]
		}
	}
	return out
}

// dropped is the recurrent matrix of a chunk: wh itself, or a copy with its mask applied.
func (l *lstm) dropped(wh []float32, rng []int64, chunk int) []float32 {
	if l.P == 0 {
		return wh
	}
	out := l.d.keep(slotDropped, len(wh))
	l.masked(out, wh, rng, chunk, false)
	return out
}

// rng is the state of the generator of masks, the last input of an op that has some.
func (l *lstm) rng(c *call) []int64 {
	if l.P == 0 {
		return nil
	}
	return c.in[len(c.in)-1].i
}

// masked writes x times the mask of a chunk to dst, or adds it.
func (l *lstm) masked(dst, x []float32, rng []int64, chunk int, add bool) {
	a := device.Dropout{P: l.P, ID: l.ID}
	base := chunk * device.MaskStride(len(x))
	l.d.team.ranges(len(x), 1024, 8, func(_, from, to int) {
		var mask [1024]float32
		for i := from; i < to; i += len(mask) {
			m := mask[:min(len(mask), to-i)]
			device.DropoutMask(m, a, rng[0], rng[1], base+i)
			if !add {
				l.s.mul(dst[i:i+len(m)], x[i:i+len(m)], m)
				continue
			}
			for j, v := range m {
				dst[i+j] += x[i+j] * v
			}
		}
	})
}

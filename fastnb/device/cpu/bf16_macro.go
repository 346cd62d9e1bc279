package cpu

// halfMacroMemory is the memory in floats that halfMacro takes for blocks of at most so many rows and steps of k.
func halfMacroMemory(rows, k int) int {
	k = roundUp(k, halfStep)
	return halfTile + (roundUp(rows, halfRows)+16+halfCols)*k/2
}

// halfMacro is macro with both sides rounded first: they are packed as single precision wants them, and small enough
// to be in the cache.
func (s *seqKernels) halfMacro(h *halfKernels, m macro, mem []float32) {
	steps := stepsOf(m.k)
	lda := steps * halfStep
	tile, half := mem[:halfTile], asHalf(mem[halfTile:])
	left, right := half[:(roundUp(m.rows, halfRows)+16)*lda], half[(roundUp(m.rows, halfRows)+16)*lda:][:steps*stepB]
	whole := (m.k - 1) / halfStep // steps after which something follows: columns beyond the last are read too
	edge := tile[:halfStep*16]
	for i := 0; i < m.rows; i += s.mr {
		a := m.a[i*m.k:]
		h.turnPairs(left[i*lda:], lda, a, s.mr, whole)
		clear(edge)
		copy(edge, a[whole*halfStep*s.mr:m.k*s.mr])
		h.turnPairs(left[i*lda+whole*halfStep:], lda, edge, s.mr, 1)
	}
	offs := stepOffsets(steps)
	for j := 0; j < m.cols; j += halfCols {
		packHalfMatrix(h, right, m.b[j/s.nr*m.apart:], halfCols, m.k, halfCols, 0)
		for i := 0; i < m.rows; i += halfBlock {
			p := halfPanel{rows: min(halfBlock, m.rows-i), a: left[i*lda:], lda: lda, offs: offs, b: right, acc: m.acc}
			s := sink{out: m.c[i*m.ldc+j:], ld: m.ldc}
			halfOnePanel(h, p, min(halfCols, m.cols-j), s, tile)
		}
	}
}

// halfOnePanel runs a panel of cols columns into the sink's first.
func halfOnePanel(h *halfKernels, p halfPanel, cols int, to sink, tile []float32) {
	p.tile = tile[halfBlock*halfCols:]
	if cols == halfCols {
		p.c, p.ldc = to.out, to.ld
		h.panel(p)
		return
	}
	acc := p.acc
	p.c, p.ldc, p.acc = tile, halfCols, false
	h.panel(p)
	for r := range p.rows {
		keep(to.out[r*to.ld:r*to.ld+cols], tile[r*halfCols:], acc)
	}
}

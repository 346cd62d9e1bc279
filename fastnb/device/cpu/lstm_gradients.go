package cpu

// What the derivatives of the gates, which have taken the gates' place in work, give: the gradients of the inputs and
// of the weights, each in one product over all steps of all rows.

// derivatives packs the gates' derivatives, transposed, for the left side: rows of a weight matrix, and as steps the
// rows of work from `from` on.
func (l *lstm) derivatives(from int) packLeft {
	g := l.work[l.Gates()+from*l.wide:]
	return func(dst []float32, i0, rows, k0, k1 int) {
		for r := 0; r < rows; {
			column, n := l.columnOf(i0 + r)
			n = min(n, rows-r)
			l.s.packCols(dst[r:], g[k0*l.wide+column:], l.wide, n, k1-k0)
			r += n
		}
	}
}

// wantDerivatives adds what derivatives(from) will read.
func (l *lstm) wantDerivatives(from int) func(w *wanted, i0, i1, k0, k1 int) {
	g := l.work[l.Gates()+from*l.wide:]
	return func(w *wanted, i0, i1, k0, k1 int) {
		for i := i0; i < i1; {
			column, n := l.columnOf(i)
			w.add(g[k0*l.wide+column/unitBlock*unitBlock:], l.wide, k1-k0, 1)
			i += n
		}
	}
}

// lstmDX: in is work, wi.
func lstmDX(l *lstm, c *call) error {
	l.d.product(product{
		m: l.T * l.N, n: l.I, k: l.wide,
		a: l.s.rowsOfMatrix(l.gatesOf(0), l.wide), b: l.rightByGates(c.in[1].f, l.I), c: c.out[0].f, ldc: l.I,
	})
	return nil
}

// lstmDWi: in is work, x.
func lstmDWi(l *lstm, c *call) error {
	l.d.product(product{
		m: 4 * l.H, n: l.I, k: l.T * l.N,
		a: l.derivatives(0), want: l.wantDerivatives(0), b: l.s.matrixRight(c.in[1].f, l.I, l.I), c: c.out[0].f, ldc: l.I,
	})
	return nil
}

// lstmDWh: in is work [, h0] [, rng].
func lstmDWh(l *lstm, c *call) error {
	out := c.out[0].f
	if l.P == 0 {
		l.recurrentGradient(0, l.T, c, out)
		return nil
	}
	tmp := l.d.keep(slotDropped, len(out))
	for i, s := range l.Spans() {
		l.recurrentGradient(s[0], s[1], c, tmp)
		l.masked(out, tmp, l.rng(c), s[2], i > 0)
	}
	return nil
}

// recurrentGradient is the derivative of the recurrent weights over steps first to end: that of each step's gates times
// the outputs of the step before.
func (l *lstm) recurrentGradient(first, end int, c *call, out []float32) {
	from, acc := first*l.N, false
	if first == 0 {
		from = l.N // the first step's are the state's
		if l.State {
			l.d.product(product{m: 4 * l.H, n: l.H, k: l.N, a: l.derivatives(0), b: l.s.matrixRight(c.in[1].f, l.H, l.H), c: out, ldc: l.H})
			acc = true
		}
	}
	switch k := end*l.N - from; {
	case k > 0:
		before := l.work[(from-l.N)*l.H:]
		l.d.product(product{m: 4 * l.H, n: l.H, k: k, a: l.derivatives(from), want: l.wantDerivatives(from), b: l.s.matrixRight(before, l.H, l.H), c: out, ldc: l.H, acc: acc})
	case !acc:
		clear(out)
	}
}

// lstmDB: in is work.
func lstmDB(l *lstm, c *call) error {
	g := l.gatesOf(0)[:l.T*l.N*l.wide]
	zero := make([]float32, l.wide)
	s, _ := l.d.columnSums(len(g), l.wide, func(s, q []float32, i, j int) { l.d.isa.vec.sums(s, q, g[i:j], zero) })
	for i, v := range s {
		if row, rows := l.groupRow(i / unitBlock * unitBlock); i%unitBlock < rows {
			c.out[0].f[row+i%unitBlock] = float32(v)
		}
	}
	return nil
}

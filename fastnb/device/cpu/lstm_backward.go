package cpu

// backward is the way back through a chunk of steps.
type backward struct {
	*lstm
	from, to int // steps
	dy       []float32
	wh       rightPanels
	dg       [2]stepRows // derivatives of a step's gates, in turns
	dh, dc   []float32   // derivatives of the outputs and cells of a step, from the one after it: [N, ld]
	ld       int
	rows     [][]float32 // each worker's derivatives of the outputs of a block
	ahead    []wanted    // of each worker
}

// lstmBackward: in is work, dy, wh [, rng].
func lstmBackward(l *lstm, c *call) error {
	dy, wh := c.in[1].f, c.in[2].f
	if &c.out[0].f[0] != &l.work[0] {
		out := c.out[0].f
		l.d.team.ranges(len(out), 16, 1, func(_, i, j int) { copy(out[i:j], l.work[i:j]) })
		l.work = out
	}
	spans := l.Spans()
	for i := len(spans) - 1; i >= 0; i-- {
		b := &backward{lstm: l, from: spans[i][0], to: spans[i][1], dy: dy}
		b.wh = l.recurrentBackward(l.dropped(wh, l.rng(c), spans[i][2]))
		b.begin()
		b.run()
	}
	return nil
}

// begin finds the working memory. Nothing comes from beyond the chunk.
func (b *backward) begin() {
	b.ld = roundUp(b.units, b.s.nr)
	size, block := b.stepRowsSize(b.wide), b.N*unitBlock
	buf := b.d.keep(slotState, 2*size+2*b.N*b.ld+b.d.team.n*block)
	b.dg = [2]stepRows{b.stepRows(buf[:size], b.wh), b.stepRows(buf[size:2*size], b.wh)}
	buf = buf[2*size:]
	b.dh, b.dc, buf = buf[:b.N*b.ld], buf[b.N*b.ld:2*b.N*b.ld], buf[2*b.N*b.ld:]
	clear(b.dh)
	clear(b.dc)
	clear(buf)
	b.ahead = make([]wanted, b.d.team.n)
	for w := range b.d.team.n {
		b.rows = append(b.rows, buf[w*block:(w+1)*block])
	}
}

// run goes back through the steps. A worker needs all derivatives of a step's gates for those of its own outputs of the
// step before: it waits once a step.
func (b *backward) run() {
	b.d.team.together(func(w int, wait func()) {
		from, to := b.own(w)
		for t := b.to - 1; t >= b.from; t-- {
			for k := from; k < to; k++ {
				b.block(t, k, b.rows[w])
			}
			wait()
			if t == b.from {
				break
			}
			for j := from * unitBlock / b.s.nr; j*b.s.nr < to*unitBlock; j++ {
				b.want(w, t-1, j)
				b.dg[t%2].times(b.s, b.wh, j, b.dh[j*b.s.nr:], b.ld, false, &b.ahead[w])
			}
		}
	})
}

// want says what is to be fetched while panel j of step t+1 is multiplied: what step t has for the panel's units.
func (b *backward) want(worker, t, j int) {
	w := &b.ahead[worker]
	w.begin(min(b.wh.kc, b.wide))
	u := j * b.s.nr
	lines := min(b.s.nr, b.units-u) / unitBlock
	w.add(b.gatesOf(t)[u/unitBlock*gateBlock:], b.wide, b.N, lines*gateBlock/unitBlock)
	w.add(b.work[b.AllCells()+t*b.N*b.units+u:], b.units, b.N, lines)
	w.add(b.dy[t*b.N*b.H+u:], b.H, b.N, lines)
}

// block turns the gates of step t of a block of units into their derivatives. d is working memory.
func (b *backward) block(t, block int, d []float32) {
	u := block * unitBlock
	dy, ld := b.dy[t*b.N*b.H+u:], b.H
	if width := b.H - u; width < unitBlock {
		for n := range b.N {
			at := (t*b.N+n)*b.H + u
			copy(d[n*unitBlock:], b.dy[at:at+width])
			clear(d[n*unitBlock+width : (n+1)*unitBlock])
		}
		dy, ld = d, unitBlock
	}
	g := b.gatesOf(t)[block*gateBlock:]
	cells := b.work[b.AllCells():]
	before, after := cells[t*b.N*b.units+u:], cells[(t+1)*b.N*b.units+u:]
	b.s.gatesBack(b.N, g, b.wide, before, after, b.units, dy, ld, b.dh[u:], b.dc[u:], b.ld)
	if t > b.from {
		b.dg[t%2].pack(b.s, g, b.wide, gateBlock, block*gateBlock)
	}
}

package cpu

// forward is the way through the steps.
type forward struct {
	*lstm
	bias  []float32
	wh    rightPanels
	h     [2]stepRows // outputs of the last step and of this one, in turns
	store []float32   // gates of a stretch, where they are not kept
	two   []float32   // cells of the last step and of this one, where they are not kept
	rows  [][]float32 // each worker's outputs of a block
	ahead []wanted    // of each worker
}

// lstmForward: in is x, wi, wh, bi, bh [, h0, c0] [, rng].
func lstmForward(l *lstm, c *call) error {
	x, wi, wh := c.in[0].f, c.in[1].f, c.in[2].f
	l.work = c.out[0].f
	if l.T*l.N <= fewRows && !l.Keep && l.P == 0 {
		return lstmFew(l, c)
	}
	f := &forward{lstm: l, bias: l.bias(c.in[3].f, c.in[4].f)}
	f.begin(c)
	for _, s := range l.stretches() {
		if s.fresh {
			f.wh = l.recurrentForward(l.dropped(wh, l.rng(c), s.chunk))
		}
		gates := f.gates(s)
		l.d.product(product{
			m: (s.to - s.from) * l.N, n: l.wide, k: l.I,
			a: l.s.rowsOfMatrix(x[s.from*l.N*l.I:], l.I), b: l.rightOfGates(wi, l.I), c: gates, ldc: l.wide,
		})
		f.run(s, gates)
	}
	last := f.cells(l.T)
	for n := range l.N {
		copy(l.work[l.Cells()+n*l.H:l.Cells()+(n+1)*l.H], last[n*l.units:])
	}
	return nil
}

// lstmSpan is a stretch of steps at whose beginning the recurrent matrix may change.
type lstmSpan struct {
	from, to, chunk int
	fresh           bool // the first of its chunk
}

// stretches are the chunks, cut further where the gates are not kept, so that few are held at a time.
func (l *lstm) stretches() []lstmSpan {
	const few = 70
	var out []lstmSpan
	for _, c := range l.Spans() {
		size := c[1] - c[0]
		if !l.Keep {
			size = few
		}
		for t := c[0]; t < c[1]; t += size {
			out = append(out, lstmSpan{t, min(t+size, c[1]), c[2], t == c[0]})
		}
	}
	return out
}

// begin finds the working memory and takes the state in.
func (f *forward) begin(c *call) {
	size, block := f.stepRowsSize(f.units), f.N*unitBlock
	steps := f.T
	if !f.Keep {
		steps = 1
		longest := 0
		for _, s := range f.stretches() {
			longest = max(longest, s.to-s.from)
		}
		f.store = f.d.keep(slotGates, longest*f.N*f.wide)
	}
	buf := f.d.keep(slotState, 2*size+(steps+1)*f.N*f.units+f.d.team.n*block)
	how := f.recurrent(f.units, f.wide)
	f.h = [2]stepRows{f.stepRows(buf[:size], how), f.stepRows(buf[size:2*size], how)}
	buf = buf[2*size:]
	f.two, buf = buf[:2*f.N*f.units], buf[(steps+1)*f.N*f.units:]
	for w := range f.d.team.n {
		f.rows = append(f.rows, buf[w*block:(w+1)*block])
	}
	f.ahead = make([]wanted, f.d.team.n)
	first := f.cells(0)
	clear(first)
	start := f.d.keep(slotStart, f.N*f.units)
	clear(start)
	if f.State {
		for n := range f.N {
			copy(start[n*f.units:], c.in[5].f[n*f.H:(n+1)*f.H])
			copy(first[n*f.units:], c.in[6].f[n*f.H:(n+1)*f.H])
		}
	}
	for k := 0; k < f.units; k += unitBlock {
		f.h[0].pack(f.s, start[k:], f.units, unitBlock, k)
	}
}

// cells are the cells [N, units] after t steps.
func (f *forward) cells(t int) []float32 {
	n := f.N * f.units
	if f.Keep {
		return f.work[f.AllCells()+t*n : f.AllCells()+(t+1)*n]
	}
	return f.two[t%2*n : (t%2+1)*n]
}

// gates is where the gates of a stretch go.
func (f *forward) gates(s lstmSpan) []float32 {
	if f.Keep {
		return f.gatesOf(s.from)
	}
	return f.store[:(s.to-s.from)*f.N*f.wide]
}

// run goes through a stretch whose gates hold what the inputs give.
func (f *forward) run(s lstmSpan, gates []float32) {
	f.d.team.together(func(w int, wait func()) {
		from, to := f.own(w)
		for t := s.from; t < s.to; t++ {
			g := gates[(t-s.from)*f.N*f.wide:]
			for b := from; b < to; b++ {
				f.want(w, s, t, b, gates)
				f.block(t, b, g, w)
			}
			wait()
		}
	})
}

// want says what is to be fetched during step t of a block of units: the places of its outputs and cells, and the gates
// of the block that the worker takes next.
func (f *forward) want(worker int, s lstmSpan, t, b int, gates []float32) {
	w := &f.ahead[worker]
	w.begin(min(f.wh.kc, f.units))
	u := b * unitBlock
	w.add(f.work[t*f.N*f.H+u:f.T*f.N*f.H], f.H, f.N, 1)
	w.add(f.cells(t + 1)[u:], f.units, f.N, 1)
	from, to := f.own(worker)
	if b++; b == to {
		t, b = t+1, from
	}
	if t < s.to {
		w.add(gates[(t-s.from)*f.N*f.wide+b*gateBlock:], f.wide, f.N, gateBlock/unitBlock)
	}
}

// block makes step t of a block of units, g being the step's gates: it adds what the last outputs give, activates, and
// gives the outputs to the result and to the next step.
func (f *forward) block(t, b int, g []float32, worker int) {
	panels, h := gateBlock/f.s.nr, f.rows[worker]
	for j := range panels {
		f.h[t%2].times(f.s, f.wh, b*panels+j, g[b*gateBlock+j*f.s.nr:], f.wide, true, &f.ahead[worker])
	}
	u := b * unitBlock
	width := min(unitBlock, f.H-u)
	out, ld := f.work[t*f.N*f.H+u:], f.H // the outputs' place, if the block's are all there
	if width < unitBlock {
		out, ld = h, unitBlock
	}
	f.s.gates(f.N, g[b*gateBlock:], f.wide, f.bias[b*gateBlock:], f.cells(t)[u:], f.cells(t + 1)[u:], f.units, out, ld)
	if width < unitBlock {
		f.clearFill(width, g[b*gateBlock:], f.cells(t + 1)[u:], h)
		for n := range f.N {
			at := (t*f.N+n)*f.H + u
			copy(f.work[at:at+width], h[n*unitBlock:])
		}
	}
	f.h[(t+1)%2].pack(f.s, out, ld, unitBlock, u)
}

// clearFill makes the units that fill the last block up nothing: their weights are 0, and 0 times an infinite input is
// NaN, which must not reach the others.
func (f *forward) clearFill(width int, gates, cells, h []float32) {
	for n := range f.N {
		for g := 0; g < gateBlock; g += unitBlock {
			clear(gates[n*f.wide+g+width : n*f.wide+g+unitBlock])
		}
		clear(cells[n*f.units+width : n*f.units+unitBlock])
		clear(h[n*unitBlock+width : (n+1)*unitBlock])
	}
}

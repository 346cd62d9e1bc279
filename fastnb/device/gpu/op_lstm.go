package gpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// The LSTM layer (kernels/lstm.h). What the plan calls work is never made: outputs, gates and cells are memory
// of their own, each of the kind that suits it, and the ops on work find them in compiler.side. The inputs'
// products of all steps are one product; then a launch a step forward and two back.

func init() {
	ops["lstm"] = lowerLSTM
	ops["lstm_dgates"] = lowerLSTMDGates
	ops["lstm_dx"] = lstmOf(lowerLSTMDX)
	ops["lstm_dwi"] = lstmOf(lowerLSTMDWi)
	ops["lstm_dwh"] = lstmOf(lowerLSTMDWh)
	ops["lstm_db"] = lstmOf(lowerLSTMDB)
}

// lstmWork is a layer's work.
type lstmWork struct {
	device.LSTM
	flat
	wi    ref  // packed [4H, I]
	h     ref  // [T+1, N, H], the state before the first step first, where y may begin within it; else unset
	h0    ref  // the state [N, H], zeros if there is none
	y     ref  // [T, N, H]
	gates ref  // [T, N, H, 4]; behind lstm_dgates their derivatives
	cells ref  // float32 [T+1, N, H]; [2, N, H] where they are not kept
	spent bool // lstm_dgates was there

	ahead, behind stepChoice // how steps are done forward and back; with parts 0 not chosen yet
}

// fewSteps is how many steps' gates are held at a time where they are not kept.
const fewSteps = 70

// drop is what kernels take to apply the mask of wh in a chunk.
func (l *lstmWork) drop(c *compiler, st *device.Step, chunk int) (rng *ref, args []any) {
	if l.P == 0 {
		return nil, noDrop
	}
	limit, scale := chance(l.P)
	r := c.val(st.In[len(st.In)-1])
	return &r, []any{1, l.ID, maskBlock(chunk, 4*l.H*l.H), limit, scale}
}

// noDrop is what kernels take to drop nothing.
var noDrop = []any{0, 0, int64(0), 0, float32(1)}

// either is rng, or another address where there is none: kernels take one that they do not read.
func either(rng *ref, other ref) ref {
	if rng == nil {
		return other
	}
	return *rng
}

// pack queues the packing of weights [4H, k] into out.
func (l *lstmWork) pack(c *compiler, w, out ref, k int, rng *ref, drop []any) {
	args := append([]any{w, either(rng, w), out, l.H, k}, drop...)
	c.run("lstm_"+suffix(out.kind), "lstm_pack", blocks(4*l.H*((k+3)/4)), perBlock, args...)
}

// packTransposed queues the packing of wh's transpose [H, 4H] into out.
func (l *lstmWork) packTransposed(c *compiler, w, out ref, rng *ref, drop []any) {
	args := append([]any{w, either(rng, w), out, l.H, l.H}, drop...)
	c.run("lstm_"+suffix(out.kind), "lstm_pack_t", [3]int{(l.H + 31) / 32, (4*l.H + 31) / 32, 1}, 256, args...)
}

// lowerLSTM: in is x, wi, wh, bi, bh [, h0, c0] [, rng].
func lowerLSTM(c *compiler, st *device.Step) error {
	l := &lstmWork{LSTM: st.Attrs.(device.LSTM)}
	step, kept := l.N*l.H, l.T+1
	if !l.Keep {
		kept = 2
	}
	x := c.as(st.In[0], c.act)
	f32 := func(i int) ref { return c.as(st.In[i], tensor.Float32) }
	l.wi = c.temp(c.act, 4*l.H*l.I)
	l.pack(c, f32(1), l.wi, l.I, nil, noDrop)
	bias := c.temp(tensor.Float32, 4*l.H)
	c.run("lstm_f32", "lstm_bias", blocks(4*l.H), perBlock, f32(3), f32(4), bias, l.H)
	l.cells = c.temp(tensor.Float32, kept*step)
	l.begin(c, st)
	stretches := l.stretches()
	longest := 0
	for _, s := range stretches {
		longest = max(longest, s[1]-s[0])
	}
	if l.Keep {
		longest = l.T
	}
	l.gates = c.temp(c.act, longest*4*step)
	wh := c.temp(c.act, 4*l.H*l.H)
	chunk := -1
	for i, s := range stretches {
		if s[2] != chunk {
			chunk = s[2]
			rng, drop := l.drop(c, st, chunk)
			l.pack(c, f32(2), wh, l.H, rng, drop)
		}
		from, to := s[0], s[1] // of the steps whose inputs' products are made now
		if l.Keep {
			from, to = 0, l.T
		}
		if i == 0 || !l.Keep {
			c.gemm(gemmSpec{A: x, OffA: from * l.N * l.I, B: l.wi, C: l.gates, M: (to - from) * l.N, N: 4 * l.H, K: l.I, TransB: true})
		}
		for t := s[0]; t < s[1]; t++ {
			l.step(c, t, t-from, wh, bias)
		}
	}
	l.flat = flat{
		{from: 0, r: l.y, n: l.T * step},
		{from: l.Cells(), r: l.cells, off: l.cellsAt(l.T), n: step},
	}
	c.side[st.Out[0]] = l
	return nil
}

// begin makes the outputs and the state before the first step.
func (l *lstmWork) begin(c *compiler, st *device.Step) {
	step := l.N * l.H
	if h := c.temp(c.act, (l.T+1)*step); c.even(h, step) {
		l.h, l.h0, l.y = h, window(h, 0, step), window(h, step, l.T*step)
	} else {
		l.h0, l.y = c.temp(c.act, step), c.temp(c.act, l.T*step)
	}
	cells := window(l.cells, 0, step)
	if !l.State {
		c.clear(l.h0)
		c.clear(cells)
		return
	}
	if h := c.val(st.In[5]); h.kind == c.act {
		c.copy(l.h0, h)
	} else {
		c.convert(l.h0, h)
	}
	c.copy(cells, c.as(st.In[6], tensor.Float32))
}

// before is the memory that holds the outputs before step t, and where.
func (l *lstmWork) before(t int) (r ref, off int) {
	switch {
	case l.h.n > 0:
		return l.h, t * l.N * l.H
	case t == 0:
		return l.h0, 0
	}
	return l.y, (t - 1) * l.N * l.H
}

// stretches are the chunks, from, to and number, cut further where the gates are not kept.
func (l *lstmWork) stretches() [][3]int {
	var out [][3]int
	for _, s := range l.Spans() {
		size := s[1] - s[0]
		if !l.Keep {
			size = min(size, fewSteps)
		}
		for t := s[0]; t < s[1]; t += size {
			out = append(out, [3]int{t, min(t+size, s[1]), s[2]})
		}
	}
	return out
}

// cellsAt is where the cells are after t steps.
func (l *lstmWork) cellsAt(t int) int {
	if !l.Keep {
		t %= 2
	}
	return t * l.N * l.H
}

// step queues a step; its gates are step z of those held.
func (l *lstmWork) step(c *compiler, t, z int, wh, bias ref) {
	step := l.N * l.H
	before, off := l.before(t)
	args := []any{before, wh, bias, l.gates, l.cells, l.y, off, z * 4 * step, l.cellsAt(t), l.cellsAt(t + 1), t * step, l.N, l.H}
	unit, entry, units := "lstm_"+suffix(c.act), "lstm_step", 16
	shared := 0
	if l.tensor(c) {
		if l.ahead.parts == 0 {
			l.ahead = c.stepsAhead(l)
		}
		n := l.ahead.parts
		unit, entry, units = "lstm_mma_"+suffix(c.act), fmt.Sprint("lstm_step_", n), 4*n
		if l.ahead.piped {
			entry, shared = fmt.Sprint("lstm_piped_step_", n), pipeBytes(n)
		}
	}
	c.runShared(unit, entry, [3]int{(l.H + units - 1) / units, (l.N + 63) / 64, 1}, 256, shared, args...)
}

// tensor reports whether the steps' products are made on tensor cores.
func (l *lstmWork) tensor(c *compiler) bool {
	return c.dev.card.Tensor && c.dev.card.Compute >= 80 && l.H%8 == 0
}

// lowerLSTMDGates: in is work, dy, wh [, rng].
func lowerLSTMDGates(c *compiler, st *device.Step) error {
	l, ok := c.side[st.In[0]].(*lstmWork)
	if !ok {
		return fmt.Errorf("the forward pass of %s left no work", st.Layer)
	}
	if l.spent {
		return fmt.Errorf("the gates of %s are their derivatives already", st.Layer)
	}
	l.spent = true
	b := l.back(c)
	b.dy = c.as(st.In[1], c.act)
	w := c.as(st.In[2], tensor.Float32)
	spans := l.Spans()
	for i := len(spans) - 1; i >= 0; i-- {
		s := spans[i]
		rng, drop := l.drop(c, st, s[2])
		if b.tensor {
			l.packTransposed(c, w, b.wh, rng, drop)
		} else {
			l.pack(c, w, b.wh, l.H, rng, drop)
		}
		b.cell(c, s[1]-1, 0)
		for t := s[1] - 1; t > s[0]; t-- {
			b.step(c, t)
		}
	}
	c.side[st.Out[0]] = l
	return nil
}

// lstmBack is the way back through a layer's steps.
type lstmBack struct {
	*lstmWork
	tensor      bool
	shares, per int // sums that a product is cut into, and columns of each
	wh          ref // packed; with tensor its transpose
	dy          ref // [T, N, H]
	parts       ref // float32 [shares, N, H]
	carry       ref // float32 [N, H], the cells' derivative
	counts      ref // of lstm_mma's tiles
}

// back prepares the way back.
func (l *lstmWork) back(c *compiler) *lstmBack {
	b := &lstmBack{lstmWork: l, tensor: l.tensor(c)}
	cols := 64
	if b.tensor {
		cols = backColumns
		b.counts = c.temp(tensor.Float32, (l.H+cols-1)/cols*((l.N+63)/64))
		c.clear(b.counts)
	}
	b.shares = max(1, min(c.dev.card.Units/((l.H+cols-1)/cols*((l.N+63)/64)), 16, 4*l.H/64))
	if b.tensor {
		if l.behind.parts == 0 {
			l.behind = c.stepsBehind(l)
		}
		b.shares = l.behind.parts
	}
	b.per = (4*l.H + b.shares - 1) / b.shares
	b.per = (b.per + 31) / 32 * 32
	b.shares = (4*l.H + b.per - 1) / b.per
	b.wh = c.temp(c.act, 4*l.H*l.H)
	b.parts, b.carry = c.temp(tensor.Float32, b.shares*l.N*l.H), c.temp(tensor.Float32, l.N*l.H)
	return b
}

// backColumns is how many outputs a block of lstm_back_3 derives by.
const backColumns = 48

// cell queues the way back through the cells of step t, into which so many shares come from the step behind; none
// at the end of a stretch.
func (b *lstmBack) cell(c *compiler, t, shares int) {
	step, fresh := b.N*b.H, 0
	if shares == 0 {
		fresh = 1
	}
	c.run("lstm_"+suffix(c.act), "lstm_back_cell", blocks(step), perBlock, b.cells, b.dy, b.parts, b.carry, b.gates,
		t*4*step, b.cellsAt(t), b.cellsAt(t+1), t*step, step, shares, fresh)
}

// step queues the way from the gates of step t to those of the step before it.
func (b *lstmBack) step(c *compiler, t int) {
	step, rows, z := b.N*b.H, (b.N+63)/64, t*4*b.N*b.H
	if b.tensor {
		entry, shared := "lstm_back_3", 0
		if b.behind.piped {
			entry, shared = "lstm_piped_back_3", pipeBytes(3)
		}
		c.runShared("lstm_mma_"+suffix(c.act), entry, [3]int{(b.H + backColumns - 1) / backColumns, rows, b.shares}, 256, shared,
			b.gates, b.wh, b.parts, b.counts, b.cells, b.dy, b.carry, b.gates,
			z, z-4*step, b.cellsAt(t-1), b.cellsAt(t), (t-1)*step, b.N, b.H, b.per, b.shares)
		return
	}
	c.run("lstm_"+suffix(c.act), "lstm_back_product", [3]int{(b.H + 63) / 64, rows, b.shares}, 256,
		b.gates, b.wh, b.parts, z, b.N, b.H, b.per)
	b.cell(c, t-1, b.shares)
}

// lstmOf is a lowering of what follows lstm_dgates, whose result is the step's first input.
func lstmOf(lower func(c *compiler, st *device.Step, l *lstmWork) error) lowering {
	return func(c *compiler, st *device.Step) error {
		l, ok := c.side[st.In[0]].(*lstmWork)
		if !ok {
			return fmt.Errorf("the backward pass of %s left no work", st.Layer)
		}
		return lower(c, st, l)
	}
}

// lowerLSTMDX: in is work, wi.
func lowerLSTMDX(c *compiler, st *device.Step, l *lstmWork) error {
	dx, done := c.out(st.Out[0], c.store(st.Out[0]))
	c.gemm(gemmSpec{A: l.gates, B: l.wi, C: dx, M: l.T * l.N, N: l.I, K: 4 * l.H})
	done()
	return nil
}

// unpack queues the way from the derivative of a packed matrix [4H, k] to that of the weights.
func (l *lstmWork) unpack(c *compiler, d, out ref, k, acc int, rng *ref, drop []any) {
	args := append([]any{d, either(rng, d), out, l.H, k, acc}, drop...)
	c.run("lstm_f32", "lstm_unpack", blocks(4*l.H*((k+3)/4)), perBlock, args...)
}

// lowerLSTMDWi: in is work, x.
func lowerLSTMDWi(c *compiler, st *device.Step, l *lstmWork) error {
	x := c.as(st.In[1], c.act)
	t := c.temp(tensor.Float32, 4*l.H*l.I)
	c.gemm(gemmSpec{A: l.gates, B: x, C: t, M: 4 * l.H, N: l.I, K: l.T * l.N, TransA: true})
	dw, done := c.out(st.Out[0], tensor.Float32)
	l.unpack(c, t, dw, l.I, 0, nil, noDrop)
	done()
	return nil
}

// lowerLSTMDWh: in is work [, h0] [, rng].
func lowerLSTMDWh(c *compiler, st *device.Step, l *lstmWork) error {
	dw, done := c.out(st.Out[0], tensor.Float32)
	t := c.temp(tensor.Float32, 4*l.H*l.H)
	spans := l.Spans()
	if l.P == 0 {
		spans = [][3]int{{0, l.T, 0}}
	}
	for i, s := range spans {
		l.weightsOf(c, s, t)
		rng, drop := l.drop(c, st, s[2])
		l.unpack(c, t, dw, l.H, min(i, 1), rng, drop)
	}
	done()
	return nil
}

// weightsOf queues the derivative of the packed recurrent weights over a stretch of steps: that of each step's
// gates times the outputs of the step before.
func (l *lstmWork) weightsOf(c *compiler, s [3]int, out ref) {
	g := gemmSpec{A: l.gates, C: out, M: 4 * l.H, N: l.H, TransA: true}
	from := s[0]
	if from == 0 && l.h.n == 0 { // the state is not beside the outputs
		g.B, g.K = l.h0, l.N
		c.gemm(g)
		from, g.Accumulate = 1, true
	}
	if s[1] > from {
		g.B, g.OffB = l.before(from)
		g.K, g.OffA = (s[1]-from)*l.N, from*l.N*4*l.H
		c.gemm(g)
	}
}

// lowerLSTMDB: in is work.
func lowerLSTMDB(c *compiler, st *device.Step, l *lstmWork) error {
	rows, wide := l.T*l.N, 4*l.H
	n := max(1, min(64, rows/16))
	per := (rows + n - 1) / n
	n = (rows + per - 1) / per
	parts := c.temp(tensor.Float32, n*wide)
	grid := blocks(wide)
	grid[1] = n
	c.run("lstm_"+suffix(l.gates.kind), "lstm_db_parts", grid, perBlock, l.gates, parts, rows, wide, per)
	db, done := c.out(st.Out[0], tensor.Float32)
	c.run("lstm_f32", "lstm_db", blocks(wide), perBlock, parts, db, n, l.H)
	done()
	return nil
}

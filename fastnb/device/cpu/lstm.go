package cpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
)

// The LSTM layer. Units are taken in blocks of 16; a block's four gates are 64 columns that lie together,
// so that the worker that has computed them turns them into cells and outputs while they are in its cache.
// Each worker owns a range of blocks for the whole sequence and meets the others once a step. The gates of
// all steps are one matrix [T*N, 4*units]: first what the inputs give, in one product; then each step adds
// what the last outputs give and activates in place; the way back overwrites them with their derivatives.

func init() {
	kernels["lstm"] = lstmKernel(lstmForward)
	kernels["lstm_dgates"] = lstmKernel(lstmBackward)
	kernels["lstm_dx"] = lstmKernel(lstmDX)
	kernels["lstm_dwi"] = lstmKernel(lstmDWi)
	kernels["lstm_dwh"] = lstmKernel(lstmDWh)
	kernels["lstm_db"] = lstmKernel(lstmDB)
	inPlace["lstm_dgates"] = true
}

func lstmKernel(run func(l *lstm, c *call) error) builder {
	return func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.LSTM)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { return run(newLSTM(a, c), c) }, nil
	}
}

// lstm is a layer at work.
type lstm struct {
	device.LSTM
	d     *Device
	s     *seqKernels
	units int // rounded up to blocks
	wide  int // a row of gates
	work  []float32
}

func newLSTM(a device.LSTM, c *call) *lstm {
	l := &lstm{LSTM: a, d: c.dev, s: &c.dev.isa.seq, units: a.Units(), work: c.in[0].f}
	l.wide = 4 * l.units
	return l
}

// groupRow is the first row of rows of a weight matrix that the group of 16 columns at c stands for, and how many there are.
func (l *lstm) groupRow(c int) (row, rows int) {
	u := c / 64 * 16
	return c%64/16*l.H + u, max(0, min(16, l.H-u))
}

// rightOfGates packs the transpose of a weight matrix [4H, ld], columns in the order of blocks.
func (l *lstm) rightOfGates(w []float32, ld int) func(dst []float32, j0, k0, k1 int) {
	return func(dst []float32, j0, k0, k1 int) {
		for g := 0; g < l.s.nr; g += 16 {
			if j0+g >= l.wide {
				clearStrided(dst[g:], l.s.nr, k1-k0)
				continue
			}
			row, rows := l.groupRow(j0 + g)
			l.s.group(dst[g:], w, ld, row, rows, k0, k1)
		}
	}
}

func clearStrided(dst []float32, stride, n int) {
	for k := range n {
		clear(dst[k*stride : k*stride+16])
	}
}

// rightByGates packs a weight matrix [4H, n] itself, its rows in the order of blocks as steps.
func (l *lstm) rightByGates(w []float32, n int) func(dst []float32, j0, k0, k1 int) {
	nr := l.s.nr
	return func(dst []float32, j0, k0, k1 int) {
		cols := max(0, min(nr, n-j0))
		for k := k0; k < k1; k++ {
			to := dst[(k-k0)*nr : (k-k0+1)*nr]
			row, rows := l.groupRow(k / 16 * 16)
			if k%16 >= rows {
				clear(to)
				continue
			}
			row += k % 16
			copy(to, w[row*n+j0:row*n+j0+cols])
			clear(to[cols:])
		}
	}
}

// bias gives the sum of both biases in the order of blocks.
func (l *lstm) bias(bi, bh []float32) []float32 {
	out := make([]float32, l.wide)
	for c := range out {
		if row, rows := l.groupRow(c / 16 * 16); c%16 < rows {
			out[c] = bi[row+c%16] + bh[row+c%16]
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

// What sequence ops keep in working memory of their own.
const (
	slotDropped = iota
	slotWeights
	slotGates
	slotState
	slotScores
	slotDecoder
)

// keep is working memory beside that of products, valid until the next op.
func (d *Device) keep(slot, n int) []float32 { return d.scratch(1+d.team.n+slot, n) }

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

// lstmForward: in is x, wi, wh, bi, bh [, h0, c0] [, rng].
func lstmForward(l *lstm, c *call) error {
	x, wi, wh := c.in[0].f, c.in[1].f, c.in[2].f
	l.work = c.out[0].f
	var rng []int64
	if l.P > 0 {
		rng = c.in[len(c.in)-1].i
	}
	if l.T*l.N <= fewRows && !l.Keep && l.P == 0 {
		return lstmFew(l, c)
	}
	f := &forward{lstm: l, bias: l.bias(c.in[3].f, c.in[4].f)}
	f.begin(c)
	for _, s := range l.stretches() {
		if s.fresh {
			f.packed = l.packRecurrent(l.dropped(wh, rng, s.chunk))
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

// recurrent is the recurrent matrix packed for products of few rows: for each stretch of steps kc, all
// panels.
type recurrent struct {
	f      []float32
	kc, k  int
	panels int
}

func (r recurrent) panel(s *seqKernels, k0, j int) []float32 {
	kc := min(r.kc, r.k-k0)
	return r.f[k0*r.panels*s.nr+j*kc*s.nr:]
}

func (l *lstm) packPanels(k, n int, b func(dst []float32, j0, k0, k1 int)) recurrent {
	nr := l.s.nr
	r := recurrent{kc: evenly(k, 64), k: k, panels: (n + nr - 1) / nr}
	r.f = l.d.keep(slotWeights, r.k*r.panels*nr)
	cuts := (k + r.kc - 1) / r.kc
	l.d.team.each(cuts*r.panels, func(_, part int) {
		k0, j := part/r.panels*r.kc, part%r.panels
		k1 := min(k0+r.kc, k)
		b(r.panel(l.s, k0, j)[:(k1-k0)*nr], j*nr, k0, k1)
	})
	return r
}

// packRecurrent packs the recurrent matrix for the way forward.
func (l *lstm) packRecurrent(wh []float32) recurrent {
	b := l.rightOfGates(wh, l.H)
	return l.packPanels(l.units, l.wide, func(dst []float32, j0, k0, k1 int) {
		b(dst, j0, k0, min(k1, l.H))
		if k1 > l.H { // units that are there to fill the block up
			clear(dst[max(0, l.H-k0)*l.s.nr:])
		}
	})
}

// own is the range of blocks of 16 units of a worker: whole panels of nr columns of units.
func (l *lstm) own(worker int) (from, to int) {
	per := max(1, l.s.nr/16)
	blocks := l.units / 16
	n := (blocks + per - 1) / per
	return min(n*worker/l.d.team.n*per, blocks), min(n*(worker+1)/l.d.team.n*per, blocks)
}

// tall is N rounded up to whole tiles.
func (l *lstm) tall() int { return (l.N + l.s.mr - 1) / l.s.mr * l.s.mr }

// packStep packs width columns of rows [N, ld], which are steps k0 and on, into packed, whose stretches
// are kc steps long out of k.
func (l *lstm) packStep(packed, rows []float32, ld, width, k0 int, r recurrent) {
	at := k0 / r.kc * r.kc
	kc := min(r.kc, r.k-at)
	for i := 0; i < l.N; i += l.s.mr {
		l.s.packA(packed[at*l.tall()+i*kc+(k0-at)*l.s.mr:], rows[i*ld:], ld, min(l.s.mr, l.N-i), width)
	}
}

// times adds packed rows times panel j to out, or sets it.
func (l *lstm) times(packed []float32, r recurrent, j int, out []float32, ld int, acc bool) {
	for k0 := 0; k0 < r.k; k0 += r.kc {
		kc := min(r.kc, r.k-k0)
		b := r.panel(l.s, k0, j)
		next := b
		if len(b) >= 2*kc*l.s.nr {
			next = b[kc*l.s.nr:]
		}
		for i, q := 0, 0; i < l.N; i, q = i+l.s.mr, q+1 {
			l.s.tile(min(l.s.mr, l.N-i), kc, &packed[k0*l.tall()+i*kc], &b[0], &out[i*ld], ld, acc || k0 > 0, &next[min(q, 7)*(kc/8)*l.s.nr])
		}
	}
}

// forward is the way through the steps.
type forward struct {
	*lstm
	bias   []float32
	packed recurrent
	h      [2][]float32 // packed outputs of the last step and of this one
	store  []float32    // gates of a stretch, where they are not kept
	two    []float32    // cells of the last step and of this one, where they are not kept
	rows   [][]float32  // each worker's outputs of a block
}

func (f *forward) begin(c *call) {
	size := f.tall() * f.units
	steps := f.T
	if !f.Keep {
		steps = 1
		longest := 0
		for _, s := range f.stretches() {
			longest = max(longest, s.to-s.from)
		}
		f.store = f.d.keep(slotGates, longest*f.N*f.wide)
	}
	buf := f.d.keep(slotState, 2*size+(steps+1)*f.N*f.units+f.d.team.n*f.N*16)
	f.h[0], f.h[1] = buf[:size], buf[size:2*size]
	buf = buf[2*size:]
	f.two, buf = buf[:2*f.N*f.units], buf[(steps+1)*f.N*f.units:]
	for w := range f.d.team.n {
		f.rows = append(f.rows, buf[w*f.N*16:(w+1)*f.N*16])
	}
	first := f.cells(0)
	clear(first)
	start := make([]float32, f.N*f.units)
	if f.State {
		for n := range f.N {
			copy(start[n*f.units:], c.in[5].f[n*f.H:(n+1)*f.H])
			copy(first[n*f.units:], c.in[6].f[n*f.H:(n+1)*f.H])
		}
	}
	r := recurrent{kc: evenly(f.units, 64), k: f.units}
	f.packStep(f.h[0], start, f.units, f.units, 0, r)
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
	n := f.N * f.wide
	if f.Keep {
		return f.work[f.Gates()+s.from*n : f.Gates()+s.to*n]
	}
	return f.store[:(s.to-s.from)*n]
}

// run goes through a stretch whose gates hold what the inputs give.
func (f *forward) run(s lstmSpan, gates []float32) {
	panels := 64 / f.s.nr
	f.d.team.together(func(w int, wait func()) {
		from, to := f.own(w)
		for t := s.from; t < s.to; t++ {
			g := gates[(t-s.from)*f.N*f.wide:]
			before, after := f.cells(t), f.cells(t+1)
			for b := from; b < to; b++ {
				for j := range panels {
					f.times(f.h[t%2], f.packed, b*panels+j, g[b*64+j*f.s.nr:], f.wide, true)
				}
				h := f.rows[w]
				f.s.gates(f.N, g[b*64:], f.wide, f.bias[b*64:], before[b*16:], after[b*16:], f.units, h, 16)
				width := min(16, f.H-b*16)
				for n := range f.N {
					at := (t*f.N+n)*f.H + b*16
					copy(f.work[at:at+width], h[n*16:])
				}
				f.packStep(f.h[(t+1)%2], h, 16, 16, b*16, f.packed)
			}
			wait()
		}
	})
}

// lstmBackward: in is work, dy, wh [, rng].
func lstmBackward(l *lstm, c *call) error {
	dy, wh := c.in[1].f, c.in[2].f
	if &c.out[0].f[0] != &l.work[0] {
		copy(c.out[0].f, l.work)
		l.work = c.out[0].f
	}
	var rng []int64
	if l.P > 0 {
		rng = c.in[len(c.in)-1].i
	}
	spans := l.Spans()
	for i := len(spans) - 1; i >= 0; i-- {
		w := l.dropped(wh, rng, spans[i][2])
		l.backward(spans[i], dy, l.packPanels(l.wide, l.units, l.rightByGates(w, l.H)))
	}
	return nil
}

// backward goes back through a chunk.
func (l *lstm) backward(span [3]int, dy []float32, packed recurrent) {
	ld := (l.units + l.s.nr - 1) / l.s.nr * l.s.nr
	size := l.tall() * l.wide
	buf := l.d.keep(slotState, 2*size+2*l.N*ld+l.d.team.n*l.N*16)
	dg := [2][]float32{buf[:size], buf[size : 2*size]}
	buf = buf[2*size:]
	dh, dc, buf := buf[:l.N*ld], buf[l.N*ld:2*l.N*ld], buf[2*l.N*ld:]
	clear(dh)
	clear(dc)
	gates, cells := l.work[l.Gates():], l.work[l.AllCells():]
	l.d.team.together(func(w int, wait func()) {
		from, to := l.own(w)
		d := buf[w*l.N*16 : (w+1)*l.N*16]
		clear(d)
		for t := span[1] - 1; t >= span[0]; t-- {
			g := gates[t*l.N*l.wide:]
			before, after := cells[t*l.N*l.units:], cells[(t+1)*l.N*l.units:]
			for b := from; b < to; b++ {
				width := min(16, l.H-b*16)
				for n := range l.N {
					at := (t*l.N+n)*l.H + b*16
					copy(d[n*16:], dy[at:at+width])
					clear(d[n*16+width : n*16+16])
				}
				l.s.gatesBack(l.N, g[b*64:], l.wide, before[b*16:], after[b*16:], l.units, d, 16, dh[b*16:], dc[b*16:], ld)
				if t > span[0] {
					l.packStep(dg[t%2], g[b*64:], l.wide, 64, b*64, packed)
				}
			}
			wait()
			if t == span[0] {
				break
			}
			for j := from * 16 / l.s.nr; j*l.s.nr < to*16; j++ {
				l.times(dg[t%2], packed, j, dh[j*l.s.nr:], ld, false)
			}
		}
	})
}

// derivatives packs the gates' derivatives, transposed, for the left side: row q of a weight matrix, rows
// of work from `from` on as steps.
func (l *lstm) derivatives(from int) func(dst []float32, i0, rows, k0, k1 int) {
	g := l.work[l.Gates()+from*l.wide:]
	return func(dst []float32, i0, rows, k0, k1 int) {
		for r := 0; r < rows; {
			gate, u := (i0+r)/l.H, (i0+r)%l.H
			n := min(rows-r, 16-u%16, l.H-u) // lie side by side
			col := u/16*64 + gate*16 + u%16
			for k := k0; k < k1; k++ {
				at := k*l.wide + col
				copy(dst[(k-k0)*l.s.mr+r:(k-k0)*l.s.mr+r+n], g[at:at+n])
			}
			r += n
		}
	}
}

// lstmDX: in is work, wi.
func lstmDX(l *lstm, c *call) error {
	l.d.product(product{
		m: l.T * l.N, n: l.I, k: l.wide,
		a: l.s.rowsOfMatrix(l.work[l.Gates():], l.wide), b: l.rightByGates(c.in[1].f, l.I), c: c.out[0].f, ldc: l.I,
	})
	return nil
}

// lstmDWi: in is work, x.
func lstmDWi(l *lstm, c *call) error {
	l.d.product(product{
		m: 4 * l.H, n: l.I, k: l.T * l.N,
		a: l.derivatives(0), b: l.s.matrixRight(c.in[1].f, l.I, l.I), c: c.out[0].f, ldc: l.I,
	})
	return nil
}

// lstmDWh: in is work [, h0] [, rng].
func lstmDWh(l *lstm, c *call) error {
	out := c.out[0].f
	if l.P == 0 {
		l.weightsOf([3]int{0, l.T, 0}, c, out)
		return nil
	}
	tmp := l.d.keep(slotDropped, len(out))
	for i, s := range l.Spans() {
		l.weightsOf(s, c, tmp)
		l.masked(out, tmp, c.in[len(c.in)-1].i, s[2], i > 0)
	}
	return nil
}

// weightsOf is the derivative of the recurrent weights over a stretch of steps: that of each step's gates
// times the outputs of the step before.
func (l *lstm) weightsOf(span [3]int, c *call, out []float32) {
	from, y := span[0]*l.N, l.work
	acc := false
	if span[0] == 0 {
		from = l.N // the first step's are the state's
		if l.State {
			l.d.product(product{m: 4 * l.H, n: l.H, k: l.N, a: l.derivatives(0), b: l.s.matrixRight(c.in[1].f, l.H, l.H), c: out, ldc: l.H})
			acc = true
		}
	}
	k := span[1]*l.N - from
	if k > 0 {
		l.d.product(product{m: 4 * l.H, n: l.H, k: k, a: l.derivatives(from), b: l.s.matrixRight(y[(from-l.N)*l.H:], l.H, l.H), c: out, ldc: l.H, acc: acc})
	} else if !acc {
		clear(out)
	}
}

// lstmDB: in is work.
func lstmDB(l *lstm, c *call) error {
	g := l.work[l.Gates() : l.Gates()+l.T*l.N*l.wide]
	zero := make([]float32, l.wide)
	s, _ := l.d.columnSums(len(g), l.wide, func(s, q []float32, i, j int) { l.d.isa.vec.sums(s, q, g[i:j], zero) })
	for i, v := range s {
		if row, rows := l.groupRow(i / 16 * 16); i%16 < rows {
			c.out[0].f[row+i%16] = float32(v)
		}
	}
	return nil
}

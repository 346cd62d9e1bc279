package cpu

import (
	"math"

	"github.com/fastnb/go/fastnb/device"
)

// The decoder to a vocabulary and the softmax cross-entropy behind it, in two passes over stretches of
// rows: scores of a block of words with the largest and the sum of exponentials of each row, while they
// are in the cache; then, the sums known, probabilities in place and from them the derivatives. Only a
// stretch's scores are ever held. Each worker has a range of words; derivatives of the rows are added up
// over the workers at the end of a stretch.

func init() {
	kernels["decoder"] = func(*device.Step, *device.Plan) (kernel, error) { return decoder, nil }
	kernels["decoder_xent"] = attrsKernel(decoderXent)
}

// decoder: in is h [T, N, E], w [V, E] [, bias], to [N, T, V].
func decoder(c *call) error {
	h, w := c.in[0], c.in[1]
	t, n, e, v := h.shape[0], h.shape[1], h.shape[2], w.shape[0]
	out := c.out[0].f
	s := &c.dev.isa.seq
	c.dev.team.ranges(t*n, 1, v, func(_, from, to int) {
		for r := from; r < to; r++ {
			row := out[r*v : (r+1)*v]
			if clear(row); len(c.in) > 2 {
				copy(row, c.in[2].f)
			}
		}
	})
	source := func(r int) []float32 { // of row r of the result
		at := (r%t*n + r/t) * e
		return h.f[at : at+e]
	}
	if t*n <= fewRows {
		c.dev.team.ranges(v, 16, e, func(_, i, j int) {
			for r := range t * n {
				s.dots(out[r*v+i:r*v+j], w.f[i*e:], e, source(r))
			}
		})
		return nil
	}
	c.dev.product(product{
		m: t * n, n: v, k: e, b: s.transposedRight(w.f, e, v), c: out, ldc: v, acc: true,
		a: func(dst []float32, i0, rows, k0, k1 int) {
			for r := range rows {
				for k, x := range source(i0 + r)[k0:k1] {
					dst[k*s.mr+r] = x
				}
			}
		},
	})
	return nil
}

// vocab is a decoder with its loss at work.
type vocab struct {
	device.Decoder
	d       *Device
	s       *seqKernels
	h, w    []float32
	bias    []float32
	work    []float32
	class   []int // of each row
	block   int   // words of a block
	stretch int   // rows held at a time
	right   packRight
	parts   []vocabPart
	lse     []float64
	loss    float64

	left, rows rightPanels // a stretch of h as the left and as the right side
	scores     []float32   // [blocks][stretch][block]
}

// vocabPart is a worker's share: a range of blocks of words.
type vocabPart struct {
	from, to  int
	top, sum  []float32 // of each row of the stretch
	best      []int     // word
	hit       []float32 // score of the row's class
	buf       []float32 // packed words; then packed probabilities
	dh        []float32
	tile, own []float32
	half      []float32 // working memory of products in bfloat16
}

// scoreMemory is how many scores are held at a time, at most.
const scoreMemory = 25 << 20

// decoderXent: in is h, w, y int64 [N, T] [, bias].
func decoderXent(a device.Decoder, c *call) error {
	s := &c.dev.isa.seq
	x := &vocab{Decoder: a, d: c.dev, s: s, h: c.in[0].f, w: c.in[1].f, work: c.out[0].f, block: 240 / s.nr * s.nr}
	if a.Bias {
		x.bias = c.in[3].f
	}
	y := c.in[2]
	n, t := y.shape[0], y.shape[1]
	x.class = make([]int, a.R)
	for r := range a.R {
		x.class[r] = int(y.i[r%n*t+r/n])
		if x.class[r] < 0 || x.class[r] >= a.V {
			return device.BadIndexError{What: "target", Value: int64(x.class[r]), Row: r % n, Place: r / n, Count: a.V}
		}
	}
	x.right = s.transposedRight(x.w, a.E, a.V)
	x.prepare()
	for r0 := 0; r0 < a.R; r0 += x.stretch {
		x.run(r0, min(r0+x.stretch, a.R))
	}
	x.work[0] = float32(x.loss / float64(a.R))
	return nil
}

func (x *vocab) blocks() int { return (x.V + x.block - 1) / x.block }

// prepare finds the working memory.
func (x *vocab) prepare() {
	mr, nr := x.s.mr, x.s.nr
	x.stretch = min(max(scoreMemory/x.V, 240), 840, (x.R+mr-1)/mr*mr) / mr * mr
	x.stretch = max(x.stretch, mr)
	n := x.d.team.n
	wideE := (x.E + nr - 1) / nr * nr
	tall := (x.block + mr - 1) / mr * mr
	share := max(x.block*max(x.E, wideE), (tall+mr)*max(evenly(x.stretch, x.s.steps, 8), x.block))
	share += x.s.rows * x.block
	own := 0
	if !x.Grad {
		own = x.stretch * x.block
	}
	half := 0
	if x.d.half != nil {
		half = halfMacroMemory(x.block+mr, max(x.E, x.s.steps, x.block))
	}
	size := x.stretch*x.E + x.stretch*wideE + n*(x.stretch*3+share+x.stretch*x.E+mr*nr+own+half)
	if x.Grad {
		x.scores = x.d.keep(slotScores, x.blocks()*x.stretch*x.block)
		clear(x.work[x.DB() : x.DB()+x.V])
	}
	buf := x.d.keep(slotDecoder, size)
	take := func(n int) []float32 {
		out := buf[:n]
		buf = buf[n:]
		return out
	}
	x.left = rightPanels{f: take(x.stretch * x.E)}
	x.rows = rightPanels{f: take(x.stretch * wideE)}
	x.lse = make([]float64, x.stretch)
	for w := range n {
		x.parts = append(x.parts, vocabPart{
			from: x.blocks() * w / n, to: x.blocks() * (w + 1) / n, best: make([]int, x.stretch),
			top: take(x.stretch), sum: take(x.stretch), hit: take(x.stretch), buf: take(share), dh: take(x.stretch * x.E), tile: take(mr * nr), own: take(own), half: take(half),
		})
	}
}

// run goes through rows r0 to r1.
func (x *vocab) run(r0, r1 int) {
	mr := x.s.mr
	rows := r1 - r0
	h := x.h[r0*x.E : r1*x.E]
	x.d.team.each((rows+mr-1)/mr, func(_, i int) {
		x.s.packA(x.left.f[i*mr*x.E:], h[i*mr*x.E:], x.E, min(mr, rows-i*mr), x.E)
	})
	x.d.team.each(len(x.parts), func(_, p int) { x.forward(&x.parts[p], r0, rows) })
	x.join(r0, rows)
	if !x.Grad {
		return
	}
	x.rows.kc, x.rows.k, x.rows.n, x.rows.panels = evenly(rows, x.s.steps, 8), rows, x.E, (x.E+x.s.nr-1)/x.s.nr
	x.rows.fill(x.d, x.s.matrixRight(h, x.E, x.E))
	x.d.team.each(len(x.parts), func(_, p int) { x.back(&x.parts[p], r0, rows) })
	x.d.team.ranges(rows*x.E, 16, len(x.parts), func(_, i, j int) {
		out := x.work[x.DH()+r0*x.E+i : x.DH()+r0*x.E+j]
		copy(out, x.parts[0].dh[i:j])
		for p := 1; p < len(x.parts); p++ {
			x.d.isa.vec.add(out, out, x.parts[p].dh[i:j])
		}
	})
}

// width is the number of words of a block, and that rounded up to whole panels.
func (x *vocab) width(block int) (words, wide int) {
	words = min(x.block, x.V-block*x.block)
	return words, (words + x.s.nr - 1) / x.s.nr * x.s.nr
}

// scoresOf is where a block's scores go, rows wide apart.
func (x *vocab) scoresOf(p *vocabPart, block int) []float32 {
	if !x.Grad {
		return p.own
	}
	return x.scores[block*x.stretch*x.block:]
}

// scoreRows is how many rows are scored before they are looked at: with them a block stays in the cache.
const scoreRows = 96

// forward scores the worker's words for all rows of a stretch.
func (x *vocab) forward(p *vocabPart, r0, rows int) {
	for r := range rows {
		p.top[r], p.sum[r], p.best[r] = float32(math.Inf(-1)), 0, 0
	}
	step := scoreRows / x.s.mr * x.s.mr
	for b := p.from; b < p.to; b++ {
		v0 := b * x.block
		words, wide := x.width(b)
		for j := 0; j < wide; j += x.s.nr {
			x.right(p.buf[j*x.E:(j+x.s.nr)*x.E], v0+j, 0, x.E)
		}
		scores := x.scoresOf(p, b)
		for i0 := 0; i0 < rows; i0 += step {
			i1 := min(i0+step, rows)
			for r := i0; r < i1; r++ {
				x.beginRow(scores[r*wide:(r+1)*wide], v0, words)
			}
			x.macro(p, macro{rows: i1 - i0, cols: wide, k: x.E, a: x.left.f[i0*x.E:], b: p.buf, apart: x.E * x.s.nr, c: scores[i0*wide:], ldc: wide, acc: true, tile: p.tile})
			for r := i0; r < i1; r++ {
				x.look(p, scores[r*wide:(r+1)*wide], r, v0, words, x.class[r0+r])
			}
		}
	}
}

// macro multiplies in a part's memory.
func (x *vocab) macro(p *vocabPart, m macro) {
	if h := x.d.half; h != nil {
		x.s.halfMacro(h, m, p.half)
		return
	}
	x.s.macro(m)
}

// beginRow fills a row with the biases; columns that are no words can never win.
func (x *vocab) beginRow(row []float32, v0, words int) {
	if x.bias == nil {
		clear(row)
	} else {
		copy(row, x.bias[v0:v0+words])
	}
	for i := words; i < len(row); i++ {
		row[i] = -1e30
	}
}

// look takes a row's scores into its maximum and sum.
func (x *vocab) look(p *vocabPart, row []float32, r, v0, words, class int) {
	if m := x.s.rowMax(row); m > p.top[r] {
		p.sum[r] *= float32(math.Exp(float64(p.top[r] - m)))
		p.top[r] = m
		for i, v := range row[:words] {
			if v == m {
				p.best[r] = v0 + i
				break
			}
		}
	}
	p.sum[r] += x.s.expSum(row, p.top[r])
	if class >= v0 && class < v0+words {
		p.hit[r] = row[class-v0]
	}
}

// join puts the workers' maxima and sums together.
func (x *vocab) join(r0, rows int) {
	for r := range rows {
		top := x.parts[0]
		for i := range x.parts {
			if p := x.parts[i]; p.from < p.to && (top.from >= top.to || p.top[r] > top.top[r]) {
				top = p
			}
		}
		m, sum := float64(top.top[r]), 0.0
		var hit float32
		for i := range x.parts {
			p := &x.parts[i]
			if p.from >= p.to {
				continue
			}
			sum += float64(p.sum[r]) * math.Exp(float64(p.top[r])-m)
			if c := x.class[r0+r] / x.block; c >= p.from && c < p.to {
				hit = p.hit[r]
			}
		}
		x.lse[r] = m + math.Log(sum)
		x.loss += x.lse[r] - float64(hit)
		x.work[x.Best()+r0+r] = float32(top.best[r])
	}
}

// back turns the worker's scores into the derivatives they have and adds what they give.
func (x *vocab) back(p *vocabPart, r0, rows int) {
	inv := 1 / float32(x.R)
	clear(p.dh[:rows*x.E])
	for b := p.from; b < p.to; b++ {
		v0 := b * x.block
		words, wide := x.width(b)
		d := x.scoresOf(p, b)[:rows*wide]
		db := x.work[x.DB()+v0 : x.DB()+v0+words]
		for r := range rows {
			row := d[r*wide : (r+1)*wide]
			x.s.expWrite(row, float32(x.lse[r]), inv)
			if c := x.class[r0+r] - v0; c >= 0 && c < words {
				row[c] -= inv
			}
			x.d.isa.vec.add(db, db, row[:words])
		}
		x.tableOf(p, d, v0, words, wide, r0)
		x.rowsOf(p, d, v0, words, wide, rows)
	}
}

// tableOf adds a block's share to the derivative of the table: d' h.
func (x *vocab) tableOf(p *vocabPart, d []float32, v0, words, wide, r0 int) {
	for k0 := 0; k0 < x.rows.k; k0 += x.rows.kc {
		kc := min(x.rows.kc, x.rows.k-k0)
		left := x.s.transposed(d[k0*wide:], wide)
		for i := 0; i < words; i += x.s.mr {
			left(p.buf[i*kc:], i, min(x.s.mr, words-i), 0, kc)
		}
		x.macro(p, macro{
			rows: words, cols: x.E, k: kc, a: p.buf, b: x.rows.at(x.s, k0, 0), apart: x.rows.k * x.s.nr, c: x.work[x.DW()+v0*x.E:], ldc: x.E,
			acc: r0 > 0 || k0 > 0, tile: p.tile,
		})
	}
}

// rowsOf adds a block's share to the derivatives of the rows: d w.
func (x *vocab) rowsOf(p *vocabPart, d []float32, v0, words, wide, rows int) {
	right := x.s.matrixRight(x.w[v0*x.E:], x.E, x.E)
	panels := (x.E + x.s.nr - 1) / x.s.nr
	table, left := p.buf[:panels*x.s.nr*words], p.buf[panels*x.s.nr*words:]
	for j := range panels {
		right(table[j*x.s.nr*words:(j+1)*x.s.nr*words], j*x.s.nr, 0, words)
	}
	step := x.s.rows / x.s.mr * x.s.mr
	for i0 := 0; i0 < rows; i0 += step {
		i1 := min(i0+step, rows)
		for i := i0; i < i1; i += x.s.mr {
			x.s.packA(left[(i-i0)*words:], d[i*wide:], wide, min(x.s.mr, i1-i), words)
		}
		x.macro(p, macro{rows: i1 - i0, cols: x.E, k: words, a: left, b: table, apart: words * x.s.nr, c: p.dh[i0*x.E:], ldc: x.E, acc: true, tile: p.tile})
	}
}

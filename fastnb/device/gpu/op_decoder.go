package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	ops["decoder"] = lowerDecoder
	ops["decoder_xent"] = lowerDecoderXent
}

// lowerDecoder: in is h [T, N, E], w [V, E] [, bias], to [N, T, V].
func lowerDecoder(c *compiler, st *device.Step) error {
	s, v := c.shape(st.In[0]), c.shape(st.In[1])[0]
	h := c.as(st.In[0], c.act)
	if s[0] > 1 && s[1] > 1 {
		t := c.temp(c.act, h.n)
		c.run("decoder_"+suffix(c.act), "rows_of_batch", blocks(h.n), perBlock, h, t, s[0], s[1], s[2])
		h = t
	}
	out, done := c.out(st.Out[0], c.store(st.Out[0]))
	g := gemmSpec{A: h, B: c.as(st.In[1], c.act), C: out, M: s[0] * s[1], N: v, K: s[2], TransB: true}
	if len(st.In) > 2 {
		bias := c.as(st.In[2], tensor.Float32)
		g.Bias = &bias
	}
	c.gemm(g)
	done()
	return nil
}

// scoreBytes is how much memory the scores of a decoder take at a time.
func (c *compiler) scoreBytes() int64 { return max(64<<20, min(c.dev.card.Memory/64, 1<<30)) }

// lowerDecoderXent: in is h [T, N, E], w [V, E], y [N, T] [, bias]. The scores of a stretch of rows are made,
// looked at and turned into their derivatives in place; two products take them to those of h and w. Work is
// never made as a whole: see flat. The derivatives lack a factor: as scores have them, those of half precision
// would be too small for it.
func lowerDecoderXent(c *compiler, st *device.Step) error {
	a := st.Attrs.(device.Decoder)
	d := &decoding{Decoder: a, c: c, h: c.as(st.In[0], c.act), w: c.as(st.In[1], c.act), y: c.val(st.In[2]), mul: 1}
	if c.act == tensor.Float16 {
		d.mul = 1024
	}
	ys := c.shape(st.In[2])
	d.n, d.steps = ys[0], ys[1]
	if a.Bias {
		bias := c.as(st.In[3], tensor.Float32)
		d.bias = &bias
	}
	d.rows = min(a.R, max(64, int(c.scoreBytes()/int64(a.V*c.act.Size()))/64*64))
	d.scores = c.temp(c.act, d.rows*a.V)
	d.losses, d.best = c.temp(tensor.Float32, a.R), c.temp(tensor.Float32, a.R)
	if a.Grad {
		d.dh, d.dw, d.db = c.temp(tensor.Float32, a.R*a.E), c.temp(tensor.Float32, a.V*a.E), c.temp(tensor.Float32, a.V)
		for r := 0; r < a.R; r += d.rows {
			d.count += (min(d.rows, a.R-r) + rowsPerSum - 1) / rowsPerSum
		}
		d.parts = c.temp(tensor.Float32, d.count*a.V)
	}
	for r := 0; r < a.R; r += d.rows {
		d.stretch(r, min(d.rows, a.R-r))
	}
	loss := c.temp(tensor.Float32, 1)
	unit := "decoder_" + suffix(c.act)
	c.run(unit, "xent_mean", [3]int{1, 1, 1}, 256, d.losses, loss, a.R)
	f := flat{{from: 0, r: loss, n: 1}, {from: a.Best(), r: d.best, n: a.R}}
	if a.Grad {
		c.run(unit, "vocab_sum", blocks(a.V), perBlock, d.parts, d.db, d.count, a.V)
		factor := 1 / (d.mul * float32(a.R))
		f = append(f, stretch{from: a.DH(), r: d.dh, n: d.dh.n, factor: factor},
			stretch{from: a.DW(), r: d.dw, n: d.dw.n, factor: factor}, stretch{from: a.DB(), r: d.db, n: d.db.n, factor: factor})
	}
	c.side[st.Out[0]] = f
	return nil
}

// rowsPerSum is how many rows of the scores' derivatives a thread adds up.
const rowsPerSum = 128

// decoding is a decoder with its loss at work.
type decoding struct {
	device.Decoder
	c                 *compiler
	h, w, y           ref
	bias              *ref
	n, steps          int // of y
	rows              int // of a stretch, at most
	scores            ref
	losses, best      ref // of each row
	dh, dw, db, parts ref
	count             int // of parts
	done              int // parts queued
	mul               float32
}

// stretch queues rows r0 to r0+rows.
func (d *decoding) stretch(r0, rows int) {
	c, unit := d.c, "decoder_"+suffix(d.c.act)
	look := unit
	if d.V%8 == 0 {
		look = "decoder8_" + suffix(c.act)
	}
	c.gemm(gemmSpec{A: d.h, OffA: r0 * d.E, B: d.w, C: d.scores, M: rows, N: d.V, K: d.E, TransB: true, Bias: d.bias})
	args := []any{d.scores, d.y, d.losses, d.best, c.flag, r0, d.V, d.n, d.steps, c.number()}
	if !d.Grad {
		c.run(look, "xent", [3]int{rows, 1, 1}, 256, args...)
		return
	}
	c.run(look, "xent_back", [3]int{rows, 1, 1}, 256, append(args, d.mul)...)
	c.gemm(gemmSpec{A: d.scores, B: d.w, C: d.dh, OffC: r0 * d.E, M: rows, N: d.E, K: d.V})
	c.gemm(gemmSpec{A: d.scores, B: d.h, OffB: r0 * d.E, C: d.dw, M: d.V, N: d.E, K: rows, TransA: true, Accumulate: r0 > 0})
	grid := blocks(d.V)
	grid[1] = (rows + rowsPerSum - 1) / rowsPerSum
	c.run(unit, "vocab_parts", grid, perBlock, d.scores, d.parts, rows, d.V, rowsPerSum, d.done)
	d.done += grid[1]
}

package cpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["part"] = partKernel(false)
	kernels["piece"] = partKernel(false)
	kernels["scaled_part"] = partKernel(true)
	kernels["embedding"] = embeddingKernel(embedding)
	kernels["embedding_dw"] = embeddingKernel(embeddingDW)
	kernels["locked_dropout"] = attrsKernel(lockedDropout)
	kernels["activity"] = attrsKernel(activity)
	kernels["activity_dx"] = attrsKernel(activityDX)
	kernels["masked_pool"] = attrsKernel(maskedPool)
	kernels["masked_pool_dx"] = attrsKernel(maskedPoolDX)
}

// attrsKernel is a kernel whose steps carry attributes of type A.
func attrsKernel[A any](run func(a A, c *call) error) builder {
	return func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(A)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { return run(a, c) }, nil
	}
}

// partKernel copies a part of an array to where it goes, which as a rule is where it lies.
func partKernel(scaled bool) builder {
	return attrsKernel(func(a device.Part, c *call) error {
		n := len(c.out[0].f)
		src, dst := c.in[0].f[a.Offset:a.Offset+n], c.out[0].f
		if n > 0 && &src[0] != &dst[0] {
			c.dev.team.ranges(n, 16, 1, func(_, i, j int) { copy(dst[i:j], src[i:j]) })
		}
		if scaled && c.in[1].f[0] != 1 {
			s := c.in[1].f[0]
			for i := range dst {
				dst[i] *= s
			}
		}
		return nil
	})
}

// words are the words that an embedding looks up.
type words struct {
	device.Embedding
	n, all, v, e int
	ids          []int64
	masks        [][]float32 // of each chunk from the first on
	first        int
}

func embeddingKernel(run func(w *words, c *call) error) builder {
	return attrsKernel(func(a device.Embedding, c *call) error {
		ids, table := c.in[0], c.in[1]
		if c.in[0].i == nil { // embedding_dw: dy, ids, to dw
			ids, table = c.in[1], c.out[0]
		}
		w := &words{Embedding: a, n: ids.shape[0], all: ids.shape[1], v: table.shape[0], e: table.shape[1], ids: ids.i, first: a.ChunkOf(a.From)}
		for i, id := range w.ids {
			if id < 0 || int(id) >= w.v {
				return device.BadIndexError{What: "word", Value: id, Row: i / w.all, Place: i % w.all, Count: w.v}
			}
		}
		if a.P > 0 {
			rng := c.in[2].i
			for k := w.first; k <= a.ChunkOf(a.To-1); k++ {
				m := make([]float32, w.v)
				device.DropoutMask(m, device.Dropout{P: a.P, ID: a.ID}, rng[0], rng[1], k*device.MaskStride(w.v))
				w.masks = append(w.masks, m)
			}
		}
		return run(w, c)
	})
}

// at is the word at step t (from From on) of row n and its factor.
func (w *words) at(t, n int) (id int, factor float32) {
	id = int(w.ids[n*w.all+t])
	if w.masks == nil {
		return id, 1
	}
	return id, w.masks[w.ChunkOf(t)-w.first][id]
}

func embedding(w *words, c *call) error {
	table, out := c.in[1].f, c.out[0].f
	c.dev.team.ranges(w.To-w.From, 1, w.n*w.e, func(_, from, to int) {
		for t := from; t < to; t++ {
			for n := range w.n {
				id, f := w.at(w.From+t, n)
				row, y := table[id*w.e:(id+1)*w.e], out[(t*w.n+n)*w.e:(t*w.n+n+1)*w.e]
				for i, v := range row {
					y[i] = v * f
				}
			}
		}
	})
	return nil
}

// embeddingDW shares the table's rows out, so that no two workers add to one.
func embeddingDW(w *words, c *call) error {
	dy, out := c.in[0].f, c.out[0].f
	parts := maxParts
	c.dev.team.each(parts, func(_, p int) {
		lo, hi := w.v*p/parts, w.v*(p+1)/parts
		clear(out[lo*w.e : hi*w.e])
		for t := w.From; t < w.To; t++ {
			for n := range w.n {
				id, f := w.at(t, n)
				if id < lo || id >= hi || id == w.Pad || f == 0 {
					continue
				}
				at := ((t-w.From)*w.n + n) * w.e
				row := out[id*w.e : (id+1)*w.e]
				for i, v := range dy[at : at+w.e] {
					row[i] += v * f
				}
			}
		}
	})
	return nil
}

func lockedDropout(a device.LockedDropout, c *call) error {
	x, r, o, s := c.in[0].f, c.in[1].i, c.out[0].f, c.in[0].shape
	row := s[1] * s[2]
	mask := make([]float32, row)
	for _, span := range a.Spans(s[0]) {
		c.dev.team.ranges(row, 1024, 8, func(_, i, j int) {
			device.DropoutMask(mask[i:j], device.Dropout{P: a.P, ID: a.ID}, r[0], r[1], span[2]*device.MaskStride(row)+i)
		})
		c.dev.team.ranges(span[1]-span[0], 1, row, func(_, from, to int) {
			for t := span[0] + from; t < span[0]+to; t++ {
				c.dev.isa.seq.mul(o[t*row:(t+1)*row], x[t*row:(t+1)*row], mask)
			}
		})
	}
	return nil
}

// changes is the number of differences between steps that count: none in a batch of one row.
func changes(s []int) int {
	if s[1] < 2 {
		return 0
	}
	return (s[0] - 1) * s[1] * s[2]
}

func activity(a device.Activity, c *call) error {
	y, s := c.in[0].f, c.in[0].shape
	row, n := s[1]*s[2], changes(s)
	parts := min(maxParts, s[0])
	sums := make([][2]float64, parts)
	c.dev.team.each(parts, func(_, p int) {
		for t := s[0] * p / parts; t < s[0]*(p+1)/parts; t++ {
			now := y[t*row : (t+1)*row]
			var ar, tar float32
			for _, v := range now {
				ar += v * v
			}
			if t > 0 && n > 0 {
				for i, v := range y[(t-1)*row : t*row] {
					d := now[i] - v
					tar += d * d
				}
			}
			sums[p][0] += float64(ar)
			sums[p][1] += float64(tar)
		}
	})
	var ar, tar float64
	for _, v := range sums {
		ar, tar = ar+v[0], tar+v[1]
	}
	c.out[0].f[0] = float32(float64(a.Alpha)*ar/float64(len(y)) + float64(a.Beta)*tar/float64(max(n, 1)))
	return nil
}

func activityDX(a device.Activity, c *call) error {
	y, o, s, dl := c.in[0].f, c.out[0].f, c.in[0].shape, c.in[1].f[0]
	row, n := s[1]*s[2], changes(s)
	fa, ft := 2*a.Alpha/float32(len(y))*dl, 2*a.Beta/float32(max(n, 1))*dl
	if n == 0 {
		ft = 0
	}
	c.dev.team.ranges(s[0], 1, row, func(_, from, to int) {
		for t := from; t < to; t++ {
			now, out := y[t*row:(t+1)*row], o[t*row:(t+1)*row]
			before, after := now, now
			if t > 0 {
				before = y[(t-1)*row : t*row]
			}
			if t+1 < s[0] {
				after = y[(t+1)*row : (t+2)*row]
			}
			for i, v := range now {
				out[i] = fa*v + ft*((v-before[i])+(v-after[i]))
			}
		}
	})
	return nil
}

// pooled shares the rows of a batch out; f gets a row and its steps that are not padding.
func pooled(a device.MaskedPool, y, ids val, c *call, f func(n int, steps []int)) {
	c.dev.team.each(y.shape[1], func(_, n int) {
		var steps []int
		for t := range y.shape[0] {
			if int(ids.i[n*ids.shape[1]+a.From+t]) != a.Pad {
				steps = append(steps, t)
			}
		}
		f(n, steps)
	})
}

func maskedPool(a device.MaskedPool, c *call) error {
	y, o := c.in[0], c.out[0].f
	e, row := y.shape[2], y.shape[1]*y.shape[2]
	pooled(a, y, c.in[1], c, func(n int, steps []int) {
		out := o[n*3*e : (n+1)*3*e]
		last, top, sum := out[:e], out[e:2*e], out[2*e:]
		copy(last, y.f[(y.shape[0]-1)*row+n*e:])
		clear(sum)
		for i := range top {
			top[i] = float32(math.Inf(-1))
		}
		for _, t := range steps {
			for i, v := range y.f[t*row+n*e : t*row+(n+1)*e] {
				sum[i] += v
				top[i] = max(top[i], v)
			}
		}
		if len(steps) == 0 { // a row of nothing but padding
			clear(top)
		}
		for i := range sum {
			sum[i] /= float32(max(len(steps), 1))
		}
	})
	return nil
}

func maskedPoolDX(a device.MaskedPool, c *call) error {
	d, y, dx := c.in[0].f, c.in[1], c.out[0].f
	e, row := y.shape[2], y.shape[1]*y.shape[2]
	pooled(a, y, c.in[2], c, func(n int, steps []int) {
		dl, dm, da := d[n*3*e:n*3*e+e], d[n*3*e+e:n*3*e+2*e], d[n*3*e+2*e:n*3*e+3*e]
		for t := range y.shape[0] {
			clear(dx[t*row+n*e : t*row+(n+1)*e])
		}
		best := make([]int, e)
		for k, t := range steps {
			v, out := y.f[t*row+n*e:], dx[t*row+n*e:]
			for i := range e {
				out[i] = da[i] / float32(len(steps))
				if k == 0 || v[i] > y.f[best[i]*row+n*e+i] {
					best[i] = t
				}
			}
		}
		for i := range e {
			if len(steps) > 0 {
				dx[best[i]*row+n*e+i] += dm[i]
			}
			dx[(y.shape[0]-1)*row+n*e+i] += dl[i]
		}
	})
	return nil
}

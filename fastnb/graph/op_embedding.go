package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// EmbeddingOptions say which words are looked up and what is dropped.
type EmbeddingOptions struct {
	From, To int     // words of each row; To 0: to the end
	Pad      int     // word whose row is never trained; -1: none
	P        float32 // in training: probability that a word's whole row is dropped
	Chunk    int     // words for which one mask holds; 0: all
	Mask     int     // from NewMask, if P > 0
}

// NewMask numbers a dropout mask. Ops that are to see the same mask share the number.
func (b *Builder) NewMask() int {
	b.dropouts++
	return b.dropouts
}

// Embedding looks words up: ids int64 [N, T], w [V, E], to [T, N, E], time first.
func (b *Builder) Embedding(ids, w *Node, o EmbeddingOptions) *Node {
	if !b.want("embedding", ids, 2) || !b.want("embedding table", w, 2) {
		return b.Fail(b.err)
	}
	n, t := ids.Shape()[0], ids.Shape()[1]
	if o.To == 0 {
		o.To = t
	}
	if o.From < 0 || o.From >= o.To || o.To > t {
		return b.Failf("embedding: words %d to %d of %d", o.From, o.To, t)
	}
	a := device.Embedding{From: o.From, To: o.To, Pad: o.Pad, Chunk: o.Chunk}
	in := []*Node{ids, w}
	if (b.train || b.drop) && o.P > 0 {
		a.P, a.ID = o.P, o.Mask
		in = append(in, b.RNG())
	}
	layer := b.layer()
	return b.apply(op{
		name: "embedding", attrs: a, shape: []int{o.To - o.From, n, w.Shape()[1]}, wrt: []bool{false, true, false}[:len(in)], host: hostEmbedding(a),
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			dw := g.call(op{name: "embedding_dw", full: true, attrs: a, shape: in[1].Shape(), host: hostEmbeddingDW(a)}, append(gorgonia.Nodes{dy, in[0]}, in[2:]...)...)
			return append(gorgonia.Nodes{nil, dw}, make(gorgonia.Nodes, len(in)-2)...), g.err
		},
	}, in...)
}

// rowMask is the factor of every row of the table in the chunk that holds word t.
func rowMask(a device.Embedding, v int, rng *tensor.Tensor) func(t int) []float32 {
	last, mask := -1, make([]float32, v)
	return func(t int) []float32 {
		if c := a.ChunkOf(t); c != last {
			last = c
			device.DropoutMask(mask, device.Dropout{P: a.P, ID: a.ID}, rng.Int64s()[0], rng.Int64s()[1], c*device.MaskStride(v))
		}
		return mask
	}
}

func hostEmbedding(a device.Embedding) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		return eachWord(a, out[0], in[0], in[1], in[2:], func(y, row []float32, f float32, _ int) {
			for i, v := range row {
				y[i] = v * f
			}
		})
	}
}

func hostEmbeddingDW(a device.Embedding) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		clear(out[0].Float32s())
		return eachWord(a, in[0], in[1], out[0], in[2:], func(dy, row []float32, f float32, id int) {
			if id == a.Pad {
				return
			}
			for i, v := range dy {
				row[i] += v * f
			}
		})
	}
}

// eachWord calls f with every word's place in y, its row of the table, the row's factor and its number.
func eachWord(a device.Embedding, y, ids, w *tensor.Tensor, rng []*tensor.Tensor, f func(y, row []float32, factor float32, id int)) error {
	n, all := ids.Shape()[0], ids.Shape()[1]
	v, e := w.Shape()[0], w.Shape()[1]
	mask := func(int) []float32 { return nil }
	if len(rng) > 0 {
		mask = rowMask(a, v, rng[0])
	}
	for t := a.From; t < a.To; t++ {
		m := mask(t)
		for r := range n {
			id := int(ids.Int64s()[r*all+t])
			if id < 0 || id >= v {
				return device.BadIndexError{What: "word", Value: int64(id), Row: r, Place: t, Count: v}
			}
			factor := float32(1)
			if m != nil {
				factor = m[id]
			}
			at := ((t-a.From)*n + r) * e
			f(y.Float32s()[at:at+e], w.Float32s()[id*e:(id+1)*e], factor, id)
		}
	}
	return nil
}

// LockedDropout drops features of x [T, N, F] with one mask [N, F] for all steps of a chunk (variational
// dropout): chunk steps each, 0 for all; first numbers the first chunk.
func (b *Builder) LockedDropout(x *Node, p float32, mask, chunk, first int) *Node {
	if !b.want("locked dropout", x, 3) {
		return b.Fail(b.err)
	}
	if p < 0 || p >= 1 {
		return b.Failf("locked dropout: probability %g is not in [0, 1)", p)
	}
	if !b.train && !b.drop || p == 0 {
		return x
	}
	a := device.LockedDropout{P: p, ID: mask, Chunk: chunk, First: first}
	rng, layer := b.RNG(), b.layer()
	return b.apply(op{
		name: "locked_dropout", attrs: a, shape: x.Shape(), wrt: []bool{true, false}, host: hostLocked(a),
		diff: func(_ gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "locked_dropout", attrs: a, shape: dy.Shape(), host: hostLocked(a)}, dy, rng), nil}, g.err
		},
	}, x, rng)
}

func hostLocked(a device.LockedDropout) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s, r := in[0].Shape(), in[1].Int64s()
		row := s[1] * s[2]
		mask := make([]float32, row)
		for _, c := range a.Spans(s[0]) {
			device.DropoutMask(mask, device.Dropout{P: a.P, ID: a.ID}, r[0], r[1], c[2]*device.MaskStride(row))
			for i := c[0] * row; i < c[1]*row; i++ {
				out[0].Float32s()[i] = in[0].Float32s()[i] * mask[i%row]
			}
		}
		return nil
	}
}

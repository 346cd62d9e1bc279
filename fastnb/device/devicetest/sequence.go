package devicetest

import (
	"fmt"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// sequenceCases are the ops of language models and text classifiers. Word numbers are those that execute
// gives an int64 input: 11 and on.
func sequenceCases(add func(name string, f func(b *pb) *graph.Node)) {
	for _, s := range []struct{ t, n, i, h, chunk int }{
		{5, 3, 7, 12, 0}, {9, 7, 20, 40, 4}, {3, 50, 16, 33, 0}, {1, 2, 5, 48, 0}, {11, 5, 24, 17, 5}, {4, 13, 64, 80, 2}, {3, 8, 12, 16, 2}, {2, 5, 8, 264, 0},
	} {
		for _, p := range []float32{0, .4} {
			add(fmt.Sprintf("lstm %+v p=%g", s, p), func(b *pb) *graph.Node {
				return lstm(b, b.param(s.t, s.n, s.i), s.h, p, s.chunk, s.n%2 == 1 || s.n == 8)
			})
		}
	}
	add("embedding", func(b *pb) *graph.Node {
		return b.Embedding(b.Input("ids", tensor.Int64, 4, 5), b.param(40, 9), graph.EmbeddingOptions{Pad: 13, P: .3, Mask: b.NewMask()})
	})
	add("embedding of a stretch", func(b *pb) *graph.Node {
		return b.Embedding(b.Input("ids", tensor.Int64, 3, 11), b.param(50, 16), graph.EmbeddingOptions{From: 4, To: 11, Chunk: 2, Pad: -1, P: .3, Mask: b.NewMask()})
	})
	add("locked dropout", func(b *pb) *graph.Node { return b.LockedDropout(b.param(7, 3, 9), .3, b.NewMask(), 3, 2) })
	for _, n := range []int{1, 3} {
		add(fmt.Sprint("activity ", n), func(b *pb) *graph.Node { return b.Activity(b.param(6, n, 10), 2, 1) })
	}
	add("masked pool", func(b *pb) *graph.Node {
		return b.MaskedPool(b.param(6, 3, 8), b.Input("ids", tensor.Int64, 3, 8), 2, 14)
	})
	for _, s := range []struct{ t, n, e, v int }{{3, 2, 8, 40}, {1, 1, 5, 17}, {9, 7, 33, 600}, {13, 70, 16, 950}, {2, 3, 400, 301}} {
		add(fmt.Sprintf("decoder %+v", s), func(b *pb) *graph.Node {
			out := dec(b, s.t, s.n, s.e, s.v, true)
			b.names = nil
			return out
		})
		add(fmt.Sprintf("decoder with its loss %+v", s), func(b *pb) *graph.Node {
			scores := dec(b, s.t, s.n, s.e, s.v, s.e != 33)
			return b.CrossEntropy(scores, b.Input("words", tensor.Int64, s.n, s.t))
		})
	}
	add("language model", languageModel)
}

// dec scores without a way back of its own: its parameters get derivatives by the loss only.
func dec(b *pb, t, n, e, v int, bias bool) *graph.Node {
	var x *graph.Node
	if bias {
		x = b.param(v)
	}
	h := b.param(t, n, e)
	return b.Decoder(h, b.param(v, e), x)
}

func lstm(b *pb, x *graph.Node, h int, p float32, chunk int, state bool) *graph.Node {
	s := b.Shape(x)
	ps := graph.LSTMParams{Wi: b.param(4*h, s[2]), Wh: b.param(4*h, h), Bi: b.param(4 * h), Bh: b.param(4 * h)}
	k := len(b.names)
	if state {
		ps.H0, ps.C0 = b.State(fmt.Sprint("h", k), s[1], h), b.State(fmt.Sprint("c", k), s[1], h)
	}
	y, hn, cn := b.LSTM(x, ps, graph.LSTMOptions{P: p, Mask: b.NewMask(), Chunk: chunk, First: 3, Grad: true})
	if state {
		b.SetState(ps.H0, hn)
		b.SetState(ps.C0, cn)
	}
	return y
}

// languageModel is two layers, tied weights and a state: views, steps in place and sums of derivatives.
func languageModel(b *pb) *graph.Node {
	const n, t, e, v = 4, 6, 12, 50
	w := b.param(v, e)
	x := b.Embedding(b.Input("ids", tensor.Int64, n, t), w, graph.EmbeddingOptions{Pad: 12, P: .2, Mask: b.NewMask()})
	x = b.LockedDropout(x, .3, b.NewMask(), 0, 0)
	x = b.LockedDropout(lstm(b, x, 20, .5, 0, true), .2, b.NewMask(), 0, 0)
	y := lstm(b, x, e, .5, 0, true)
	words := b.Input("words", tensor.Int64, n, t)
	loss := b.CrossEntropy(b.Decoder(b.LockedDropout(y, .1, b.NewMask(), 0, 0), w, b.param(v)), words)
	return b.Add(loss, b.Activity(y, 2, 1))
}

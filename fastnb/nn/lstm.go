package nn

import (
	"math"

	"github.com/fastnb/go/fastnb/graph"
)

// LSTM is one recurrent layer whose recurrent weights are dropped in training (weight dropout, Merity et
// al. 2017), with the parameters and names of fastai's WeightDropout around PyTorch's LSTM. Sequences are
// time-major on devices: [T, N, in] to [T, N, hidden].
type LSTM struct {
	In, Hidden int
	WeightP    float64 // probability that an element of the recurrent weights is dropped
	Whh        *Param  // weight_hh_l0_raw [4 hidden, hidden]
	Wih        *Param  // module.weight_ih_l0 [4 hidden, in]
	Bih, Bhh   *Param  // module.bias_ih_l0, module.bias_hh_l0 [4 hidden]
}

// NewLSTM makes a layer. It starts as PyTorch's does: uniform within 1/sqrt(hidden).
func NewLSTM(in, hidden int, weightP float64) *LSTM {
	p := func(leaf string, shape ...int) *Param {
		return &Param{Leaf: leaf, Shape: shape, Kind: Weight, Init: Uniform(1 / math.Sqrt(float64(hidden)))}
	}
	return &LSTM{
		In: in, Hidden: hidden, WeightP: weightP,
		Whh: p("weight_hh_l0_raw", 4*hidden, hidden), Wih: p("module.weight_ih_l0", 4*hidden, in),
		Bih: p("module.bias_ih_l0", 4*hidden), Bhh: p("module.bias_hh_l0", 4*hidden),
	}
}

// Params are the weights and biases. The biases count as weights: fastai lets them decay with these.
func (l *LSTM) Params() []*Param { return []*Param{l.Whh, l.Wih, l.Bih, l.Bhh} }

// Children is empty.
func (l *LSTM) Children() []Named { return nil }

// Forward runs the layer from a zero state.
func (l *LSTM) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	o := graph.LSTMOptions{P: float32(l.WeightP), Grad: true}
	if l.WeightP > 0 {
		o.Mask = b.NewMask()
	}
	y, _, _ := l.Run(b, x, nil, nil, o)
	return y
}

// Run runs the layer from the state h, c [N, hidden] (nil: zeros) and gives the outputs and the state
// after the last step.
func (l *LSTM) Run(b *graph.Builder, x, h, c *graph.Node, o graph.LSTMOptions) (y, hn, cn *graph.Node) {
	return b.LSTM(x, graph.LSTMParams{Wi: l.Wih.node(b), Wh: l.Whh.node(b), Bi: l.Bih.node(b), Bh: l.Bhh.node(b), H0: h, C0: c}, o)
}

// Embedding is a table of word vectors.
type Embedding struct {
	leaf
	Words, Size int
	Pad         int // the word whose vector starts at zero and is not looked up in training
	DropP       float64
	Weight      *Param // [words, size]
}

// NewEmbedding makes a table of vectors uniform within 0.1, that of pad zero; dropP is the probability
// that a word is dropped from a whole batch in training.
func NewEmbedding(words, size, pad int, dropP float64) *Embedding {
	e := &Embedding{Words: words, Size: size, Pad: pad, DropP: dropP}
	e.Weight = &Param{Leaf: "weight", Shape: []int{words, size}, Kind: Weight, Init: func(rng *RNG, dst []float32) {
		Uniform(.1)(rng, dst)
		if pad >= 0 && pad < words {
			clear(dst[pad*size : (pad+1)*size])
		}
	}}
	return e
}

// Params is the table.
func (e *Embedding) Params() []*Param { return []*Param{e.Weight} }

// Forward looks up ids int64 [N, T]: [T, N, size].
func (e *Embedding) Forward(b *graph.Builder, ids *graph.Node) *graph.Node {
	return e.Lookup(b, ids, graph.EmbeddingOptions{})
}

// Lookup is Forward for a stretch of words; pad and dropout are the table's own.
func (e *Embedding) Lookup(b *graph.Builder, ids *graph.Node, o graph.EmbeddingOptions) *graph.Node {
	o.Pad, o.P = e.Pad, float32(e.DropP)
	if o.P > 0 && o.Mask == 0 {
		o.Mask = b.NewMask()
	}
	return b.Embedding(ids, e.Weight.node(b), o)
}

// Decoder scores the words of a vocabulary: [T, N, size] to [N, T, words]. Tied to an Embedding, it has
// no weights of its own but a bias.
type Decoder struct {
	leaf
	Tied         *Embedding // whose table it uses; nil: its own
	Weight, Bias *Param     // [words, size], [words]
}

// NewDecoder makes a decoder that shares e's table; its bias starts at 0.
func NewDecoder(e *Embedding) *Decoder {
	return &Decoder{Tied: e, Bias: &Param{Leaf: "bias", Shape: []int{e.Words}, Kind: Weight, Init: Zeros}}
}

// NewFreeDecoder makes a decoder with a table of its own, uniform within 0.1.
func NewFreeDecoder(words, size int) *Decoder {
	return &Decoder{
		Weight: &Param{Leaf: "weight", Shape: []int{words, size}, Kind: Weight, Init: Uniform(.1)},
		Bias:   &Param{Leaf: "bias", Shape: []int{words}, Kind: Weight, Init: Zeros},
	}
}

// Params are the parameters that belong to the decoder alone.
func (d *Decoder) Params() []*Param {
	var out []*Param
	for _, p := range []*Param{d.Weight, d.Bias} {
		if p != nil {
			out = append(out, p)
		}
	}
	return out
}

// Forward scores.
func (d *Decoder) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	w := d.Weight
	if d.Tied != nil {
		w = d.Tied.Weight
	}
	var bias *graph.Node
	if d.Bias != nil {
		bias = d.Bias.node(b)
	}
	return b.Decoder(x, w.node(b), bias)
}

// Regularised is a model that adds to what training minimises. The reported loss is without it.
type Regularised interface {
	// Penalty is the scalar to add, of the forward pass that was just built, or nil.
	Penalty(b *graph.Builder) *graph.Node
}

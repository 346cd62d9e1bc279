package models

import (
	"fmt"
	"strconv"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
)

// TextArch is an architecture for texts.
type TextArch struct{ Name string }

// String is the architecture's name.
func (a TextArch) String() string { return a.Name }

// AWDLSTM is the three-layer LSTM with dropout in five places of Merity et al. 2017.
var AWDLSTM = TextArch{"AWD_LSTM"}

// AWDConfig describes an AWD-LSTM with the names of fastai's awd_lstm_lm_config and awd_lstm_clas_config.
type AWDConfig struct {
	EmbSz   int `json:"emb_sz"`   // length of a word vector
	NHid    int `json:"n_hid"`    // units of all layers but the last, which has EmbSz
	NLayers int `json:"n_layers"` //
	Pad     int `json:"pad_token"`

	InputP  float64 `json:"input_p"`  // features of the word vectors, locked over time
	HiddenP float64 `json:"hidden_p"` // features between layers, locked over time
	EmbedP  float64 `json:"embed_p"`  // whole words
	WeightP float64 `json:"weight_p"` // recurrent weights
	OutputP float64 `json:"output_p"` // before the decoder, or the first layer of the head

	TieWeights bool `json:"tie_weights"` // language model: the decoder shares the table of words
	OutBias    bool `json:"out_bias"`    // language model: the decoder has a bias
}

// LMConfig is the configuration of language models.
func LMConfig() AWDConfig {
	return AWDConfig{
		EmbSz: 400, NHid: 1152, NLayers: 3, Pad: 1,
		InputP: .25, HiddenP: .15, EmbedP: .02, WeightP: .2, OutputP: .1, TieWeights: true, OutBias: true,
	}
}

// ClasConfig is the configuration of text classifiers.
func ClasConfig() AWDConfig {
	return AWDConfig{EmbSz: 400, NHid: 1152, NLayers: 3, Pad: 1, InputP: .4, HiddenP: .3, EmbedP: .05, WeightP: .5, OutputP: .4}
}

// DropMult is the configuration with all its dropouts multiplied.
func (c AWDConfig) DropMult(m float64) AWDConfig {
	for _, p := range []*float64{&c.InputP, &c.HiddenP, &c.EmbedP, &c.WeightP, &c.OutputP} {
		*p *= m
	}
	return c
}

func (c AWDConfig) check(words int) error {
	switch {
	case words < 1 || c.EmbSz < 1 || c.NHid < 1 || c.NLayers < 1:
		return fmt.Errorf("fastnb: models: AWD-LSTM: %d words, emb_sz %d, n_hid %d, n_layers %d: each must be positive", words, c.EmbSz, c.NHid, c.NLayers)
	case words > maxSize || c.EmbSz > maxSize || c.NHid > maxSize/4 || c.NLayers > maxLayers:
		return fmt.Errorf("fastnb: models: AWD-LSTM: %d words, emb_sz %d, n_hid %d, n_layers %d: no network is that large", words, c.EmbSz, c.NHid, c.NLayers)
	}
	for _, p := range []float64{c.InputP, c.HiddenP, c.EmbedP, c.WeightP, c.OutputP} {
		if !(p >= 0 && p < 1) {
			return fmt.Errorf("fastnb: models: AWD-LSTM: dropout %g is not in [0, 1) (try a smaller DropMult)", p)
		}
	}
	return nil
}

// AWDEncoder turns word numbers int64 [N, T] into outputs [T, N, EmbSz].
type AWDEncoder struct {
	Config  AWDConfig
	Encoder *nn.Embedding
	RNNs    []*nn.LSTM
}

func newEncoder(words int, c AWDConfig) *AWDEncoder {
	e := &AWDEncoder{Config: c, Encoder: nn.NewEmbedding(words, c.EmbSz, c.Pad, c.EmbedP)}
	for l := range c.NLayers {
		in, out := c.NHid, c.NHid
		if l == 0 {
			in = c.EmbSz
		}
		if l == c.NLayers-1 {
			out = c.EmbSz
		}
		e.RNNs = append(e.RNNs, nn.NewLSTM(in, out, c.WeightP))
	}
	return e
}

// Params is empty.
func (e *AWDEncoder) Params() []*nn.Param { return nil }

// Children are the table of words and the layers.
func (e *AWDEncoder) Children() []nn.Named {
	out := []nn.Named{{Name: "encoder", Layer: e.Encoder}}
	for l, r := range e.RNNs {
		out = append(out, nn.Named{Name: "rnns." + strconv.Itoa(l), Layer: r})
	}
	return out
}

// Forward runs with a state that is kept from batch to batch, as a language model does.
func (e *AWDEncoder) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	if len(x.Shape()) != 2 {
		return b.Failf("word numbers are %v, want [N, T]", x.Shape())
	}
	st := make([]hidden, len(e.RNNs))
	for l, r := range e.RNNs {
		name := "rnns." + strconv.Itoa(l)
		n := x.Shape()[0]
		st[l] = hidden{b.State(name+".h", n, r.Hidden), b.State(name+".c", n, r.Hidden)}
	}
	y, next := e.run(b, x, e.masks(b), span{to: x.Shape()[1], grad: true}, st)
	for l := range st {
		b.SetState(st[l].h, next[l].h)
		b.SetState(st[l].c, next[l].c)
	}
	return y
}

// hidden is a layer's state.
type hidden struct{ h, c *graph.Node }

// masks number the dropout masks of an encoder.
type masks struct{ embed, input, hidden, weight int }

// masks takes numbers for all masks; hidden and weight are those of the first layer, others follow by 2.
func (e *AWDEncoder) masks(b *graph.Builder) masks {
	m := masks{embed: b.NewMask(), input: b.NewMask()}
	for l := range e.RNNs {
		w, h := b.NewMask(), b.NewMask()
		if l == 0 {
			m.weight, m.hidden = w, h
		}
	}
	return m
}

// span is a stretch of the words of a batch.
type span struct {
	from, to int
	chunk    int // words after which gradients are cut and masks drawn anew; 0: never
	grad     bool
}

// run encodes a stretch of words from a state (nil: zeros) and gives the last layer's outputs and the
// state behind it.
func (e *AWDEncoder) run(b *graph.Builder, ids *graph.Node, m masks, s span, st []hidden) (*graph.Node, []hidden) {
	first := 0
	if s.chunk > 0 {
		first = s.from / s.chunk
	}
	b.Push("encoder")
	x := e.Encoder.Lookup(b, ids, graph.EmbeddingOptions{From: s.from, To: s.to, Chunk: s.chunk, Mask: m.embed})
	x = b.LockedDropout(x, float32(e.Config.InputP), m.input, s.chunk, first)
	b.Pop()
	var next []hidden
	for l, r := range e.RNNs {
		b.Push("rnns." + strconv.Itoa(l))
		var in hidden
		if st != nil {
			in = st[l]
		}
		y, h, c := r.Run(b, x, in.h, in.c, graph.LSTMOptions{P: float32(r.WeightP), Mask: m.weight + 2*l, Chunk: s.chunk, First: first, Grad: s.grad})
		next = append(next, hidden{h, c})
		if x = y; l < len(e.RNNs)-1 {
			x = b.LockedDropout(y, float32(e.Config.HiddenP), m.hidden+2*l, s.chunk, first)
		}
		b.Pop()
	}
	return x, next
}

// Regularisation are the factors of what training adds to the loss of a text model.
type Regularisation struct {
	Alpha float64 // of the mean square of the encoder's outputs (AR)
	Beta  float64 // of the mean square of their changes from word to word (TAR)
}

// penalty is the regularisation of outputs y, nil without any.
func (r Regularisation) penalty(b *graph.Builder, y *graph.Node) *graph.Node {
	if r.Alpha == 0 && r.Beta == 0 {
		return nil
	}
	return b.Activity(y, float32(r.Alpha), float32(r.Beta))
}

// LanguageModel predicts the word behind each word: int64 [N, T] to scores [N, T, V]. Its hidden state
// goes on from batch to batch.
type LanguageModel struct {
	Encoder *AWDEncoder
	Decoder *nn.Decoder
	Regularisation

	raw *graph.Node // the encoder's outputs in the pass built last
}

// NewLanguageModel makes a language model of so many words with start values from rng.
func NewLanguageModel(words int, c AWDConfig, rng *nn.RNG) (*LanguageModel, error) {
	if err := c.check(words); err != nil {
		return nil, err
	}
	m := &LanguageModel{Encoder: newEncoder(words, c), Regularisation: Regularisation{2, 1}}
	m.Decoder = nn.NewDecoder(m.Encoder.Encoder)
	if !c.TieWeights {
		m.Decoder = nn.NewFreeDecoder(words, c.EmbSz)
	}
	if !c.OutBias {
		m.Decoder.Bias = nil
	}
	nn.NamePaths(m, "")
	nn.InitParams(m, rng)
	return m, nil
}

// Params is empty.
func (m *LanguageModel) Params() []*nn.Param { return nil }

// Children are "0", the encoder, and "1", around the decoder.
func (m *LanguageModel) Children() []nn.Named {
	return []nn.Named{{Name: "0", Layer: m.Encoder}, {Name: "1.decoder", Layer: m.Decoder}}
}

// Forward scores.
func (m *LanguageModel) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	b.Push("0")
	m.raw = m.Encoder.Forward(b, x)
	b.Pop()
	if b.Err() != nil {
		return m.raw
	}
	b.Push("1")
	defer b.Pop()
	y := b.LockedDropout(m.raw, float32(m.Encoder.Config.OutputP), b.NewMask(), 0, 0)
	return m.Decoder.Forward(b, y)
}

// Penalty is the regularisation of the encoder's outputs.
func (m *LanguageModel) Penalty(b *graph.Builder) *graph.Node { return m.penalty(b, m.raw) }

// Groups are the layer groups: each recurrent layer, then the table of words with the decoder, which
// trains even when the rest is frozen.
func (m *LanguageModel) Groups() [][]*nn.Param {
	var out [][]*nn.Param
	for _, r := range m.Encoder.RNNs {
		out = append(out, r.Params())
	}
	return append(out, append(m.Encoder.Encoder.Params(), m.Decoder.Params()...))
}

// String is the network and what is in it, as nn.Describe writes it.
func (m *LanguageModel) String() string { return nn.Describe(m) }

package models

import (
	"fmt"
	"strconv"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
)

// TextHead says how texts are cut for a classifier and what its head looks like.
type TextHead struct {
	BPTT    int       `json:"bptt"`     // words after which gradients are cut
	MaxLen  int       `json:"max_len"`  // words at the end of a text whose outputs are pooled
	LinFtrs []int     `json:"lin_ftrs"` // sizes between the linear layers; nil: 50
	PS      []float64 `json:"ps"`       // dropout before the linear layers but the first, whose is the configuration's OutputP; nil: 0.1
}

// TextClassifier scores classes of texts: int64 [N, T], padded in front, to [N, classes]. It reads a batch
// from a zero state in pieces of BPTT words, over whose borders no gradient goes; of long texts only the
// end is pooled.
type TextClassifier struct {
	Encoder *AWDEncoder
	Head    *nn.Sequential
	BPTT    int
	MaxLen  int
	Regularisation

	raw *graph.Node
}

// NewTextClassifier makes a classifier for a vocabulary of so many words with start values from rng.
func NewTextClassifier(words, classes int, c AWDConfig, h TextHead, rng *nn.RNG) (*TextClassifier, error) {
	if err := c.check(words); err != nil {
		return nil, err
	}
	if h.BPTT < 1 || h.MaxLen < 1 || classes < 1 {
		return nil, fmt.Errorf("fastnb: models: text classifier: %d classes, bptt %d, max_len %d: each must be positive", classes, h.BPTT, h.MaxLen)
	}
	if h.LinFtrs == nil {
		h.LinFtrs = []int{50}
	}
	if h.PS == nil {
		for range h.LinFtrs {
			h.PS = append(h.PS, .1)
		}
	}
	sizes := append(append([]int{3 * c.EmbSz}, h.LinFtrs...), classes)
	if err := checkSizes(sizes); err != nil {
		return nil, fmt.Errorf("fastnb: models: text classifier: %w", err)
	}
	ps := append([]float64{c.OutputP}, h.PS...)
	if err := checkDropouts(ps); err != nil {
		return nil, fmt.Errorf("fastnb: models: text classifier: %w", err)
	}
	if len(ps) != len(sizes)-1 {
		return nil, fmt.Errorf("fastnb: models: text classifier: %d dropouts for %d inner sizes (give one for each)", len(h.PS), len(h.LinFtrs))
	}
	m := &TextClassifier{Encoder: newEncoder(words, c), Head: nn.NewSequential(), BPTT: h.BPTT, MaxLen: h.MaxLen, Regularisation: Regularisation{2, 1}}
	for i, p := range ps {
		m.Head.Layers = append(m.Head.Layers, nn.NewBatchNorm(sizes[i]))
		if p != 0 {
			m.Head.Layers = append(m.Head.Layers, nn.NewDropout(p))
		}
		m.Head.Layers = append(m.Head.Layers, nn.NewLinear(sizes[i], sizes[i+1]))
		if i < len(ps)-1 {
			m.Head.Layers = append(m.Head.Layers, nn.NewReLU())
		}
	}
	nn.NamePaths(m, "")
	nn.InitParams(m, rng)
	return m, nil
}

// Params is empty.
func (m *TextClassifier) Params() []*nn.Param { return nil }

// Children are "0.module", the encoder, and "1.layers", the head.
func (m *TextClassifier) Children() []nn.Named {
	return []nn.Named{{Name: "0.module", Layer: m.Encoder}, {Name: "1.layers", Layer: m.Head}}
}

// Forward scores.
func (m *TextClassifier) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	if len(x.Shape()) != 2 {
		return b.Failf("word numbers are %v, want [N, T]", x.Shape())
	}
	t := x.Shape()[1]
	// Pieces that begin at or before t-MaxLen are read for their state alone.
	kept := 0
	if t >= m.MaxLen {
		kept = ((t-m.MaxLen)/m.BPTT + 1) * m.BPTT
	}
	kept = min(kept, (t-1)/m.BPTT*m.BPTT)
	b.Push("0.module")
	ms := m.Encoder.masks(b)
	var st []hidden
	if kept > 0 {
		_, st = m.Encoder.run(b, x, ms, span{to: kept, chunk: m.BPTT}, nil)
	}
	m.raw, _ = m.Encoder.run(b, x, ms, span{from: kept, to: t, chunk: m.BPTT, grad: true}, st)
	b.Pop()
	if b.Err() != nil {
		return m.raw
	}
	b.Push("1.layers")
	defer b.Pop()
	return m.Head.Forward(b, b.MaskedPool(m.raw, x, kept, m.Encoder.Config.Pad))
}

// Penalty is the regularisation of the encoder's outputs.
func (m *TextClassifier) Penalty(b *graph.Builder) *graph.Node { return m.penalty(b, m.raw) }

// Groups are the layer groups: the table of words, each recurrent layer, the head.
func (m *TextClassifier) Groups() [][]*nn.Param {
	out := [][]*nn.Param{m.Encoder.Encoder.Params()}
	for _, r := range m.Encoder.RNNs {
		out = append(out, r.Params())
	}
	return append(out, nn.AllParams(m.Head))
}

// EncoderParams are the encoder's parameters by their names within it: "rnns.0.weight_hh_l0_raw".
func EncoderParams(e *AWDEncoder) map[string]*nn.Param {
	out := map[string]*nn.Param{"encoder.weight": e.Encoder.Weight}
	for l, r := range e.RNNs {
		for _, p := range r.Params() {
			out["rnns."+strconv.Itoa(l)+"."+p.Leaf] = p
		}
	}
	return out
}

// String is the network and what is in it, as nn.Describe writes it.
func (m *TextClassifier) String() string { return nn.Describe(m) }

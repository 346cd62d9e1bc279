package nn

import (
	"strconv"

	"github.com/fastnb/go/fastnb/graph"
)

// SequentialEx runs layers one after the other; a MergeLayer among them also sees what the SequentialEx
// was given.
type SequentialEx struct{ Layers []Layer }

// NewSequentialEx makes a SequentialEx; its children are named "layers.0", "layers.1", ...
func NewSequentialEx(layers ...Layer) *SequentialEx { return &SequentialEx{layers} }

// Params is empty: a SequentialEx has only its children's.
func (s *SequentialEx) Params() []*Param { return nil }

// Children are the layers.
func (s *SequentialEx) Children() []Named {
	out := make([]Named, len(s.Layers))
	for i, l := range s.Layers {
		out[i] = Named{"layers." + strconv.Itoa(i), l}
	}
	return out
}

// Forward runs the layers.
func (s *SequentialEx) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	orig := x
	for i, l := range s.Layers {
		b.Push(strconv.Itoa(i))
		if m, ok := l.(*MergeLayer); ok {
			x = m.Merge(b, x, orig)
		} else {
			x = l.Forward(b, x)
		}
		b.Pop()
	}
	return x
}

// MergeLayer joins the input of its SequentialEx to its own: by addition, or channel after channel.
type MergeLayer struct {
	plain
	Dense bool
}

// NewMergeLayer makes a MergeLayer that adds, or with dense appends the channels.
func NewMergeLayer(dense bool) *MergeLayer { return &MergeLayer{Dense: dense} }

// Merge joins orig to x.
func (m *MergeLayer) Merge(b *graph.Builder, x, orig *graph.Node) *graph.Node {
	if m.Dense {
		return b.Concat(x, orig)
	}
	return b.Add(x, orig)
}

// Forward merges x with itself: what a MergeLayer outside a SequentialEx sees.
func (m *MergeLayer) Forward(b *graph.Builder, x *graph.Node) *graph.Node { return m.Merge(b, x, x) }

// NewResBlock makes fastai's res_block of two 3x3 convolutions whose result is added to the input;
// with bottle the channels are halved between them.
func NewResBlock(channels int, bottle bool, t NormType) *SequentialEx {
	inner := channels
	if bottle {
		inner /= 2
	}
	o := ConvLayerOptions{Norm: t}
	return NewSequentialEx(NewConvLayer(channels, inner, 3, o), NewConvLayer(inner, channels, 3, o), NewMergeLayer(false))
}

package nn

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
)

// PooledSelfAttention2d is a SelfAttention that costs a quarter: keys and values are pooled to half the
// height and width, and the values, half as many as there are channels, are mixed once more behind
// (Brock et al. 2018, arXiv:1809.11096; fastai layers.py). Height and width must be even.
type PooledSelfAttention2d struct {
	Gamma            *Param     // [1], 0 at first
	theta, phi, g, o *pointwise // query, key, value, output
}

// NewPooledSelfAttention2d makes one over maps of so many channels.
func NewPooledSelfAttention2d(channels int) *PooledSelfAttention2d {
	small, half := max(channels/8, 1), max(channels/2, 1)
	return &PooledSelfAttention2d{
		Gamma: &Param{Leaf: "gamma", Shape: []int{1}, Kind: Weight, Init: Zeros},
		theta: newPointwise2D(channels, small), phi: newPointwise2D(channels, small),
		g: newPointwise2D(channels, half), o: newPointwise2D(half, channels),
	}
}

// Params are the factor.
func (s *PooledSelfAttention2d) Params() []*Param { return []*Param{s.Gamma} }

// Children are query, key, value and output, by PyTorch's names.
func (s *PooledSelfAttention2d) Children() []Named {
	return []Named{{"theta", s.theta}, {"phi", s.phi}, {"g", s.g}, {"o", s.o}}
}

// Forward looks around: [N, C, H, W] to the same.
func (s *PooledSelfAttention2d) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	if b.Err() != nil || x == nil || len(x.Shape()) != 4 {
		return b.Failf("pooled self-attention: input is missing or no map")
	}
	size := b.Shape(x)
	n, h, w, c := size[0], size[1], size[2], size[3]
	if h%2 != 0 || w%2 != 0 {
		return b.Failf("pooled self-attention: a map of %dx%d (want even numbers)", h, w)
	}
	of := func(name string, p *pointwise, x *graph.Node, rows int) *graph.Node {
		b.Push(name)
		defer b.Pop()
		s := b.Shape(x)
		return p.Forward(b, b.Reshape(x, rows, s[len(s)-1]))
	}
	pooled := func(name string, p *pointwise) *graph.Node {
		channels := p.weight.orig.Shape[0]
		maps := b.AsMap(of(name, p, x, n*h*w), n, h, w, channels)
		maps = b.MaxPool2D(maps, device.Pool{Size: [2]int{2, 2}, Stride: [2]int{2, 2}})
		return b.Reshape(maps, n, h*w/4, channels)
	}
	query := b.Reshape(of("theta", s.theta, x, n*h*w), n, h*w, s.theta.weight.orig.Shape[0])
	// Row i holds how much pixel i takes of each pooled one.
	look := b.Softmax(b.BatchMatMul(query, pooled("phi", s.phi), true))
	out := of("o", s.o, b.BatchMatMul(look, pooled("g", s.g), false), n*h*w)
	return b.Add(b.Scale(b.AsMap(out, n, h, w, c), s.Gamma.node(b)), x)
}

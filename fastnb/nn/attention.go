package nn

import (
	"math"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// spectral is a weight that its largest singular value divides, and the vectors that find that value.
type spectral struct{ orig, u, v *Param }

func newSpectral(w *Param) *spectral {
	w.Leaf = "weight_orig"
	unit := func(leaf string, n int) *Param {
		return &Param{Leaf: leaf, Shape: []int{n}, Kind: Buffer, Init: func(rng *RNG, dst []float32) {
			Normal(1)(rng, dst)
			var s float64
			for _, v := range dst {
				s += float64(v) * float64(v)
			}
			for i := range dst {
				dst[i] /= float32(math.Sqrt(s))
			}
		}}
	}
	return &spectral{w, unit("weight_u", w.Shape[0]), unit("weight_v", tensor.Count(w.Shape[1:]))}
}

func (s *spectral) params() []*Param { return []*Param{s.orig, s.u, s.v} }

func (s *spectral) node(b *graph.Builder) *graph.Node {
	return b.SpectralNorm(s.orig.node(b), s.u.node(b), s.v.node(b))
}

// SelfAttention lets each pixel look at all others (Zhang et al. 2018): x + Gamma times the values of
// the pixels, weighed by how their keys agree with the queries. Gamma starts at 0.
type SelfAttention struct {
	Gamma             *Param     // [1]
	query, key, value *pointwise // to an eighth of the channels, the same, and as many
}

// NewSelfAttention makes a SelfAttention over maps of so many channels.
func NewSelfAttention(channels int) *SelfAttention {
	small := max(channels/8, 1)
	return &SelfAttention{
		Gamma: &Param{Leaf: "gamma", Shape: []int{1}, Kind: Weight, Init: Zeros},
		query: newPointwise(channels, small), key: newPointwise(channels, small), value: newPointwise(channels, channels),
	}
}

// Params are the factor.
func (s *SelfAttention) Params() []*Param { return []*Param{s.Gamma} }

// Children are query, key and value.
func (s *SelfAttention) Children() []Named {
	return []Named{{"query", s.query}, {"key", s.key}, {"value", s.value}}
}

// Forward looks around: [N, C, H, W] to the same.
func (s *SelfAttention) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	if b.Err() != nil || x == nil || len(x.Shape()) != 4 {
		return b.Failf("self-attention: input is missing or no map")
	}
	size := b.Shape(x)
	n, pixels, c := size[0], size[1]*size[2], size[3]
	flat := b.Reshape(x, n*pixels, c)
	part := func(name string, p *pointwise, channels int) *graph.Node {
		b.Push(name)
		defer b.Pop()
		return b.Reshape(p.Forward(b, flat), n, pixels, channels)
	}
	small := s.query.weight.orig.Shape[0]
	q, k, v := part("query", s.query, small), part("key", s.key, small), part("value", s.value, c)
	// Row j holds how much pixel j takes of each pixel.
	look := b.Softmax(b.BatchMatMul(k, q, true))
	out := b.AsMap(b.BatchMatMul(look, v, false), n, size[1], size[2], c)
	return b.Add(b.Scale(out, s.Gamma.node(b)), x)
}

// pointwise is a convolution over a row of pixels with a kernel of 1, without bias, under spectral
// norm: [N, in] to [N, out].
type pointwise struct {
	leaf
	weight *spectral
}

func newPointwise(in, out int) *pointwise {
	return &pointwise{weight: newSpectral(&Param{Shape: []int{out, in, 1}, Kind: Weight, Init: KaimingNormal(in)})}
}

// newPointwise2D is a pointwise whose weight has the shape of a convolution's over pictures.
func newPointwise2D(in, out int) *pointwise {
	return &pointwise{weight: newSpectral(&Param{Shape: []int{out, in, 1, 1}, Layout: device.Picture, Kind: Weight, Init: KaimingNormal(in)})}
}

// Params are the weight and the vectors of its norm.
func (p *pointwise) Params() []*Param { return p.weight.params() }

// Forward mixes the channels of each pixel.
func (p *pointwise) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	s := p.weight.orig.Shape
	return b.Linear(x, b.Reshape(p.weight.node(b), s[0], s[1]), nil)
}

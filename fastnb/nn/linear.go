package nn

import "github.com/fastnb/go/fastnb/graph"

// Linear maps [N, in] to [N, out]: x w' + b.
type Linear struct {
	leaf
	Weight, Bias *Param // [out, in], [out]
}

// NewLinear makes a linear layer. It starts as PyTorch's does: uniform within 1/sqrt(in).
func NewLinear(in, out int) *Linear {
	return &Linear{
		Weight: &Param{Leaf: "weight", Shape: []int{out, in}, Kind: Weight, Init: torchDefault(in)},
		Bias:   &Param{Leaf: "bias", Shape: []int{out}, Kind: Bias, Init: torchDefault(in)},
	}
}

// Params are weight and bias.
func (l *Linear) Params() []*Param { return []*Param{l.Weight, l.Bias} }

// Forward multiplies.
func (l *Linear) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	return b.Linear(x, l.Weight.node(b), l.Bias.node(b))
}

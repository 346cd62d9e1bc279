package nn

import "github.com/fastnb/go/fastnb/graph"

// BatchNorm normalises each channel over the batch (and the map, for pictures), with scale and
// shift; it serves as PyTorch's BatchNorm1d and 2d. In evaluation it uses its running statistics.
type BatchNorm struct {
	leaf
	Weight, Bias, Mean, Var *Param // [C]
	Eps, Momentum           float32
}

// NewBatchNorm makes a batch norm over channels: scale 1, shift 0, eps 1e-5, momentum 0.1.
func NewBatchNorm(channels int) *BatchNorm {
	p := func(leaf string, k Kind, init Initialiser) *Param {
		return &Param{Leaf: leaf, Shape: []int{channels}, Kind: k, Init: init}
	}
	return &BatchNorm{
		Weight: p("weight", NormWeight, Ones), Bias: p("bias", NormBias, Zeros),
		Mean: p("running_mean", RunningMean, Zeros), Var: p("running_var", RunningVar, Ones),
		Eps: 1e-5, Momentum: 0.1,
	}
}

// Params are scale, shift and the running statistics.
func (n *BatchNorm) Params() []*Param { return []*Param{n.Weight, n.Bias, n.Mean, n.Var} }

// Forward normalises.
func (n *BatchNorm) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	return n.ForwardFused(b, x, false, nil)
}

// ForwardFused normalises, adds res (nil for none) and clips at 0 if relu, in one op.
func (n *BatchNorm) ForwardFused(b *graph.Builder, x *graph.Node, relu bool, res *graph.Node) *graph.Node {
	return b.BatchNorm(x, graph.BNParams{Gamma: n.Weight.node(b), Beta: n.Bias.node(b), Mean: n.Mean.node(b), Var: n.Var.node(b)},
		graph.BNOptions{Eps: n.Eps, Momentum: n.Momentum, ReLU: relu, Res: res, Frozen: b.NormFrozen(n.Weight.Name)})
}

package nn

import (
	"strconv"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// Layer is a part of a model. Leaf layers have parameters and no children; containers the reverse.
type Layer interface {
	// Forward adds the layer's computation on x to the graph.
	Forward(b *graph.Builder, x *graph.Node) *graph.Node
	// Params are the layer's own parameters, in state_dict order.
	Params() []*Param
	// Children are the layers inside, in order.
	Children() []Named
}

// Named is a child layer and its name in the parent.
type Named struct {
	Name  string
	Layer Layer
}

// Kind says what a parameter is.
type Kind uint8

// The kinds of parameter. Running statistics and buffers are state, not trained.
const (
	Weight Kind = iota
	Bias
	NormWeight
	NormBias
	RunningMean
	RunningVar
	Buffer // state of a layer that is no normalisation's
)

// Trainable reports whether optimizers may change parameters of this kind.
func (k Kind) Trainable() bool { return k <= NormBias }

// Norm reports whether the parameter belongs to a normalisation layer.
func (k Kind) Norm() bool { return k >= NormWeight && k <= RunningVar }

// Param is an array of a layer, trained or running.
type Param struct {
	Leaf  string // its name in the layer: "weight"
	Name  string // its path in the model, set by NamePaths: "0.4.0.conv1.weight"
	Shape []int  // PyTorch's: convolution weights are [O, C, KH, KW]
	// Layout is how it lies on devices: device.Picture for a convolution's weight, which is [O, KH, KW, C] there.
	Layout device.Layout
	Kind   Kind                          // what it is
	Init   func(rng *RNG, dst []float32) // fills a fresh one
	Value  *tensor.Tensor                // the start value on the host, in Shape; set by InitParams or a checkpoint, nil once an engine has it
	// Home is where the value is when Value is nil: the engine's affair.
	Home any
}

// DeviceShape is the shape on devices: convolution weights live as [O, KH, KW, C].
func (p *Param) DeviceShape() []int { return p.Layout.Device(p.Shape) }

// node is the parameter's leaf in a graph.
func (p *Param) node(b *graph.Builder) *graph.Node {
	if p.Name == "" {
		return b.Failf("parameter %q has no path yet (call nn.NamePaths on the model)", p.Leaf)
	}
	return b.ParamAs(p.Layout, p.Name, p.DeviceShape()...)
}

// NamePaths sets the names of all parameters below root as PyTorch's state_dict has them, each with
// prefix in front.
func NamePaths(root Layer, prefix string) {
	for _, p := range root.Params() {
		p.Name = prefix + p.Leaf
	}
	for _, c := range root.Children() {
		NamePaths(c.Layer, prefix+c.Name+".")
	}
}

// AllParams lists the parameters of l and of all layers inside, in state_dict order.
func AllParams(l Layer) []*Param {
	out := append([]*Param{}, l.Params()...)
	for _, c := range l.Children() {
		out = append(out, AllParams(c.Layer)...)
	}
	return out
}

// InitParams draws start values for all parameters of l that have none, neither here nor on a device. With a nil
// rng it draws nothing: then the values come from a file, whose shapes are compared with the model's before
// memory is taken.
func InitParams(l Layer, rng *RNG) {
	if rng == nil {
		return
	}
	for _, p := range AllParams(l) {
		if p.Value == nil && p.Home == nil {
			p.Value = tensor.New(tensor.Float32, p.Shape...)
			p.Init(rng, p.Value.Float32s())
		}
	}
}

// leaf is embedded by layers without children, plain by those without parameters too.
type leaf struct{}

// Children is empty.
func (leaf) Children() []Named { return nil }

type plain struct{ leaf }

// Params is empty.
func (plain) Params() []*Param { return nil }

// Sequential runs layers one after the other.
type Sequential struct{ Layers []Layer }

// NewSequential makes a Sequential; its children are named "0", "1", ...
func NewSequential(layers ...Layer) *Sequential { return &Sequential{layers} }

// Params is empty: a Sequential has only its children's.
func (s *Sequential) Params() []*Param { return nil }

// Children are the layers.
func (s *Sequential) Children() []Named {
	out := make([]Named, len(s.Layers))
	for i, l := range s.Layers {
		out[i] = Named{strconv.Itoa(i), l}
	}
	return out
}

// Forward runs the layers. A batch norm or a convolution followed by a ReLU becomes one op with it,
// with the same numbers.
func (s *Sequential) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	for i := 0; i < len(s.Layers); {
		var k int
		x, k = s.step(b, x, i)
		i += k
	}
	return x
}

// Taps runs the layers and gives the output of each. Layers that become one op share its output.
func (s *Sequential) Taps(b *graph.Builder, x *graph.Node) []*graph.Node {
	var out []*graph.Node
	for len(out) < len(s.Layers) {
		var k int
		x, k = s.step(b, x, len(out))
		for range k {
			out = append(out, x)
		}
	}
	return out
}

// step runs layer i, with the one behind it if they become one op, and says how many it ran.
func (s *Sequential) step(b *graph.Builder, x *graph.Node, i int) (*graph.Node, int) {
	b.Push(strconv.Itoa(i))
	defer b.Pop()
	if i+1 < len(s.Layers) {
		if _, relu := s.Layers[i+1].(*ReLU); relu {
			switch l := s.Layers[i].(type) {
			case *BatchNorm:
				return l.ForwardFused(b, x, true, nil), 2
			case *Conv2D:
				return l.ForwardFused(b, x, true), 2
			}
		}
	}
	return s.Layers[i].Forward(b, x), 1
}

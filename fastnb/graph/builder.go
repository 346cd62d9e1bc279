package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"
	gtensor "gorgonia.org/tensor"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Node is a value of the graph. Its shape is the device's: activations are [N, H, W, C].
type Node = gorgonia.Node

// Builder builds the graph of one model for one batch shape, in training or evaluation mode.
// Shape mistakes do not panic: the builder keeps the first one, with the path of the layer that
// made it, hands out dummies from then on, and tells at Lower (or Err), so that the code of a layer
// reads as mathematics.
type Builder struct {
	g         *gorgonia.ExprGraph
	train     bool
	path      []string
	err       error
	inputs    []*leaf
	params    []*leaf
	byName    map[string]*leaf
	leafOf    map[*Node]*leaf
	rng       *leaf
	dropouts  int
	updates   []update
	states    []*state
	wantGrads bool
	decoders  map[*Node][]*Node // inputs of each Decoder, by its result
	shown     map[*Node]*Node
	dummy     *Node
	made      []made
	frozen    map[string]bool // batch norms by the name of their scale
	drop      bool            // in evaluation too
}

// made is a node that a layer made.
type made struct {
	layer string
	node  *Node
}

type leaf struct {
	role   device.Role // Input, Parameter, State or RNG
	name   string
	node   *Node
	index  int
	layout device.Layout
}

// update is a step at the end of the forward pass that writes into parameters: op(targets..., source)
// to targets.
type update struct {
	targets []*Node
	source  *Node
	op      string
	attrs   any
	host    device.HostFunc
	layer   string
}

// NewBuilder starts a graph. With train, batch normalisation uses the batch's statistics and
// dropout drops.
func NewBuilder(train bool) *Builder {
	return &Builder{
		g: gorgonia.NewGraph(), train: train, byName: map[string]*leaf{}, leafOf: map[*Node]*leaf{},
		decoders: map[*Node][]*Node{}, shown: map[*Node]*Node{},
	}
}

// WantGrads says that gradients will be asked of a graph in evaluation mode too: layers that keep what
// their way back needs in training only keep it then.
func (b *Builder) WantGrads() { b.wantGrads = true }

// Train reports whether the graph is for training.
func (b *Builder) Train() bool { return b.train }

// DropInEvaluation makes dropout drop in evaluation mode too.
func (b *Builder) DropInEvaluation() { b.drop = true }

// FreezeNorm makes the batch norm whose scale has this name use its running statistics in training.
func (b *Builder) FreezeNorm(scale string) {
	if b.frozen == nil {
		b.frozen = map[string]bool{}
	}
	b.frozen[scale] = true
}

// NormFrozen reports whether FreezeNorm named this scale.
func (b *Builder) NormFrozen(scale string) bool { return b.frozen[scale] }

// Err is the first mistake, or nil.
func (b *Builder) Err() error { return b.err }

// Fail records err as the builder's first mistake, with the layer path, and gives a dummy node.
func (b *Builder) Fail(err error) *Node {
	if b.err == nil {
		if p := b.layer(); p != "" {
			err = fmt.Errorf("fastnb: building %s: %w", p, trim(err))
		}
		b.err = err
	}
	if b.dummy == nil {
		b.dummy = gorgonia.NewTensor(b.g, gtensor.Float32, 1, gorgonia.WithShape(1), gorgonia.WithName("failed"))
	}
	return b.dummy
}

// Failf is Fail with a formatted message.
func (b *Builder) Failf(format string, args ...any) *Node { return b.Fail(fmt.Errorf(format, args...)) }

func trim(err error) error {
	if s, ok := strings.CutPrefix(err.Error(), "fastnb: graph: "); ok {
		return errors.New(s)
	}
	return err
}

// Push enters a layer named name; what follows until Pop carries its path.
func (b *Builder) Push(name string) { b.path = append(b.path, name) }

// Pop leaves the layer entered last.
func (b *Builder) Pop() { b.path = b.path[:len(b.path)-1] }

func (b *Builder) layer() string { return strings.Join(b.path, ".") }

// Shape is the shape of n.
func (b *Builder) Shape(n *Node) []int { return slices.Clone([]int(n.Shape())) }

// Layout is how n lies on the device.
func (b *Builder) Layout(n *Node) device.Layout {
	if l, ok := b.leafOf[n]; ok {
		return l.layout
	}
	if o, ok := n.Op().(*op); ok {
		return o.layout
	}
	return device.Plain
}

// Input is a leaf that the caller feeds: a batch or its targets. The shape is the device's.
func (b *Builder) Input(name string, t tensor.DType, shape ...int) *Node {
	l := b.leaf(device.Input, name, t, device.Plain, shape)
	l.index = len(b.inputs)
	b.inputs = append(b.inputs, l)
	return l.node
}

// Param is a float32 leaf that lives on the device: a parameter or a running statistic. The same
// name gives the same node.
func (b *Builder) Param(name string, shape ...int) *Node {
	return b.ParamAs(device.Plain, name, shape...)
}

// ParamAs is Param with a layout; the shape is the device's.
func (b *Builder) ParamAs(layout device.Layout, name string, shape ...int) *Node {
	if l, ok := b.byName[name]; ok {
		if !slices.Equal([]int(l.node.Shape()), shape) {
			return b.Failf("parameter %s has shape %v, asked for as %v", name, l.node.Shape(), shape)
		}
		return l.node
	}
	l := b.leaf(device.Parameter, name, tensor.Float32, layout, shape)
	l.index = len(b.params)
	b.params = append(b.params, l)
	b.byName[name] = l
	return l.node
}

// RNG is the leaf that seeds dropout: int64 [2], seed and step.
func (b *Builder) RNG() *Node {
	if b.rng == nil {
		b.rng = b.leaf(device.RNG, "rng", tensor.Int64, device.Plain, []int{2})
	}
	return b.rng.node
}

func (b *Builder) leaf(role device.Role, name string, t tensor.DType, layout device.Layout, shape []int) *leaf {
	of, label := gtype(t), fmt.Sprint(role, " ", name)
	l := &leaf{role: role, name: name, layout: layout}
	err := guard(func() error {
		if len(shape) == 0 {
			l.node = gorgonia.NewScalar(b.g, of, gorgonia.WithName(label))
			return nil
		}
		l.node = gorgonia.NewTensor(b.g, of, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(label))
		return nil
	})
	if err != nil {
		l.node = b.Failf("leaf %s %v: %w", name, shape, err)
	}
	b.leafOf[l.node] = l
	return l
}

// apply builds a node or keeps the error. Once something failed, it only hands out the dummy.
func (b *Builder) apply(o op, in ...*Node) *Node {
	if b.err != nil {
		return b.Fail(b.err)
	}
	if slices.Contains(in, nil) {
		return b.Failf("%s: an input is missing", o.name)
	}
	o.layer = b.layer()
	for _, x := range in {
		if o.layout == device.Plain && x.Shape().Eq(gtensor.Shape(o.shape)) {
			o.layout = b.Layout(x)
		}
	}
	n, err := call(o, in...)
	if err != nil {
		return b.Fail(err)
	}
	b.made = append(b.made, made{o.layer, n})
	return n
}

// Result is the value that the layer of this path computed last, its output, or nil where it computed
// none: a layer that passes its input on, such as dropout in evaluation, or one whose work is part of
// another's op, such as the ReLU after a batch norm.
func (b *Builder) Result(path string) *Node {
	for i := len(b.made) - 1; i >= 0; i-- {
		if l := b.made[i].layer; l == path || strings.HasPrefix(l, path+".") || path == "" {
			return b.made[i].node
		}
	}
	return nil
}

// want fails unless n has dims dimensions.
func (b *Builder) want(what string, n *Node, dims int) bool {
	if b.err != nil || n == nil {
		b.Failf("%s: an input is missing", what)
		return false
	}
	if len(n.Shape()) != dims {
		b.Failf("%s: input has shape %v, want %d dimensions", what, n.Shape(), dims)
		return false
	}
	return true
}

package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// LowerSpec says what a plan shall compute.
type LowerSpec struct {
	Name    string
	Outputs []*Node  // results to bring out
	Loss    *Node    // a scalar, or nil
	Penalty *Node    // a scalar to add to what is differentiated but not to the loss brought out, or nil
	Grads   []string // parameters whose gradient of the loss is wanted
	Seed    *Node    // a scalar that multiplies the gradients all the way back, or nil: 1

	// The gradient of sum(Of*Weights) by each node of By, any nodes that Of depends on. Such a plan has
	// no Loss and no Grads.
	Of, Weights *Node
	By          []*Node
}

// Lower differentiates the loss and turns the graph into a plan that holds just the steps that the
// outputs, the loss, the gradients and (in training) the running statistics need.
func (b *Builder) Lower(s LowerSpec) (*device.Plan, error) {
	if b.err != nil {
		return nil, b.err
	}
	forward := map[*Node]bool{}
	for _, n := range b.g.AllNodes() {
		forward[n] = true
	}
	gradNodes, err := b.differentiate(s)
	if err != nil {
		return nil, err
	}
	l := &lowering{b: b, forward: forward, plan: &device.Plan{Name: s.Name}, id: map[*Node]device.ValueID{}, arg: map[*Node]device.Arg{}}
	for _, leaf := range slices.Concat(b.inputs, b.params) {
		l.leaf(leaf)
	}
	if b.rng != nil {
		l.leaf(b.rng)
	}
	for _, s := range b.states {
		l.leaf(s.leaf)
	}
	for i, n := range s.Outputs {
		l.result(n, b.Layout(n), device.Arg{Role: device.Output, Index: i})
	}
	if s.Loss != nil {
		l.result(s.Loss, device.Plain, device.Arg{Role: device.Loss})
	}
	for i, n := range gradNodes {
		if s.Of != nil {
			l.result(n, b.Layout(s.By[i]), device.Arg{Role: device.By, Index: i})
			continue
		}
		of := b.byName[s.Grads[i]]
		l.result(n, of.layout, device.Arg{Role: device.Grad, Name: of.name})
	}
	for _, n := range s.Outputs {
		l.visit(n)
	}
	if s.Loss != nil {
		l.visit(s.Loss)
	}
	l.updates()
	for _, s := range b.states {
		if s.next != nil {
			l.visit(s.next)
		}
	}
	// From the last layer to the first, so that each layer's gradients are done before the next
	// layer's begin and their inputs die early.
	for i := len(gradNodes) - 1; i >= 0; i-- {
		l.visit(gradNodes[i])
	}
	l.moveStates()
	if l.err != nil {
		return nil, l.err
	}
	return l.plan.Settle(), nil
}

func (b *Builder) differentiate(s LowerSpec) (gorgonia.Nodes, error) {
	if s.Of != nil {
		return b.pullBack(s)
	}
	if len(s.Grads) == 0 {
		return nil, nil
	}
	if s.Loss == nil {
		return nil, fmt.Errorf("fastnb: graph: %s: gradients asked for without a loss", s.Name)
	}
	var wrt gorgonia.Nodes
	for _, name := range s.Grads {
		l, ok := b.byName[name]
		if !ok {
			return nil, fmt.Errorf("fastnb: graph: %s: no parameter %q to differentiate by", s.Name, name)
		}
		wrt = append(wrt, l.node)
	}
	cost := s.Loss
	if s.Penalty != nil {
		if cost = b.Add(cost, s.Penalty); b.err != nil {
			return nil, b.err
		}
	}
	var out gorgonia.Nodes
	err := guard(func() (err error) {
		if s.Seed != nil {
			out, err = gorgonia.Backpropagate(gorgonia.Nodes{cost}, gorgonia.Nodes{s.Seed}, wrt)
			return err
		}
		out, err = gorgonia.Grad(cost, wrt...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fastnb: graph: differentiating %s: %w", s.Name, err)
	}
	return out, nil
}

// pullBack differentiates by nodes within the graph.
func (b *Builder) pullBack(s LowerSpec) (out gorgonia.Nodes, err error) {
	if s.Loss != nil || len(s.Grads) > 0 || s.Weights == nil || !s.Of.Shape().Eq(s.Weights.Shape()) {
		return nil, fmt.Errorf("fastnb: graph: %s: a gradient by inner nodes takes an output and weights of its shape, and no loss", s.Name)
	}
	err = guard(func() (err error) {
		out, err = gorgonia.Backpropagate(gorgonia.Nodes{s.Of}, gorgonia.Nodes{s.Weights}, s.By)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fastnb: graph: differentiating %s: %w", s.Name, err)
	}
	return out, nil
}

// lowering is the work of one Lower.
type lowering struct {
	b    *Builder
	plan *device.Plan
	id   map[*Node]device.ValueID
	arg  map[*Node]device.Arg // results still to be met
	err  error

	forward map[*Node]bool // what was there before differentiating
}

func (l *lowering) leaf(f *leaf) {
	v := device.Value{Name: f.name, Shape: slices.Clone(f.node.Shape()), DType: nodeDType(f.node), Layout: f.layout}
	l.id[f.node] = l.plan.Bind(v, device.Arg{Role: f.role, Name: f.name, Index: f.index})
}

// result settles that n's value is an argument. A node that is two results, or a leaf, is copied
// into its other places.
func (l *lowering) result(n *Node, layout device.Layout, ref device.Arg) {
	_, isLeaf := l.id[n]
	_, twice := l.arg[n]
	name := ref.Role.String()
	if ref.Name != "" {
		name += " " + ref.Name
	}
	id := l.plan.Bind(device.Value{Name: name, Shape: slices.Clone(n.Shape()), DType: nodeDType(n), Layout: layout}, ref)
	if isLeaf || twice {
		defer func() {
			l.visit(n)
			l.plan.Steps = append(l.plan.Steps, device.Step{Op: "reshape", Host: hostCopy, In: []device.ValueID{l.id[n]}, Out: []device.ValueID{id}})
		}()
		return
	}
	l.arg[n] = ref
	l.id[n] = ^id // settled place, not computed yet
}

// visit appends the steps that compute n, inputs first.
func (l *lowering) visit(n *Node) {
	if l.err != nil {
		return
	}
	if id, ok := l.id[n]; ok && id >= 0 {
		return
	}
	// An explicit stack: a deep net's graph is deeper than is good for recursion.
	stack := []*Node{n}
	for len(stack) > 0 && l.err == nil {
		top := stack[len(stack)-1]
		if id, ok := l.id[top]; ok && id >= 0 {
			stack = stack[:len(stack)-1]
			continue
		}
		ready := true
		children := l.children(top)
		for i := len(children) - 1; i >= 0; i-- {
			if id, ok := l.id[children[i]]; !ok || id < 0 {
				stack = append(stack, children[i])
				ready = false
			}
		}
		if ready {
			l.step(top, children)
			stack = stack[:len(stack)-1]
		}
	}
}

func (l *lowering) children(n *Node) []*Node {
	var out []*Node
	for it := l.b.g.From(n.ID()); it.Next(); {
		out = append(out, it.Node().(*Node))
	}
	return out
}

func (l *lowering) step(n *Node, children []*Node) {
	out, settled := l.id[n]
	if settled {
		out = ^out
	}
	if len(children) == 0 {
		l.constant(n, settled)
		return
	}
	if !settled {
		out = l.temp(n, children)
	}
	st := device.Step{Out: []device.ValueID{out}}
	if !l.forward[n] {
		st.Pass = device.Backward
	}
	for _, c := range children {
		st.In = append(st.In, l.id[c])
		if o, ok := c.Op().(*op); ok && st.Layer == "" {
			st.Layer = o.layer // of a sum of gradients: where one of them comes from
		}
	}
	switch o := n.Op().(type) {
	case *op:
		st.Op, st.Attrs, st.Host, st.Layer = o.name, o.attrs, o.host, o.layer
	default:
		// Gorgonia adds up the gradients of a node with several uses by an op of its own.
		if n.Op().String() != "+ false" {
			l.err = fmt.Errorf("fastnb: graph: %s: Gorgonia's op %q has no place in a plan", l.plan.Name, n.Op())
			return
		}
		st.Op, st.Host = "add", hostAdd
	}
	l.plan.Steps = append(l.plan.Steps, st)
	l.id[n] = out
}

// views are ops whose result is a part of their first input: it needs the precision that this has.
var views = map[string]bool{"reshape": true, "part": true, "piece": true, "scaled_part": true, "row": true}

// temp makes the value of a node that is no argument.
func (l *lowering) temp(n *Node, children []*Node) device.ValueID {
	v := device.Value{Name: fmt.Sprint(n.Op()), Shape: slices.Clone(n.Shape()), DType: nodeDType(n), Full: n.Dims() == 0}
	if o, ok := n.Op().(*op); ok {
		v.Layout, v.Full = o.layout, v.Full || o.full
		if views[o.name] {
			first := l.plan.Values[l.id[children[0]]]
			v.Full = v.Full || first.Full && first.Place == device.Temp
		}
	}
	for _, c := range children {
		if of := l.plan.Values[l.id[c]]; v.Layout == device.Plain && slices.Equal(of.Shape, v.Shape) {
			v.Layout = of.Layout
		}
	}
	return l.plan.Add(v)
}

// constant places a node without inputs that is no leaf: Gorgonia's own, as the gradient of the
// loss by itself.
func (l *lowering) constant(n *Node, settled bool) {
	v, ok := n.Value().(*gorgonia.F32)
	if !ok || settled {
		l.err = fmt.Errorf("fastnb: graph: %s: node %v is neither leaf nor op", l.plan.Name, n)
		return
	}
	l.id[n] = l.plan.Add(device.Value{Name: "constant", DType: tensor.Float32, Full: true, Place: device.Const, Data: tensor.FromFloat32([]float32{float32(*v)})})
}

// updates appends the moves of the running statistics and the like.
func (l *lowering) updates() {
	for _, u := range l.b.updates {
		if _, computed := l.id[u.source]; !computed {
			continue
		}
		l.visit(u.source)
		if l.err != nil {
			return
		}
		st := device.Step{Op: u.op, Attrs: u.attrs, Host: u.host, Layer: u.layer}
		for _, t := range u.targets {
			st.Out = append(st.Out, l.id[t])
		}
		st.In = append(slices.Clone(st.Out), l.id[u.source])
		l.plan.Steps = append(l.plan.Steps, st)
	}
}

// moveStates appends the moves of the states, behind all that reads them.
func (l *lowering) moveStates() {
	for _, s := range l.b.states {
		if s.next == nil || l.err != nil {
			continue
		}
		l.plan.Steps = append(l.plan.Steps, device.Step{
			Op: "reshape", Host: hostCopy, In: []device.ValueID{l.id[s.next]}, Out: []device.ValueID{l.id[s.leaf.node]},
		})
	}
}

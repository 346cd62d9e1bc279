package graph

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// state is a leaf that keeps its value from one run of a program to the next, as the hidden state of a
// recurrent layer does.
type state struct {
	leaf *leaf
	next *Node
}

// State is a float32 leaf that lives on the device and that the program itself changes: SetState says to
// what. It is zero until then.
func (b *Builder) State(name string, shape ...int) *Node {
	l := b.leaf(device.State, name, tensor.Float32, device.Plain, shape)
	l.index = len(b.states)
	b.states = append(b.states, &state{leaf: l})
	return l.node
}

// SetState makes next the state's value for the program's next run. Within a run the leaf keeps the value
// it came with.
func (b *Builder) SetState(leaf, next *Node) {
	if b.err != nil {
		return
	}
	for _, s := range b.states {
		if s.leaf.node != leaf {
			continue
		}
		if !leaf.Shape().Eq(next.Shape()) {
			b.Failf("state %s is %v, its next value %v", s.leaf.name, leaf.Shape(), next.Shape())
		}
		s.next = next
		return
	}
	b.Failf("a next value for something that is no state")
}

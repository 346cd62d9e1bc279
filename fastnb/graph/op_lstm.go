package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
)

// LSTMParams are the leaves of an LSTM layer with PyTorch's meanings: Wi [4H, I], Wh [4H, H], Bi and Bh
// [4H], gates in the order input, forget, cell, output. H0 and C0 [N, H] are the state before the first
// step, nil for zeros.
type LSTMParams struct {
	Wi, Wh, Bi, Bh *Node
	H0, C0         *Node
}

// LSTMOptions say what is dropped and where gradients are cut.
type LSTMOptions struct {
	P     float32 // in training: probability that an element of Wh is dropped
	Mask  int     // from NewMask, if P > 0
	Chunk int     // steps after which gradients are cut and a new mask is drawn; 0: never
	First int     // number of the first chunk
	Grad  bool    // a backward pass follows (in training)
}

// LSTM runs a layer over x [T, N, I]. It gives the outputs y [T, N, H] and the state after the last step,
// h and c [N, H], which carry no derivative.
func (b *Builder) LSTM(x *Node, p LSTMParams, o LSTMOptions) (y, h, c *Node) {
	a, err := lstmShape(b, x, p)
	if err != nil {
		n := b.Fail(err)
		return n, n, n
	}
	a.Chunk, a.First, a.Keep = o.Chunk, o.First, o.Grad && (b.train || b.wantGrads)
	in := []*Node{x, p.Wi, p.Wh, p.Bi, p.Bh}
	if a.State {
		in = append(in, p.H0, p.C0)
	}
	if (b.train || b.drop) && o.P > 0 {
		a.P, a.ID = o.P, o.Mask
		in = append(in, b.RNG())
	}
	wrt := make([]bool, len(in))
	for i := range 5 {
		wrt[i] = a.Keep
	}
	layer := b.layer()
	work := b.apply(op{
		name: "lstm", attrs: a, shape: []int{a.Size()}, wrt: wrt, host: hostLSTM(a),
		diff: func(in gorgonia.Nodes, work, dy *Node) (gorgonia.Nodes, error) {
			return lstmDiff(a, layer, in, work, dy)
		},
	}, in...)
	if b.err != nil {
		return work, work, work
	}
	y = b.apply(partOp(0, a.T, a.N, a.H), work)
	h = b.apply(pieceOp((a.T-1)*a.N*a.H, a.N, a.H), work)
	return y, h, b.apply(pieceOp(a.Cells(), a.N, a.H), work)
}

func lstmShape(b *Builder, x *Node, p LSTMParams) (device.LSTM, error) {
	var a device.LSTM
	if !b.want("lstm", x, 3) || !b.want("lstm weights", p.Wi, 2) || !b.want("lstm recurrent weights", p.Wh, 2) {
		return a, b.err
	}
	s := x.Shape()
	a.T, a.N, a.I, a.H = s[0], s[1], s[2], p.Wh.Shape()[1]
	a.State = p.H0 != nil
	switch {
	case !p.Wi.Shape().Eq([]int{4 * a.H, a.I}) || p.Wh.Shape()[0] != 4*a.H:
		return a, fmt.Errorf("lstm: input %v, weights %v and %v: want [4H, %d] and [4H, H]", s, p.Wi.Shape(), p.Wh.Shape(), a.I)
	case p.Bi == nil || p.Bh == nil || p.Bi.Shape().TotalSize() != 4*a.H || p.Bh.Shape().TotalSize() != 4*a.H:
		return a, fmt.Errorf("lstm: biases must have %d elements", 4*a.H)
	case a.State && (p.C0 == nil || p.H0.Shape().TotalSize() != a.N*a.H || p.C0.Shape().TotalSize() != a.N*a.H):
		return a, fmt.Errorf("lstm: the state must be [%d, %d]", a.N, a.H)
	}
	return a, nil
}

// lstmDiff first turns the gates into their derivatives; the rest are products with them, each made only
// where it is wanted.
func lstmDiff(a device.LSTM, layer string, in gorgonia.Nodes, work, dy *Node) (gorgonia.Nodes, error) {
	g := &grads{layer: layer}
	x, wi, wh := in[0], in[1], in[2]
	var state, rng gorgonia.Nodes
	if a.State {
		state = in[5:6]
	}
	if a.P > 0 {
		rng = in[len(in)-1:]
	}
	of := func(name string, shape []int, host device.HostFunc, in ...*Node) *Node {
		return g.call(op{name: name, attrs: a, shape: shape, host: host}, in...)
	}
	d := of("lstm_dgates", work.Shape(), hostLSTMDGates(a), append(gorgonia.Nodes{work, dy, wh}, rng...)...)
	db := of("lstm_db", in[3].Shape(), hostLSTMDB(a), d)
	out := gorgonia.Nodes{
		of("lstm_dx", x.Shape(), hostLSTMDX(a), d, wi),
		of("lstm_dwi", wi.Shape(), hostLSTMDWi(a), d, x),
		of("lstm_dwh", wh.Shape(), hostLSTMDWh(a), append(append(gorgonia.Nodes{d}, state...), rng...)...),
		db, db,
	}
	return append(out, make(gorgonia.Nodes, len(in)-5)...), g.err
}

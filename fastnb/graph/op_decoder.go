package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Decoder scores every word of a vocabulary: h [T, N, E], w [V, E], bias [V] or nil, to [N, T, V].
//
// With tens of thousands of words the scores of a batch are far larger than all else, so CrossEntropy of
// a Decoder's result is computed stretch by stretch together with its derivatives, and the scores
// themselves only where somebody asks for them. What a training or validation program brings out is then
// the likeliest word at each place (see Shown).
func (b *Builder) Decoder(h, w, bias *Node) *Node {
	if !b.want("decoder", h, 3) || !b.want("decoder weight", w, 2) {
		return b.Fail(b.err)
	}
	s := h.Shape()
	if s[2] != w.Shape()[1] || bias != nil && bias.Shape().TotalSize() != w.Shape()[0] {
		return b.Failf("decoder: input has %d features, the weight is %v", s[2], w.Shape())
	}
	in := []*Node{h, w}
	if bias != nil {
		in = append(in, bias)
	}
	out := b.apply(op{name: "decoder", shape: []int{s[1], s[0], w.Shape()[0]}, host: hostDecoder}, in...)
	if b.err == nil {
		b.decoders[out] = in
	}
	return out
}

func hostDecoder(out, in []*tensor.Tensor) error {
	s, v := in[0].Shape(), in[1].Shape()[0]
	for t := range s[0] {
		for n := range s[1] {
			hostScores(out[0].Float32s()[(n*s[0]+t)*v:(n*s[0]+t+1)*v], in, t*s[1]+n)
		}
	}
	return nil
}

// hostScores are the scores of row r; in is h, w [, bias].
func hostScores(dst []float32, in []*tensor.Tensor, r int) {
	e := in[1].Shape()[1]
	h := in[0].Float32s()[r*e : (r+1)*e]
	for v := range dst {
		var s float64
		if len(in) > 2 {
			s = float64(in[2].Float32s()[v])
		}
		for k, x := range h {
			s += float64(x) * float64(in[1].Float32s()[v*e+k])
		}
		dst[v] = float32(s)
	}
}

// decoderXent is the cross-entropy of a Decoder's scores with y int64 [N, T].
func (b *Builder) decoderXent(scores, y *Node, dec []*Node) *Node {
	h, w := dec[0], dec[1]
	s := h.Shape()
	a := device.Decoder{R: s[0] * s[1], E: s[2], V: w.Shape()[0], Bias: len(dec) > 2, Grad: b.train}
	in := append([]*Node{h, w, y}, dec[2:]...)
	wrt := []bool{a.Grad, a.Grad, false, a.Grad}[:len(in)]
	layer := b.layer()
	work := b.apply(op{
		name: "decoder_xent", full: true, attrs: a, shape: []int{a.Size()}, wrt: wrt, host: hostDecoderXent(a),
		diff: func(in gorgonia.Nodes, work, dl *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			d := gorgonia.Nodes{
				g.call(scaledPartOp(a.DH(), in[0].Shape()...), work, dl),
				g.call(scaledPartOp(a.DW(), in[1].Shape()...), work, dl),
				nil,
			}
			if a.Bias {
				d = append(d, g.call(scaledPartOp(a.DB(), in[3].Shape()...), work, dl))
			}
			return d, g.err
		},
	}, in...)
	if b.err != nil {
		return work
	}
	best := pieceOp(a.Best(), s[0], s[1])
	best.layout = device.TimeMajor
	b.shown[scores] = b.apply(best, work)
	return b.apply(partOp(0), work)
}

// Shown is what a program brings out for out: out itself or, once the loss of a Decoder's scores has been
// built, the likeliest word at each place, as float32 [T, N].
func (b *Builder) Shown(out *Node) *Node {
	if s, ok := b.shown[out]; ok {
		return s
	}
	return out
}

// hostDecoderXent: in is h, w, y [, bias].
func hostDecoderXent(a device.Decoder) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		work, y := out[0].Float32s(), in[2].Int64s()
		steps := in[2].Shape()[1]
		rows := a.R / steps
		dw, db := make([]float64, a.V*a.E), make([]float64, a.V)
		scores := make([]float32, a.V)
		dec := append([]*tensor.Tensor{in[0], in[1]}, in[3:]...)
		var sum float64
		for r := range a.R {
			class := y[r%rows*steps+r/rows]
			if class < 0 || int(class) >= a.V {
				return device.BadIndexError{What: "target", Value: class, Row: r % rows, Place: r / rows, Count: a.V}
			}
			hostScores(scores, dec, r)
			l := logSumExp(scores)
			sum += l - float64(scores[class])
			best := 0
			for v, x := range scores {
				if x > scores[best] {
					best = v
				}
			}
			work[a.Best()+r] = float32(best)
			if a.Grad {
				hostDecoderRow(a, work, in, scores, l, r, int(class), dw, db)
			}
		}
		work[0] = float32(sum / float64(a.R))
		if a.Grad {
			for i, v := range dw {
				work[a.DW()+i] = float32(v)
			}
			for i, v := range db {
				work[a.DB()+i] = float32(v)
			}
		}
		return nil
	}
}

// hostDecoderRow adds what one row gives to the derivatives.
func hostDecoderRow(a device.Decoder, work []float32, in []*tensor.Tensor, scores []float32, lse float64, r, class int, dw, db []float64) {
	h, w := in[0].Float32s()[r*a.E:(r+1)*a.E], in[1].Float32s()
	dh := make([]float64, a.E)
	for v, x := range scores {
		p := math.Exp(float64(x) - lse)
		if v == class {
			p--
		}
		p /= float64(a.R)
		db[v] += p
		for k := range h {
			dw[v*a.E+k] += p * float64(h[k])
			dh[k] += p * float64(w[v*a.E+k])
		}
	}
	for k, v := range dh {
		work[a.DH()+r*a.E+k] = float32(v)
	}
}

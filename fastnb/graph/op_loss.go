package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// loss builds a scalar op over predictions and targets and its gradient op name_dx.
func (b *Builder) loss(name string, x, y *Node, host, hostDX device.HostFunc) *Node {
	layer := b.layer()
	return b.apply(op{
		name: name, shape: []int{}, wrt: []bool{true, false}, host: host,
		diff: func(in gorgonia.Nodes, _, dl *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: name + "_dx", shape: in[0].Shape(), host: hostDX}, in[0], in[1], dl), nil}, g.err
		},
	}, x, y)
}

func (b *Builder) sameShape(what string, x, y *Node) bool {
	if b.err != nil || x == nil || y == nil {
		b.Failf("%s: an input is missing", what)
		return false
	}
	if x.Shape().TotalSize() != y.Shape().TotalSize() {
		b.Failf("%s: predictions are %v, targets %v", what, x.Shape(), y.Shape())
		return false
	}
	return true
}

// BCEWithLogits is the mean over all elements of -[y log s(x) + (1-y) log(1-s(x))], s the sigmoid.
func (b *Builder) BCEWithLogits(x, y *Node) *Node {
	if !b.sameShape("binary cross-entropy", x, y) {
		return b.Fail(b.err)
	}
	return b.loss("bce_logits", x, y, func(out, in []*tensor.Tensor) error {
		var s float64
		t := in[1].Float32s()
		for i, v := range in[0].Float32s() {
			x, y := float64(v), float64(t[i])
			s += max(x, 0) - x*y + math.Log1p(math.Exp(-math.Abs(x)))
		}
		out[0].Float32s()[0] = float32(s / float64(len(t)))
		return nil
	}, func(out, in []*tensor.Tensor) error {
		t, dl := in[1].Float32s(), float64(in[2].Float32s()[0])
		for i, v := range in[0].Float32s() {
			out[0].Float32s()[i] = float32((sigmoid(float64(v)) - float64(t[i])) * dl / float64(len(t)))
		}
		return nil
	})
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// MSE is the mean of (x-y)^2 over all elements.
func (b *Builder) MSE(x, y *Node) *Node {
	if !b.sameShape("mean squared error", x, y) {
		return b.Fail(b.err)
	}
	return b.loss("mse", x, y, func(out, in []*tensor.Tensor) error {
		var s float64
		t := in[1].Float32s()
		for i, v := range in[0].Float32s() {
			d := float64(v) - float64(t[i])
			s += d * d
		}
		out[0].Float32s()[0] = float32(s / float64(len(t)))
		return nil
	}, func(out, in []*tensor.Tensor) error {
		t, dl := in[1].Float32s(), float64(in[2].Float32s()[0])
		for i, v := range in[0].Float32s() {
			out[0].Float32s()[i] = float32(2 * (float64(v) - float64(t[i])) * dl / float64(len(t)))
		}
		return nil
	})
}

// CrossEntropy is the mean over rows of log(sum exp x) - x[y]: x [..., C], y int64 with one class
// per row. Targets float32 [..., C] are taken as weights of the classes, as in SoftCrossEntropy.
func (b *Builder) CrossEntropy(x, y *Node) *Node {
	if b.err != nil || x == nil || y == nil {
		return b.Failf("cross-entropy: an input is missing")
	}
	if nodeDType(y) == tensor.Float32 {
		return b.SoftCrossEntropy(x, y, 0)
	}
	s := x.Shape()
	c := s[len(s)-1]
	if s.TotalSize() != c*y.Shape().TotalSize() {
		return b.Failf("cross-entropy: predictions are %v, targets %v, want one class per row", s, y.Shape())
	}
	if dec, ok := b.decoders[x]; ok && y.Dims() == 2 {
		return b.decoderXent(x, y, dec)
	}
	return b.loss("softmax_xent", x, y, func(out, in []*tensor.Tensor) error {
		var sum float64
		x := in[0].Float32s()
		for r, k := range in[1].Int64s() {
			if k < 0 || int(k) >= c {
				return device.BadIndexError{What: "target", Value: k, Row: r, Count: c}
			}
			row := x[r*c : r*c+c]
			sum += logSumExp(row) - float64(row[k])
		}
		out[0].Float32s()[0] = float32(sum / float64(in[1].Len()))
		return nil
	}, func(out, in []*tensor.Tensor) error {
		x, dl := in[0].Float32s(), float64(in[2].Float32s()[0])/float64(in[1].Len())
		for r, k := range in[1].Int64s() {
			if k < 0 || int(k) >= c {
				return device.BadIndexError{What: "target", Value: k, Row: r, Count: c}
			}
			row := x[r*c : r*c+c]
			l := logSumExp(row)
			for j, v := range row {
				p := math.Exp(float64(v) - l)
				if j == int(k) {
					p--
				}
				out[0].Float32s()[r*c+j] = float32(p * dl)
			}
		}
		return nil
	})
}

func logSumExp(row []float32) float64 {
	m := math.Inf(-1)
	for _, v := range row {
		m = max(m, float64(v))
	}
	var s float64
	for _, v := range row {
		s += math.Exp(float64(v) - m)
	}
	return m + math.Log(s)
}

// SigmoidRange squeezes x into (lo, hi): lo + (hi-lo) sigmoid(x).
func (b *Builder) SigmoidRange(x *Node, lo, hi float32) *Node {
	if b.err != nil || x == nil {
		return b.Failf("sigmoid range: input is missing")
	}
	a := device.Range{Lo: lo, Hi: hi}
	layer := b.layer()
	return b.apply(op{
		name: "sigmoid_range", attrs: a, shape: x.Shape(), wrt: allTrue(1),
		host: func(out, in []*tensor.Tensor) error {
			for i, v := range in[0].Float32s() {
				out[0].Float32s()[i] = float32(float64(lo) + float64(hi-lo)*sigmoid(float64(v)))
			}
			return nil
		},
		diff: func(_ gorgonia.Nodes, y, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "sigmoid_range_dx", attrs: a, shape: y.Shape(), host: func(out, in []*tensor.Tensor) error {
				for i, y := range in[1].Float32s() {
					p := (float64(y) - float64(lo)) / float64(hi-lo)
					out[0].Float32s()[i] = float32(float64(in[0].Float32s()[i]) * p * (1 - p) * float64(hi-lo))
				}
				return nil
			}}, dy, y)}, g.err
		},
	}, x)
}

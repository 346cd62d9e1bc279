package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// SoftCrossEntropy is the mean over rows of sum t (log(sum exp x) - x): x [..., C], the weight of each
// class t made of the targets y. int64 [...] is one class per row, float32 [..., C] gives the weights
// themselves. Smoothing eps moves the part eps of a row's weight from its classes to all alike
// (Szegedy et al. 2015, arXiv:1512.00567, section 7).
func (b *Builder) SoftCrossEntropy(x, y *Node, eps float32) *Node {
	return b.softXent(x, y, device.SoftXent{Eps: eps})
}

// WeightedCrossEntropy is SoftCrossEntropy in which each class counts with a weight of its own: the sum of
// the rows' losses, each times its class's weight, over the sum of these weights.
func (b *Builder) WeightedCrossEntropy(x, y *Node, weights []float32) *Node {
	if b.err != nil || x == nil || y == nil {
		return b.Failf("cross-entropy: an input is missing")
	}
	if s := x.Shape(); len(weights) != s[len(s)-1] {
		return b.Failf("cross-entropy: weights of %d classes for predictions %v", len(weights), s)
	}
	return b.softXent(x, y, device.SoftXent{Weights: weights})
}

func (b *Builder) softXent(x, y *Node, a device.SoftXent) *Node {
	if b.err != nil || x == nil || y == nil {
		return b.Failf("cross-entropy: an input is missing")
	}
	s := x.Shape()
	c := s[len(s)-1]
	want := s.TotalSize()
	if nodeDType(y) == tensor.Int64 {
		want /= c
	}
	if y.Shape().TotalSize() != want {
		return b.Failf("cross-entropy: predictions are %v, targets %v, want a class or the weights of %d classes for each row", s, y.Shape(), c)
	}
	layer := b.layer()
	return b.apply(op{
		name: "soft_xent", attrs: a, shape: []int{}, wrt: []bool{true, false}, host: hostSoftXent(a, c),
		diff: func(in gorgonia.Nodes, _, dl *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "soft_xent_dx", attrs: a, shape: in[0].Shape(), host: hostSoftXentDX(a, c)}, in[0], in[1], dl), nil}, g.err
		},
	}, x, y)
}

// classWeights fills w with the weights of row r's classes and gives their sum.
func classWeights(w []float64, y *tensor.Tensor, r int, a device.SoftXent) (sum float64, err error) {
	c, eps := len(w), float64(a.Eps)
	if k := y.Int64s(); k != nil {
		if k[r] < 0 || int(k[r]) >= c {
			return 0, device.BadIndexError{What: "target", Value: k[r], Row: r, Count: c}
		}
		clear(w)
		w[k[r]], sum = 1, 1
	} else {
		for j, v := range y.Float32s()[r*c : (r+1)*c] {
			w[j] = float64(v)
			sum += w[j]
		}
	}
	for j := range w {
		w[j] = (1-eps)*w[j] + eps*sum/float64(c)
	}
	if a.Weights != nil {
		sum = 0
		for j, v := range a.Weights {
			w[j] *= float64(v)
			sum += w[j]
		}
	}
	return sum, nil
}

// meanOver is what the mean over rows divides by: their number, or the sum of their weights.
func meanOver(y *tensor.Tensor, rows, c int, a device.SoftXent) (float64, error) {
	if a.Weights == nil {
		return float64(rows), nil
	}
	w, all := make([]float64, c), 0.0
	for r := range rows {
		sum, err := classWeights(w, y, r, a)
		if err != nil {
			return 0, err
		}
		all += sum
	}
	if all == 0 {
		all = 1 // so is every row's loss
	}
	return all, nil
}

func hostSoftXent(a device.SoftXent, c int) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		x, w, total := in[0].Float32s(), make([]float64, c), 0.0
		rows := len(x) / c
		for r := range rows {
			if _, err := classWeights(w, in[1], r, a); err != nil {
				return err
			}
			row := x[r*c : (r+1)*c]
			l := logSumExp(row)
			for j, v := range row {
				total += w[j] * (l - float64(v))
			}
		}
		over, err := meanOver(in[1], rows, c, a)
		out[0].Float32s()[0] = float32(total / over)
		return err
	}
}

func hostSoftXentDX(a device.SoftXent, c int) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		x, w := in[0].Float32s(), make([]float64, c)
		rows := len(x) / c
		over, err := meanOver(in[1], rows, c, a)
		if err != nil {
			return err
		}
		dl := float64(in[2].Float32s()[0]) / over
		for r := range rows {
			sum, err := classWeights(w, in[1], r, a)
			if err != nil {
				return err
			}
			row := x[r*c : (r+1)*c]
			l := logSumExp(row)
			for j, v := range row {
				out[0].Float32s()[r*c+j] = float32((sum*math.Exp(float64(v)-l) - w[j]) * dl)
			}
		}
		return nil
	}
}

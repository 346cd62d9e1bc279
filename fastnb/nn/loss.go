package nn

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// Loss compares a model's output with its targets.
type Loss struct {
	Name string
	// Build adds the mean loss of a batch to the graph.
	Build func(b *graph.Builder, out, y *graph.Node) *graph.Node
	// Activation turns outputs into predictions: "sigmoid", "softmax" or "" for none.
	Activation string
	// Target is the kind of the targets' elements.
	Target tensor.DType
	// Host gives the loss of each item, not averaged over the batch.
	Host func(out, y *tensor.Tensor) ([]float32, error)
}

// BCEWithLogitsFlat is binary cross-entropy on logits, averaged over all elements: for several
// labels per item (fastai's loss of the same name).
var BCEWithLogitsFlat = Loss{
	Name: "BCEWithLogitsFlat", Activation: "sigmoid", Target: tensor.Float32,
	Build: func(b *graph.Builder, out, y *graph.Node) *graph.Node { return b.BCEWithLogits(out, y) },
	Host: func(out, y *tensor.Tensor) ([]float32, error) {
		return perItem(out, y, func(x, y float64) float64 {
			return math.Max(x, 0) - x*y + math.Log1p(math.Exp(-math.Abs(x)))
		})
	},
}

// MSELossFlat is the mean squared difference over all elements.
var MSELossFlat = Loss{
	Name: "MSELossFlat", Target: tensor.Float32,
	Build: func(b *graph.Builder, out, y *graph.Node) *graph.Node { return b.MSE(out, y) },
	Host: func(out, y *tensor.Tensor) ([]float32, error) {
		return perItem(out, y, func(x, y float64) float64 { return (x - y) * (x - y) })
	},
}

// CrossEntropyFlat is softmax cross-entropy of class scores with one class per item, or per pixel:
// scores [N, C] or [N, C, H, W], classes [N] or [N, 1, H, W].
var CrossEntropyFlat = Loss{
	Name: "CrossEntropyFlat", Activation: "softmax", Target: tensor.Int64,
	Build: func(b *graph.Builder, out, y *graph.Node) *graph.Node { return b.CrossEntropy(out, y) },
	Host:  func(out, y *tensor.Tensor) ([]float32, error) { return crossEntropyRows(out, y, 0, nil) },
}

// crossEntropyRows is the cross-entropy of each item: of [N, C] scores with a class each, or of
// [N, C, ...] with a class for each pixel, averaged over the picture. The part eps of a class's
// weight is spread over all. weights, one for each class or nil, multiply what an item or pixel of the
// class counts.
func crossEntropyRows(out, y *tensor.Tensor, eps float64, weights []float32) ([]float32, error) {
	s := out.Shape()
	if len(s) < 2 || s[1] == 0 || y.DType() != tensor.Int64 || y.Len()*s[1] != out.Len() {
		return nil, fmt.Errorf("fastnb: cross-entropy per item: predictions %v, targets %v, want [N, C, ...] and a class for each of [N, ...]", s, y.Shape())
	}
	area := tensor.Count(s[2:])
	r, x, classes := make([]float32, s[0]), out.Float32s(), y.Int64s()
	for i := range r {
		var sum float64
		for p := range area {
			k := classes[i*area+p]
			if k < 0 || int(k) >= s[1] {
				return nil, fmt.Errorf("fastnb: cross-entropy per item: target %d of item %d is not one of %d classes", k, i, s[1])
			}
			at, m, exp, all := i*s[1]*area+p, math.Inf(-1), 0.0, 0.0
			for c := range s[1] {
				v := float64(x[at+c*area])
				m, all = math.Max(m, v), all+v
			}
			for c := range s[1] {
				exp += math.Exp(float64(x[at+c*area]) - m)
			}
			l := m + math.Log(exp) - (1-eps)*float64(x[at+int(k)*area]) - eps*all/float64(s[1])
			if weights != nil {
				l *= float64(weights[k])
			}
			sum += l
		}
		r[i] = float32(sum / float64(max(area, 1)))
	}
	return r, nil
}

// perItem averages f over each item's elements.
func perItem(out, y *tensor.Tensor, f func(x, y float64) float64) ([]float32, error) {
	if out.Len() != y.Len() || len(out.Shape()) == 0 {
		return nil, fmt.Errorf("fastnb: loss per item: predictions %v, targets %v", out.Shape(), y.Shape())
	}
	n := out.Shape()[0]
	r := make([]float32, n)
	if n == 0 {
		return r, nil
	}
	k := out.Len() / n
	for i := range n {
		var s float64
		for j := i * k; j < (i+1)*k; j++ {
			s += f(float64(out.Float32s()[j]), float64(y.Float32s()[j]))
		}
		r[i] = float32(s / float64(k))
	}
	return r, nil
}

package nn

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// WeightedCrossEntropyFlat is CrossEntropyFlat with a weight for each class, in the classes' order: for data
// in which some are rare, or, with 0, for one that does not count, such as CamVid's Void. A batch's loss is
// the mean of its items' (or pixels'), weighted; that of a single item is times its weight, as PyTorch has
// it. (fastai's CrossEntropyFlat(weight=...))
func WeightedCrossEntropyFlat(weights ...float64) Loss {
	l := Loss{Name: "WeightedCrossEntropyFlat", Activation: "softmax", Target: tensor.Int64}
	w := make([]float32, len(weights))
	var wrong error
	for k, v := range weights {
		if !(v >= 0) || math.IsInf(v, 0) {
			wrong = fmt.Errorf("weight %g of class %d: must be at least 0", v, k)
		}
		w[k] = float32(v)
	}
	l.Build = func(b *graph.Builder, out, y *graph.Node) *graph.Node {
		if wrong != nil {
			return b.Failf("cross-entropy: %v", wrong)
		}
		return b.WeightedCrossEntropy(out, y, w)
	}
	l.Host = func(out, y *tensor.Tensor) ([]float32, error) {
		if s := out.Shape(); wrong == nil && (len(s) < 2 || s[1] != len(w)) {
			return nil, fmt.Errorf("fastnb: cross-entropy per item: weights of %d classes for predictions %v", len(w), s)
		}
		if wrong != nil {
			return nil, fmt.Errorf("fastnb: cross-entropy per item: %w", wrong)
		}
		return crossEntropyRows(out, y, 0, w)
	}
	return l
}

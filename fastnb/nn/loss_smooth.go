package nn

import (
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// LabelSmoothingCrossEntropy is CrossEntropyFlat with targets that give the part eps of their weight to
// all classes alike (fastai's default: 0.1): a model is not driven to scores without bound. eps is in
// [0, 1).
func LabelSmoothingCrossEntropy(eps float64) Loss {
	l := Loss{Name: "LabelSmoothingCrossEntropy", Activation: "softmax", Target: tensor.Int64}
	l.Build = func(b *graph.Builder, out, y *graph.Node) *graph.Node {
		if !(eps >= 0 && eps < 1) {
			return b.Failf("label smoothing: eps %g is not in [0, 1)", eps)
		}
		return b.SoftCrossEntropy(out, y, float32(eps))
	}
	l.Host = func(out, y *tensor.Tensor) ([]float32, error) { return crossEntropyRows(out, y, eps, nil) }
	return l
}

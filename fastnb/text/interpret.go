package text

import (
	"context"
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// TextClassificationInterpretation looks at what a text classifier gets wrong, and at the words it goes by.
type TextClassificationInterpretation struct {
	*fastnb.ClassificationInterpretation

	l  *TextLearner
	on data.DSType
}

// Interpret predicts a set and keeps predictions, targets and losses in the set's order. Option: On
// (Valid).
func (l *TextLearner) Interpret(o ...data.PredsOption) (*TextClassificationInterpretation, error) {
	c := data.NewPredsConfig(data.Valid, o...)
	in, err := l.Learner.Interpret(o...)
	if err != nil {
		return nil, err
	}
	if c.On == data.Train {
		c.On = data.Fix
	}
	return &TextClassificationInterpretation{in, l, c.On}, nil
}

// IntrinsicAttention tells how much each token of a text weighs in the probability of a class, or with a
// negative class of the likeliest one: the sum over a word vector's elements of the sizes of the
// probability's derivatives, the largest made 1. Tokens of which the model keeps only the state (see
// MaxLen) weigh 0.
func (c *TextClassificationInterpretation) IntrinsicAttention(text string, class int) (*Text, []float64, error) {
	return attended(c.l.Data, text, class, func(batch *tensor.Tensor, weights func(*tensor.Tensor) (*tensor.Tensor, error)) (*tensor.Tensor, error) {
		out, err := c.l.Outputs(batch)
		if err != nil {
			return nil, err
		}
		w, err := weights(out)
		if err != nil {
			return nil, err
		}
		_, grad, err := c.l.Gradient(batch, c.l.prefix+"encoder", w)
		return grad, err
	})
}

// Attention is IntrinsicAttention of an exported classifier of texts, as fastnb.LoadModel gives it.
func Attention(ctx context.Context, m *fastnb.Model, text string, class int) (*Text, []float64, error) {
	if a := m.Arch(); a == nil || a.Kind != "text classifier" {
		return nil, nil, fmt.Errorf("fastnb: intrinsic attention: the model is no classifier of texts")
	}
	return attended(m.Data(), text, class, func(batch *tensor.Tensor, weights func(*tensor.Tensor) (*tensor.Tensor, error)) (*tensor.Tensor, error) {
		_, grad, err := m.Gradient(ctx, batch, classifierPrefix+"encoder", weights)
		return grad, err
	})
}

// attended weighs the tokens of a text. gradient gives how the probability changes with the tokens' vectors.
func attended(d *data.DataBunch, text string, class int, gradient func(batch *tensor.Tensor, weights func(out *tensor.Tensor) (*tensor.Tensor, error)) (*tensor.Tensor, error)) (*Text, []float64, error) {
	x, err := ItemOf(d, text)
	if err != nil {
		return nil, nil, err
	}
	if x.Len() == 0 {
		return nil, nil, fmt.Errorf("fastnb: intrinsic attention: the text has no tokens")
	}
	grad, err := gradient(tensor.FromInt64(x.Data(), 1, x.Len()), func(out *tensor.Tensor) (*tensor.Tensor, error) {
		p := out.Softmax(-1)
		if class < 0 {
			class = int(p.ArgMax(-1).Int64s()[0])
		}
		if class >= p.Len() {
			return nil, fmt.Errorf("fastnb: intrinsic attention: class %d of %d", class, p.Len())
		}
		// dp_k/dscore_j = p_k (1 where j = k, less p_j)
		w := tensor.New(tensor.Float32, p.Shape()...)
		probs := p.Float32s()
		for j := range w.Float32s() {
			w.Float32s()[j] = -probs[class] * probs[j]
		}
		w.Float32s()[class] += probs[class]
		return w, nil
	})
	if err != nil {
		return nil, nil, err
	}
	return x, attention(grad, x.Len()), nil
}

// attention is the weight of each of n tokens; grad [T, 1, E] is of the last T of them.
func attention(grad *tensor.Tensor, n int) []float64 {
	s := grad.Shape()
	out, top := make([]float64, n), 0.0
	for t := range s[0] {
		sum := 0.0
		for _, v := range grad.Float32s()[t*s[2] : (t+1)*s[2]] {
			sum += math.Abs(float64(v))
		}
		out[n-s[0]+t] = sum
		top = max(top, sum)
	}
	if top > 0 {
		for i := range out {
			out[i] /= top
		}
	}
	return out
}

// ShowIntrinsicAttention shows a text's tokens, each on a ground coloured by its weight in the probability
// of a class, or with a negative class of the likeliest one.
func (c *TextClassificationInterpretation) ShowIntrinsicAttention(text string, class int) (*plotting.Figure, error) {
	x, w, err := c.IntrinsicAttention(text, class)
	if err != nil {
		return nil, err
	}
	f := plotting.HighlightedWords(x.Tokens(), w)
	return f, f.Err()
}

// ShowTopLosses shows the k texts with the largest losses: text, prediction, actual class, loss, and the
// probability of the actual class.
func (c *TextClassificationInterpretation) ShowTopLosses(k int) (*plotting.Figure, error) {
	ds := c.l.Data.Dataset(c.on)
	if ds == nil {
		return nil, fmt.Errorf("fastnb: show top losses: there are no %s items", c.on)
	}
	losses, items := c.TopLosses(max(k, 1))
	var rows [][]string
	for j, i := range items {
		x, y, err := ds.At(i)
		if err != nil {
			return nil, err
		}
		p := c.Preds.At(i)
		guess, err := c.l.Data.LabelKind().Decode(p, data.DecodeArgs{})
		if err != nil {
			return nil, err
		}
		prob := p.Float64s()[int(c.Targs.At(i).Item())]
		rows = append(rows, []string{cut(x.String()), guess.String(), y.String(), fmt.Sprintf("%.2f", losses[j]), fmt.Sprintf("%.2f", prob)})
	}
	return plotting.HTMLTable([]string{"Text", "Prediction", "Actual", "Loss", "Probability"}, rows), nil
}

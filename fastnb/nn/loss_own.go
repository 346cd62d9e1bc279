package nn

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

type (
	// Builder is what a loss of one's own is written with.
	Builder = graph.Builder
	// Node is a value in it.
	Node = graph.Node
)

// LossOption is an option of NewLoss: WithActivation.
type LossOption interface{ applyLoss(*Loss) }

type lossFunc func(*Loss)

func (f lossFunc) applyLoss(l *Loss) { f(l) }

// WithActivation says what makes predictions of a model's outputs: "sigmoid", "softmax" or "" for nothing
// (default).
func WithActivation(name string) LossOption { return lossFunc(func(l *Loss) { l.Activation = name }) }

// NewLoss makes a loss of a function over a model's outputs and the targets, which is differentiated by
// itself:
//
//	huber := nn.NewLoss("huber", func(b *nn.Builder, out, y *nn.Node) *nn.Node {
//		d := b.Abs(b.Sub(out, y))
//		c := b.Clamp(d, 0, 1)
//		return b.Sub(b.Mul(c, d), b.Affine(b.Square(c), .5, 0))
//	})
//	learn, err := CNNLearner(data, models.ResNet34, LossFunc(huber))
//
// Outputs are [N, C], of segmentation [N, H, W, C]. Targets are as batches have them: classes int64 [N] (or
// masks [N, 1, H, W]; see OneHot), labels and numbers float32 [N, C]. What the function gives is the loss, or
// values of which the loss is the mean; the loss of single items, which interpretations show, is computed from
// it too. Option: WithActivation ("").
//
// The builder has Add, Sub, Mul, Div, Affine, Neg, Abs, Square, Sqrt, Exp, Log, Pow, Clamp, Sigmoid, Tanh,
// Softplus, ReLU, Softmax, LogSoftmax, OneHot, Float, MulLast, Sum, Mean, SumLast, Reshape, and the losses of
// this package (CrossEntropy, BCEWithLogits, MSE). A mistake in shapes is told when the first batch comes.
func NewLoss(name string, f func(b *Builder, out, y *Node) *Node, o ...LossOption) Loss {
	l := Loss{Name: name}
	for _, o := range o {
		o.applyLoss(&l)
	}
	l.Build = func(b *Builder, out, y *Node) (n *Node) {
		defer func() {
			if r := recover(); r != nil {
				n = b.Failf("loss %s: %v", name, r)
			}
		}()
		switch l.Activation {
		case "", "sigmoid", "softmax":
		default:
			return b.Failf("loss %s: no activation %q (there are sigmoid, softmax and \"\")", name, l.Activation)
		}
		n = f(b, out, y)
		if n == nil {
			return b.Failf("loss %s: the function gave nothing", name)
		}
		if b.Err() == nil && len(n.Shape()) > 0 {
			n = b.Mean(n)
		}
		return n
	}
	l.Host = func(out, y *tensor.Tensor) ([]float32, error) { return eachItem(l, out, y) }
	return l
}

// eachItem computes a loss of single items by its graph, on the host.
func eachItem(l Loss, out, y *tensor.Tensor) ([]float32, error) {
	fail := func(err error) ([]float32, error) {
		return nil, fmt.Errorf("fastnb: loss %s per item: %w", l.Name, err)
	}
	n := 0
	if s := out.Shape(); len(s) > 0 {
		n = s[0]
	}
	if n == 0 || len(y.Shape()) == 0 || y.Shape()[0] != n {
		return fail(fmt.Errorf("predictions %v, targets %v", out.Shape(), y.Shape()))
	}
	b := graph.NewBuilder(false)
	one := func(t *tensor.Tensor) device.Spec { return device.SpecOf(t.Slice(0, 1)) }
	node := l.Build(b, b.Feed("x", one(out), device.Normalize{}), b.Feed("y", one(y), device.Normalize{}))
	plan, err := b.Lower(graph.LowerSpec{Name: "loss " + l.Name, Loss: node})
	if err != nil {
		return fail(err)
	}
	losses := make([]float32, n)
	for i := range n {
		args, loss := make([]*tensor.Tensor, len(plan.Args)), -1
		for k, a := range plan.Args {
			switch {
			case a.Role == device.Loss:
				loss = k
				args[k] = tensor.New(tensor.Float32)
			case a.Role == device.Input && a.Name == "x":
				args[k] = out.Slice(i, i+1)
			case a.Role == device.Input && a.Name == "y":
				args[k] = y.Slice(i, i+1)
			default:
				return fail(fmt.Errorf("it needs %s, which an item by itself does not have", a.Name))
			}
		}
		if err := hostdev.Run(context.Background(), plan, args, nil); err != nil {
			return fail(err)
		}
		if loss >= 0 {
			losses[i] = args[loss].Float32s()[0]
		}
	}
	return losses, nil
}

// BCEWithLogitsPosWeight is BCEWithLogitsFlat in which the labels that are there count with a weight for each
// class (PyTorch's pos_weight), in the classes' order, or one for all: above 1 for labels that are rare.
func BCEWithLogitsPosWeight(weights ...float64) Loss {
	l := NewLoss("BCEWithLogitsPosWeight", func(b *Builder, out, y *Node) *Node {
		for _, w := range weights {
			if !(w >= 0) {
				return b.Failf("weight %g: must be at least 0", w)
			}
		}
		s := b.Shape(out)
		w := weights
		if c := s[len(s)-1]; len(w) == 1 {
			w = make([]float64, c)
			for k := range w {
				w[k] = weights[0]
			}
		}
		there := b.MulLast(b.Mul(b.Softplus(b.Neg(out)), y), w...)
		return b.Add(there, b.Mul(b.Softplus(out), b.Affine(y, -1, 1)))
	}, WithActivation("sigmoid"))
	l.Target = tensor.Float32
	return l
}

package nn_test

import (
	"fmt"
	"testing"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/internal/opt/opttest"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// Every option changes what a call gives, or is refused with a hint.

func TestConvOptionsCount(t *testing.T) {
	options := opttest.Options[nn.ConvOption]{
		"Stride": nn.Stride(2), "Pad": nn.Pad(1), "SamePad": nn.SamePad(), "NoBias": nn.NoBias(), "KaimingFanOut": nn.KaimingFanOut(), "KaimingFanIn": nn.KaimingFanIn(),
		"Groups": nn.Groups(2), "WeightNorm": nn.WeightNorm(), "SpectralNorm": nn.SpectralNorm(),
	}
	opttest.Complete(t, ".", options, "ConvOption")
	opttest.Demand(t, options, opttest.Calls[nn.ConvOption]{"NewConv2D": func(o ...nn.ConvOption) (any, error) {
		c := nn.NewConv2D(4, 6, 3, o...)
		nn.NamePaths(c, "")
		nn.InitParams(c, nn.NewRNG(1))
		b := graph.NewBuilder(true)
		x := b.Input("x", tensor.Float32, 2, 8, 8, 4)
		shape := b.Shape(c.Forward(b, x))
		if b.Err() != nil {
			return nil, b.Err()
		}
		seen := fmt.Sprint(shape)
		for _, p := range nn.AllParams(c) {
			seen += fmt.Sprint(p.Name, p.Shape, p.Value.Float32s()[:2])
		}
		return seen, nil
	}})
}

func TestLossOptionsCount(t *testing.T) {
	options := opttest.Options[nn.LossOption]{"WithActivation": nn.WithActivation("sigmoid")}
	opttest.Complete(t, ".", options, "LossOption")
	opttest.Demand(t, options, opttest.Calls[nn.LossOption]{"NewLoss": func(o ...nn.LossOption) (any, error) {
		return nn.NewLoss("own", func(b *nn.Builder, out, y *nn.Node) *nn.Node { return b.Sub(out, y) }, o...).Activation, nil
	}})
}

package nn

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
)

// Conv2D is a two-dimensional convolution: [N, C, H, W] to [N, O, OH, OW].
type Conv2D struct {
	leaf
	Weight *Param // [O, C/groups, K, K]
	Bias   *Param // [O] or nil
	attrs  device.Conv
}

// ConvOption changes a Conv2D.
type ConvOption func(*Conv2D)

// Stride is the step of the kernel: 1 by default.
func Stride(n int) ConvOption { return func(c *Conv2D) { c.attrs.Stride = [2]int{n, n} } }

// Pad is the zeros around the picture: 0 by default.
func Pad(n int) ConvOption { return func(c *Conv2D) { c.attrs.Pad = [4]int{n, n, n, n} } }

// NoBias leaves the bias out.
func NoBias() ConvOption { return func(c *Conv2D) { c.Bias = nil } }

// KaimingFanOut starts the weight Kaiming normal over the outputs, as torchvision's ResNets do.
func KaimingFanOut() ConvOption {
	return func(c *Conv2D) { s := c.Weight.Shape; c.Weight.Init = KaimingNormal(s[0] * s[2] * s[3]) }
}

// KaimingFanIn starts the weight Kaiming normal over the inputs and the bias at 0, as fastai's layers
// do.
func KaimingFanIn() ConvOption {
	return func(c *Conv2D) {
		s := c.Weight.Shape
		c.Weight.Init = KaimingNormal(s[1] * s[2] * s[3])
		if c.Bias != nil {
			c.Bias.Init = Zeros
		}
	}
}

// NewConv2D makes a convolution with a square kernel. It starts as PyTorch's does: uniform within
// 1/sqrt(fan in).
func NewConv2D(in, out, kernel int, o ...ConvOption) *Conv2D {
	fan := in * kernel * kernel
	c := &Conv2D{
		Weight: &Param{Leaf: "weight", Shape: []int{out, in, kernel, kernel}, Kind: Weight, Init: torchDefault(fan)},
		Bias:   &Param{Leaf: "bias", Shape: []int{out}, Kind: Bias, Init: torchDefault(fan)},
		attrs:  device.Conv{Stride: [2]int{1, 1}, Groups: 1},
	}
	for _, f := range o {
		f(c)
	}
	return c
}

// Params are weight and bias.
func (c *Conv2D) Params() []*Param {
	if c.Bias == nil {
		return []*Param{c.Weight}
	}
	return []*Param{c.Weight, c.Bias}
}

// Forward convolves.
func (c *Conv2D) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	return c.ForwardFused(b, x, false)
}

// ForwardFused convolves and clips at 0 if relu, in one op.
func (c *Conv2D) ForwardFused(b *graph.Builder, x *graph.Node, relu bool) *graph.Node {
	var bias *graph.Node
	if c.Bias != nil {
		bias = c.Bias.node(b)
	}
	a := c.attrs
	a.ReLU = relu
	return b.Conv2D(x, c.Weight.node(b), bias, a)
}

package nn

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
)

// Conv2D is a two-dimensional convolution: [N, C, H, W] to [N, O, OH, OW].
type Conv2D struct {
	leaf
	Weight *Param // [O, C/groups, K, K]; with a norm on the weight, what it is made of
	Bias   *Param // [O] or nil
	attrs  device.Conv
	same   bool      // TensorFlow's padding: depends on the input's size
	length *Param    // of weight norm: [O, 1, 1, 1]
	spec   *spectral // of spectral norm
}

// ConvOption changes a Conv2D.
type ConvOption func(*Conv2D)

// Stride is the step of the kernel: 1 by default.
func Stride(n int) ConvOption { return func(c *Conv2D) { c.attrs.Stride = [2]int{n, n} } }

// Pad is the zeros around the picture: 0 by default.
func Pad(n int) ConvOption { return func(c *Conv2D) { c.attrs.Pad = [4]int{n, n, n, n} } }

// SamePad pads as TensorFlow does, so that the output is the input's size divided by the stride,
// rounded up; an odd border is one larger at the bottom and the right.
func SamePad() ConvOption { return func(c *Conv2D) { c.same = true } }

// NoBias leaves the bias out.
func NoBias() ConvOption { return func(c *Conv2D) { c.Bias = nil } }

// KaimingFanOut starts the weight Kaiming normal over the outputs, as torchvision's networks do.
func KaimingFanOut() ConvOption {
	return func(c *Conv2D) {
		s := c.Weight.Shape
		c.Weight.Init = KaimingNormal(s[0] * s[2] * s[3])
	}
}

// Groups cuts the channels into n parts that do not mix: 1 by default. An output's inputs, by which its weights
// start, are then those of one part.
func Groups(n int) ConvOption { return func(c *Conv2D) { c.attrs.Groups = n } }

// WeightNorm makes the weight of a direction and a length for each output.
func WeightNorm() ConvOption {
	return func(c *Conv2D) {
		c.Weight.Leaf = "weight_v"
		c.length = &Param{Leaf: "weight_g", Shape: []int{c.Weight.Shape[0], 1, 1, 1}, Layout: device.Picture, Kind: Weight, Init: Ones}
	}
}

// SpectralNorm divides the weight by its largest singular value.
func SpectralNorm() ConvOption {
	return func(c *Conv2D) { c.spec = newSpectral(c.Weight) }
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
	in /= groupsOf(o)
	fan := in * kernel * kernel
	c := &Conv2D{
		Weight: &Param{Leaf: "weight", Shape: []int{out, in, kernel, kernel}, Layout: device.Picture, Kind: Weight, Init: torchDefault(fan)},
		Bias:   &Param{Leaf: "bias", Shape: []int{out}, Kind: Bias, Init: torchDefault(fan)},
		attrs:  device.Conv{Stride: [2]int{1, 1}, Groups: 1},
	}
	for _, f := range o {
		f(c)
	}
	return c
}

// groupsOf is the number of groups that options ask for. The shape of the weights, which others read, depends
// on it, whatever the order of the options.
func groupsOf(o []ConvOption) int {
	c := &Conv2D{Weight: &Param{Shape: []int{1, 1, 1, 1}}, Bias: &Param{}, attrs: device.Conv{Groups: 1}}
	for _, f := range o {
		f(c)
	}
	return max(c.attrs.Groups, 1) // what makes no sense the graph refuses
}

// Params are weight and bias; with a norm on the weight, the bias and what the weight is made of.
func (c *Conv2D) Params() []*Param {
	var bias []*Param
	if c.Bias != nil {
		bias = []*Param{c.Bias}
	}
	switch {
	case c.length != nil:
		return append(bias, c.length, c.Weight)
	case c.spec != nil:
		return append(bias, c.spec.params()...)
	}
	return append([]*Param{c.Weight}, bias...)
}

func (c *Conv2D) weight(b *graph.Builder) *graph.Node {
	switch {
	case c.length != nil:
		return b.WeightNorm(c.Weight.node(b), c.length.node(b))
	case c.spec != nil:
		return c.spec.node(b)
	}
	return c.Weight.node(b)
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
	if c.same && x != nil && len(x.Shape()) == 4 {
		for i := range 2 {
			size, k, stride := x.Shape()[1+i], c.Weight.Shape[2+i], a.Stride[i]
			border := max(((size+stride-1)/stride-1)*stride+k-size, 0)
			a.Pad[i], a.Pad[2+i] = border/2, border-border/2
		}
	}
	return b.Conv2D(x, c.weight(b), bias, a)
}

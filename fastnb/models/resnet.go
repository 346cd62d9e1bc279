package models

import (
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
)

// The residual networks of He et al. 2015 (arXiv:1512.03385) in torchvision's layout: bottlenecks have
// their stride on the 3x3 convolution.
var (
	ResNet18  = resNet("resnet18", []string{"5c106cde", "f37072fd"}, false, 2, 2, 2, 2)
	ResNet34  = resNet("resnet34", []string{"333f7ec4", "b627a593"}, false, 3, 4, 6, 3)
	ResNet50  = resNet("resnet50", []string{"19c8e357", "0676ba61", "11ad3fa6"}, true, 3, 4, 6, 3)
	ResNet101 = resNet("resnet101", []string{"5d3b4d8f", "63fe2227", "cd907fc2"}, true, 3, 4, 23, 3)
	ResNet152 = resNet("resnet152", []string{"b121ed2d", "394f9c45", "f82ba261"}, true, 3, 8, 36, 3)
)

func init() {
	for _, a := range []Arch{ResNet18, ResNet34, ResNet50, ResNet101, ResNet152} {
		register(a)
	}
}

// torchvision names the file with the sums' starts: what fastai fetched, the same weights as torchvision's
// files have them since, and those of its second training (IMAGENET1K_V2).
func resNet(name string, sums []string, bottleneck bool, blocks ...int) Arch {
	out := 512
	if bottleneck {
		out = 2048
	}
	return Arch{
		Name: name, Out: out, Split: []int{6},
		Body:    func() *nn.Sequential { return resNetBody(bottleneck, blocks) },
		Weights: torchvision(name, sums...),
		Rename:  renameResNet,
	}
}

// torchvision are the weights of a network in torchvision's files, the first to be fetched.
func torchvision(name string, sums ...string) *WeightsFile {
	w := &WeightsFile{SHA256Prefix: sums[0], Name: name + "-" + sums[0] + ".pth"}
	w.URL = "https://download.pytorch.org/models/" + w.Name
	for _, s := range sums[1:] {
		w.Also = append(w.Also, name+"-"+s+".pth")
	}
	return w
}

// resNetBody has torchvision's children without average pool and last layer: 0 convolution, 1 batch
// norm, 2 ReLU, 3 max pool, 4 to 7 the stages.
func resNetBody(bottleneck bool, blocks []int) *nn.Sequential {
	body := []nn.Layer{
		conv(3, 64, 7, 2), nn.NewBatchNorm(64), nn.NewReLU(), nn.NewMaxPool2D(3, 2, 1),
	}
	in := 64
	for i, n := range blocks {
		width := 64 << i
		stage := &nn.Sequential{}
		for j := range n {
			stride := 1
			if i > 0 && j == 0 {
				stride = 2
			}
			b := newBlock(in, width, stride, bottleneck)
			stage.Layers = append(stage.Layers, b)
			in = b.out
		}
		body = append(body, stage)
	}
	return nn.NewSequential(body...)
}

func conv(in, out, kernel, stride int) *nn.Conv2D {
	return nn.NewConv2D(in, out, kernel, nn.Stride(stride), nn.Pad(kernel/2), nn.NoBias(), nn.KaimingFanOut())
}

// block is a residual block: two 3x3 convolutions, or a bottleneck of 1x1, 3x3 and 1x1, each with
// batch norm, added to the input (or to its projection where the shapes differ).
type block struct {
	convs []*nn.Conv2D
	bns   []*nn.BatchNorm
	down  *nn.Sequential // nil: the input itself
	out   int
}

func newBlock(in, width, stride int, bottleneck bool) *block {
	b := &block{out: width}
	if bottleneck {
		b.out = 4 * width
		b.convs = []*nn.Conv2D{conv(in, width, 1, 1), conv(width, width, 3, stride), conv(width, b.out, 1, 1)}
		b.bns = []*nn.BatchNorm{nn.NewBatchNorm(width), nn.NewBatchNorm(width), nn.NewBatchNorm(b.out)}
	} else {
		b.convs = []*nn.Conv2D{conv(in, width, 3, stride), conv(width, width, 3, 1)}
		b.bns = []*nn.BatchNorm{nn.NewBatchNorm(width), nn.NewBatchNorm(width)}
	}
	if stride != 1 || in != b.out {
		b.down = nn.NewSequential(conv(in, b.out, 1, stride), nn.NewBatchNorm(b.out))
	}
	return b
}

// Params is empty: a block has only its children's.
func (b *block) Params() []*nn.Param { return nil }

// Children are conv1, bn1, ... and downsample.
func (b *block) Children() []nn.Named {
	var out []nn.Named
	for i := range b.convs {
		n := string(rune('1' + i))
		out = append(out, nn.Named{Name: "conv" + n, Layer: b.convs[i]}, nn.Named{Name: "bn" + n, Layer: b.bns[i]})
	}
	if b.down != nil {
		out = append(out, nn.Named{Name: "downsample", Layer: b.down})
	}
	return out
}

// Forward adds the branch to the shortcut; the addition and the ReLU are part of the last batch norm.
func (b *block) Forward(g *graph.Builder, x *graph.Node) *graph.Node {
	short := x
	if b.down != nil {
		g.Push("downsample")
		short = b.down.Forward(g, x)
		g.Pop()
	}
	last := len(b.convs) - 1
	for i, c := range b.convs {
		n := string(rune('1' + i))
		g.Push("conv" + n)
		x = c.Forward(g, x)
		g.Pop()
		g.Push("bn" + n)
		var res *graph.Node
		if i == last {
			res = short
		}
		x = b.bns[i].ForwardFused(g, x, true, res)
		g.Pop()
	}
	return x
}

package nn

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
)

// PixelShuffleICNR makes a map several times as high and wide: a 1x1 convolution to scale^2 times the
// channels, ReLU, and a pixel shuffle. The convolution starts so that the pixels of a square are alike
// (Aitken et al. 2017), which avoids a checkerboard; a blur takes out what is left of one (Sugawara et
// al. 2018).
type PixelShuffleICNR struct {
	Conv  *Sequential // "conv": the convolution, and a batch norm where Norm asks for one
	Scale int
	Leaky float64
	Blur  bool
}

// PixelShuffleOptions say how a PixelShuffleICNR looks. The zero value doubles the size, without
// normalisation and blur.
type PixelShuffleOptions struct {
	Norm  NormType
	Scale int     // 0: 2
	Leaky float64 // slope of the ReLU below 0
	Blur  bool
}

// NewPixelShuffleICNR makes a PixelShuffleICNR: [N, in, H, W] to [N, out, H scale, W scale].
func NewPixelShuffleICNR(in, out int, o PixelShuffleOptions) *PixelShuffleICNR {
	if o.Scale == 0 {
		o.Scale = 2
	}
	square := o.Scale * o.Scale
	conv := NewConvLayer(in, out*square, 1, ConvLayerOptions{Norm: o.Norm, NoActivation: true})
	conv.Layers[0].(*Conv2D).Weight.Init = icnr(in, square)
	return &PixelShuffleICNR{Conv: conv, Scale: o.Scale, Leaky: o.Leaky, Blur: o.Blur}
}

// icnr draws the kernels of one channel in square and repeats each.
func icnr(in, square int) Initialiser {
	draw := KaimingNormal(in)
	return func(rng *RNG, dst []float32) {
		k := make([]float32, len(dst)/square)
		draw(rng, k)
		for o := range len(dst) / in {
			copy(dst[o*in:(o+1)*in], k[o/square*in:])
		}
	}
}

// Params is empty.
func (*PixelShuffleICNR) Params() []*Param { return nil }

// Children are "conv".
func (p *PixelShuffleICNR) Children() []Named { return []Named{{"conv", p.Conv}} }

// Forward grows the map.
func (p *PixelShuffleICNR) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	b.Push("conv")
	// The ReLU commutes with the shuffle, and goes into the convolution where it can.
	switch {
	case p.Leaky != 0:
		x = b.LeakyReLU(p.Conv.Forward(b, x), float32(p.Leaky))
	default:
		x = NewSequential(append(append([]Layer{}, p.Conv.Layers...), NewReLU())...).Forward(b, x)
	}
	b.Pop()
	x = b.PixelShuffle(x, p.Scale)
	if p.Blur {
		x = b.Pad2D(x, device.Pad{Pad: [4]int{1, 1, 0, 0}, Mode: device.PadReplicate})
		x = b.AvgPool2D(x, device.Pool{Size: [2]int{2, 2}, Stride: [2]int{1, 1}})
	}
	return x
}

package nn

import "github.com/fastnb/go/fastnb/graph"

// UnetBlock is a step of a U-Net's way up: it doubles the map from below, joins it to the encoder's
// activation of that size, and convolves twice.
type UnetBlock struct {
	Shuf         *PixelShuffleICNR
	BN           *BatchNorm // of the skip connection
	Conv1, Conv2 *Sequential
	Leaky        float64
	Out          int // channels that it gives
}

// UnetBlockOptions say how a UnetBlock looks. The zero value is fastai's default.
type UnetBlockOptions struct {
	Norm          NormType
	Halve         bool // half the channels come out: the last block of a U-Net
	Blur          bool
	Leaky         float64
	SelfAttention bool
}

// NewUnetBlock makes a UnetBlock for up channels from below and skip channels from the encoder: [N,
// up, H, W] and [N, skip, 2H, 2W] to [N, up/2 + skip, 2H, 2W].
func NewUnetBlock(up, skip int, o UnetBlockOptions) *UnetBlock {
	in := up/2 + skip
	out := in
	if o.Halve {
		out = in / 2
	}
	conv := ConvLayerOptions{Norm: o.Norm, Leaky: o.Leaky}
	last := conv
	last.SelfAttention = o.SelfAttention
	return &UnetBlock{
		Shuf:  NewPixelShuffleICNR(up, up/2, PixelShuffleOptions{Norm: o.Norm, Blur: o.Blur, Leaky: o.Leaky}),
		BN:    NewBatchNorm2D(skip, NormTypeBatch),
		Conv1: NewConvLayer(in, out, 3, conv), Conv2: NewConvLayer(out, out, 3, last),
		Leaky: o.Leaky, Out: out,
	}
}

// Params is empty: a block has only its children's.
func (*UnetBlock) Params() []*Param { return nil }

// Children are shuf, bn, conv1 and conv2.
func (u *UnetBlock) Children() []Named {
	return []Named{{"shuf", u.Shuf}, {"bn", u.BN}, {"conv1", u.Conv1}, {"conv2", u.Conv2}}
}

// Forward fails: a block needs a skip connection.
func (u *UnetBlock) Forward(b *graph.Builder, _ *graph.Node) *graph.Node {
	return b.Failf("a U-Net block needs the encoder's activation beside its input")
}

// Join runs the block on x from below and the encoder's activation skip. A map that does not fit the
// skip's size, since that was odd, is brought to it by the nearest pixels.
func (u *UnetBlock) Join(b *graph.Builder, x, skip *graph.Node) *graph.Node {
	b.Push("shuf")
	x = u.Shuf.Forward(b, x)
	b.Pop()
	b.Push("bn")
	// The ReLU over both halves is part of the batch norm on one side; on the other the shuffle gives
	// nothing below 0, so that it changes neither values nor gradients.
	s := u.BN.ForwardFused(b, skip, u.Leaky == 0, nil)
	b.Pop()
	if b.Err() != nil {
		return b.Fail(b.Err())
	}
	size := b.Shape(skip)
	x = b.Concat(b.ResizeNearest(x, size[1], size[2]), s)
	if u.Leaky != 0 {
		x = b.LeakyReLU(x, float32(u.Leaky))
	}
	b.Push("conv1")
	x = u.Conv1.Forward(b, x)
	b.Pop()
	b.Push("conv2")
	x = u.Conv2.Forward(b, x)
	b.Pop()
	return x
}

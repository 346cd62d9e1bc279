package models

import (
	"fmt"
	"strconv"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// UnetOptions say how a DynamicUnet looks. The zero value is the default of fastai's unet_learner.
type UnetOptions struct {
	Norm          nn.NormType
	Blur          bool        // blur after each pixel shuffle but the last (see NoBlurFinal)
	NoBlurFinal   bool        // with Blur, leave it out of the last block
	AlwaysBlur    bool        // blur after every shuffle, the last too: fastai of January 2019
	DetachSkips   bool        // no gradient through the skip connections: fastai of January 2019
	SelfAttention bool        // in the third block from the end
	NoLastCross   bool        // do not show the picture itself to the last layers
	Bottle        bool        // a bottleneck in the last residual block
	YRange        *[2]float64 // squeeze the results into this range
}

// DynamicUnet is a U-Net (Ronneberger et al. 2015) over the body of any architecture, after fastai's of
// the same name: [N, 3, H, W] to [N, classes, H, W] for pictures of any size that the body takes.
type DynamicUnet struct {
	Body   *nn.Sequential
	Layers []nn.Layer // all, the body first
	skips  []int      // body children whose outputs are joined in, from the deepest
	detach bool
}

// String is the network and what is in it, as nn.Describe writes it.
func (u *DynamicUnet) String() string { return nn.Describe(u) }

// Unet makes a DynamicUnet with start values drawn from rng. size is that of the pictures, height and
// width: a dry run over it finds the body's children behind which maps get smaller. A body without any
// is an error.
func Unet(a Arch, classes int, size [2]int, o UnetOptions, rng *nn.RNG) (*DynamicUnet, error) {
	if err := checkSizes([]int{classes, size[0], size[1]}); err != nil {
		return nil, fmt.Errorf("fastnb: models: unet: %d classes, pictures of %dx%d: %w", classes, size[0], size[1], err)
	}
	u := &DynamicUnet{Body: a.Body(), detach: o.DetachSkips}
	shapes, err := tapShapes(u.Body, size)
	if err != nil {
		return nil, fmt.Errorf("fastnb: models: unet: %s: %w", a.Name, err)
	}
	for i := len(shapes) - 2; i >= 0; i-- {
		if shapes[i][2] != shapes[i+1][2] {
			u.skips = append(u.skips, i)
		}
	}
	if len(u.skips) == 0 {
		return nil, fmt.Errorf("fastnb: models: unet: %s: none of its %d children makes a %dx%d map smaller, so there is nothing to join on the way up (try an architecture with strides or pools between its children, or larger pictures)",
			a.Name, len(shapes), size[0], size[1])
	}
	u.build(classes, size, shapes, o)
	nn.NamePaths(u, "")
	nn.InitParams(u, rng)
	return u, nil
}

// tapShapes are the shapes of the outputs of a body's children, [N, H, W, C].
func tapShapes(body *nn.Sequential, size [2]int) ([][]int, error) {
	b := graph.NewBuilder(false)
	nn.NamePaths(body, "")
	var out [][]int
	for _, n := range body.Taps(b, b.Input("x", tensor.Float32, 1, size[0], size[1], 3)) {
		if b.Err() != nil {
			return nil, b.Err()
		}
		s := b.Shape(n)
		if len(s) != 4 {
			return nil, fmt.Errorf("child %d gives %v, not maps (a body must end before its pooling)", len(out), s)
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("its body has no children")
	}
	return out, nil
}

func (u *DynamicUnet) build(classes int, size [2]int, shapes [][]int, o UnetOptions) {
	add := func(l nn.Layer) { u.Layers = append(u.Layers, l) }
	conv := nn.ConvLayerOptions{Norm: o.Norm}
	ni := shapes[len(shapes)-1][3]
	add(u.Body)
	add(nn.NewBatchNorm2D(ni, nn.NormTypeBatch))
	add(nn.NewReLU())
	add(nn.NewSequential(nn.NewConvLayer(ni, 2*ni, 3, conv), nn.NewConvLayer(2*ni, ni, 3, conv)))
	for i, s := range u.skips {
		last := i == len(u.skips)-1
		b := nn.NewUnetBlock(ni, shapes[s][3], nn.UnetBlockOptions{
			Norm: o.Norm, Halve: last, SelfAttention: o.SelfAttention && i == len(u.skips)-3,
			Blur: o.AlwaysBlur || o.Blur && (!last || !o.NoBlurFinal),
		})
		add(b)
		ni = b.Out
	}
	if shapes[0][1] != size[0] || shapes[0][2] != size[1] {
		add(nn.NewPixelShuffleICNR(ni, ni, nn.PixelShuffleOptions{Norm: o.Norm, Blur: o.AlwaysBlur}))
	}
	if !o.NoLastCross {
		add(nn.NewMergeLayer(true))
		ni += 3
		add(nn.NewResBlock(ni, o.Bottle, o.Norm))
	}
	conv.NoActivation = true
	add(nn.NewConvLayer(ni, classes, 1, conv))
	if o.YRange != nil {
		add(nn.NewSigmoidRange(o.YRange[0], o.YRange[1]))
	}
}

// Params is empty: a U-Net has only its children's.
func (u *DynamicUnet) Params() []*nn.Param { return nil }

// Children are "layers.0", the body, and so on.
func (u *DynamicUnet) Children() []nn.Named {
	out := make([]nn.Named, len(u.Layers))
	for i, l := range u.Layers {
		out[i] = nn.Named{Name: "layers." + strconv.Itoa(i), Layer: l}
	}
	return out
}

// Forward goes down the body and up again.
func (u *DynamicUnet) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	picture := x
	b.Push("layers.0")
	taps := u.Body.Taps(b, x)
	b.Pop()
	skips := u.skips
	x = taps[len(taps)-1]
	for i := 1; i < len(u.Layers); i++ {
		b.Push("layers." + strconv.Itoa(i))
		switch l := u.Layers[i].(type) {
		case *nn.BatchNorm: // and the ReLU behind it
			x = l.ForwardFused(b, x, true, nil)
			i++
		case *nn.UnetBlock:
			skip := taps[skips[0]]
			if u.detach {
				skip = b.Detach(skip)
			}
			x = l.Join(b, x, skip)
			skips = skips[1:]
		case *nn.MergeLayer:
			x = l.Merge(b, fit(b, x, picture), picture)
		default:
			x = l.Forward(b, x)
		}
		b.Pop()
	}
	return fit(b, x, picture)
}

// fit brings x to the picture's size, which is not that of the last shuffle if it was odd.
func fit(b *graph.Builder, x, picture *graph.Node) *graph.Node {
	if b.Err() != nil {
		return b.Fail(b.Err())
	}
	s := b.Shape(picture)
	return b.ResizeNearest(x, s[1], s[2])
}

// UnetGroups are the layer groups of a U-Net: the body cut at a.Split, and everything behind it.
func UnetGroups(a Arch, u *DynamicUnet) [][]*nn.Param {
	var rest []*nn.Param
	for _, l := range u.Layers[1:] {
		rest = append(rest, nn.AllParams(l)...)
	}
	return append(bodyGroups(a, u.Body), rest)
}

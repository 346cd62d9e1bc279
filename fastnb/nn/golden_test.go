package nn_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// TestLayerGoldens runs each layer forward and backward on fastai's weights and inputs.
func TestLayerGoldens(t *testing.T) {
	all := goldentest.Tensors(t, "layers.safetensors")
	conv := func(in, out, k int, o nn.ConvLayerOptions) nn.Layer { return nn.NewConvLayer(in, out, k, o) }
	shuffle := func(o nn.PixelShuffleOptions) nn.Layer { return nn.NewPixelShuffleICNR(6, 4, o) }
	block := func(o nn.UnetBlockOptions) nn.Layer { return nn.NewUnetBlock(8, 4, o) }
	merge := func(out int, dense bool) nn.Layer {
		return nn.NewSequentialEx(nn.NewConvLayer(4, out, 3, nn.ConvLayerOptions{}), nn.NewMergeLayer(dense))
	}
	cases := map[string]nn.Layer{
		"pixelshuffle_none":               shuffle(nn.PixelShuffleOptions{}),
		"pixelshuffle_none_blur":          shuffle(nn.PixelShuffleOptions{Blur: true}),
		"pixelshuffle_weight":             shuffle(nn.PixelShuffleOptions{Norm: nn.NormTypeWeight}),
		"pixelshuffle_weight_blur":        shuffle(nn.PixelShuffleOptions{Norm: nn.NormTypeWeight, Blur: true}),
		"pixelshuffle_batch":              shuffle(nn.PixelShuffleOptions{Norm: nn.NormTypeBatch}),
		"pixelshuffle_leaky":              shuffle(nn.PixelShuffleOptions{Leaky: .1}),
		"pixelshuffle_s3":                 shuffle(nn.PixelShuffleOptions{Scale: 3}),
		"mergelayer_add":                  merge(4, false),
		"mergelayer_dense":                merge(3, true),
		"res_block_none":                  nn.NewResBlock(6, false, nn.NormTypeNone),
		"res_block_batch":                 nn.NewResBlock(6, false, nn.NormTypeBatch),
		"res_block_bottle":                nn.NewResBlock(6, true, nn.NormTypeNone),
		"conv_layer_batch":                conv(4, 6, 3, nn.ConvLayerOptions{Norm: nn.NormTypeBatch}),
		"conv_layer_none":                 conv(4, 6, 3, nn.ConvLayerOptions{}),
		"conv_layer_noactiv":              conv(4, 6, 1, nn.ConvLayerOptions{NoActivation: true}),
		"conv_layer_weight":               conv(4, 6, 3, nn.ConvLayerOptions{Norm: nn.NormTypeWeight}),
		"conv_layer_spectral":             conv(4, 6, 3, nn.ConvLayerOptions{Norm: nn.NormTypeSpectral}),
		"conv_layer_leaky":                conv(4, 6, 3, nn.ConvLayerOptions{Leaky: .2}),
		"conv_layer_stride":               conv(4, 6, 3, nn.ConvLayerOptions{Norm: nn.NormTypeBatch, Stride: 2}),
		"self_attention":                  nn.NewSelfAttention(16),
		"pooled_self_attention":           nn.NewPooledSelfAttention2d(16),
		"unetblock":                       block(nn.UnetBlockOptions{}),
		"unetblock_notfinal":              block(nn.UnetBlockOptions{Halve: true}),
		"unetblock_oddsize":               block(nn.UnetBlockOptions{}),
		"unetblock_blur":                  block(nn.UnetBlockOptions{Blur: true}),
		"unetblock_batch":                 block(nn.UnetBlockOptions{Norm: nn.NormTypeBatch}),
		"unetblock_sa":                    block(nn.UnetBlockOptions{SelfAttention: true}),
		"interpolate_nearest_5x7_to_9x12": resize{},
	}
	for name, l := range cases {
		t.Run(name, func(t *testing.T) {
			for _, dev := range goldentest.Devices {
				runGolden(t, dev, l, goldentest.Under(all, name+"/"), strings.Contains(name, "_sa") || strings.Contains(name, "attention"))
			}
		})
	}
}

type resize struct{}

func (resize) Params() []*nn.Param  { return nil }
func (resize) Children() []nn.Named { return nil }

func (resize) Forward(b *graph.Builder, x *graph.Node) *graph.Node { return b.ResizeNearest(x, 9, 12) }

func runGolden(t *testing.T, dev string, l nn.Layer, g map[string]*tensor.Tensor, attention bool) {
	t.Helper()
	nn.NamePaths(l, "")
	p := goldentest.Pass{Device: dev, Train: true, Layer: l, State: goldentest.Under(g, "param/"), X: []*tensor.Tensor{g["x0"]}, Cot: g["cot"]}
	for _, q := range nn.AllParams(l) {
		if v := p.State[q.Name]; v == nil || !slices.Equal(v.Shape(), q.Shape) {
			t.Fatalf("parameter %s is %v here, fastai has %v", q.Name, q.Shape, v)
		}
	}
	if u, ok := l.(*nn.UnetBlock); ok {
		p.X = append(p.X, g["x1"])
		p.Build = func(b *graph.Builder, x ...*graph.Node) *graph.Node { return u.Join(b, x[0], x[1]) }
	}
	got, tol := p.Run(t), 2e-5
	if attention {
		tol = 1e-4
	}
	near := func(what string, got, want *tensor.Tensor) {
		t.Helper()
		goldentest.Near(t, dev+": "+what, got, want, tol*max(1, want.Abs().Max()))
	}
	near("out", got.Out, g["out"])
	for i, dx := range got.DX {
		near("gradient by input", dx, g["dx"+strconv.Itoa(i)])
	}
	for _, q := range nn.AllParams(l) {
		if q.Kind.Trainable() {
			near("gradient of "+q.Name, got.Grads[q.Name], g["grad/"+q.Name])
		}
	}
	for name, v := range goldentest.Under(g, "after/") {
		near(name+" afterwards", got.After[name], v)
	}
}

// TestICNR expands fastai's draws.
func TestICNR(t *testing.T) {
	all := goldentest.Tensors(t, "layers.safetensors")
	for _, c := range []struct {
		w, k   string
		square int
	}{{"icnr/w_8x3", "icnr/k_2x3", 4}, {"icnr/w_18x2_s3", "icnr/k_2x2", 9}} {
		w, k := all[c.w], all[c.k]
		in, out := w.Shape()[1], w.Shape()[0]
		for o := range out {
			for i := range in {
				if w.Float32s()[o*in+i] != k.Float32s()[o/c.square*in+i] {
					t.Fatalf("%s: fastai's row %d is no copy of draw %d", c.w, o, o/c.square)
				}
			}
		}
		scale := 2
		if c.square == 9 {
			scale = 3
		}
		l := nn.NewPixelShuffleICNR(in, out/c.square, nn.PixelShuffleOptions{Scale: scale})
		nn.InitParams(l, nn.NewRNG(3))
		got := nn.AllParams(l)[0].Value.Float32s()
		for o := range out {
			if first := o / c.square * c.square; !slices.Equal(got[o*in:(o+1)*in], got[first*in:(first+1)*in]) {
				t.Errorf("%s: row %d differs from row %d", c.w, o, first)
			}
		}
		if slices.Equal(got[:in], got[c.square*in:(c.square+1)*in]) {
			t.Error("two channels have one kernel")
		}
	}
}

package nn

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
)

// turned brings a tensor from PyTorch's layout to the device's, or back.
func turned(t *tensor.Tensor, back bool) *tensor.Tensor {
	s := t.Shape()
	if len(s) != 4 {
		return t
	}
	rows, cols, shape := s[1], s[2]*s[3], []int{s[0], s[2], s[3], s[1]}
	if back {
		rows, cols, shape = s[1]*s[2], s[3], []int{s[0], s[3], s[1], s[2]}
	}
	out := tensor.New(tensor.Float32, shape...)
	n := rows * cols
	for k := range s[0] {
		for r := range rows {
			for c := range cols {
				out.Float32s()[k*n+c*rows+r] = t.Float32s()[k*n+r*cols+c]
			}
		}
	}
	return out
}

// TestLayerGoldens runs each layer forward and backward on fastai's weights and inputs.
func TestLayerGoldens(t *testing.T) {
	all, _, err := safetensors.Read("testdata/layers.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	conv := func(in, out, k int, o ConvLayerOptions) Layer { return NewConvLayer(in, out, k, o) }
	shuffle := func(o PixelShuffleOptions) Layer { return NewPixelShuffleICNR(6, 4, o) }
	block := func(o UnetBlockOptions) Layer { return NewUnetBlock(8, 4, o) }
	merge := func(out int, dense bool) Layer {
		return NewSequentialEx(NewConvLayer(4, out, 3, ConvLayerOptions{}), NewMergeLayer(dense))
	}
	cases := map[string]Layer{
		"pixelshuffle_none":               shuffle(PixelShuffleOptions{}),
		"pixelshuffle_none_blur":          shuffle(PixelShuffleOptions{Blur: true}),
		"pixelshuffle_weight":             shuffle(PixelShuffleOptions{Norm: NormTypeWeight}),
		"pixelshuffle_weight_blur":        shuffle(PixelShuffleOptions{Norm: NormTypeWeight, Blur: true}),
		"pixelshuffle_batch":              shuffle(PixelShuffleOptions{Norm: NormTypeBatch}),
		"pixelshuffle_leaky":              shuffle(PixelShuffleOptions{Leaky: .1}),
		"pixelshuffle_s3":                 shuffle(PixelShuffleOptions{Scale: 3}),
		"mergelayer_add":                  merge(4, false),
		"mergelayer_dense":                merge(3, true),
		"res_block_none":                  NewResBlock(6, false, NormTypeNone),
		"res_block_batch":                 NewResBlock(6, false, NormTypeBatch),
		"res_block_bottle":                NewResBlock(6, true, NormTypeNone),
		"conv_layer_batch":                conv(4, 6, 3, ConvLayerOptions{Norm: NormTypeBatch}),
		"conv_layer_none":                 conv(4, 6, 3, ConvLayerOptions{}),
		"conv_layer_noactiv":              conv(4, 6, 1, ConvLayerOptions{NoActivation: true}),
		"conv_layer_weight":               conv(4, 6, 3, ConvLayerOptions{Norm: NormTypeWeight}),
		"conv_layer_spectral":             conv(4, 6, 3, ConvLayerOptions{Norm: NormTypeSpectral}),
		"conv_layer_leaky":                conv(4, 6, 3, ConvLayerOptions{Leaky: .2}),
		"conv_layer_stride":               conv(4, 6, 3, ConvLayerOptions{Norm: NormTypeBatch, Stride: 2}),
		"self_attention":                  NewSelfAttention(16),
		"unetblock":                       block(UnetBlockOptions{}),
		"unetblock_notfinal":              block(UnetBlockOptions{Halve: true}),
		"unetblock_oddsize":               block(UnetBlockOptions{}),
		"unetblock_blur":                  block(UnetBlockOptions{Blur: true}),
		"unetblock_batch":                 block(UnetBlockOptions{Norm: NormTypeBatch}),
		"unetblock_sa":                    block(UnetBlockOptions{SelfAttention: true}),
		"interpolate_nearest_5x7_to_9x12": resize{},
	}
	for name, l := range cases {
		t.Run(name, func(t *testing.T) {
			g := map[string]*tensor.Tensor{}
			for k, v := range all {
				if rest, ok := strings.CutPrefix(k, name+"/"); ok {
					g[rest] = v
				}
			}
			runGolden(t, l, g, strings.Contains(name, "_sa") || strings.Contains(name, "attention"))
		})
	}
}

type resize struct{ plain }

func (resize) Forward(b *graph.Builder, x *graph.Node) *graph.Node { return b.ResizeNearest(x, 9, 12) }

func runGolden(t *testing.T, l Layer, g map[string]*tensor.Tensor, attention bool) {
	NamePaths(l, "")
	b := graph.NewBuilder(true)
	x := b.Param("x0", turned(g["x0"], false).Shape()...)
	var out *graph.Node
	grads := []string{"x0"}
	if u, ok := l.(*UnetBlock); ok {
		out = u.Join(b, x, b.Param("x1", turned(g["x1"], false).Shape()...))
		grads = append(grads, "x1")
	} else {
		out = l.Forward(b, x)
	}
	for _, p := range AllParams(l) {
		if p.Kind.Trainable() {
			grads = append(grads, p.Name)
		}
		if v := g["param/"+p.Name]; v == nil || !slices.Equal(v.Shape(), p.Shape) {
			t.Fatalf("parameter %s is %v here, fastai has %v", p.Name, p.Shape, v)
		}
	}
	if b.Err() != nil {
		t.Fatal(b.Err())
	}
	want := turned(g["out"], false)
	if !slices.Equal(want.Shape(), b.Shape(out)) {
		t.Fatalf("output %v, want %v", out.Shape(), want.Shape())
	}
	loss := b.MSE(out, b.Input("target", tensor.Float32, want.Shape()...))
	low, err := b.Lower(graph.LowerSpec{Name: "golden", Outputs: []*graph.Node{out}, Loss: loss, Grads: grads})
	if err != nil {
		t.Fatal(err)
	}
	// The mean squared error against out - n/2 cot has the gradient cot at out.
	target := want.Clone()
	for i, c := range turned(g["cot"], false).Float32s() {
		target.Float32s()[i] -= float32(target.Len()) / 2 * c
	}
	got := execute(t, low, func(ref graph.ArgRef) *tensor.Tensor {
		switch {
		case ref.Kind == "input":
			return target
		case ref.Kind == "param" && g[ref.Name] != nil:
			return turned(g[ref.Name], false)
		case ref.Kind == "param":
			return turned(g["param/"+ref.Name], false)
		}
		return nil
	})
	tol := 2e-5
	if attention {
		tol = 1e-4
	}
	near(t, "out", got["output "], want, tol)
	for _, name := range grads {
		key := "grad/" + name
		if name == "x0" || name == "x1" {
			key = "d" + name
		}
		near(t, key, got["grad "+name], turned(g[key], false), tol)
	}
	for k, v := range g {
		if name, ok := strings.CutPrefix(k, "after/"); ok {
			near(t, k, got["param "+name], v, tol)
		}
	}
}

func execute(t *testing.T, low *graph.Lowered, value func(graph.ArgRef) *tensor.Tensor) map[string]*tensor.Tensor {
	dev := cpu.New(2)
	prog, err := dev.Compile(low.Plan)
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	var args []device.Buffer
	for i, ref := range low.Args {
		v := low.Plan.Values[low.Plan.Args[i]]
		buf, err := dev.Alloc(v.DType, v.Shape...)
		if err != nil {
			t.Fatal(err)
		}
		if x := value(ref); x != nil {
			if err := dev.Upload(buf, x); err != nil {
				t.Fatal(ref, err)
			}
		}
		args = append(args, buf)
	}
	if err := prog.Run(context.Background(), args...); err != nil {
		t.Fatal(err)
	}
	out := map[string]*tensor.Tensor{}
	for i, ref := range low.Args {
		x := tensor.New(args[i].DType(), args[i].Shape()...)
		if err := dev.Download(x, args[i]); err != nil {
			t.Fatal(err)
		}
		out[ref.Kind+" "+ref.Name] = x
	}
	return out
}

func near(t *testing.T, what string, got, want *tensor.Tensor, tol float64) {
	t.Helper()
	if want == nil || got == nil || got.Len() != want.Len() {
		t.Errorf("%s: %v, want %v", what, got, want)
		return
	}
	top := 1.0
	for _, w := range want.Float32s() {
		top = math.Max(top, math.Abs(float64(w)))
	}
	for i, w := range want.Float32s() {
		if d := math.Abs(float64(got.Float32s()[i] - w)); !(d <= tol*top) {
			t.Errorf("%s[%d] = %g, want %g", what, i, got.Float32s()[i], w)
			return
		}
	}
}

// TestICNR expands fastai's draws.
func TestICNR(t *testing.T) {
	all, _, err := safetensors.Read("testdata/layers.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		w, k   string
		square int
	}{{"icnr/w_8x3", "icnr/k_2x3", 4}, {"icnr/w_18x2_s3", "icnr/k_2x2", 9}} {
		w, k := all[c.w], all[c.k]
		in := w.Shape()[1]
		for o := range w.Shape()[0] {
			for i := range in {
				if w.Float32s()[o*in+i] != k.Float32s()[o/c.square*in+i] {
					t.Fatalf("%s: fastai's row %d is no copy of draw %d", c.w, o, o/c.square)
				}
			}
		}
		got := make([]float32, w.Len())
		icnr(in, c.square)(NewRNG(3), got)
		for o := range w.Shape()[0] {
			if first := o / c.square * c.square; !slices.Equal(got[o*in:(o+1)*in], got[first*in:(first+1)*in]) {
				t.Errorf("%s: row %d differs from row %d", c.w, o, first)
			}
		}
		if slices.Equal(got[:in], got[c.square*in:(c.square+1)*in]) {
			t.Error("two channels have one kernel")
		}
	}
}

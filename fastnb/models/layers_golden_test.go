package models

import (
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// tolLayer is the tolerance of a layer's outputs, gradients and statistics.
const tolLayer = 2e-5

// TestResNetLayersGolden holds blocks, pools and the parts of the head to PyTorch's and fastai's, forward and
// backward, in training and evaluation.
func TestResNetLayersGolden(t *testing.T) {
	ts := goldentest.Tensors(t, "layers.safetensors")
	seq := nn.NewSequential
	for name, fresh := range map[string]func() nn.Layer{
		"basicblock_train":      func() nn.Layer { return newBlock(6, 6, 1, false) },
		"basicblock_eval":       func() nn.Layer { return newBlock(6, 6, 1, false) },
		"basicblock_down_train": func() nn.Layer { return newBlock(4, 6, 2, false) },
		"basicblock_down_eval":  func() nn.Layer { return newBlock(4, 6, 2, false) },
		"bottleneck_train":      func() nn.Layer { return newBlock(8, 2, 1, true) },
		"bottleneck_eval":       func() nn.Layer { return newBlock(8, 2, 1, true) },
		"adaptive_concat_pool":  func() nn.Layer { return nn.NewGlobalPool(true, true) },
		"pool_flatten":          func() nn.Layer { return seq(nn.NewGlobalPool(false, true), nn.NewFlatten()) },
		"maxpool_stem":          func() nn.Layer { return nn.NewMaxPool2D(3, 2, 1) },
		"bn_drop_lin":           func() nn.Layer { return seq(nn.NewBatchNorm(7), nn.NewLinear(7, 4), nn.NewReLU()) },
	} {
		for _, dev := range goldentest.Devices {
			t.Run(name+"/"+dev, func(t *testing.T) {
				c := goldentest.Under(ts, name+"/")
				r := goldentest.Pass{
					Device: dev, Train: !strings.HasSuffix(name, "_eval"), Layer: fresh(),
					State: goldentest.Under(c, "param/"), X: []*tensor.Tensor{c["x0"]}, Cot: c["cot"],
				}.Run(t)
				goldentest.Near(t, "output", r.Out, c["out"], tolLayer)
				goldentest.Near(t, "gradient by the input", r.DX[0], c["dx0"], tolLayer)
				checkAll(t, "gradient of ", r.Grads, goldentest.Under(c, "grad/"))
				checkAll(t, "afterwards ", r.After, goldentest.Under(c, "after/"))
				if n := len(goldentest.Under(c, "grad/")); n != len(r.Grads) {
					t.Errorf("%d gradients, want %d", len(r.Grads), n)
				}
			})
		}
	}
}

func checkAll(t *testing.T, what string, got, want map[string]*tensor.Tensor) {
	t.Helper()
	for name, w := range want {
		goldentest.Near(t, what+name, got[name], w, tolLayer)
	}
}

// TestBatchNormGolden trains three batches and then evaluates: the running variance takes the unbiased
// one, the output the biased.
func TestBatchNormGolden(t *testing.T) {
	ts := goldentest.Tensors(t, "layers.safetensors")
	for _, name := range []string{"bn2d", "bn1d", "bn_mom001"} {
		for _, dev := range goldentest.Devices {
			t.Run(name+"/"+dev, func(t *testing.T) {
				c := goldentest.Under(ts, name+"/")
				bn := nn.NewBatchNorm(5)
				if name == "bn_mom001" {
					bn.Momentum = 0.01
				}
				state := map[string]*tensor.Tensor{
					"weight": c["param/weight"], "bias": c["param/bias"],
					"running_mean": tensor.New(tensor.Float32, 5), "running_var": tensor.FromFloat32([]float32{1, 1, 1, 1, 1}, 5),
				}
				for _, step := range []string{"step0/", "step1/", "step2/"} {
					s := goldentest.Under(c, step)
					r := goldentest.Pass{Device: dev, Train: true, Layer: bn, State: state, X: []*tensor.Tensor{s["x"]}, Cot: s["cot"]}.Run(t)
					goldentest.Near(t, step+"output", r.Out, s["out"], tolLayer)
					goldentest.Near(t, step+"gradient by the input", r.DX[0], s["dx"], tolLayer)
					goldentest.Near(t, step+"gradient by the scale", r.Grads["weight"], s["dweight"], tolLayer)
					goldentest.Near(t, step+"gradient by the shift", r.Grads["bias"], s["dbias"], tolLayer)
					for _, k := range []string{"running_mean", "running_var"} {
						goldentest.Near(t, step+k, r.After[k], s[k], tolLayer)
						state[k] = r.After[k]
					}
				}
				r := goldentest.Pass{Device: dev, Layer: bn, State: state, X: []*tensor.Tensor{c["eval/x"]}}.Run(t)
				goldentest.Near(t, "evaluation", r.Out, c["eval/out"], tolLayer)
			})
		}
	}
}

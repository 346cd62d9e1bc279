package engine

import (
	"math"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// tolSeq is the tolerance of single layers.
const tolSeq = 2e-5

// swapped is x [A, B, F] as [B, A, F]: rows first as fastai has it, time first as devices do.
func swapped(x *tensor.Tensor) *tensor.Tensor {
	s := x.Shape()
	out := tensor.New(tensor.Float32, s[1], s[0], s[2])
	for a := range s[0] {
		for b := range s[1] {
			copy(out.Float32s()[(b*s[0]+a)*s[2]:][:s[2]], x.Float32s()[(a*s[1]+b)*s[2]:][:s[2]])
		}
	}
	return out
}

// times is x with each element multiplied by that of the mask, which starts over when it ends.
func times(x, mask *tensor.Tensor) *tensor.Tensor {
	out, m := x.Clone(), mask.Float32s()
	for i := range out.Float32s() {
		out.Float32s()[i] *= m[i%len(m)]
	}
	return out
}

// rows is a mask of one value per row of w as one of w's shape.
func rows(mask, w *tensor.Tensor) *tensor.Tensor {
	out := tensor.New(tensor.Float32, w.Shape()...)
	for i := range out.Float32s() {
		out.Float32s()[i] = mask.Float32s()[i/w.Shape()[1]]
	}
	return out
}

// cell is one pass of an LSTM without dropout from a state, nil for zeros.
type cell struct {
	goldentest.Result

	last *tensor.Tensor // the cells after the last step
}

func runCell(t *testing.T, dev string, state map[string]*tensor.Tensor, x, h, c, cot *tensor.Tensor) cell {
	t.Helper()
	hidden := state["weight_hh_l0_raw"].Shape()[1]
	l := nn.NewLSTM(x.Shape()[2], hidden, 0)
	all := map[string]*tensor.Tensor{}
	for k, v := range state {
		all[k] = v
	}
	if h != nil {
		n := x.Shape()[1]
		all["h0"], all["c0"] = h.Reshape(n, hidden), c.Reshape(n, hidden)
	}
	run := func(cells bool, cot *tensor.Tensor) goldentest.Result {
		return goldentest.Pass{
			Device: dev, Train: true, Layer: l, State: all, X: []*tensor.Tensor{x}, Cot: cot,
			Build: func(b *graph.Builder, in ...*graph.Node) *graph.Node {
				var h0, c0 *graph.Node
				if h != nil {
					h0, c0 = b.Param("h0", all["h0"].Shape()...), b.Param("c0", all["c0"].Shape()...)
				}
				y, _, cn := l.Run(b, in[0], h0, c0, graph.LSTMOptions{Grad: cot != nil})
				if cells {
					return cn
				}
				return y
			},
		}.Run(t)
	}
	return cell{run(false, cot), run(true, nil).Out}
}

// The LSTM's outputs, state and gradients are PyTorch's, from a state that is given.
func TestLSTMGolden(t *testing.T) {
	ts, _ := textGoldens(t)
	c := goldentest.Under(ts, "lstm/")
	state := map[string]*tensor.Tensor{"weight_hh_l0_raw": c["param/weight_hh_l0"]}
	for _, k := range []string{"weight_ih_l0", "bias_ih_l0", "bias_hh_l0"} {
		state["module."+k] = c["param/"+k]
	}
	for _, dev := range goldentest.Devices {
		r := runCell(t, dev, state, swapped(c["x0"]), c["x1"], c["x2"], swapped(c["cot"]))
		goldentest.Near(t, dev+": outputs", swapped(r.Out), c["out"], tolSeq)
		goldentest.Near(t, dev+": last outputs", lastStep(r.Out), c["hn"], tolSeq)
		goldentest.Near(t, dev+": last cells", r.last, c["cn"], tolSeq)
		goldentest.Near(t, dev+": gradient by the input", swapped(r.DX[0]), c["dx0"], tolSeq)
		goldentest.Near(t, dev+": gradient by the recurrent weights", r.Grads["weight_hh_l0_raw"], c["grad/weight_hh_l0"], tolSeq)
		for _, k := range []string{"weight_ih_l0", "bias_ih_l0", "bias_hh_l0"} {
			goldentest.Near(t, dev+": gradient by "+k, r.Grads["module."+k], c["grad/"+k], tolSeq)
		}
	}
}

// lastStep is the last of y [T, N, F].
func lastStep(y *tensor.Tensor) *tensor.Tensor {
	s := y.Shape()
	return tensor.FromFloat32(y.Float32s()[(s[0]-1)*s[1]*s[2]:], s[1], s[2])
}

// Weight dropout is a mask on the recurrent weights, and their gradient comes through it.
func TestWeightDropoutGolden(t *testing.T) {
	ts, _ := textGoldens(t)
	c := goldentest.Under(ts, "weight_dropout/")
	state := goldentest.Under(c, "param/")
	state["weight_hh_l0_raw"] = times(state["weight_hh_l0_raw"], c["mask"])
	for _, dev := range goldentest.Devices {
		r := runCell(t, dev, state, swapped(c["x0"]), nil, nil, swapped(c["cot"]))
		r.Grads["weight_hh_l0_raw"] = times(r.Grads["weight_hh_l0_raw"], c["mask"])
		goldentest.Near(t, dev+": outputs", swapped(r.Out), c["out"], tolSeq)
		goldentest.Near(t, dev+": gradient by the input", swapped(r.DX[0]), c["dx0"], tolSeq)
		for k, w := range goldentest.Under(c, "grad/") {
			goldentest.Near(t, dev+": gradient by "+k, r.Grads[k], w, tolSeq)
		}
	}
}

// Embedding dropout is a mask on whole rows of the table; the padding's row has no gradient.
func TestEmbeddingDropoutGolden(t *testing.T) {
	ts, _ := textGoldens(t)
	c := goldentest.Under(ts, "embedding_dropout/")
	w := c["param/emb.weight"]
	mask := rows(c["mask"], w)
	for _, dev := range goldentest.Devices {
		r := goldentest.Pass{
			Device: dev, Train: true, Layer: nn.NewEmbedding(w.Shape()[0], w.Shape()[1], 1, 0),
			State: map[string]*tensor.Tensor{"weight": times(w, mask)}, X: []*tensor.Tensor{c["x0"]}, Cot: swapped(c["cot"]),
		}.Run(t)
		goldentest.Near(t, dev+": vectors", swapped(r.Out), c["out"], tolSeq)
		goldentest.Near(t, dev+": gradient", times(r.Grads["weight"], mask), c["grad/emb.weight"], tolSeq)
	}
}

// The dropout between layers has one mask for all steps, forward and backward.
func TestLockedDropoutGolden(t *testing.T) {
	ts, _ := textGoldens(t)
	c := goldentest.Under(ts, "rnn_dropout/")
	goldentest.Near(t, "outputs", swapped(times(swapped(c["x0"]), c["mask"])), c["out"], 1e-7)
	goldentest.Near(t, "gradient", swapped(times(swapped(c["cot"]), c["mask"])), c["dx0"], 1e-7)
	const p, id = .4, 1
	x := swapped(c["x0"])
	mask := tensor.New(tensor.Float32, x.Shape()[1:]...)
	device.DropoutMask(mask.Float32s(), device.Dropout{P: p, ID: id}, 0, 0, 0)
	for _, dev := range goldentest.Devices {
		r := goldentest.Pass{
			Device: dev, Train: true, X: []*tensor.Tensor{x}, Cot: swapped(c["cot"]),
			Build: func(b *graph.Builder, in ...*graph.Node) *graph.Node {
				return b.LockedDropout(in[0], p, id, 0, 0)
			},
		}.Run(t)
		goldentest.Near(t, dev+": outputs", r.Out, times(x, mask), 1e-6)
		goldentest.Near(t, dev+": gradient", r.DX[0], times(swapped(c["cot"]), mask), 1e-6)
	}
}

// The head pools the last, the greatest and the mean output without the padding's.
func TestPoolingClassifierGolden(t *testing.T) {
	ts, _ := textGoldens(t)
	c := goldentest.Under(ts, "pooling_classifier/")
	const pad = 1
	ids := tensor.New(tensor.Int64, c["mask"].Shape()...)
	for i, padding := range c["mask"].Int64s() {
		ids.Int64s()[i] = 2 - padding
	}
	for _, dev := range goldentest.Devices {
		net := nn.NewSequential(nn.NewBatchNorm(12), nn.NewLinear(12, 6), nn.NewReLU(), nn.NewBatchNorm(6), nn.NewLinear(6, 2))
		state := map[string]*tensor.Tensor{}
		for k, v := range goldentest.Under(c, "param/layers.") {
			if k != "0.num_batches_tracked" && k != "3.num_batches_tracked" {
				state[k] = v
			}
		}
		r := goldentest.Pass{
			Device: dev, Train: true, Layer: net, State: state, X: []*tensor.Tensor{swapped(c["x0"]), ids}, Cot: c["cot"],
			Build: func(b *graph.Builder, in ...*graph.Node) *graph.Node {
				return net.Forward(b, b.MaskedPool(in[0], in[1], 0, pad))
			},
		}.Run(t)
		goldentest.Near(t, dev+": scores", r.Out, c["out"], tolSeq)
		goldentest.Near(t, dev+": gradient by the input", swapped(r.DX[0]), c["dx0"], tolSeq)
		for k, w := range goldentest.Under(c, "grad/layers.") {
			goldentest.Near(t, dev+": gradient by "+k, r.Grads[k], w, tolSeq)
		}
	}
}

// Activation regularisation and its temporal kind add what fastai's trainer adds, the latter nothing where
// a batch has one row.
func TestActivityGolden(t *testing.T) {
	ts, cases := textGoldens(t)
	for _, name := range []string{"artar_bs3", "artar_bs1"} {
		c, of := goldentest.Under(ts, name+"/"), cases[name]
		for _, dev := range goldentest.Devices {
			part := func(y string, alpha, beta float64) goldentest.Result {
				return goldentest.Pass{
					Device: dev, Train: true, X: []*tensor.Tensor{swapped(c[y])}, Cot: tensor.FromFloat32([]float32{1}),
					Build: func(b *graph.Builder, in ...*graph.Node) *graph.Node {
						return b.Activity(in[0], float32(alpha), float32(beta))
					},
				}.Run(t)
			}
			ar, tar := part("out", of["alpha"].(float64), 0), part("raw", 0, of["beta"].(float64))
			sum := of["base_loss"].(float64) + float64(ar.Out.Float32s()[0]) + float64(tar.Out.Float32s()[0])
			if want := of["value"].(float64); math.Abs(sum-want) > tolSeq {
				t.Errorf("%s, %s: %v, want %v", name, dev, sum, want)
			}
			goldentest.Near(t, dev+": gradient by the outputs", swapped(ar.DX[0]), c["dout"], tolSeq)
			draw := c["draw"]
			if draw == nil { // one row: there is no such term
				draw = tensor.New(tensor.Float32, c["raw"].Shape()...)
			}
			goldentest.Near(t, dev+": gradient by the outputs before dropout", swapped(tar.DX[0]), draw, tolSeq)
		}
	}
}

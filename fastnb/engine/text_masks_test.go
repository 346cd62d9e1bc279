package engine

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// dropped is a language model of three layers that is told its masks: layer by layer, each on the device
// and without dropout, what lies between on the host. Masks stand in the order in which fastai draws
// them: words, input, then recurrent weights and output of each layer but the last, whose output mask stands
// before the decoder.
type dropped struct {
	dev   string
	state map[string]*tensor.Tensor // by the encoder's names, and decoder.bias
	h, c  []*tensor.Tensor          // of each layer after the last batch
}

func (d *dropped) layer(l int, mask *tensor.Tensor) map[string]*tensor.Tensor {
	s := goldentest.Under(d.state, fmt.Sprintf("0.rnns.%d.", l))
	s["weight_hh_l0_raw"] = times(s["weight_hh_l0_raw"], mask)
	return s
}

// words is the vectors of x [N, T], time first, of a table.
func (d *dropped) words(x, table *tensor.Tensor) *tensor.Tensor {
	n, t, e := x.Shape()[0], x.Shape()[1], table.Shape()[1]
	out := tensor.New(tensor.Float32, t, n, e)
	for i, id := range x.Int64s() {
		copy(out.Float32s()[(i%t*n+i/t)*e:][:e], table.Float32s()[int(id)*e:][:e])
	}
	return out
}

// batch gives the scores [T, N, V] of a batch, and with words y [N, T] the loss and the gradients of the
// loss with the regularisation.
func (d *dropped) batch(t *testing.T, masks []*tensor.Tensor, x, y *tensor.Tensor) (scores *tensor.Tensor, loss float64, grads map[string]*tensor.Tensor) {
	t.Helper()
	table := d.state["0.encoder.weight"]
	rowMask := rows(masks[0], table)
	in := []*tensor.Tensor{times(d.words(x, times(table, rowMask)), masks[1])}
	var raw []*tensor.Tensor
	h0, c0 := d.h, d.c
	if h0 == nil {
		h0, c0 = make([]*tensor.Tensor, 3), make([]*tensor.Tensor, 3)
	}
	d.h, d.c = nil, nil
	for l := range 3 {
		r := runCell(t, d.dev, d.layer(l, masks[2+2*l]), in[l], h0[l], c0[l], nil)
		raw = append(raw, r.Out)
		d.h, d.c = append(d.h, lastStep(r.Out)), append(d.c, r.last)
		in = append(in, times(r.Out, masks[3+2*l]))
	}
	scores, loss, dy, dw, db := decode(in[3], table, d.state["1.decoder.bias"], y)
	if y == nil {
		return scores, 0, nil
	}
	grads = map[string]*tensor.Tensor{"0.encoder.weight": dw, "1.decoder.bias": db}
	dy = times(dy, masks[7])
	reg := goldentest.Pass{
		Device: d.dev, Train: true, X: []*tensor.Tensor{raw[2]}, Cot: tensor.FromFloat32([]float32{1}),
		Build: func(b *graph.Builder, in ...*graph.Node) *graph.Node { return b.Activity(in[0], 2, 1) },
	}.Run(t)
	for i, v := range reg.DX[0].Float32s() {
		dy.Float32s()[i] += v
	}
	for l := 2; l >= 0; l-- {
		mask := masks[2+2*l]
		r := runCell(t, d.dev, d.layer(l, mask), in[l], h0[l], c0[l], dy)
		for k, g := range r.Grads {
			if k == "weight_hh_l0_raw" {
				g = times(g, mask)
			}
			grads[fmt.Sprintf("0.rnns.%d.%s", l, k)] = g
		}
		dy = times(r.DX[0], masks[1+2*l])
	}
	n, steps, e := x.Shape()[0], x.Shape()[1], table.Shape()[1]
	for i, id := range x.Int64s() {
		for k, v := range dy.Float32s()[(i%steps*n+i/steps)*e:][:e] {
			if id != 1 { // the padding
				dw.Float32s()[int(id)*e+k] += v * rowMask.Float32s()[int(id)*e+k]
			}
		}
	}
	return scores, loss, grads
}

// decode scores outputs x [T, N, E] by the table of words, in double precision, and gives the mean
// cross-entropy to y [N, T] with its gradients.
func decode(x, table, bias, y *tensor.Tensor) (scores *tensor.Tensor, loss float64, dx, dw, db *tensor.Tensor) {
	s, v, e := x.Shape(), table.Shape()[0], table.Shape()[1]
	scores = tensor.New(tensor.Float32, s[0], s[1], v)
	dx, dw, db = tensor.New(tensor.Float32, s...), tensor.New(tensor.Float32, v, e), tensor.New(tensor.Float32, v)
	for r := range s[0] * s[1] {
		row, out := x.Float32s()[r*e:][:e], scores.Float32s()[r*v:][:v]
		sum := 0.0
		for w := range v {
			z := float64(bias.Float32s()[w])
			for k, f := range row {
				z += float64(f) * float64(table.Float32s()[w*e+k])
			}
			out[w] = float32(z)
			sum += math.Exp(z)
		}
		if y == nil {
			continue
		}
		right := int(y.Int64s()[r%s[1]*s[0]+r/s[1]])
		loss += (math.Log(sum) - float64(out[right])) / float64(s[0]*s[1])
		for w := range v {
			d := math.Exp(float64(out[w])) / sum
			if w == right {
				d--
			}
			d /= float64(s[0] * s[1])
			db.Float32s()[w] += float32(d)
			for k, f := range row {
				dx.Float32s()[r*e+k] += float32(d * float64(table.Float32s()[w*e+k]))
				dw.Float32s()[w*e+k] += float32(d * float64(f))
			}
		}
	}
	return scores, loss, dx, dw, db
}

const maskedLM = "awd_lm_masks/"

func newDropped(ts map[string]*tensor.Tensor, dev string) *dropped {
	return &dropped{dev: dev, state: goldentest.Under(ts, maskedLM+"param/")}
}

// Told the masks that fastai drew, the language model with all its dropouts has fastai's scores, state,
// loss and gradients.
func TestDropoutMasksGolden(t *testing.T) {
	ts, cases := textGoldens(t)
	c := goldentest.Under(ts, maskedLM)
	for _, dev := range goldentest.Devices {
		d := newDropped(ts, dev)
		var masks []*tensor.Tensor
		for i := range 16 {
			masks = append(masks, c[fmt.Sprintf("mask%d", i)])
		}
		for i := range 2 {
			y := c["y"]
			if i == 0 {
				y = nil
			}
			scores, loss, grads := d.batch(t, masks[8*i:8*i+8], c[fmt.Sprintf("x_%d", i)], y)
			goldentest.Near(t, dev+": scores", swapped(scores), c[fmt.Sprintf("dec_%d", i)], tolText)
			for l := range 3 {
				goldentest.Near(t, dev+": state", d.h[l], c[fmt.Sprintf("h_%d_%d", i, l)], tolText)
				goldentest.Near(t, dev+": cells", d.c[l], c[fmt.Sprintf("c_%d_%d", i, l)], tolText)
			}
			if y == nil {
				continue
			}
			if want := cases["awd_lm_masks"]["ce"].(float64); math.Abs(loss-want) > tolText {
				t.Errorf("%s: loss %v, want %v", dev, loss, want)
			}
			want := goldentest.Under(c, "grad/")
			if len(want) != len(grads) {
				t.Errorf("%s: %d gradients, want %d", dev, len(grads), len(want))
			}
			for k, w := range want {
				goldentest.Near(t, dev+": gradient of "+k, grads[k], w, tolText)
			}
		}
	}
}

// drawn are the masks that a model of the shapes of masks draws at a step.
func drawn(masks []*tensor.Tensor, ps []float64, seed, step int64) []*tensor.Tensor {
	ids := []int{1, 2, 3, 4, 5, 6, 7, 9} // the output of the last layer has a number that is not used
	var out []*tensor.Tensor
	for i, m := range masks {
		x := tensor.New(tensor.Float32, m.Shape()...)
		device.DropoutMask(x.Float32s(), device.Dropout{P: float32(ps[i]), ID: ids[i]}, seed, step, 0)
		out = append(out, x)
	}
	return out
}

// The model that draws its masks itself is the model that is told them.
func TestDrawnMasks(t *testing.T) {
	ts, _ := textGoldens(t)
	c := goldentest.Under(ts, maskedLM)
	cfg := models.LMConfig().DropMult(2)
	cfg.EmbSz, cfg.NHid = 8, 12
	ps := []float64{cfg.EmbedP, cfg.InputP, cfg.WeightP, cfg.HiddenP, cfg.WeightP, cfg.HiddenP, cfg.WeightP, cfg.OutputP}
	var shapes []*tensor.Tensor
	for i := range 8 {
		shapes = append(shapes, c[fmt.Sprintf("mask%d", i)])
	}
	const seed = 7
	for _, dev := range goldentest.Devices {
		m, err := models.NewLanguageModel(40, cfg, nn.NewRNG(1))
		if err != nil {
			t.Fatal(err)
		}
		e, d := engineOf(t, dev, m, ts, maskedLM+"param/"), newDropped(ts, dev)
		e.Seed(seed)
		for step, x := range []*tensor.Tensor{c["x_0"], c["x_1"]} {
			got, _, err := e.TrainBatch(context.Background(), []*tensor.Tensor{x}, []*tensor.Tensor{c["y"]})
			if err != nil {
				t.Fatal(err)
			}
			_, loss, grads := d.batch(t, drawn(shapes, ps, seed, int64(step)), x, c["y"])
			if math.Abs(float64(got)-loss) > 1e-5 {
				t.Errorf("%s: loss %v in batch %d, %v when told the masks", dev, got, step, loss)
			}
			for k, w := range grads {
				g, err := e.read(context.Background(), e.byName[k].grad, e.byName[k].Layout)
				if err != nil {
					t.Fatal(err)
				}
				goldentest.Near(t, fmt.Sprintf("%s, batch %d: gradient of %s", dev, step, k), g, w, tolSeq)
			}
		}
	}
}

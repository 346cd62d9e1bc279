package fastnb

import (
	"math"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// family is a small training of a lesson's kind.
type family struct {
	name    string
	loss    nn.Loss
	model   func(rng *nn.RNG) (nn.Layer, error)
	x, y    *Tensor // 12 training rows, 4 of validation
	metrics []Metric
	lr      float64
	least   float64 // what the loss of an epoch falls by at least, as a part of the first's
}

const familyRows = 16

func pictureNet(classes int, last ...nn.Layer) func(*nn.RNG) (nn.Layer, error) {
	return func(*nn.RNG) (nn.Layer, error) {
		conv := func(in, out int) nn.Layer {
			return nn.NewSequential(nn.NewConv2D(in, out, 3, nn.Stride(2), nn.Pad(1), nn.NoBias()), nn.NewBatchNorm(out), nn.NewReLU())
		}
		head := []nn.Layer{nn.NewGlobalPool(true, true), nn.NewFlatten(), nn.NewBatchNorm(24), nn.NewDropout(.25), nn.NewLinear(24, classes)}
		return nn.NewSequential(nn.NewSequential(conv(3, 8), conv(8, 12)), nn.NewSequential(append(head, last...)...)), nil
	}
}

func families() []family {
	pictures := goldentest.Fill("pictures", 1, 0, familyRows, 3, 16, 16)
	// Targets that the pictures' brightness and its place tell.
	means := func(row, from, to int) float32 {
		var s float32
		for _, v := range pictures.Slice(row, row+1).Float32s()[from*256 : to*256] {
			s += v
		}
		return s
	}
	labels, points := tensor.New(tensor.Float32, familyRows, 3), tensor.New(tensor.Float32, familyRows, 2)
	mask := tensor.New(tensor.Int64, familyRows, 1, 16, 16)
	for r := range familyRows {
		for c := range 3 {
			if means(r, c, c+1) > 0 {
				labels.Float32s()[r*3+c] = 1
			}
		}
		points.Float32s()[r*2], points.Float32s()[r*2+1] = means(r, 0, 1)/40, means(r, 1, 3)/60
		for k := range 256 {
			if pictures.Float32s()[r*768+k] > pictures.Float32s()[r*768+256+k] {
				mask.Int64s()[r*256+k] = 1
			}
		}
	}
	const words = 23
	texts, next := tensor.New(tensor.Int64, familyRows, 9), tensor.New(tensor.Int64, familyRows, 9)
	class := tensor.New(tensor.Int64, familyRows)
	for r := range familyRows {
		class.Int64s()[r] = int64(r % 2)
		for t := range 9 {
			texts.Int64s()[r*9+t], next.Int64s()[r*9+t] = int64(2+r%2*10+(r+t)%10), int64(2+r%2*10+(r+t+1)%10) // each class counts with words of its own
		}
	}
	lm := models.AWDConfig{EmbSz: 12, NHid: 16, NLayers: 2, Pad: 1, InputP: .1, HiddenP: .1, EmbedP: .02, WeightP: .1, OutputP: .1, TieWeights: true, OutBias: true}
	clas := lm
	clas.TieWeights, clas.OutBias = false, false
	small := models.Arch{Name: "small", Body: func() *nn.Sequential {
		return nn.NewSequential(nn.NewConv2D(3, 6, 3, nn.Stride(2), nn.Pad(1), nn.NoBias()), nn.NewBatchNorm(6), nn.NewReLU(), nn.NewConv2D(6, 8, 3, nn.Stride(2), nn.Pad(1)), nn.NewReLU())
	}}
	return []family{
		{"planet: labels of pictures", nn.BCEWithLogitsFlat, pictureNet(3), pictures, labels, []Metric{FBeta(), AccuracyThresh()}, 1e-2, .3},
		{"camvid: a class for each pixel", nn.CrossEntropyFlat, func(rng *nn.RNG) (nn.Layer, error) {
			return models.Unet(small, 2, [2]int{16, 16}, models.UnetOptions{}, rng)
		}, pictures, mask, []Metric{Accuracy()}, 1e-2, .3},
		{"head pose: points", nn.MSELossFlat, pictureNet(2, nn.NewSigmoidRange(-1.2, 1.2)), pictures, points, nil, 1e-2, .3},
		{"imdb: a language model", nn.CrossEntropyFlat, func(rng *nn.RNG) (nn.Layer, error) { return models.NewLanguageModel(words, lm, rng) }, texts, next, []Metric{Accuracy()}, 1e-1, .2},
		{"imdb: a classifier", nn.CrossEntropyFlat, func(rng *nn.RNG) (nn.Layer, error) {
			return models.NewTextClassifier(words, 2, clas, models.TextHead{BPTT: 5, MaxLen: 9, LinFtrs: []int{8}}, rng)
		}, texts, class, []Metric{Accuracy()}, 3e-2, .3},
	}
}

// train trains the family on a device, "+f16" or "+bf16" behind whose name asks for ToFP16; it gives the losses of all batches, of validation, and the weights.
func (f family) train(t *testing.T, dev string) (losses, valid []float64, state map[string]*Tensor) {
	t.Helper()
	defer data.Seed(int(data.CurrentSeed()))
	data.Seed(7)
	rng := nn.NewRNG(3)
	net, err := f.model(rng)
	if err != nil {
		t.Fatal(err)
	}
	nn.NamePaths(net, "")
	nn.InitParams(net, rng)
	bunch := &data.DataBunch{Loss: f.loss, Path: datasets.NewPath(t.TempDir())}
	dev, half, _ := strings.Cut(dev, "+")
	l, err := NewLearner(bunch, net, nil, Silent(true), OnDevice(dev), Metrics(f.metrics...))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Destroy()
	switch half {
	case "f16":
		err = l.ToFP16(LossScale(256))
	case "bf16":
		err = l.ToFP16(BF16())
	}
	if err != nil {
		t.Fatal(err)
	}
	l.feeds = map[data.DSType]feed{data.Train: tensorFeed{f.x.Slice(0, 12), f.y.Slice(0, 12), 4}, data.Valid: tensorFeed{f.x.Slice(12, 16), f.y.Slice(12, 16), 4}}
	if err := l.FitOneCycle(8, LR(f.lr), Callbacks(GradientClipping(1))); err != nil {
		t.Fatal(err)
	}
	if n := l.eng.(*engine.Engine).Foreseen(); dev == "fake" && n != 8*2 { // of 3 batches an epoch all but the first
		t.Errorf("%d batches went up before their turn", n)
	}
	if state, err = l.StateDict(); err != nil {
		t.Fatal(err)
	}
	return l.Recorder.BatchLosses, l.Recorder.ValLosses, state
}

// fall is how far the mean loss of the last epoch is below that of the first.
func fall(losses []float64) (first, fall float64) {
	n := len(losses)
	for k := range 3 {
		first += losses[k] / 3
		fall += (losses[k] - losses[n-1-k]) / 3
	}
	return first, fall
}

// TestFamilies trains a small model of each lesson's kind on the device that works late and out of step: with the
// same bits as on the reference device in single precision, and near it with activations in half precision.
func TestFamilies(t *testing.T) {
	for _, f := range families() {
		t.Run(f.name, func(t *testing.T) {
			want, valid, weights := f.train(t, "host")
			first, down := fall(want)
			if down < first*f.least {
				t.Errorf("the loss falls from %.4f by %.4f only", first, down)
			}
			got, v, state := f.train(t, "fake")
			for k := range want {
				if got[k] != want[k] {
					t.Fatalf("batch %d: loss %v, want %v", k, got[k], want[k])
				}
			}
			for k := range valid {
				if v[k] != valid[k] {
					t.Fatalf("epoch %d: validation loss %v, want %v", k, v[k], valid[k])
				}
			}
			for name, w := range weights {
				if d := state[name].Sub(w).Abs().Max(); d != 0 {
					t.Errorf("%s differs by %v", name, d)
				}
			}
			tols := map[string]float64{"fake-f16": .05, "fake-bf16": .2}
			if halfProducts(t) {
				tols["cpu+bf16"] = .2
			}
			for _, dev := range gpuDevices(t) {
				tols[dev], tols[dev+"+f16"], tols[dev+"+bf16"] = .01, .1, .25
			}
			for dev, tol := range tols {
				got, _, _ := f.train(t, dev)
				if d := math.Abs(got[0]/want[0] - 1); d > tol/4 {
					t.Errorf("%s: the first loss is %v, want %v", dev, got[0], want[0])
				}
				if first, d := fall(got); d < down*(1-tol) {
					t.Errorf("%s: the loss falls from %.4f by %.4f, on the reference device by %.4f", dev, first, d, down)
				}
			}
		})
	}
}

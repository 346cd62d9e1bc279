package fastnb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// batchFeed gives the same batches every epoch.
type batchFeed struct {
	bs  int
	all []*data.Batch
}

func (f batchFeed) Len() int       { return len(f.all) }
func (f batchFeed) Items() int     { return len(f.all) * f.bs }
func (f batchFeed) BatchSize() int { return f.bs }
func (f batchFeed) Run(context.Context, int64) batches {
	return func(yield func(*data.Batch, error) bool) {
		for _, b := range f.all {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// streamFeed is a language model's batches: the documents one behind the other, in a circle.
func streamFeed(docs [][]int64, bs, bptt int) batchFeed {
	var all []int64
	for _, d := range docs {
		all = append(all, d...)
	}
	f := batchFeed{bs: bs}
	for i := range (len(all) + bs*bptt - 1) / (bs * bptt) {
		x, y := tensor.New(tensor.Int64, bs, bptt), tensor.New(tensor.Int64, bs, bptt)
		for r := range bs {
			for t := range bptt {
				at := len(all)*r/bs + i*bptt + t
				x.Int64s()[r*bptt+t], y.Int64s()[r*bptt+t] = all[at%len(all)], all[(at+1)%len(all)]
			}
		}
		f.all = append(f.all, &data.Batch{X: []*Tensor{x}, Y: []*Tensor{y}, N: bs})
	}
	return f
}

// paddedFeed is a classifier's batches of documents in the given order, filled up in front.
func paddedFeed(docs [][]int64, labels []int64, order []int, bs int) batchFeed {
	f := batchFeed{bs: bs}
	for k := 0; k+bs <= len(order); k += bs {
		longest := 0
		for _, i := range order[k : k+bs] {
			longest = max(longest, len(docs[i]))
		}
		x, y := tensor.New(tensor.Int64, bs, longest), tensor.New(tensor.Int64, bs)
		for r, i := range order[k : k+bs] {
			row := x.Int64s()[r*longest : (r+1)*longest]
			for t := range row {
				row[t] = data.PadID
			}
			copy(row[longest-len(docs[i]):], docs[i])
			y.Int64s()[r] = labels[i]
		}
		f.all = append(f.all, &data.Batch{X: []*Tensor{x}, Y: []*Tensor{y}, N: bs})
	}
	return f
}

func TestTextTrajectoriesGolden(t *testing.T) {
	var cases []struct {
		Name      string
		Smooth    []float64
		LR        []floats
		Mom       []floats
		ValLosses []float64 `json:"val_losses"`
		Metrics   [][]float64
		Setup     struct {
			Alpha, Beta float64
			Clip        *float64
			Documents   [][]int64
			Valid       [][]int64 `json:"valid_documents"`
			Labels      []int64
			ValidLabels []int64 `json:"valid_labels"`
		}
	}
	golden(t, "text_trajectories.json", &cases)
	ts := goldenTensors(t, "text_trajectories.safetensors")
	cfg := models.LMConfig().DropMult(0)
	cfg.EmbSz, cfg.NHid = 8, 12
	docs, valid := cases[0].Setup.Documents, cases[0].Setup.Valid
	devices := append([]string{"host", "cpu", "cpu", "fake"}, gpuDevices(t)...)
	for k := range len(devices) * len(cases) {
		n := k % len(devices)
		c, dev, scaled := cases[k/len(devices)], devices[n], n == 2
		t.Run(fmt.Sprint(c.Name, "/", dev, "/loss scale ", scaled), func(t *testing.T) {
			if dev != "cpu" && testing.Short() {
				t.Skip("devices in plain Go are slow")
			}
			var net nn.Layer
			var groups [][]*nn.Param
			var feeds map[data.DSType]feed
			init, lrs := "lm/init/", LR(1e-2)
			if c.Name == "classifier" {
				m, err := models.NewTextClassifier(40, 2, cfg, models.TextHead{BPTT: 20, MaxLen: 40, PS: []float64{0}}, nn.NewRNG(1))
				if err != nil {
					t.Fatal(err)
				}
				net, groups, init, lrs = m, m.Groups(), "clas/init/", Slice(1e-2/math.Pow(2.6, 4), 1e-2)
				feeds = map[data.DSType]feed{
					data.Train: paddedFeed(docs, c.Setup.Labels, []int{7, 6, 5, 4, 3, 2, 1, 0}, 4),
					data.Valid: paddedFeed(valid, c.Setup.ValidLabels, []int{3, 2, 1, 0}, 4),
				}
			} else {
				m, err := models.NewLanguageModel(40, cfg, nn.NewRNG(1))
				if err != nil {
					t.Fatal(err)
				}
				m.Regularisation = models.Regularisation{Alpha: c.Setup.Alpha, Beta: c.Setup.Beta}
				net, groups = m, m.Groups()
				feeds = map[data.DSType]feed{data.Train: streamFeed(docs, 4, 7), data.Valid: streamFeed(valid, 4, 7)}
			}
			d := &data.DataBunch{Loss: nn.CrossEntropyFlat, Path: datasets.NewPath(t.TempDir())}
			l, err := NewLearner(d, net, groups, Silent(true), OnDevice(dev), Metrics(Accuracy()))
			if err != nil {
				t.Fatal(err)
			}
			l.feeds = feeds
			if err := l.eng.LoadState(under(ts, init), true); err != nil {
				t.Fatal(err)
			}
			o := []FitOption{Moms(.8, .7)}
			if c.Setup.Clip != nil {
				o = append(o, Callbacks(GradientClipping(*c.Setup.Clip)))
			}
			if scaled { // goes through regularisation, carried state and the softmax in parts as well
				if err := errors.Join(l.ToFP16(MaxNoskip(3)), l.setActivations(tensor.Float32)); err != nil { // the scale alone
					t.Fatal(err)
				}
			}
			if err := l.FitOneCycle(2, lrs, o...); err != nil {
				t.Fatal(err)
			}
			r := l.Recorder
			for k := range c.Smooth {
				near(t, "smoothed loss", r.Losses[k], c.Smooth[k], tolLoss)
				near(t, "lr", r.LRs[k], c.LR[k][len(c.LR[k])-1], 1e-9)
				near(t, "mom", r.Moms[k], c.Mom[k][len(c.Mom[k])-1], 1e-9)
			}
			for e, want := range c.ValLosses {
				near(t, "validation loss", r.ValLosses[e], want, 2e-3)
				near(t, "accuracy", r.Metrics[e][0], c.Metrics[e][0], 1e-6)
			}
			checkWeights(t, l, under(ts, c.Name+"/final/"))
		})
	}
}

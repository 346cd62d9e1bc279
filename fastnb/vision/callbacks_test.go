package vision

import (
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// smallArch is a body of two children.
func smallArch() models.Arch {
	return models.Arch{Name: "resnet18", Out: 8, Body: func() *nn.Sequential {
		return nn.NewSequential(nn.NewConv2D(3, 8, 3, nn.Stride(2), nn.Pad(1), nn.NoBias()), nn.NewBatchNorm(8), nn.NewReLU())
	}}
}

// TestOverSampling draws each class as often as the commonest, in the fit and not after it.
func TestOverSampling(t *testing.T) {
	dir := tiles(t, 36)
	data.Seed(4)
	src := ImageListFromCSV(dir, "tags.csv", data.Folder("tiles"), data.Suffix(".png")).SplitByIdx([]int{0, 1, 2})
	d, err := src.LabelFromTable().Transform(nil, data.Size(8)).DataBunch(data.BS(6))
	check(t, err)
	learn, err := CNNLearner(d, smallArch(), fastnb.Pretrained(false), fastnb.LinFtrs(4), fastnb.Silent(true))
	check(t, err)
	var drawn [][]int // of each epoch, the items of each class
	count := fastnb.Callback{
		BeforeEpoch: func(l *fastnb.Learner) error { drawn = append(drawn, make([]int, d.C)); return nil },
		BeforeBatch: func(l *fastnb.Learner) error {
			if l.Training {
				for _, k := range l.Target[0].Int64s() {
					drawn[len(drawn)-1][k]++
				}
			}
			return nil
		},
	}
	check(t, learn.FitOneCycle(2, fastnb.LR(1e-3), fastnb.Callbacks(count)))
	plain := drawn[0]
	most := slices.Max(plain)
	if sum(plain) > 33 || slices.Min(plain)*3 > most*2 {
		t.Fatalf("the classes are not unequal enough for this test: %v", plain)
	}
	drawn = nil
	check(t, learn.FitOneCycle(3, fastnb.LR(1e-3), fastnb.Callbacks(fastnb.OverSampling(), count)))
	total := make([]int, d.C)
	for _, e := range drawn {
		if n := sum(e); n <= d.C*(most-1) || n > d.C*(most+1) {
			t.Errorf("an epoch of %d items, the commonest of %d classes has about %d", n, d.C, most)
		}
		for k, n := range e {
			total[k] += n
		}
	}
	// A class is expected sum/C times; its standard deviation is about 4.7 here.
	for k, n := range total {
		if want := sum(total) / d.C; n < want-19 || n > want+19 {
			t.Errorf("class %d was drawn %d times, want about %d: %v", k, n, want, total)
		}
	}
	if n := len(learn.Recorder.LRs); n != sum(learn.Recorder.NBatches) || n != 3*(sum(drawn[0])/6) {
		t.Errorf("the schedule has %d steps, the epochs %v batches", n, learn.Recorder.NBatches)
	}
	drawn = nil
	check(t, learn.Fit(1, fastnb.LR(1e-3), fastnb.Callbacks(count)))
	if sum(drawn[0]) != sum(plain) {
		t.Errorf("after such a fit an epoch has %d items, want %d", sum(drawn[0]), sum(plain))
	}
	drawn = nil
	only := make([]float64, d.TrainDS.Len())
	only[5] = 2
	check(t, learn.Fit(1, fastnb.LR(1e-3), fastnb.Callbacks(fastnb.OverSampling(only...), count)))
	if n := slices.Max(drawn[0]); n != sum(drawn[0]) {
		t.Errorf("weights of one item only drew %v", drawn[0])
	}
	for want, w := range map[string][]float64{"2 weights for 33 items": {1, 1}, "all 33 weights are 0": make([]float64, 33), "weight -1 of item 0": append([]float64{-1}, only[1:]...)} {
		if err := learn.Fit(1, fastnb.LR(1e-3), fastnb.Callbacks(fastnb.OverSampling(w...))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	d, err = source(dir).Transform(nil, data.Size(8)).DataBunch(data.BS(6))
	check(t, err)
	learn, err = CNNLearner(d, smallArch(), fastnb.Pretrained(false), fastnb.Silent(true))
	check(t, err)
	if err := learn.Fit(1, fastnb.LR(1e-3), fastnb.Callbacks(fastnb.OverSampling())); err == nil || !strings.Contains(err.Error(), "not one class") {
		t.Error("several labels per item:", err)
	}
}

func sum(x []int) int {
	s := 0
	for _, v := range x {
		s += v
	}
	return s
}

// TestActivationStatsOfAll records the layers with parameters without being told which.
func TestActivationStatsOfAll(t *testing.T) {
	d, err := source(tiles(t, 12)).Transform(nil, data.Size(8)).DataBunch(data.BS(4))
	check(t, err)
	learn, err := CNNLearner(d, smallArch(), fastnb.Pretrained(false), fastnb.LinFtrs(4), fastnb.Silent(true))
	check(t, err)
	stats := fastnb.ActivationStats()
	check(t, learn.Fit(1, fastnb.LR(1e-3), fastnb.Callbacks(stats.Callback)))
	if want := []string{"0.0", "0.1", "1.2", "1.4", "1.6", "1.8"}; !slices.Equal(stats.Layers, want) {
		t.Errorf("layers %v, want %v", stats.Layers, want)
	}
	for k, l := range stats.Layers {
		if len(stats.Means[k]) != 2 || !(stats.Stds[k][1] > 0) {
			t.Errorf("layer %s: means %v, standard deviations %v", l, stats.Means[k], stats.Stds[k])
		}
	}
}

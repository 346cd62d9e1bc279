package fastnb_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	. "github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// Our callbacks written anew from outside of the package: what a user's callback can do is what ours do.

func terminateOnNaN() Callback {
	return Callback{NotInLRFind: true, Blind: true, NaNOK: true, AfterLoss: func(l *Learner) error {
		if l.Training && (math.IsNaN(l.BatchLoss) || math.IsInf(l.BatchLoss, 0)) {
			return ErrStopFit
		}
		return nil
	}}
}

func gradientClipping(most float64) Callback {
	return Callback{Blind: true, AfterBackward: func(l *Learner) error {
		norm, err := l.ClipGrads(0)
		if err != nil || norm <= most {
			return err
		}
		return l.ScaleGrads(most / (norm + 1e-6))
	}}
}

func accumulate(n int) Callback {
	count, added := 0, false
	return Callback{
		Order: -5, Blind: true,
		BeforeEpoch: func(l *Learner) error { count, added = 0, false; l.DropGrads(); return nil },
		AfterBackward: func(l *Learner) error {
			if !l.Overflow {
				if err := l.AddGrads(float64(l.Target[0].Shape()[0])); err != nil {
					return err
				}
				added = true
			}
			if count++; count < n && l.Batch+1 < l.TrainBatches() {
				return ErrStopBatch
			}
			if count = 0; !added {
				return nil
			}
			added, l.Overflow = false, false
			return l.TakeGrads()
		},
		AfterFit: func(l *Learner) error { l.DropGrads(); return nil },
	}
}

func bnFreeze() Callback {
	return Callback{
		Blind:     true,
		BeforeFit: func(l *Learner) error { l.FreezeNorm(true); return nil },
		AfterFit:  func(l *Learner) error { l.FreezeNorm(false); return nil },
	}
}

func saveModel(name string) Callback {
	best, saved := math.Inf(1), false
	return Callback{
		Order: 10, NotInLRFind: true, Blind: true,
		BeforeFit: func(*Learner) error { best, saved = math.Inf(1), false; return nil },
		AfterEpoch: func(l *Learner) error {
			v, ok := l.Recorder.Monitored("valid_loss")
			if !ok || v >= best {
				return nil
			}
			best, saved = v, true
			return l.Save(name)
		},
		AfterFit: func(l *Learner) error {
			if !saved {
				return nil
			}
			return l.Load(name)
		},
	}
}

func overSampling() Callback {
	return Callback{Blind: true, Loader: func(l *Learner) (*data.Loader, error) {
		ds := l.Data.TrainDS
		counts, of := make([]int, l.Data.C), make([]int, ds.Len())
		for i := range of {
			y, err := ds.Y(i)
			if err != nil {
				return nil, err
			}
			of[i] = y.(data.Category).Index
			counts[of[i]]++
		}
		weights := make([]float64, len(of))
		for i, k := range of {
			weights[i] = 1 / float64(counts[k])
		}
		loader, err := l.Data.TrainLoader()
		if err != nil {
			return nil, err
		}
		return loader.Weighted(weights, len(counts)*slices.Max(counts))
	}}
}

func csvLogger(name string) Callback {
	var rows [][]string
	return Callback{
		Order: 20, NotInLRFind: true, Blind: true,
		BeforeFit:  func(l *Learner) error { rows = [][]string{l.Recorder.Names}; return nil },
		AfterEpoch: func(l *Learner) error { rows = append(rows, l.Recorder.LastRow()); return nil },
		AfterFit: func(l *Learner) error {
			file := l.Path.Join(name + ".csv")
			if err := l.Place(file); err != nil {
				return err
			}
			var text strings.Builder
			if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
				return err
			}
			return os.WriteFile(file.String(), []byte(text.String()), 0o666)
		},
	}
}

func trackEpoch() Callback {
	file := func(l *Learner) string { return l.Path.Join(l.ModelDir, "epoch").String() }
	return Callback{
		Order: -20, NotInLRFind: true, Blind: true,
		BeforeFit: func(l *Learner) error {
			text, err := os.ReadFile(file(l))
			if err != nil {
				return nil //nolint:nilerr // nothing broke off
			}
			l.Epoch, err = strconv.Atoi(string(text))
			return err
		},
		AfterEpoch: func(l *Learner) error {
			if err := l.Place(l.Path.Join(l.ModelDir, "epoch")); err != nil {
				return err
			}
			return os.WriteFile(file(l), []byte(strconv.Itoa(l.Epoch+1)), 0o666)
		},
		AfterFit: func(l *Learner) error {
			if l.FitErr == nil {
				return os.Remove(file(l))
			}
			return nil
		},
	}
}

func activationMeans(layer string, means *[]float64) Callback {
	return Callback{
		Blind: true, NotInLRFind: true,
		BeforeFit: func(l *Learner) error { *means = nil; return l.Watch(layer) },
		AfterLoss: func(l *Learner) error {
			if !l.Training {
				return nil
			}
			vs, err := l.Watched()
			if err != nil {
				return err
			}
			sum := 0.0
			for _, v := range vs[0].Float32s() {
				sum += float64(v)
			}
			*means = append(*means, sum/float64(vs[0].Len()))
			return nil
		},
		AfterFit: func(l *Learner) error { return l.Watch() },
	}
}

func TestCallbacksFromOutside(t *testing.T) {
	broken := errors.New("broken")
	breaks := func(at int) Callback {
		return Callback{AfterEpoch: func(l *Learner) error {
			if l.Epoch == at {
				return broken
			}
			return nil
		}}
	}
	var means []float64
	stats := ActivationStats("0")
	for name, c := range map[string]struct {
		ours, theirs []Callback
		lr           float64
		see          func(l *Learner, theirs bool) string // beside losses and weights
	}{
		"TerminateOnNaN":      {[]Callback{TerminateOnNaN()}, []Callback{terminateOnNaN()}, 9e5, nil},
		"GradientClipping":    {[]Callback{GradientClipping(.1)}, []Callback{gradientClipping(.1)}, 1e-2, nil},
		"AccumulateScheduler": {[]Callback{AccumulateScheduler(2, false), GradientClipping(.1)}, []Callback{gradientClipping(.1), accumulate(2)}, 1e-2, nil},
		"BnFreeze":            {[]Callback{BnFreeze()}, []Callback{bnFreeze()}, 1e-2, nil},
		"SaveModel":           {[]Callback{SaveModel("best")}, []Callback{saveModel("best")}, 1e-2, nil},
		"OverSampling":        {[]Callback{OverSampling()}, []Callback{overSampling()}, 1e-2, nil},
		"TrackEpoch": {[]Callback{TrackEpoch(""), breaks(1)}, []Callback{trackEpoch(), breaks(1)}, 1e-2, func(l *Learner, _ bool) string {
			text, _ := os.ReadFile(l.Path.Join("models", "epoch").String())
			return string(text)
		}},
		"CSVLogger": {[]Callback{CSVLogger("log", false)}, []Callback{csvLogger("log")}, 1e-2, func(l *Learner, _ bool) string {
			t, err := l.ReadLoggedFile("log")
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(t.Len(), t.Columns())
		}},
		"ActivationStats": {[]Callback{stats.Callback}, []Callback{activationMeans("0", &means)}, 1e-2, func(_ *Learner, theirs bool) string {
			if theirs {
				return fmt.Sprint(means)
			}
			return fmt.Sprint(stats.Means[0])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(theirs bool, callbacks []Callback) string {
				l := dotsLearner(t)
				defer l.Destroy()
				if name == "SaveModel" { // the last epoch is not the best
					callbacks = append(callbacks, Callback{BeforeEpoch: func(l *Learner) error { l.LRScale = math.Pow(1000, float64(l.Epoch/2)); return nil }})
				}
				err := l.Fit(3, LR(c.lr), Callbacks(callbacks...))
				if err != nil && !errors.Is(err, broken) {
					t.Fatal(err)
				}
				out := fmt.Sprint(l.Recorder.BatchLosses, l.Recorder.ValLosses, l.FitErr != nil)
				state, err := l.StateDict()
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range slices.Sorted(maps.Keys(state)) {
					out += fmt.Sprint("\n", name, state[name].Float32s())
				}
				if c.see != nil {
					out += "\n" + c.see(l, theirs)
				}
				return out
			}
			plain := run(false, without(c.see, stats.Callback))
			ours, theirs := run(false, c.ours), run(true, c.theirs)
			if ours != theirs {
				t.Errorf("ours:\n%.600s\ntheirs:\n%.600s", ours, theirs)
			}
			if ours == plain && name != "BnFreeze" && name != "ActivationStats" { // nothing is frozen here
				t.Error("the callback changes nothing")
			}
		})
	}
}

// without is a fit without the callback in question; of ActivationStats, which is looked at, with it.
func without(see func(*Learner, bool) string, stats Callback) []Callback {
	if see == nil {
		return []Callback{{NaNOK: true}}
	}
	return []Callback{stats}
}

// TestCallbacksChangeWhatIsTold: a callback may replace outputs and losses; table and metrics take what is there.
func TestCallbacksChangeWhatIsTold(t *testing.T) {
	l := dotsLearner(t)
	defer l.Destroy()
	var stepped, left int
	change := Callback{
		AfterLoss: func(l *Learner) error {
			l.BatchLoss = 5
			l.Output = tensor.New(tensor.Float32, l.Output.Shape()...)
			for i := range l.Output.Shape()[0] { // class 1 everywhere
				l.Output.Float32s()[i*3+1] = 1
			}
			return nil
		},
		AfterBackward: func(l *Learner) error {
			if l.Batch == 0 {
				return ErrStopBatch
			}
			return nil
		},
		AfterStep: func(l *Learner) error {
			if l.Stepped {
				stepped++
			} else {
				left++
			}
			return nil
		},
	}
	if err := l.Fit(1, LR(1e-2), Callbacks(change)); err != nil {
		t.Fatal(err)
	}
	r := l.Recorder
	if r.ValLosses[0] != 5 || slices.Max(r.BatchLosses) != 5 || math.Abs(r.LastLoss()-5) > 1e-5 {
		t.Error("losses", r.ValLosses, r.BatchLosses, r.Losses)
	}
	ones := 0
	for i := range l.Data.ValidDS.Len() {
		if y, _ := l.Data.ValidDS.Y(i); y.(data.Category).Index == 1 {
			ones++
		}
	}
	if want := float64(ones) / float64(l.Data.ValidDS.Len()); math.Abs(r.Metrics[0][0]-want) > 1e-6 {
		t.Errorf("accuracy %v, want %v", r.Metrics[0][0], want)
	}
	if left != 1 || stepped != l.TrainBatches()-1 {
		t.Errorf("%d steps, %d left out of %d batches", stepped, left, l.TrainBatches())
	}
}

// TestCallbacksHideNothing: a field that only this package could set would be what users' callbacks lack.
func TestCallbacksHideNothing(t *testing.T) {
	for f := range fieldsOf(reflect.TypeFor[Callback]()) {
		if !f.IsExported() {
			t.Errorf("Callback.%s is private", f.Name)
		}
	}
}

func fieldsOf(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// dots are items of four numbers with the class of the largest of three.
type dots int

func (d dots) Tensor() *tensor.Tensor {
	x := tensor.New(tensor.Float32, 4)
	for k := range x.Float32s() {
		x.Float32s()[k] = float32((int(d)*7919+k*104729)%97) / 97
	}
	return x
}
func (d dots) Show(...data.ShowOption) *plotting.Figure { return plotting.TextFigure(d.String()) }
func (d dots) String() string                           { return fmt.Sprint("dots ", int(d)) }

type dotsKind struct{}

func (dotsKind) Name() string { return "dots" }
func (dotsKind) Open(ref string) (data.Item, error) {
	n, err := strconv.Atoi(datasets.NewPath(ref).Name())
	return dots(n), err
}

func (dotsKind) Show(_, _ []data.Item, c data.ShowConfig) *plotting.Figure {
	return plotting.TextFigure(c.Title)
}

func dotsLearner(t *testing.T) *Learner {
	t.Helper()
	data.Seed(5)
	var refs []string
	var valid []int
	for k := range 42 {
		refs = append(refs, strconv.Itoa(k))
		if k%4 == 3 {
			valid = append(valid, k)
		}
	}
	class := func(p datasets.Path) string {
		n, _ := strconv.Atoi(p.Name())
		if n%5 > 2 {
			return "0"
		}
		return fmt.Sprint(n % 5)
	}
	d, err := data.NewItemList(dotsKind{}, datasets.NewPath(t.TempDir()), refs).SplitByIdx(valid).LabelFromFunc(class).DataBunch(data.BS(6))
	if err != nil {
		t.Fatal(err)
	}
	net := nn.NewSequential(nn.NewLinear(4, 8), nn.NewReLU(), nn.NewBatchNorm(8), nn.NewDropout(.2), nn.NewLinear(8, 3))
	nn.NamePaths(net, "")
	nn.InitParams(net, nn.NewRNG(1))
	l, err := NewLearner(d, net, nil, Metrics(Accuracy()), Silent(true))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

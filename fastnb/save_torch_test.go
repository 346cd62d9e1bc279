package fastnb

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// torchLearner is a learner of the net in testdata/pth, and what PyTorch made of it.
func torchLearner(t *testing.T) (l *Learner, want torchAnswers, x *Tensor) {
	t.Helper()
	body := nn.NewSequential(nn.NewConv2D(3, 4, 3, nn.Pad(1), nn.NoBias()), nn.NewBatchNorm(4), nn.NewReLU(), nn.NewConv2D(4, 5, 3, nn.Stride(2), nn.Pad(1)), nn.NewReLU())
	head := nn.NewSequential(nn.NewGlobalPool(false, true), nn.NewFlatten(), nn.NewBatchNorm(5), nn.NewLinear(5, 6), nn.NewReLU(), nn.NewLinear(6, 3))
	net := nn.NewSequential(body, head)
	nn.NamePaths(net, "")
	d := &data.DataBunch{Loss: nn.CrossEntropyFlat, Path: datasets.NewPath(t.TempDir())}
	l, err := NewLearner(d, net, [][]*nn.Param{nn.AllParams(body), nn.AllParams(head)}, Silent(true))
	must(t, err)
	b, err := os.ReadFile("testdata/pth/fastai_stage.json")
	must(t, err)
	must(t, json.Unmarshal(b, &want))
	x = tensor.FromFloat32(want.X, 4, 3, 6, 6)
	l.feeds = map[data.DSType]feed{data.Train: tensorFeed{x, tensor.FromInt64(want.Y, 4), 4}}
	must(t, l.Path.Join("models").Mkdir())
	return l, want, x
}

type torchAnswers struct {
	X          []float32
	Y          []int64
	Out, After [][]float64
	Loss       float64
}

func sameOut(t *testing.T, what string, l *Learner, x *Tensor, want [][]float64) {
	t.Helper()
	out, err := l.Outputs(x)
	must(t, err)
	for i, row := range want {
		for k, v := range row {
			near(t, what, out.At(i).Float64s()[k], v, 2e-5)
		}
	}
}

// TestLoadFastaiCheckpoints: what fastai's learn.save writes is found under its name, gives PyTorch's outputs,
// and with its optimizer the next step is PyTorch's too.
func TestLoadFastaiCheckpoints(t *testing.T) {
	for _, c := range []struct {
		file string
		opt  bool
	}{{"fastai_stage", true}, {"fastai_stage_legacy", true}, {"fastai_stage_old", true}, {"fastai_weights", false}} {
		t.Run(c.file, func(t *testing.T) {
			l, want, x := torchLearner(t)
			b, err := os.ReadFile(filepath.Join("testdata", "pth", c.file+".pth"))
			must(t, err)
			must(t, os.WriteFile(l.Path.Join("models", "stage-1.pth").String(), b, 0o666))
			must(t, l.Load("stage-1"))
			sameOut(t, "output", l, x, want.Out)
			if l.eng.HasOptimizer() != c.opt {
				t.Fatalf("optimizer %v", l.eng.HasOptimizer())
			}
			l.mom = .9
			must(t, l.Fit(1, LR(1e-2)))
			near(t, "loss", l.Recorder.BatchLosses[0], want.Loss, 2e-5)
			if c.opt {
				sameOut(t, "output after a step", l, x, want.After)
			}
			must(t, l.Load("stage-1.pth", WithOpt(false)))
			if l.eng.HasOptimizer() {
				t.Error("WithOpt(false) loads the optimizer")
			}
			sameOut(t, "output", l, x, want.Out)
			must(t, l.Save("stage-1")) // ours goes before from now on
			must(t, l.Fit(1, LR(1e-1)))
			must(t, l.Load("stage-1"))
			sameOut(t, "output of ours", l, x, want.Out)
		})
	}
}

// TestFastaiOptimizerThatDoesNotFit: the weights are loaded, and it is said that the optimizer is not.
func TestFastaiOptimizerThatDoesNotFit(t *testing.T) {
	l, want, x := torchLearner(t)
	b, err := os.ReadFile("testdata/pth/fastai_stage.pth")
	must(t, err)
	must(t, os.WriteFile(l.Path.Join("models", "s.pth").String(), b, 0o666))
	must(t, l.Freeze())
	l.Silent = false
	s := printed(t, func() { must(t, l.Load("s")) })
	if !strings.Contains(s, "s.pth: the weights are loaded, the optimizer starts anew: the file has it for 11 parameters") {
		t.Errorf("%q", s)
	}
	l.Silent = true
	sameOut(t, "output", l, x, want.Out)
}

// printed is what f prints.
func printed(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	must(t, err)
	old := os.Stdout
	os.Stdout = file
	func() {
		defer func() { os.Stdout = old }()
		f()
	}()
	b, err := os.ReadFile(file.Name())
	must(t, err)
	must(t, file.Close())
	return string(b)
}

// TestExportPickle: a learner that fastai exported is told to be one, with the way out.
func TestExportPickle(t *testing.T) {
	l, _, _ := torchLearner(t)
	b, err := os.ReadFile("testdata/pth/fastai_export.pkl")
	must(t, err)
	for _, f := range []string{"export.pkl", "models/export.pkl", "models/whole.pth"} {
		must(t, os.WriteFile(l.Path.Join(f).String(), b, 0o666))
	}
	_, folder := LoadLearner(l.Path)
	_, file := LoadLearner(l.Path.Join("export.pkl"))
	_, named := LoadLearner(l.Path, File("export.pkl"))
	for what, err := range map[string]error{"folder": folder, "file": file, "named": named, "checkpoint": l.Load("export.pkl")} {
		if err == nil || !strings.Contains(err.Error(), "export.pkl: is a pickle, as fastai's learn.export writes it") || !strings.Contains(err.Error(), "learn.save") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := l.Load("whole"); err == nil || !strings.Contains(err.Error(), "torch.save(model.state_dict(), …) or learn.save in Python") {
		t.Error(err)
	}
}

// TestAbsoluteNames: a file named in full is that file.
func TestAbsoluteNames(t *testing.T) {
	l, _ := fakeLearner(t, 1, 1, 1, 1)
	dir := datasets.NewPath(t.TempDir())
	must(t, l.Fit(1, LR(1), Callbacks(CSVLogger(dir.Join("log").String(), false))))
	must(t, l.Save(dir.Join("best").String()))
	for _, f := range []string{"log.csv", "best.safetensors"} {
		if !dir.Join(f).Exists() {
			t.Errorf("%s is not there", f)
		}
	}
	l.ModelDir = dir.Join("kept").String()
	must(t, l.Save("x"))
	if !dir.Join("kept", "x.safetensors").Exists() {
		t.Error("ModelDir is put under Path")
	}
}

package fastnb

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/data"
)

func TestSaveErrors(t *testing.T) {
	l, _ := fakeLearner(t, 1, 1, 1, 1)
	must(t, os.WriteFile(l.Path.Join("models").String(), nil, 0o666))
	if err := l.Save("x"); err == nil || !strings.Contains(err.Error(), "fastnb: save") || !strings.Contains(err.Error(), "ModelPath") {
		t.Error("a file in the folder's place:", err)
	}
	if err := l.Save(""); err == nil {
		t.Error("no name")
	}
	if err := l.Export(); err == nil || !strings.Contains(err.Error(), "CNNLearner") {
		t.Error("a model that nobody can build again:", err)
	}
}

func TestLoadOtherArch(t *testing.T) {
	a, _ := fakeLearner(t, 1, 1, 1, 1)
	a.spec = &ArchSpec{Kind: "cnn", Name: "resnet34"}
	must(t, a.Save("x"))
	b, e := fakeLearner(t, 1, 1, 1, 1)
	e.weight = 5
	b.Path, b.spec = a.Path, &ArchSpec{Kind: "cnn", Name: "resnet18"}
	if err := b.Load("x"); err == nil || !strings.Contains(err.Error(), "holds a cnn resnet34, the learner is a cnn resnet18") || e.weight != 5 {
		t.Error(err)
	}
	if err := b.Load("x", Strict(false)); err != nil || e.weight != 0 {
		t.Error(err)
	}
}

func TestDestroy(t *testing.T) {
	l, eng := fakeLearner(t, 1, 1, 2, 1)
	if err := l.Purge(); err != nil || eng.purged != 1 {
		t.Errorf("purge: %v, %d times", err, eng.purged)
	}
	l.Destroy()
	l.Destroy()
	if !eng.closed {
		t.Error("the engine was not closed")
	}
	if n := GPUMemFree(); n < 1 {
		t.Errorf("%d MB are free", n)
	}
	_, _, preds := l.GetPreds()
	_, predict := l.Predict("x")
	_, validate := l.Validate(data.On(data.Train))
	_, results := l.ShowResults()
	_, interpret := l.Interpret()
	for what, err := range map[string]error{
		"fit": l.Fit(1, LR(1)), "find": l.LRFind(), "save": l.Save("x"), "load": l.Load("x"), "export": l.Export(), "freeze": l.Freeze(), "purge": l.Purge(),
		"preds": preds, "predict": predict, "validate": validate, "results": results, "interpret": interpret,
	} {
		if err == nil || !strings.Contains(err.Error(), "destroyed") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_ = l.String()
}

// One number that is none is found wherever it stands.
func TestFinite(t *testing.T) {
	for n := range 11 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(math.MaxFloat32)
		}
		if !finite(x) {
			t.Errorf("%d numbers are taken for none", n)
		}
		for i := range x {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				old := x[i]
				x[i] = float32(bad)
				if finite(x) {
					t.Errorf("%v at %d of %d is taken for a number", bad, i, n)
				}
				x[i] = old
			}
		}
	}
}

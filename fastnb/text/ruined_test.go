package text

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
)

// ruin writes NaN into the weights, as a training that went wrong does.
func ruin(t *testing.T, l *fastnb.Learner) {
	t.Helper()
	s, err := l.StateDict()
	must(t, err)
	for name, x := range s {
		if strings.HasSuffix(name, "weight") || strings.HasSuffix(name, "bias") {
			x.Float32s()[0] = float32(math.NaN())
		}
	}
	must(t, l.LoadStateDict(s, true))
}

// A language model whose weights are no numbers writes nothing, whichever way it is asked.
func TestRuinedModelsWriteNothing(t *testing.T) {
	tab, dir := reviews(t, 12), datasets.NewPath(t.TempDir())
	l := lmOf(t, tab, dir)
	defer l.Destroy()
	if _, err := l.Predict("film", 3); err != nil {
		t.Fatal(err)
	}
	ruin(t, l.Learner)
	must(t, l.Export("ruined.fastnb"))
	m, err := fastnb.LoadModel(dir, fastnb.File("ruined.fastnb"))
	must(t, err)
	defer m.Close()
	if !strings.Contains(m.Ruined(), "no numbers, such as") {
		t.Errorf("of the loaded model is said: %q", m.Ruined())
	}
	for name, f := range map[string]func() (string, error){
		"predict":     func() (string, error) { return l.Predict("film", 3) },
		"beam search": func() (string, error) { return l.BeamSearch("film", 3) },
		"generate":    func() (string, error) { return Generate(context.Background(), m, "film", 3, 1, nil) },
	} {
		if s, err := f(); err == nil || !strings.Contains(err.Error(), "fastnb: "+name+": the scores of the next word are no numbers") {
			t.Errorf("%s wrote %q, error %v", name, s, err)
		}
	}
}

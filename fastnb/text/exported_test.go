package text

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
)

// An exported language model writes what its learner writes, word by word, also when several ask at once; it ends
// with its context.
func TestGenerate(t *testing.T) {
	tab, dir := reviews(t, 60), datasets.NewPath(t.TempDir())
	lm := lmOf(t, tab, dir)
	must(t, lm.FitOneCycle(2, fastnb.LR(2e-2)))
	must(t, lm.Export())
	data.Seed(11)
	want, err := lm.Predict("Film number 3 was", 12, Temperature(.7))
	must(t, err)
	m, err := fastnb.LoadModel(dir)
	must(t, err)
	defer m.Close()
	seed := data.CurrentSeed() + lm.drawn*0x9e3779b97f4a7c15
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			var seen []string
			got, err := Generate(context.Background(), m, "Film number 3 was", 12, seed, func(s string) error { seen = append(seen, s); return nil }, Temperature(.7))
			if err != nil || got != want || len(seen) != 12 || seen[11] != want || !strings.HasPrefix(seen[4], seen[3]) {
				t.Errorf("wrote %q, the learner %q; %d times seen; %v", got, want, len(seen), err)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	if _, err := Generate(ctx, m, "Film", 500, 1, func(string) error { n++; cancel(); return nil }); !errors.Is(err, context.Canceled) || n > 2 {
		t.Errorf("%v after %d words", err, n)
	}
	clas := clasOf(t, tab, datasets.NewPath(t.TempDir()), lm.Data.Vocab.Itos)
	must(t, clas.Export())
	c, err := fastnb.LoadModel(clas.Path)
	must(t, err)
	defer c.Close()
	if _, err := Generate(context.Background(), c, "Film", 5, 1, nil); err == nil || !strings.Contains(err.Error(), "not a language model") {
		t.Error(err)
	}
	if _, _, err := Attention(context.Background(), m, "Film", -1); err == nil || !strings.Contains(err.Error(), "no classifier") {
		t.Error(err)
	}
	in, err := clas.Interpret()
	must(t, err)
	words, at, err := in.IntrinsicAttention("Film number 3 was lovely!", -1)
	must(t, err)
	words2, at2, err := Attention(context.Background(), c, "Film number 3 was lovely!", -1)
	must(t, err)
	if words.String() != words2.String() {
		t.Errorf("%s, the learner %s", words2, words)
	}
	for i := range at {
		if math.Abs(at[i]-at2[i]) > 1e-5 {
			t.Errorf("token %d weighs %v, the learner says %v", i, at2[i], at[i])
		}
	}
}

package text

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/internal/exporttest"
)

func predictLoaded(path string) error {
	l, err := fastnb.LoadLearner(datasets.NewPath(path), fastnb.With(fastnb.Silent(true)))
	if err != nil {
		return err
	}
	defer l.Destroy()
	_, err = l.Predict("a film of some kind")
	return err
}

// Whatever the description in an export says, there is a learner or an error.
func TestHostileExports(t *testing.T) {
	tab, dir := reviews(t, 20), datasets.NewPath(t.TempDir())
	lm := lmOf(t, tab, dir)
	must(t, lm.Export("lm.fastnb"))
	clas := clasOf(t, tab, dir, lm.Data.Vocab.Itos)
	must(t, clas.Export("clas.fastnb"))
	huge := []any{-1.0, 0.0, 1e6, 1e9, 1e12}
	t.Run("language model", func(t *testing.T) {
		exporttest.Sweep(t, dir.Join("lm.fastnb").String(), func(path string) error {
			l, err := fastnb.LoadLearner(datasets.NewPath(path), fastnb.With(fastnb.Silent(true)))
			if err == nil {
				l.Destroy()
			}
			return err
		}, map[string][]any{
			"/version": {999.0, 0.0, nil}, "/arch/config/words": huge, "/arch/config/n_hid": huge, "/arch/config/emb_sz": huge, "/arch/config/n_layers": huge,
		})
	})
	t.Run("classifier", func(t *testing.T) {
		exporttest.Sweep(t, dir.Join("clas.fastnb").String(), predictLoaded, map[string][]any{
			"/version": {999.0}, "/arch/config/words": huge, "/arch/config/n_hid": huge, "/arch/config/classes": huge,
			"/arch/config/lin_ftrs": {[]any{-1.0}, []any{1e12}, []any{}}, "/export/data/bs": {-1.0, 1e12},
		})
	})
}

// Any description at all, around the weights of a small classifier.
func FuzzExport(f *testing.F) {
	t := &testing.T{}
	tab, dir := reviews(t, 12), datasets.NewPath(f.TempDir())
	lm := lmOf(t, tab, dir)
	clas := clasOf(t, tab, dir, lm.Data.Vocab.Itos[:20])
	must(t, clas.Export("clas.fastnb"))
	whole := exporttest.Open(f, dir.Join("clas.fastnb").String())
	f.Add(whole.Meta)
	f.Add(`{"version":1,"arch":{"kind":"text classifier","config":{"words":1000000000000}},"export":{}}`)
	out := filepath.Join(f.TempDir(), "export.fastnb")
	f.Fuzz(func(t *testing.T, meta string) {
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		whole.Write(t, out, meta)
		_ = predictLoaded(out)
	})
}

// A flipped bit anywhere in an export is found before anything is built of it.
func TestFlippedExports(t *testing.T) {
	tab, dir := reviews(t, 12), datasets.NewPath(t.TempDir())
	lm := lmOf(t, tab, dir)
	must(t, lm.Export())
	file := dir.Join("export.fastnb").String()
	whole, err := os.ReadFile(file)
	must(t, err)
	for i := range 200 {
		at := i * (len(whole) - 1) / 199
		whole[at] ^= 1 << (i % 8)
		must(t, os.WriteFile(file, whole, 0o666))
		whole[at] ^= 1 << (i % 8)
		if _, err := fastnb.LoadLearner(dir); err == nil {
			t.Errorf("loaded with bit %d of byte %d changed", i%8, at)
		}
	}
}

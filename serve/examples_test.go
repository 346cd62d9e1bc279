package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
)

// What cannot go into an export is refused before anything is written.
func TestExamplesAreBounded(t *testing.T) {
	l, err := fastnb.LoadLearner(pictures.copied(t), fastnb.With(fastnb.Silent(true)))
	check(t, err)
	defer l.Destroy()
	large := filepath.Join(t.TempDir(), "large.png")
	check(t, os.WriteFile(large, make([]byte, 2<<20), 0o666))
	small := datasets.NewPath(pngFile(t))
	for says, o := range map[string]fastnb.ExportOption{
		"no such file": fastnb.Examples(datasets.NewPath("none.png")), "try a smaller one": fastnb.Examples(datasets.NewPath(large)),
		"17 examples": fastnb.Examples(small, small, small, small, small, small, small, small, small, small, small, small, small, small, small, small, small),
		"has 2097152": fastnb.ExampleTexts(strings.Repeat("a", 2<<20)),
	} {
		if err := l.ExportWith(fastnb.File("new.fastnb"), o); err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "fastnb: export: examples: ") {
			t.Errorf("%s: %v", says, err)
		}
	}
	if l.Path.Join("new.fastnb").Exists() {
		t.Error("half an export was written")
	}
}

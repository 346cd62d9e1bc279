package text

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// manyReviews are real ones if there is a mirror, else generated ones.
func manyReviews(tb testing.TB) []string {
	tb.Helper()
	dir := datasets.NewPath(tb.TempDir(), "reviews")
	if m := os.Getenv("FASTNB_MIRROR"); m != "" && !strings.Contains(m, "://") {
		tb.Setenv("FASTNB_HOME", filepath.Join(tb.TempDir(), "home"))
		var err error
		if dir, err = datasets.GetData("imdb_sample"); err != nil {
			tb.Fatal(err)
		}
	} else if err := datasets.SampleData("imdb_sample", dir, 1000); err != nil {
		tb.Fatal(err)
	}
	tab, err := data.ReadCSV(dir.Join("texts.csv"))
	if err != nil {
		tb.Fatal(err)
	}
	texts, err := tab.Col("text")
	if err != nil {
		tb.Fatal(err)
	}
	return texts
}

func BenchmarkTokenizer(b *testing.B) {
	texts := manyReviews(b)
	tok := NewTokenizer()
	n := 0
	for b.Loop() {
		all, err := tok.ProcessAll(texts)
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range all {
			n += len(t)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tokens/s")
}

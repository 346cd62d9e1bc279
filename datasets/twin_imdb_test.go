package datasets

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// reviewFiles gives the texts of a folder by name.
func reviewFiles(t *testing.T, dir ...string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(append(dir, "*.txt")...))
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(n)] = string(b)
	}
	return m
}

func TestReviewsInTheRealLayout(t *testing.T) {
	dir := NewPath(t.TempDir(), "reviews")
	if err := SampleData("imdb", dir, 20); err != nil {
		t.Fatal(err)
	}
	first := reviewFiles(t, dir.p, "train", "pos")
	if err := SampleData("imdb", dir, 60); err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^\d+_(10|[0-9])\.txt$`)
	for folder, want := range map[string]int{"train/pos": 30, "train/neg": 30, "test/pos": 15, "test/neg": 15, "unsup": 60} {
		got := reviewFiles(t, dir.p, filepath.FromSlash(folder))
		if len(got) != want {
			t.Errorf("%s: %d reviews", folder, len(got))
		}
		for n, s := range got {
			m := name.FindStringSubmatch(n)
			if m == nil || len(s) < 15 || strings.ContainsAny(s, "{}|\n") {
				t.Errorf("%s/%s: %q", folder, n, s)
			}
			if good := len(m) > 1 && (m[1] == "10" || m[1] >= "7"); strings.HasSuffix(folder, "pos") != good {
				t.Errorf("%s/%s", folder, n)
			}
		}
	}
	// More reviews do not change those that were there.
	after := reviewFiles(t, dir.p, "train", "pos")
	for n, s := range first {
		if after[n] != s {
			t.Errorf("%s is another review now", n)
		}
	}
}

func TestReviewTable(t *testing.T) {
	dir := NewPath(t.TempDir(), "sample")
	if err := SampleData("imdb_sample", dir, 100); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir.Join("texts.csv").p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(rows[0], ",") != "label,text,is_valid" || len(rows) != 101 {
		t.Fatal(rows[0], len(rows))
	}
	count := map[string]int{}
	for i, r := range rows[1:] {
		count[r[0]]++
		if (r[2] == "True") != (i >= 80) {
			t.Errorf("row %d: is_valid %s", i, r[2])
		}
	}
	if count["positive"] < 30 || count["negative"] < 30 || count["positive"]+count["negative"] != 100 {
		t.Error(count)
	}
}

// The reviews must be worth learning from: thousands of words, and a verdict that words alone tell often,
// not always.
func TestReviewsHaveWordsAndSentiment(t *testing.T) {
	word := regexp.MustCompile(`[\pL'-]+`)
	counts, total := map[string][2]float64{}, [2]float64{}
	for i := range 1000 {
		r := writeReview(uint64(i), i%2 == 0)
		for _, w := range word.FindAllString(strings.ToLower(r.text), -1) {
			c := counts[w]
			c[i%2]++
			counts[w] = c
			total[i%2]++
		}
	}
	often := 0
	for _, c := range counts {
		if c[0]+c[1] >= 3 {
			often++
		}
	}
	if len(counts) < 3000 || often < 2000 {
		t.Errorf("%d words, %d of them three times", len(counts), often)
	}
	right := 0
	const tests = 500
	for i := range tests {
		score := 0.
		for _, w := range word.FindAllString(strings.ToLower(writeReview(streamTest+uint64(i), i%2 == 0).text), -1) {
			c := counts[w]
			score += math.Log((c[0] + 1) / (total[0] + 1) * (total[1] + 1) / (c[1] + 1))
		}
		if (score > 0) == (i%2 == 0) {
			right++
		}
	}
	if acc := float64(right) / tests; acc < .85 {
		t.Errorf("naive Bayes: %.3f", acc)
	}
	t.Logf("%d words, %d three times, %.0f a review, naive Bayes %.3f", len(counts), often, (total[0]+total[1])/1000, float64(right)/tests)
}

func TestGrammarIsWhole(t *testing.T) {
	for name, forms := range reviewGrammar {
		for _, f := range forms {
			for _, m := range symbol.FindAllStringSubmatch(f, -1) {
				if strings.Contains(m[1], "|") {
					continue
				}
				n, _, _ := strings.Cut(m[1], ":")
				_, rule := reviewGrammar[n]
				_, fact := reviewGrammar["new-"+n]
				_, list := reviewWords[n]
				if !rule && !fact && !list && n != "rating" && n != "year" {
					t.Errorf("%s: {%s} is nothing", name, n)
				}
			}
		}
	}
	for name, list := range reviewWords {
		if len(list)%37 == 0 {
			t.Errorf("%s has %d words, a multiple of the step", name, len(list))
		}
		seen := map[string]bool{}
		for _, w := range list {
			if seen[w] {
				t.Errorf("%s has %s twice", name, w)
			}
			seen[w] = true
		}
	}
	for _, c := range [][3]string{
		{"carry", "s", "carries"},
		{"play", "s", "plays"},
		{"watch", "s", "watches"},
		{"rob", "ed", "robbed"},
		{"save", "ing", "saving"},
		{"carry", "ed", "carried"},
		{"steal", "ed", "stole"},
		{"fisherman", "pl", "fishermen"},
		{"witch", "pl", "witches"},
		{"kidnap", "ing", "kidnapping"},
	} {
		if got := inflect(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
	if s := sentence("a awful story of a unit and a uninspired hour"); s != "An awful story of a unit and an uninspired hour" {
		t.Error(s)
	}
}

func TestReviewsStopWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := drawIMDB(ctx, t.TempDir(), order{n: 1000}); err == nil {
		t.Error("no error")
	}
}

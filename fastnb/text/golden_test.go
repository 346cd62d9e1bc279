package text

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// golden reads a file of testdata, made with fastai 1.0.61 and spaCy 2.3.9 (see its README).
func golden(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func TestTokensAsFastai(t *testing.T) {
	var g struct {
		Rows []struct {
			Text   string   `json:"text"`
			Clean  string   `json:"after_pre_rules"`
			Cut    []string `json:"spacy"`
			Tokens []string `json:"tokens"`
		}
	}
	golden(t, "tokens", &g)
	if len(g.Rows) < 66 {
		t.Fatalf("%d texts", len(g.Rows))
	}
	tok := NewTokenizer()
	var texts []string
	for _, r := range g.Rows {
		texts = append(texts, r.Text)
		if got := tok.Clean(r.Text); got != r.Clean {
			t.Errorf("%q cleaned:\n got %q\nwant %q", r.Text, got, r.Clean)
		}
		if d := cmp.Diff(r.Cut, tok.Cut(r.Clean)); d != "" {
			t.Errorf("%q cut (-want +got):\n%s", r.Text, d)
		}
		if d := cmp.Diff(r.Tokens, tok.Process(r.Text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", r.Text, d)
		}
	}
	all, err := tok.ProcessAll(texts)
	if err != nil {
		t.Fatal(err)
	}
	for k, r := range g.Rows {
		if d := cmp.Diff(r.Tokens, all[k]); d != "" {
			t.Errorf("%q among all (-want +got):\n%s", r.Text, d)
		}
	}
}

func TestRulesAsFastai(t *testing.T) {
	var g []struct {
		Rule string
		IO   [][2]json.RawMessage
	}
	golden(t, "text_rules", &g)
	text := map[string]func(string) string{}
	for _, r := range DefaultRules() {
		text[r.Name] = r.Text
	}
	tokens := map[string]func([]string) []string{}
	for _, r := range DefaultTokenRules() {
		tokens[r.Name] = r.Tokens
	}
	for _, c := range g {
		for _, io := range c.IO {
			if f := text[c.Rule]; f != nil {
				in, want := decode[string](t, io[0]), decode[string](t, io[1])
				if got := f(in); got != want {
					t.Errorf("%s(%q) = %q, want %q", c.Rule, in, got, want)
				}
				continue
			}
			in, want := decode[[]string](t, io[0]), decode[[]string](t, io[1])
			f := tokens[c.Rule]
			if c.Rule == "decode_spec_tokens" {
				// fastai goes on repeating after the first xxrep; see DecodeSpecTokens.
				f = DecodeSpecTokens
				want = []string{"xxbos", "Hello", "USA", "!!!!", "ha", "ha", "ha", "end", "x", "y"}
			}
			if d := cmp.Diff(want, f(in)); d != "" {
				t.Errorf("%s(%q) (-want +got):\n%s", c.Rule, in, d)
			}
		}
	}
}

func decode[T any](t *testing.T, b json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVocabAsFastai(t *testing.T) {
	var g struct {
		Tokens [][]string
		Vocabs []struct {
			MaxVocab int `json:"max_vocab"`
			MinFreq  int `json:"min_freq"`
			Itos     []string
			IDs      [][]int64
		}
		Joined map[string][]string `json:"join_texts"`
	}
	golden(t, "vocab", &g)
	for _, c := range g.Vocabs {
		at, words, counts := map[string]int{}, []string{}, []int{}
		for _, doc := range g.Tokens {
			for _, w := range doc {
				if _, ok := at[w]; !ok {
					at[w] = len(words)
					words, counts = append(words, w), append(counts, 0)
				}
				counts[at[w]]++
			}
		}
		v := data.VocabFromCounts(words, counts, c.MaxVocab, c.MinFreq)
		if d := cmp.Diff(c.Itos, v.Itos); d != "" {
			t.Errorf("max %d, min %d (-want +got):\n%s", c.MaxVocab, c.MinFreq, d)
		}
		for k, doc := range g.Tokens {
			if d := cmp.Diff(c.IDs[k], v.Numericalize(doc)); d != "" {
				t.Errorf("max %d, min %d, text %d (-want +got):\n%s", c.MaxVocab, c.MinFreq, k, d)
			}
		}
	}
	one := []string{"The cat sat on the mat. The cat slept.", "A dog sat on the log, the dog barked!"}
	for i := range 2 {
		c := newConfig()
		if got := c.frame(one[i]); got != g.Joined["plain"][i] {
			t.Errorf("plain: %q", got)
		}
		c.eos = true
		if got := c.frame(one[i]); got != g.Joined["eos"][i] {
			t.Errorf("eos: %q", got)
		}
		c.eos = false
		two := []string{[]string{"t1", "t2"}[i], []string{"b1", "b2"}[i]}
		if got := c.frame(textKind{c}.Ref(two)); got != g.Joined["multi"][i] {
			t.Errorf("multi: %q", got)
		}
		c.marks = true
		if got := c.frame(textKind{c}.Ref(two)); got != g.Joined["marked"][i] {
			t.Errorf("marked: %q", got)
		}
	}
}

func TestCSVPipelineAsFastai(t *testing.T) {
	var g struct {
		Rows     [][3]any
		Itos     []string
		TrainIDs [][]int64 `json:"train_ids"`
		ValidIDs [][]int64 `json:"valid_ids"`
		Classes  []string
		TrainY   []int64 `json:"train_y"`
		ValidY   []int64 `json:"valid_y"`
	}
	golden(t, "csv_pipeline", &g)
	var label, texts, valid []string
	for _, r := range g.Rows {
		label, texts, valid = append(label, r[0].(string)), append(texts, r[1].(string)), append(valid, fmt.Sprint(r[2]))
	}
	tab, err := data.NewTable("label", label, "text", texts, "is_valid", valid)
	if err != nil {
		t.Fatal(err)
	}
	path := datasets.NewPath(t.TempDir())
	if err := tab.ToCSV(path.Join("t.csv")); err != nil {
		t.Fatal(err)
	}
	d, err := TextListFromCSV(path, "t.csv", data.Cols("text"), MinFreq(1)).
		SplitFromTable(2).LabelFromTable(data.LabelCols(0)).DataBunch(data.BS(2))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g.Itos, d.Vocab.Itos); diff != "" {
		t.Errorf("vocabulary (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(g.Classes, d.Classes); diff != "" {
		t.Error(diff)
	}
	for _, part := range []struct {
		ds  *data.Dataset
		ids [][]int64
		y   []int64
	}{{d.TrainDS, g.TrainIDs, g.TrainY}, {d.ValidDS, g.ValidIDs, g.ValidY}} {
		if part.ds.Len() != len(part.ids) {
			t.Fatalf("%d items", part.ds.Len())
		}
		for i := range part.ids {
			x, y, err := part.ds.At(i)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(part.ids[i], x.(*Text).Data()); diff != "" {
				t.Errorf("text %d (-want +got):\n%s", i, diff)
			}
			if got := y.Tensor().Int64s()[0]; got != part.y[i] {
				t.Errorf("label %d: %d", i, got)
			}
		}
	}
}

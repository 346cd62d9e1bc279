package text

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// reviews is a table of n short reviews, good and bad, no two alike.
func reviews(t *testing.T, n int) *data.Table {
	t.Helper()
	var labels, texts, valid []string
	for i := range n {
		label, word := "negative", "awful"
		if i%3 == 0 {
			label, word = "positive", "lovely"
		}
		labels = append(labels, label)
		texts = append(texts, strings.Repeat(fmt.Sprintf("Film number %d was %s! ", i%7, word), 1+i%5))
		valid = append(valid, []string{"False", "True"}[i%4/3])
	}
	tab, err := data.NewTable("label", labels, "text", texts, "is_valid", valid)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// csvOf writes the table to a folder of its own.
func csvOf(t *testing.T, tab *data.Table) datasets.Path {
	t.Helper()
	dir := datasets.NewPath(t.TempDir())
	if err := tab.ToCSV(dir.Join("texts.csv")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// folders writes texts into dir/part/label/n.txt.
func folders(t *testing.T, files map[string]string) datasets.Path {
	t.Helper()
	dir := t.TempDir()
	for name, s := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return datasets.NewPath(dir)
}

func imdbLike(t *testing.T) datasets.Path {
	t.Helper()
	files := map[string]string{"README": "not a text", "train/labeledBow.feat": "0 1:2"}
	for i := range 12 {
		for _, part := range []string{"train", "test"} {
			files[fmt.Sprintf("%s/pos/%d_9.txt", part, i)] = fmt.Sprintf("A lovely film, number %d.<br /><br />Lovely.", i)
			files[fmt.Sprintf("%s/neg/%d_2.txt", part, i)] = fmt.Sprintf("An awful film, number %d.", i)
		}
		files[fmt.Sprintf("unsup/%d_0.txt", i)] = fmt.Sprintf("Some film, number %d, zzz.", i)
	}
	return folders(t, files)
}

func TestFactoriesSplitAndCountAsFastai(t *testing.T) {
	dir := csvOf(t, reviews(t, 100))
	d, err := TextDataBunchFromCSV(dir, "texts.csv", data.SplitSeed(42), data.BS(16))
	if err != nil {
		t.Fatal(err)
	}
	if d.ValidDS.Len() != 21 || d.TrainDS.Len() != 79 || d.BS != 16 { // int(.2·100)+1
		t.Errorf("%d for validation, %d for training", d.ValidDS.Len(), d.TrainDS.Len())
	}
	// NumPy's permutation of 100 with seed 42 starts with 83, 53.
	want := reviews(t, 100)
	for k, row := range []int{83, 53} {
		if got, _ := d.ValidDS.Y(k); got.String() != want.Row(row)[0] {
			t.Errorf("validation item %d has label %s, row %d %s", k, got, row, want.Row(row)[0])
		}
	}
	if got := d.Classes; !slices.Equal(got, []string{"negative", "positive"}) {
		t.Error(got)
	}
	// The factory takes words seen twice, the data block those seen three times.
	tab, err := data.NewTable("label", []string{"a", "b", "a", "b"}, "text", []string{"two two three", "three three", "one", "x x x"})
	if err != nil {
		t.Fatal(err)
	}
	dir = csvOf(t, tab)
	one, err := TextClasDataBunchFromTable(dir, tab, tab, data.BS(2))
	if err != nil {
		t.Fatal(err)
	}
	block, err := TextListFromTable(dir, tab, data.Col("text")).SplitNone().LabelFromTable(data.LabelCols(0)).DataBunch(data.BS(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		v          *data.Vocab
		two, three bool
	}{{"factory", one.Vocab, true, true}, {"block", block.Vocab, false, true}} {
		_, two := c.v.Stoi["two"]
		_, three := c.v.Stoi["three"]
		_, once := c.v.Stoi["one"]
		if two != c.two || three != c.three || once {
			t.Errorf("%s: two %v, three %v, one %v", c.name, two, three, once)
		}
	}
}

func TestFoldersAsInTheLesson(t *testing.T) {
	path := imdbLike(t)
	const bs = 4
	lm, err := TextListFromFolder(path, MinFreq(1)).
		FilterByFolder("train", "test", "unsup").
		SplitByRandPct(0.1, data.SplitSeed(1)).
		LabelForLM().
		DataBunch(data.BS(bs), data.BPTT(10))
	if err != nil {
		t.Fatal(err)
	}
	if n := lm.TrainDS.Len() + lm.ValidDS.Len(); n != 60 || lm.ValidDS.Len() != 6 {
		t.Errorf("%d texts, %d for validation", n, lm.ValidDS.Len())
	}
	if lm.C != lm.Vocab.Len() || lm.LabelKind().Name() != "lm" || lm.Loss.Name == "" {
		t.Errorf("c %d of %d words, kind %s", lm.C, lm.Vocab.Len(), lm.LabelKind().Name())
	}
	clas, err := TextListFromFolder(path, WithVocab(lm.Vocab.Itos)).
		SplitByFolder("train", "test").
		LabelFromFolder(data.Classes("neg", "pos")).
		DataBunch(data.BS(bs))
	if err != nil {
		t.Fatal(err)
	}
	if clas.TrainDS.Len() != 24 || clas.ValidDS.Len() != 24 || !clas.Vocab.Equal(lm.Vocab) {
		t.Errorf("%d, %d", clas.TrainDS.Len(), clas.ValidDS.Len())
	}
	x, y, err := clas.TrainDS.At(0)
	if err != nil {
		t.Fatal(err)
	}
	if got := x.String(); got != "xxbos xxmaj an awful film , number 0 ." || y.String() != "neg" {
		t.Errorf("%q, %s", got, y)
	}
	n := 0
	for _, set := range []data.DSType{data.Train, data.Valid} {
		if err := lm.Batches(context.Background(), set, func(b *data.Batch) error {
			n++
			xs, ys := b.X[0], b.Y[0]
			if !slices.Equal(xs.Shape(), []int{bs, 10}) || !slices.Equal(ys.Shape(), []int{bs, 10}) || b.N != bs {
				return fmt.Errorf("shapes %v, %v", xs.Shape(), ys.Shape())
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		l, _ := lm.Loader(set)
		if n -= l.Len(); n != 0 {
			t.Errorf("%s: %d batches more than Len", set, n)
		}
	}
}

// Each epoch of a language model has its own order of the texts; classifier batches are sorted.
func TestOrdersOfBatches(t *testing.T) {
	data.Seed(3)
	dir := csvOf(t, reviews(t, 40))
	lm, err := TextLMDataBunchFromCSV(dir, "texts.csv", data.BS(2), data.BPTT(8))
	if err != nil {
		t.Fatal(err)
	}
	l, err := lm.TrainLoader()
	if err != nil {
		t.Fatal(err)
	}
	first := func(epoch int64) []int64 {
		it := l.Iter(context.Background(), epoch)
		defer it.Close()
		if !it.Next() {
			t.Fatal(it.Err())
		}
		return it.Batch().X[0].At(0).Int64s()
	}
	if x, _, _ := lm.TrainDS.At(0); slices.Equal(first(0), x.(*Text).Data()[:8]) { // the seed settles it
		t.Error("the first epoch has the list's order")
	}
	if slices.Equal(first(0), first(1)) && slices.Equal(first(1), first(2)) {
		t.Error("three epochs in the same order")
	}
	if !slices.Equal(first(1), first(1)) {
		t.Error("one epoch has two orders")
	}
	clas, err := TextClasDataBunchFromCSV(dir, "texts.csv", data.BS(8))
	if err != nil {
		t.Fatal(err)
	}
	long, seen := 1<<30, map[int]bool{}
	if err := clas.Batches(context.Background(), data.Valid, func(b *data.Batch) error {
		for k, i := range b.Index {
			x, _, _ := clas.ValidDS.At(i)
			n := x.(*Text).Len()
			if n > long || seen[i] {
				return fmt.Errorf("item %d of %d tokens after %d", i, n, long)
			}
			long, seen[i] = n, true
			row := b.X[0].At(k).Int64s()
			if pad := len(row) - n; slices.ContainsFunc(row[:pad], func(id int64) bool { return id != data.PadID }) || row[pad] != 2 {
				return fmt.Errorf("row %v", row)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if len(seen) != clas.ValidDS.Len() {
		t.Errorf("%d of %d items", len(seen), clas.ValidDS.Len())
	}
	b, err := clas.OneBatch()
	if err != nil {
		t.Fatal(err)
	}
	longest := 0
	for i := range clas.TrainDS.Len() {
		x, _, _ := clas.TrainDS.At(i)
		longest = max(longest, x.(*Text).Len())
	}
	if b.X[0].Shape()[1] != longest {
		t.Errorf("the first training batch is %v, the longest text has %d", b.X[0].Shape(), longest)
	}
}

func TestSaveAndLoadGiveTheSame(t *testing.T) {
	path := imdbLike(t)
	lm, err := TextListFromFolder(path, MinFreq(1)).SplitByRandPct(0.2, data.SplitSeed(1)).LabelForLM().DataBunch(data.BS(4), data.BPTT(10))
	if err != nil {
		t.Fatal(err)
	}
	clas, err := TextListFromFolder(path, WithVocab(lm.Vocab.Itos)).SplitByFolder("train", "test").
		LabelFromFolder().AddTestFolder("unsup").DataBunch(data.BS(4))
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*data.DataBunch{"data_lm": lm, "data_clas.pkl": clas} {
		if err := d.Save(name); err != nil {
			t.Fatal(err)
		}
		opts := []data.BunchOption{data.BS(3)}
		if d == lm {
			opts = append(opts, data.BPTT(10))
		}
		got, err := data.LoadData(path, name, opts...)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Vocab.Equal(d.Vocab) || got.BS != 3 || !slices.Equal(got.Classes, d.Classes) || got.HasTest() != d.HasTest() || got.C != d.C {
			t.Errorf("%s: %s", name, got)
		}
		for _, set := range []data.DSType{data.Train, data.Valid, data.Test} {
			a, b := d.Dataset(set), got.Dataset(set)
			if a == nil && b == nil {
				continue
			}
			if a.Len() != b.Len() {
				t.Fatalf("%s %s: %d items, were %d", name, set, b.Len(), a.Len())
			}
			for i := range a.Len() {
				xa, ya, _ := a.At(i)
				xb, yb, err := b.At(i)
				if err != nil || xa.String() != xb.String() || ya.String() != yb.String() || a.List().Ref(i) != b.List().Ref(i) {
					t.Fatalf("%s %s: item %d: %v, %s %s, was %s %s", name, set, i, err, xb, yb, xa, ya)
				}
			}
		}
	}
	if err := lm.Save(); err != nil { // the default name
		t.Fatal(err)
	}
	if got, err := data.LoadData(path, ""); err != nil || got.TrainDS.Len() != lm.TrainDS.Len() || got.BS != 64 {
		t.Error(got, err)
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	path := imdbLike(t)
	d, err := TextListFromFolder(path, MinFreq(1)).SplitByFolder("train", "test").LabelFromFolder().DataBunch(data.BS(4))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Save("x"); err != nil {
		t.Fatal(err)
	}
	file := path.Join("x.fastnb").String()
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		bytes      []byte
	}{
		{"a bit flipped", "damaged", func() []byte { b := bytes.Clone(good); b[len(b)/2] ^= 1; return b }()},
		{"cut off", "damaged", good[:len(good)-7]},
		{"nearly nothing", "cut off", good[:20]},
		{"another file", "not written by Save", []byte("label,text\n")},
		{"empty", "not written by Save", nil},
	} {
		if err := os.WriteFile(file, c.bytes, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := data.LoadData(path, "x"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := data.LoadData(path, "absent"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestBadInput(t *testing.T) {
	tab := reviews(t, 40)
	dir := csvOf(t, tab)
	for _, c := range []struct {
		name, want string
		make       func() (*data.DataBunch, error)
	}{
		{"column absent", `no column "body"`, func() (*data.DataBunch, error) {
			return TextDataBunchFromCSV(dir, "texts.csv", data.Cols("body"))
		}},
		{"table absent", "no such file", func() (*data.DataBunch, error) { return TextDataBunchFromCSV(dir, "text.csv") }},
		{"label column absent", "no column 7", func() (*data.DataBunch, error) {
			return TextDataBunchFromCSV(dir, "texts.csv", data.LabelCols(7))
		}},
		{"no text in the folder", "no file ends in .txt", func() (*data.DataBunch, error) { return TextDataBunchFromFolder(dir) }},
		{"empty vocabulary", "vocabulary is empty", func() (*data.DataBunch, error) {
			return TextDataBunchFromCSV(dir, "texts.csv", WithVocab(nil))
		}},
		{"no training label among the classes", `"negative"`, func() (*data.DataBunch, error) {
			return TextDataBunchFromCSV(dir, "texts.csv", data.Classes("good", "neutral"))
		}},
		{"no valid rows", "is for validation", func() (*data.DataBunch, error) {
			return TextListFromCSV(dir, "texts.csv").SplitByIdx(nil).LabelFromTable().DataBunch()
		}},
		{"bptt 0", "bptt 0", func() (*data.DataBunch, error) {
			return TextLMDataBunchFromCSV(dir, "texts.csv", data.BPTT(0))
		}},
	} {
		d, err := c.make()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "fastnb: ") {
			t.Errorf("%s: %v, %v", c.name, d, err)
		}
	}
}

func TestOddTexts(t *testing.T) {
	long := strings.Repeat("All work and no play makes Jack a dull boy. ", 1<<20/44)
	path := folders(t, map[string]string{
		"train/a/empty.txt": "", "train/a/word.txt": "word", "train/b/long.txt": long,
		"train/b/bytes.txt": "\ufeffcafé good", "train/a/windows.txt": "one\r\ntwo\rthree",
		"valid/a/blank.txt": " \n\t ", "valid/b/x.txt": "good",
	})
	d, err := TextDataBunchFromFolder(path, MinFreq(1), data.BS(2))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for i, f := range d.TrainDS.Items() {
		x, _, err := d.TrainDS.At(i)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name()] = x.String()
	}
	if s := got["empty.txt"]; s != "xxbos" {
		t.Errorf("empty: %q", s)
	}
	if s := got["word.txt"]; s != "xxbos word" {
		t.Errorf("word: %q", s)
	}
	if s := got["bytes.txt"]; s != "xxbos café good" {
		t.Errorf("bytes: %q", s)
	}
	if s := got["windows.txt"]; s != "xxbos one \n  two \n  three" {
		t.Errorf("windows: %q", s)
	}
	if n := strings.Count(got["long.txt"], "jack"); n != 1<<20/44 {
		t.Errorf("long: %d", n)
	}
	for _, set := range []data.DSType{data.Train, data.Valid} {
		if err := d.Batches(context.Background(), set, func(*data.Batch) error { return nil }); err != nil {
			t.Error(err)
		}
	}
	// Blanks alone still make a batch.
	b, err := d.OneBatch(data.On(data.Valid))
	if err != nil || b.X[0].Shape()[0] != 2 {
		t.Error(b, err)
	}
}

func TestQuotedLinesOfATable(t *testing.T) {
	dir := datasets.NewPath(t.TempDir())
	table := "label,text\npos,\"Two lines,\nand \"\"quotes\"\"\"\nneg,plain\npos,good\nneg,bad\n"
	if err := os.WriteFile(dir.Join("t.csv").String(), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := TextListFromCSV(dir, "t.csv", data.Cols("text"), MinFreq(1)).SplitByIdx([]int{2, 3}).
		LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(2))
	if err != nil {
		t.Fatal(err)
	}
	if x, _, _ := d.TrainDS.At(0); x.String() != "xxbos xxmaj two lines , \n  and \" quotes \"" {
		t.Errorf("%q", x)
	}
	if err := os.WriteFile(dir.Join("t.csv").String(), []byte("label,text\npos,good\nneg,\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := TextListFromCSV(dir, "t.csv", data.Cols("text")).Err(); err == nil || !strings.Contains(err.Error(), `t.csv:3: column "text" is empty`) {
		t.Error(err)
	}
}

func TestItemOfAndRulesOfOnesOwn(t *testing.T) {
	shout := Rule{Name: "shout", Text: strings.ToUpper}
	drop := TokenRule{Name: "drop_signs", Tokens: func(ts []string) []string {
		return slices.DeleteFunc(slices.Clone(ts), func(t string) bool { return t == "!" })
	}}
	tok := NewTokenizer(PreRules(append(DefaultRules(), shout)...), PostRules(append(DefaultTokenRules(), drop)...))
	dir := csvOf(t, reviews(t, 20))
	d, err := TextDataBunchFromCSV(dir, "texts.csv", WithTokenizer(tok), MinFreq(1), MarkFields(true), IncludeEOS(true), data.BS(4))
	if err != nil {
		t.Fatal(err)
	}
	x, err := ItemOf(d, "awful film!")
	if err != nil {
		t.Fatal(err)
	}
	// The rule shouts the marks, too.
	if got := x.String(); got != "xxup xxbos xxup xxfld 1 xxup awful xxup film xxup xxeos" {
		t.Errorf("%q", got)
	}
	if err := d.Save("own"); err != nil {
		t.Fatal(err)
	}
	if _, err := data.LoadData(dir, "own"); err == nil || !strings.Contains(err.Error(), `rule "shout" is not known`) {
		t.Error(err)
	}
	RegisterRule(shout)
	RegisterTokenRule(drop)
	if _, err := data.LoadData(dir, "own", data.BS(4)); err != nil {
		t.Error(err)
	}
	bad := NewTokenizer(PreRules(Rule{Name: "bad", Text: func(s string) string { return s[:1000] }}))
	if _, err := TextDataBunchFromCSV(dir, "texts.csv", WithTokenizer(bad)); err == nil || !strings.Contains(err.Error(), "out of range") {
		t.Error(err)
	}
}

func TestTablesShowTexts(t *testing.T) {
	path := imdbLike(t)
	lm, err := TextListFromFolder(path, MinFreq(1)).SplitByRandPct(0.1, data.SplitSeed(1)).LabelForLM().DataBunch(data.BS(8), data.BPTT(80))
	if err != nil {
		t.Fatal(err)
	}
	fig, err := lm.ShowBatch()
	if err != nil {
		t.Fatal(err)
	}
	out := fig.Render()
	page := out.Data["text/html"].(string)
	if strings.Count(page, "<tr>") != 5 || !strings.Contains(page, "<th>idx</th>") || !strings.Contains(page, "xxbos") {
		t.Error(page)
	}
	clas, err := TextDataBunchFromFolder(path, data.ValidFolder("test"), data.BS(8))
	if err != nil {
		t.Fatal(err)
	}
	if fig, err = clas.ShowBatch(data.Rows(3)); err != nil {
		t.Fatal(err)
	}
	out = fig.Render()
	page = out.Data["text/html"].(string)
	if strings.Count(page, "<tr>") != 3 || !strings.Contains(page, ">target</th>") || !strings.Contains(page, `\n`) || !strings.Contains(page, "pos") {
		t.Error(page)
	}
	if s := cut(strings.Repeat("a ", 100)); strings.Count(s, "a") != 70 {
		t.Error(s)
	}
}

package data

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
)

// told is what f says on the way.
func told(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stderr
	os.Stderr = w
	done := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(r)
		done <- b
	}()
	func() {
		defer func() { os.Stderr = old }()
		f()
	}()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return string(<-done)
}

// TestTablesAsPandas holds tables in every encoding, and what stands for a missing value, to pandas.
func TestTablesAsPandas(t *testing.T) {
	b, err := os.ReadFile("testdata/csv/pandas.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for name, js := range all {
		if name == "missing" {
			var words map[string]bool
			if err := json.Unmarshal(js, &words); err != nil {
				t.Fatal(err)
			}
			for w, want := range words {
				if w != "None" && isMissing(w) != want { // see the README
					t.Errorf("%q missing: %v, pandas says %v", w, !want, want)
				}
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			var want struct {
				Encoding string
				Columns  []string
				Rows     [][]string
			}
			if err := json.Unmarshal(js, &want); err != nil {
				t.Fatal(err)
			}
			for _, row := range want.Rows {
				for k := range row {
					row[k] = strings.ReplaceAll(row[k], "\r\n", "\n")
				}
			}
			var opts []CSVOption
			if want.Encoding != "" {
				opts = append(opts, Encoding(want.Encoding))
			}
			got, err := ReadCSV(datasets.NewPath("testdata", "csv", name), opts...)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want.Columns, got.Columns()) + cmp.Diff(want.Rows, got.rows); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestEncodingErrors: what is no UTF-8 is told with its line, and what to try.
func TestEncodingErrors(t *testing.T) {
	for name, words := range map[string][]string{
		"latin1.csv":         {"latin1.csv: line 2: the byte 0xfc is not UTF-8", `try Encoding("latin1")`},
		"utf16le_nomark.csv": {"utf16le_nomark.csv: line 1: there is a NUL", `try Encoding("utf-16le")`},
	} {
		_, err := ReadCSV(datasets.NewPath("testdata", "csv", name))
		wantErr(t, err, words...)
		wantErr(t, ListFromCSV(rowKind{}, datasets.NewPath("testdata", "csv"), name).Err(), words...)
	}
	_, err := ReadCSV(datasets.NewPath("testdata", "csv", "latin1.csv"), Encoding("klingon"))
	wantErr(t, err, `Encoding("klingon"): there is no such encoding`)
	if l := ListFromCSV(rowKind{}, datasets.NewPath("testdata", "csv"), "latin1.csv", Encoding("latin1")); l.Err() != nil || l.Ref(0) != "Grüße" {
		t.Errorf("%v, %v", l.Err(), l)
	}
}

// TestMarkInLists: a byte-order mark is no part of the first name, and a "\r" ends a line, in lists of names
// and files of numbers.
func TestMarkInLists(t *testing.T) {
	path := datasets.NewPath(t.TempDir())
	for _, n := range []string{"1.num", "2.num", "3.num"} {
		put(t, path, n, n[:1])
	}
	for name, text := range map[string]string{"bom": "\ufeff1.num\r\n2.num", "cr": "1.num\r2.num\r"} {
		put(t, path, name+".txt", text)
		s := ListFromFolder(fileKind{}, path, Extensions(".num")).SplitByFnameFile(name + ".txt")
		if s.Err() != nil || s.Valid.Len() != 2 {
			t.Errorf("%s: %v: %d validation items, want 2", name, s.Err(), s.Valid.Len())
		}
	}
	put(t, path, "codes.txt", "\ufeffAnimal\rWall\r")
	codes, err := LoadStrings(path.Join("codes.txt"))
	if d := cmp.Diff([]string{"Animal", "Wall"}, codes); d != "" || err != nil {
		t.Error(d, err)
	}
	put(t, path, "latin.txt", "K\xe4se\n")
	if _, err = LoadStrings(path.Join("latin.txt")); err == nil {
		t.Error("Latin-1 taken for UTF-8")
	}
	if codes, err = LoadStrings(path.Join("latin.txt"), Encoding("latin1")); err != nil || codes[0] != "Käse" {
		t.Errorf("%q, %v", codes, err)
	}
	put(t, path, "rgb.cal", "\ufeff1 2\r3 4\r")
	m, err := LoadMatrix(path.Join("rgb.cal"))
	if d := cmp.Diff(Matrix{{1, 2}, {3, 4}}, m); d != "" || err != nil {
		t.Error(d, err)
	}
}

func put(t *testing.T, dir datasets.Path, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(dir.Join(name).String()), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.Join(name).String(), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestNamesOfNobody: names of a split that match nothing are told with their line.
func TestNamesOfNobody(t *testing.T) {
	path := datasets.NewPath(t.TempDir())
	put(t, path, "1.num", "1")
	put(t, path, "2.num", "2")
	put(t, path, "valid.txt", "1.num\n\nalso.num\nmore.num\n")
	list := ListFromFolder(fileKind{}, path, Extensions(".num"))
	s := told(t, func() {
		if err := list.SplitByFnameFile("valid.txt").Err(); err != nil {
			t.Error(err)
		}
	})
	if !strings.Contains(s, `valid.txt: 2 of 3 names are those of no item, the first is "also.num" in line 3`) {
		t.Errorf("%q", s)
	}
	if s := told(t, func() { list.SplitByFiles([]string{"1.num", "x"}) }); !strings.Contains(s, `the first is "x"`) {
		t.Errorf("%q", s)
	}
	wantErr(t, list.SplitByIdxs([]int{0, 1}, []int{1}).Err(), "item 1", "both for training and for validation")
}

// TestMissingLabels: "NaN" is no class unless it is named as one; DropNA and Filter leave rows out.
func TestMissingLabels(t *testing.T) {
	path := datasets.NewPath(t.TempDir())
	put(t, path, "t.csv", "v,tag,age\n0,a,1\n1,NaN,2\n2,b,\n3,a,4\n")
	list := func(tb *Table) *SplitList { return ListFromTable(rowKind{}, path, tb).SplitNone() }
	tb, err := ReadCSV(path.Join("t.csv"))
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, list(tb).LabelFromTable(LabelCols("tag")).Err(), "t.csv:3", `column "tag": "NaN" stands for a value that is missing`, "DropNA", "Classes")
	if l := list(tb).LabelFromTable(LabelCols("tag"), Classes("NaN", "a", "b")); l.Err() != nil || l.Train.Len() != 4 {
		t.Errorf("named as a class: %v", l.Err())
	}
	wantErr(t, list(tb).LabelFromLists([]string{"a", "nan", "b", "a"}, nil).Err(), `"nan" stands for a value that is missing`)
	some, err := tb.DropNA("tag")
	if err != nil || some.Len() != 3 {
		t.Fatalf("%v, %v", some, err)
	}
	if l := list(some).LabelFromTable(LabelCols("tag")); l.Err() != nil || len(l.Classes()) != 2 {
		t.Errorf("%v", l.Err())
	}
	if all, err := tb.DropNA(); err != nil || all.Len() != 2 || all.place(1) != path.Join("t.csv").String()+":5" {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := tb.DropNA("name"); err == nil {
		t.Error("no error for a column that is not there")
	}
	old, err := tb.Filter(func(r TableRow) bool { return !r.Missing("age") && r.Float("age") > 1 && r.Col(0) != "3" })
	if err != nil || old.Len() != 1 || old.Row(0)[0] != "1" {
		t.Errorf("%v, %v", old, err)
	}
	_, err = tb.Filter(func(r TableRow) bool { return r.Float("age") > 1 })
	wantErr(t, err, "filter table", "t.csv:4", `"" is not a number`)
	_, err = tb.Filter(func(r TableRow) bool { return r.Col("agge") == "" })
	wantErr(t, err, `no column "agge"`)
}

// TestDelimEverywhere: LabelDelim splits the labels of every source.
func TestDelimEverywhere(t *testing.T) {
	path := datasets.NewPath(t.TempDir())
	put(t, path, "a b/1.num", "1")
	put(t, path, "b/2.num", "2")
	list := ListFromFolder(fileKind{}, path).SplitNone()
	for name, l := range map[string]*LabelLists{
		"folder": list.LabelFromFolder(LabelDelim(" ")),
		"re":     list.LabelFromRe(`/([^/]+)/[^/]+$`, FullPath(true), LabelDelim(" ")),
		"func":   list.LabelFromFunc(func(p datasets.Path) string { return p.Parent().Name() }, LabelDelim(" ")),
	} {
		if l.Err() != nil {
			t.Errorf("%s: %v", name, l.Err())
			continue
		}
		if got := l.LabelKind().Name() + " " + strings.Join(l.Classes(), ",") + " " + texts(t, l.Train, l.LabelKind()); got != "multi_category a,b a;b b" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if l := list.LabelConst("a b", LabelDelim(" ")); l.Err() != nil || len(l.Classes()) != 2 {
		t.Errorf("const: %v %v", l.Err(), l.Classes())
	}
	tb, err := NewTable("v", []int{1, 2}, "tags", []string{"a b", ""}, "more", []string{"c", "a"})
	if err != nil {
		t.Fatal(err)
	}
	two := ListFromTable(rowKind{}, path, tb).SplitNone().LabelFromTable(LabelCols("tags", "more"), LabelDelim(" "))
	if two.Err() != nil || texts(t, two.Train, two.LabelKind()) != "a;b;c a" {
		t.Errorf("several columns: %v %s", two.Err(), texts(t, two.Train, two.LabelKind()))
	}
	wantErr(t, list.LabelFromFunc(func(datasets.Path) int { return 3 }, LabelDelim(" ")).Err(), "LabelDelim", "int, not a text")
}

// TestUnknownLabels: items and tags that are not among the classes are left out in training too, and told.
func TestUnknownLabels(t *testing.T) {
	list := NewItemList(rowKind{}, datasets.NewPath("p"), numbers(5)).SplitByIdx([]int{4})
	label := func(p datasets.Path) string {
		return map[string]string{"0": "neg", "1": "unsup", "2": "pos", "3": "unsup"}[p.Name()]
	}
	var l *LabelLists
	s := told(t, func() { l = list.LabelFromFunc(label, Classes("neg", "pos")) })
	if l.Err() != nil || l.Train.Len() != 2 || l.Train.Ref(1) != "2" {
		t.Fatalf("%v: %v", l.Err(), l)
	}
	if !strings.Contains(s, `2 of 4 training items are left out, as their label is not among the classes: "unsup" (2 times, first 1)`) {
		t.Errorf("%q", s)
	}
	s = told(t, func() {
		l = list.LabelFromFunc(func(p datasets.Path) []string { return []string{"haze", "fog"} }, Classes("clear", "haze"))
	})
	if l.Err() != nil || l.Train.Len() != 4 || texts(t, l.Train, l.LabelKind()) != "haze haze haze haze" {
		t.Errorf("%v", l.Err())
	}
	if !strings.Contains(s, `labels of training items that are not among the classes are left out: "fog" (4 times, first 0)`) {
		t.Errorf("%q", s)
	}
}

// TestNumbersAsClasses: many different whole numbers are told to be classes, and what to do about it.
func TestNumbersAsClasses(t *testing.T) {
	list := NewItemList(rowKind{}, datasets.NewPath("p"), numbers(20)).SplitByIdx([]int{19})
	age := func(p datasets.Path) string { return p.Name() }
	s := told(t, func() { list.LabelFromFunc(age) })
	for _, want := range []string{"19 different whole numbers, taken for classes (try LabelAs(FloatKind())", `"19" (1 times, first 19) (try LabelAs(FloatKind())`} {
		if !strings.Contains(s, want) {
			t.Errorf("%q lacks %q", s, want)
		}
	}
	if s := told(t, func() { list.LabelFromFunc(parity) }); s != "" {
		t.Errorf("%q", s)
	}
	if s := told(t, func() { list.LabelFromFunc(age, LabelAs(FloatKind())) }); s != "" {
		t.Errorf("%q", s)
	}
	wantErr(t, list.LabelFromFunc(func(datasets.Path) float64 { return .5 }, LabelAs(CategoryKind())).Err(), "cannot make a class of float64 (try LabelAs(FloatKind()))")
}

// TestLogScale: targets are logarithms as NumPy makes them; what has none is an error.
func TestLogScale(t *testing.T) {
	list := NewItemList(rowKind{}, datasets.NewPath("p"), numbers(3)).SplitNone()
	l := list.LabelFromLists([]string{"1", "2.5", "1000"}, nil, LabelAs(FloatKind(LogScale(true))))
	if l.Err() != nil {
		t.Fatal(l.Err())
	}
	for i, want := range []float32{0, .91629076, 6.9077554} { // numpy.log, float32
		if got := l.Train.y[i].([]float32)[0]; got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	wantErr(t, list.LabelFromLists([]string{"1", "0", "2"}, nil, LabelAs(FloatKind(LogScale(true)))).Err(), ": 1: the number 0 has no logarithm")
	wantErr(t, list.LabelFromLists([]string{"1", "inf", "2"}, nil, LabelAs(FloatKind())).Err(), "the number is +Inf")
	d, err := l.DataBunch(BS(1))
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.State()
	if err != nil {
		t.Fatal(err)
	}
	if s.Label.State == nil || !bytes.Contains(s.Label.State, []byte(`"log":true`)) {
		t.Errorf("the export has %s", s.Label.State)
	}
}

// TestLinkedFolders: links to folders and files are followed, loops are not.
func TestLinkedFolders(t *testing.T) {
	real, links := datasets.NewPath(t.TempDir()), datasets.NewPath(t.TempDir())
	put(t, real, "cat/1.num", "1")
	put(t, real, "cat/2.num", "2")
	put(t, links, "dog/3.num", "3")
	for from, to := range map[string]string{links.Join("cat").String(): real.Join("cat").String(), links.Join("dog", "4.num").String(): real.Join("cat", "1.num").String(), links.Join("dog", "up").String(): links.String()} {
		if err := os.Symlink(to, from); err != nil {
			t.Skip(err)
		}
	}
	root := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(links.String(), root); err != nil {
		t.Skip(err)
	}
	for _, dir := range []string{links.String(), root} {
		l := ListFromFolder(fileKind{}, datasets.NewPath(dir))
		if l.Err() != nil {
			t.Errorf("%s: %v", dir, l.Err())
			continue
		}
		var got []string
		for _, r := range l.Refs() {
			rel, err := filepath.Rel(dir, r)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, filepath.ToSlash(rel))
		}
		if d := cmp.Diff([]string{"cat/1.num", "cat/2.num", "dog/3.num", "dog/4.num"}, got); d != "" {
			t.Errorf("%s: %s", dir, d)
		}
	}
}

// TestOptionsStay: what the batches of an exported or saved set are is not forgotten.
func TestOptionsStay(t *testing.T) {
	path := datasets.NewPath(t.TempDir())
	d, err := NewItemList(rowKind{}, path, numbers(5)).SplitByIdx([]int{4}).LabelFromFunc(parity).
		DataBunch(BS(2), SkipBroken(true))
	if err != nil {
		t.Fatal(err)
	}
	d.Backwards, d.PadFirst, d.BPTT = true, false, 7 // numbers refuse the options about texts
	want := []any{true, false, 7, true}
	same := func(what string, e *DataBunch, err error, want []any) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if d := cmp.Diff(want, []any{e.Backwards, e.PadFirst, e.BPTT, e.SkipBroken}); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	s, err := d.State()
	if err != nil {
		t.Fatal(err)
	}
	e, err := LoadState(s, path)
	same("export", e, err, want)
	if err := d.Save(); err != nil {
		t.Fatal(err)
	}
	e, err = LoadData(path, "", BS(2))
	same("saved", e, err, want)
	e, err = LoadData(path, "", BS(2), SkipBroken(false))
	same("saved, chosen anew", e, err, []any{true, false, 7, false})
}

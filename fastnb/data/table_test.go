package data

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadCSV(t *testing.T) {
	path := folder(t, map[string]string{
		"a.csv": "\ufeffimage_name,tags\r\ntrain_0,haze primary\r\ntrain_1,\"a, \"\"b\"\"\nnext line\"\r\n",
		"b.csv": "1;2\n3;4\n", "empty.csv": "", "ragged.csv": "a,b\n1,2\n\n3\n", "quote.csv": "a,b\n1,\"2\n",
	})
	tb, err := ReadCSV(path.Join("a.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"image_name", "tags"}, tb.Columns()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([][]string{{"train_0", "haze primary"}, {"train_1", "a, \"b\"\nnext line"}}, tb.rows); d != "" {
		t.Error(d)
	}
	tb, err = ReadCSV(path.Join("b.csv"), Delimiter(";"), Header(false))
	if err != nil {
		t.Fatal(err)
	}
	if xs, err := tb.Floats("1"); err != nil || !cmp.Equal(xs, []float64{2, 4}) {
		t.Error(xs, err)
	}
	for _, c := range []struct {
		file  string
		words []string
	}{
		{"none.csv", []string{"none.csv", "no such file"}},
		{"empty.csv", []string{"empty.csv", "is empty"}},
		{"ragged.csv", []string{"line 4 has 1 fields", "2"}},
		{"quote.csv", []string{"quote.csv", "line 2"}},
	} {
		_, err := ReadCSV(path.Join(c.file))
		wantErr(t, err, c.words...)
	}
	_, err = ReadCSV(path.Join("a.csv"), Delimiter("ab"))
	wantErr(t, err, "one character")
	_, err = tb.Floats(5)
	wantErr(t, err, "no column 5")
}

func TestTableShows(t *testing.T) {
	names, tags := make([]string, 12), make([]float64, 12)
	for k := range names {
		names[k], tags[k] = "<n>", float64(k)/3
	}
	tb, err := NewTable("name", names, "x", tags)
	if err != nil {
		t.Fatal(err)
	}
	html := tb.Head(2).Render().Data["text/html"].(string)
	for _, want := range []string{`class="dataframe"`, "<th>0</th>", "<th>1</th>", "&lt;n&gt;", "<td>0.333333</td>"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not in %s", want, html)
		}
	}
	if strings.Contains(html, "<th>2</th>") {
		t.Error("Head(2) shows a third row")
	}
	if s := tb.String(); !strings.Contains(s, "[12 rows x 2 columns]") || !strings.Contains(s, "...") {
		t.Error(s)
	}
	if tb.Head().Len() != 5 || tb.Tail(3).Row(0)[1] != "3" || tb.Head(99).Len() != 12 {
		t.Error("Head and Tail")
	}
	for _, bad := range [][]any{{"a"}, {1, []int{1}}, {"a", 3}, {"a", []int{1}, "b", []int{1, 2}}, {"a", nil}} {
		_, err := NewTable(bad...)
		wantErr(t, err, "new table")
	}
}

func TestToCSV(t *testing.T) {
	path := folder(t, nil)
	tb, err := NewTable("image_name", []string{"a", "b,c"}, "tags", []string{"clear primary", ""})
	if err != nil {
		t.Fatal(err)
	}
	file := path.Join("s.csv")
	for range 2 { // the second time over the first file
		if err := tb.ToCSV(file); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file.String())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("image_name,tags\na,clear primary\n\"b,c\",\n", string(b)); d != "" {
		t.Error(d)
	}
	if left, _ := os.ReadDir(path.String()); len(left) != 1 {
		t.Errorf("%d files are left", len(left))
	}
	wantErr(t, tb.ToCSV(path.Join("no", "s.csv")), "no/s.csv", "no such file")
}

func FuzzParseCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a\n\"x\ny\"\n", "\ufeffa,b\r\n,\r\n", "a,b\n1\n", "\"", ""} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, header bool) {
		tb, err := parseCSV(text, csvConfig{comma: ',', header: header})
		if err != nil {
			return
		}
		for k, row := range tb.rows {
			if len(row) != len(tb.cols) || tb.lines[k] < 1 {
				t.Fatalf("row %d has %d fields of %d", k, len(row), len(tb.cols))
			}
		}
		_ = tb.String()
	})
}

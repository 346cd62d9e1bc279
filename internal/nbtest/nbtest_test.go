package nbtest

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/nb"
)

// lesson is what a notebook must answer.
type lesson struct {
	file     string
	cells    int
	first    int // number of the first cell: 1 or 0
	markdown []int
	comments []int
	shows    map[int][]check
	params   map[string]string
}

// check looks for one kind of output among a cell's outputs.
type check struct {
	what string
	ok   func(outs []nb.Output) bool
}

func anyOutput(what string, f func(o nb.Output) bool) check {
	return check{what, func(outs []nb.Output) bool { return slices.ContainsFunc(outs, f) }}
}

func textLike(pattern string) check {
	re := regexp.MustCompile(pattern)
	return anyOutput("text like "+pattern, func(o nb.Output) bool { return o.Type() != "error" && re.MatchString(o.Text()) })
}

func htmlTable(columns ...string) check {
	return anyOutput("a table", func(o nb.Output) bool {
		h := o.MIME("text/html")
		for _, c := range columns {
			if !strings.Contains(h, ">"+c+"<") {
				return false
			}
		}
		return strings.Contains(h, "<table")
	})
}

// epochTable is the table of a fit: a row for its one epoch, numbers in every column.
func epochTable(metrics ...string) check {
	row := regexp.MustCompile(`(?m)^0(\s+\d+\.\d{6}){` + string(rune('2'+len(metrics))) + `}\s+\d\d:\d\d$`)
	table := htmlTable(append([]string{"epoch", "train_loss", "valid_loss", "time"}, metrics...)...)
	return anyOutput("an epoch table", func(o nb.Output) bool { return table.ok([]nb.Output{o}) && row.MatchString(o.Text()) })
}

func picture(text string) check {
	return anyOutput("a picture: "+text, func(o nb.Output) bool {
		return len(o.MIME("image/png"))+len(o.MIME("image/jpeg")) > 1000 && strings.Contains(o.Text(), text)
	})
}

func chart(text string) check {
	return anyOutput("a chart: "+text, func(o nb.Output) bool {
		return len(o.MIME("image/png")) > 1000 && strings.Contains(o.MIME("text/html"), "<img") && strings.Contains(o.Text(), text)
	})
}

func (l lesson) read(t *testing.T) *nb.Notebook {
	t.Helper()
	n, err := nb.Read(filepath.Join("..", "..", "notebooks", l.file+".ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// structure checks the committed notebook: every cell of the original once, in order, of its kind.
func (l lesson) structure(t *testing.T, n *nb.Notebook) {
	t.Helper()
	if n.Originals() != l.cells {
		t.Errorf("the notebook's metadata says %d originals, want %d", n.Originals(), l.cells)
	}
	next, tagged := l.first, 0
	for _, c := range n.Cells {
		if c.Tagged("parameters") {
			tagged++
		}
		k, ok := c.Original()
		if !ok {
			continue
		}
		if k != next {
			t.Errorf("cell %d of the original stands where %d should", k, next)
		}
		next = k + 1
		if (c.Type == "markdown") != slices.Contains(l.markdown, k) {
			t.Errorf("cell %d is %s", k, c.Type)
		}
		if c.Type == "code" && onlyComments(c.Source) != slices.Contains(l.comments, k) {
			t.Errorf("cell %d: comments only: %v", k, onlyComments(c.Source))
		}
	}
	for _, step := range n.Steps() { // the original's call stands beside each
		if step.Python == "" && strings.TrimSpace(step.Cell.Source) != "" {
			t.Errorf("cell %d lacks the original's call", step.Original)
		}
	}
	if next != l.first+l.cells || tagged != 1 {
		t.Errorf("the last cell is %d of %d; %d cells are tagged parameters, want 1", next-1, l.cells, tagged)
	}
}

func onlyComments(src string) bool {
	for _, line := range strings.Split(src, "\n") {
		if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "//") {
			return false
		}
	}
	return true
}

// run runs the notebook offline in a home of its own and checks every cell's outputs.
func (l lesson) run(t *testing.T, n *nb.Notebook) (home string) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a whole notebook")
	}
	home = t.TempDir()
	t.Setenv("FASTNB_OFFLINE", "1")
	t.Setenv("FASTNB_HOME", home)
	sum, err := nb.Run(context.Background(), n, nb.Options{Params: l.params, Progress: testLog{t}, Dir: filepath.Join("..", "..", "notebooks")})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Failed > 0 || sum.Skipped > 0 || sum.Answered != l.cells || sum.Originals != l.cells {
		t.Fatal(sum)
	}
	for _, c := range n.Cells {
		k, ok := c.Original()
		if !ok {
			continue
		}
		for _, ch := range l.shows[k] {
			if !ch.ok(c.Outputs) {
				t.Errorf("cell %d shows no %s; it shows %s", k, ch.what, kinds(c.Outputs))
			}
		}
		if len(l.shows[k]) == 0 {
			for _, o := range c.Outputs {
				if o.Has("image/png") || o.Has("image/jpeg") {
					t.Errorf("cell %d shows a picture, the original shows none", k)
				}
			}
		}
	}
	return home
}

// closing checks the last code cell: where the data is from, and the figures of 2019 beside those here.
func (l lesson) closing(t *testing.T, n *nb.Notebook, data string, columns ...string) {
	t.Helper()
	var last *nb.Cell
	for _, c := range n.Cells {
		if c.Type == "code" {
			last = c
		}
	}
	for _, ch := range []check{textLike("data: " + regexp.QuoteMeta(data)), htmlTable(columns...)} {
		if !ch.ok(last.Outputs) {
			t.Errorf("the closing cell shows no %s; it shows %s", ch.what, kinds(last.Outputs))
		}
	}
}

func kinds(outs []nb.Output) string {
	var s []string
	for _, o := range outs {
		s = append(s, o.Type()+" "+strings.TrimSpace(o.Text()))
	}
	return strings.Join(s, " | ")
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

func csvRows(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

package export

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// code is what stands between back quotes.
var code = regexp.MustCompile("`([^`]+)`")

// rightSides are the cells of the second column of a page's tables.
func rightSides(t *testing.T, page string) []string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(b), "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cols := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cols) != 2 {
			t.Fatalf("%s: %d columns: %s", page, len(cols), line)
		}
		var src []string
		for _, m := range code.FindAllStringSubmatch(cols[1], -1) {
			src = append(src, m[1])
		}
		if len(src) == 0 {
			t.Fatalf("%s: no code on the right: %s", page, line)
		}
		out = append(out, strings.Join(src, "\n"))
	}
	return out
}

// TestFromFastai compiles every right-hand side of docs/from-fastai.md, each a cell, in the page's order.
func TestFromFastai(t *testing.T) {
	cells := rightSides(t, "../../docs/from-fastai.md")
	if len(cells) < 100 {
		t.Fatalf("only %d rows were found", len(cells))
	}
	src, err := Program(notebook(cells...), "from-fastai.ipynb")
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	if testing.Short() {
		t.Skip("runs the compiler")
	}
	build(t, src, "vet", ".")
	// A row that does not compile is noticed.
	if src, err := Program(notebook(append(cells, "learn.FitOneCycle(4, NoSuchOption(1))")...), "wrong.ipynb"); err == nil {
		t.Errorf("an option that does not exist passed\n%s", src)
	}
}

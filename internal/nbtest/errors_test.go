package nbtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/nb"
)

// takesError finds a statement at the top of a cell that takes an error into a variable.
var takesError = regexp.MustCompile(`^(?:\w+, )*(\w*[eE]rr)\s*:?=\s`)

// TestNoCellHidesErrors: a cell that takes an error looks at it. Under the cell rule an error that no variable
// takes fails its cell; `err = learn.Fit(…)` alone would hide every failure behind a green cell.
func TestNoCellHidesErrors(t *testing.T) {
	files, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d notebooks, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, err := nb.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		for k, c := range n.Cells {
			if c.Type != "code" {
				continue
			}
			for _, hidden := range hiddenErrors(c.Source) {
				t.Errorf("%s, cell %d: %s: nothing looks at the error", filepath.Base(file), k, hidden)
			}
		}
	}
	if got := hiddenErrors("learn = f()\nerr = learn.Fit(1)\nx, _, err := g()\nx"); len(got) != 2 {
		t.Errorf("the test sees %q", got)
	}
	if got := hiddenErrors("n, err := f()\nif err != nil {\n\tfmt.Println(err)\n}"); len(got) != 0 {
		t.Errorf("the test sees %q", got)
	}
}

// hiddenErrors are the statements of a cell whose error is not named again before it is taken anew.
func hiddenErrors(source string) []string {
	lines := strings.Split(source, "\n")
	var out []string
	for i, l := range lines {
		m := takesError.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		named := regexp.MustCompile(`\b` + m[1] + `\b`)
		looked := false
		for _, after := range lines[i+1:] {
			if takesError.MatchString(after) {
				break
			}
			looked = looked || named.MatchString(after)
		}
		if !looked {
			out = append(out, l)
		}
	}
	return out
}

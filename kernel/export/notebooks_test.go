package export

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/nb"
)

// Every notebook of ours becomes a program, those with cells that show an error on purpose too. What such a cell
// defines and others use, keeps it in the program.
func TestNotebooksBecomePrograms(t *testing.T) {
	files, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil || len(files) < 13 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		n, err := nb.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		src, err := Program(n, f)
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if strings.Contains(f, "go-in-fifteen-minutes") && !strings.Contains(string(src), "left out here") {
			t.Errorf("%s: the cell that does not compile is not told", f)
		}
	}
	tagged := map[string]any{"tags": []any{"raises-exception"}}
	for source, kept := range map[string]bool{"x := 1\nfmt.Println(x)": true, "y := 1\npanic(y)": false, "var s string = 5": false} {
		n := &nb.Notebook{Cells: []*nb.Cell{{Type: "code", Source: source, Metadata: tagged}, {Type: "code", Source: "fmt.Println(1)"}}}
		if kept {
			n.Cells[1].Source = "fmt.Println(x)"
		}
		src, err := Program(n, "n.ipynb")
		if err != nil || strings.Contains(string(src), "left out here") == kept {
			t.Errorf("%q: %v\n%s", source, err, src)
		}
	}
}

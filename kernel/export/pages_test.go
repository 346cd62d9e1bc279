package export

import (
	"go/ast"
	"go/doc"
	text "go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// goBlock is a fenced block of Go.
var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

// blocks are the blocks of Go of a page.
func blocks(t *testing.T, page string) (out []string) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range goBlock.FindAllStringSubmatch(string(b), -1) {
		out = append(out, m[1])
	}
	return out
}

// examples are the pieces of code in the doc comments of a package that users see.
func examples(t *testing.T, dir string) (out []string) {
	t.Helper()
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, n := range names {
		if strings.HasSuffix(n, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, n, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/fastnb/go/"+strings.TrimPrefix(dir, "../../"))
	if err != nil {
		t.Fatal(err)
	}
	add := func(words string) {
		for _, b := range p.Parser().Parse(words).Content {
			if c, ok := b.(*text.Code); ok {
				out = append(out, c.Text)
			}
		}
	}
	add(p.Doc)
	values := func(vs ...*doc.Value) {
		for _, v := range vs {
			add(v.Doc)
		}
	}
	funcs := func(fs ...*doc.Func) {
		for _, f := range fs {
			add(f.Doc)
		}
	}
	values(slices.Concat(p.Consts, p.Vars)...)
	funcs(p.Funcs...)
	for _, t := range p.Types {
		add(t.Doc)
		values(slices.Concat(t.Consts, t.Vars)...)
		funcs(slices.Concat(t.Funcs, t.Methods)...)
	}
	return out
}

// TestPagesCompile checks every block of Go in README.md and docs, each page's as the cells of one notebook, and every
// piece of code in the doc comments of what cells see.
func TestPagesCompile(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	notes := map[string][]string{}
	for _, page := range append(pages, "../../README.md", "../../notebooks/README.md") {
		if b := blocks(t, page); len(b) > 0 {
			notes[strings.TrimPrefix(page, "../../")] = b
		}
	}
	given := map[string]string{ // what the text around an example speaks of
		"fastnb": planet, "fastnb/nn": planet + "\nimport \"github.com/fastnb/go/fastnb/nn\"", "fastnb/text": `path := GetData("imdb")`, "fastnb/vision": `path := GetData("planet")`,
		"plotting": "import \"github.com/fastnb/go/plotting\"\nlrs, losses := []float64{1e-3}, []float64{2}", "datasets": `import "github.com/fastnb/go/datasets"`,
	}
	n := len(notes)
	for _, dir := range []string{"cell", "cell/comm", "cell/display", "datasets", "fastnb", "fastnb/data", "fastnb/models", "fastnb/nn", "fastnb/tensor", "fastnb/text", "fastnb/vision", "plotting", "serve"} {
		for _, e := range examples(t, "../../"+dir) {
			if strings.Contains(e, ":=") { // the others are drawings and what something prints
				notes[dir] = append(notes[dir], e)
			}
		}
		if len(notes[dir]) > 0 {
			notes[dir] = append([]string{given[dir]}, notes[dir]...)
		}
	}
	if n < 2 || len(notes) < n+6 {
		t.Errorf("%d pages and %d packages with code were found", n, len(notes)-n)
	}
	for name, cells := range notes {
		if src, err := Program(notebook(cells...), "page.ipynb"); err != nil {
			t.Errorf("%s: %v\n%s", name, err, src)
		}
	}
	if _, err := Program(notebook(append(notes["README.md"], "learn.NoSuchCall()")...), "wrong.ipynb"); err == nil {
		t.Error("a call that does not exist passed")
	}
}

// planet is data and a learner.
const planet = `path := GetData("planet")
data := ImageListFromCSV(path, "train_v2.csv", Folder("train-jpg"), Suffix(".jpg")).SplitByRandPct(0.2).LabelFromTable(LabelDelim(" ")).DataBunch()
learn := CNNLearner(data, models.ResNet50)`

package export

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/kernel/nb"
)

// A text that is never closed is told, and one with carriage returns in it keeps its end.
func TestRawTexts(t *testing.T) {
	for _, code := range []string{"`", "x := `a", "`\r", "fmt.Println(`a\r\n", "x := 'a"} {
		if _, err := split(1, code); err == nil {
			t.Errorf("%q is taken", code)
		}
	}
	items, err := split(1, "s := `a\r\r\r\nb`\r\nt := \"c\"\r\n")
	if err != nil || len(items) != 2 || !strings.HasSuffix(items[0].text, "b`") || items[1].text != `t := "c"` {
		t.Errorf("%d items, %v: %q", len(items), err, items[0].text)
	}
}

// FuzzProgram exports notebooks of any cells: a program that is Go, or an error that says why not; no panic, no time
// without end.
func FuzzProgram(f *testing.F) {
	for _, s := range [][2]string{
		{"x := 1", "x + 1"},
		{"import \"strings\"\nstrings.ToUpper(s)", "s := \"a\""},
		{"func f() int { return g() }", "func g() int { return f() }"},
		{"type T struct{ a []T }", "func (t T) M() {}\nT{}.M()"},
		{"%time\nx := 1", "$ ls\n!ls"},
		{"for {", "}"},
		{"goto a\na:", "defer f()"},
		{"var a, b = b, a", "\xff"},
		{"x := 1\nx := \"a\"", "_ = x"},
		{"import . \"fmt\"\nimport x \"os\"", "Println(x.Args)"},
		{"package main", "func main() {}"},
		{"%%html\n<b>", "`"},
	} {
		f.Add(s[0], s[1])
	}
	files, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		n, err := nb.Read(file)
		if err != nil {
			f.Fatal(err)
		}
		before := ""
		for i, c := range n.Cells {
			if c.Type == "code" && len(c.Source) < 600 && i%9 < 2 {
				f.Add(before, c.Source)
				before = c.Source
			}
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 4000 {
			return
		}
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		src, err := Program(&nb.Notebook{Cells: []*nb.Cell{{Type: "code", Source: a}, {Type: "markdown", Source: a}, {Type: "code", Source: b}}}, "x.ipynb")
		if err != nil {
			return
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "main.go", src, 0); err != nil {
			t.Errorf("not Go: %v\n%s", err, src)
		}
	})
}

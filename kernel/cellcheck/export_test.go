package cellcheck

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/export"
	"github.com/fastnb/go/kernel/nb"
)

var every = flag.Int("every", 7, "which of the programs TestExports exports: every n-th; 1 for all")

// TestExports exports programs of the table as notebooks: what comes out passes go vet and prints what the compiler
// had the program print.
func TestExports(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	// Inside the module: the programs import packages of ours.
	dir, err := os.MkdirTemp("testdata", "exported-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	was := lines(t, "testdata/known_exports.txt")
	var now []string
	fails := func(name, format string, args ...any) {
		now = append(now, name)
		if !*known && !slices.Contains(was, name) {
			t.Errorf("%s: "+format, append([]any{name}, args...)...)
		} else {
			t.Logf("known: %s: "+format, append([]any{name}, args...)...)
		}
	}
	tables, n := areas(t), -1
	exported := map[string]*program{}
	var seen []string
	for _, f := range sorted(tables) {
		for _, p := range programs(t, f, tables[f]) {
			if n++; n%*every != 0 {
				continue
			}
			seen = append(seen, p.name)
			book := &nb.Notebook{}
			for _, c := range p.cells {
				book.Cells = append(book.Cells, &nb.Cell{Type: "code", Source: c})
			}
			src, err := export.Program(book, "n.ipynb")
			if err != nil {
				fails(p.name, "%v", err)
				continue
			}
			name := fmt.Sprint("p", n)
			put(t, filepath.Join(dir, name, "main.go"), string(src))
			exported[name] = p
		}
	}
	// The table does on purpose what some checks are about.
	vet := exec.Command("go", "vet", "-copylocks=false", "-shift=false", "-structtag=false", "-printf=false", "./"+dir+"/...")
	if out, err := vet.CombinedOutput(); err != nil {
		for name, p := range exported {
			if bytes.Contains(out, []byte("/"+name+"/")) {
				src, _ := os.ReadFile(filepath.Join(dir, name, "main.go"))
				fails(p.name, "go vet: %s\n%s", linesWith(string(out), "/"+name+"/"), src)
				delete(exported, name)
				_ = os.RemoveAll(filepath.Join(dir, name))
			}
		}
	}
	bin := t.TempDir()
	main := "package main\n\nimport (\n\t\"os\"\n"
	var cases strings.Builder
	for _, name := range sorted(exported) {
		file := filepath.Join(dir, name, "main.go")
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		put(t, file, strings.Replace(strings.Replace(string(src), "package main", "package mane", 1), "func main() {", "func Run() {", 1))
		main += fmt.Sprintf("\t%s \"github.com/fastnb/go/kernel/cellcheck/%s/%s\"\n", name, filepath.ToSlash(dir), name)
		fmt.Fprintf(&cases, "\tcase %q:\n\t\t%s.Run()\n", name, name)
	}
	put(t, filepath.Join(dir, "all", "main.go"), main+")\n\nfunc main() {\n\tswitch os.Args[1] {\n"+cases.String()+"\t}\n}\n")
	all := filepath.Join(bin, "all")
	if out, err := exec.Command("go", "build", "-o", all, "./"+filepath.Join(dir, "all")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range sorted(exported) {
		p := exported[name]
		c := exec.Command(all, name)
		c.Dir = bin
		out, err := c.Output()
		if got := ownPath.ReplaceAllString(strings.ReplaceAll(string(out), "mane.", "main."), "main."); err != nil || got != p.want {
			src, _ := os.ReadFile(filepath.Join(dir, name, "main.go"))
			fails(p.name, "the program prints %q, %v\nwant %q\n%s", got, err, p.want, src)
		}
	}
	t.Logf("%d of %d programs exported, %d known failures", len(seen), n+1, len(now))
	exact(t, "testdata/known_exports.txt", slices.DeleteFunc(was, func(l string) bool { return !slices.Contains(seen, l) }), now)
}

// ownPath is the package of an exported program in the name of a type argument.
var ownPath = regexp.MustCompile(`github\.com/fastnb/go/kernel/cellcheck/testdata/exported-\d+/p\d+\.`)

func linesWith(text, part string) string {
	var out []string
	for l := range strings.Lines(text) {
		if strings.Contains(l, part) {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

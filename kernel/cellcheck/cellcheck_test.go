package cellcheck

import (
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/interp"
)

var (
	update = flag.Bool("update", false, "let the Go tool write what the programs print")
	known  = flag.Bool("known", false, "write the list of known failures")
)

// program is one entry of the table.
type program struct {
	name  string
	cells []string // the last one has the statements
	plain []string // the same for the compiler, if that differs
	want  string
}

// areas reads the table, file by file.
func areas(t *testing.T) map[string]*txtar.Archive {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no programs", err)
	}
	out := map[string]*txtar.Archive{}
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = a
	}
	return out
}

// programs of an area, in the order in which they stand.
func programs(t *testing.T, file string, a *txtar.Archive) (out []*program) {
	t.Helper()
	area := strings.TrimSuffix(filepath.Base(file), ".txtar")
	by := map[string]*program{}
	for _, f := range a.Files {
		base, kind, _ := strings.Cut(f.Name, ".")
		p := by[base]
		if p == nil {
			p = &program{name: area + "/" + base}
			by[base] = p
			out = append(out, p)
		}
		switch kind {
		case "":
			if p.cells != nil {
				t.Fatalf("%s: two programs of one name", p.name)
			}
			p.cells = cellsOf(string(f.Data))
		case "go":
			p.plain = cellsOf(string(f.Data))
		case "want":
			p.want = string(f.Data)
		default:
			t.Fatalf("%s: section %s", file, f.Name)
		}
	}
	return out
}

func cellsOf(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n---\n") }

// source is a program as the compiler takes it, with the function that runs it under that name. fmt needs no
// import in cells.
func (p *program) source(pkg, run string) string {
	cells := p.cells
	if p.plain != nil {
		cells = p.plain
	}
	body := slices.Clone(cells)
	last := len(body) - 1
	var head []string
	for i, c := range body {
		var more []string
		more, body[i] = imports(c)
		head = append(head, more...)
	}
	if !slices.Contains(head, `"fmt"`) && strings.Contains(strings.Join(body, "\n"), "fmt.") {
		head = append(head, `"fmt"`)
	}
	slices.Sort(head)
	head = slices.Compact(head)
	return "package " + pkg + "\n\nimport (\n" + strings.Join(head, "\n") + "\n)\n\n" +
		strings.Join(body[:last], "\n\n") + "\n\nfunc " + run + "() {\n" + body[last] + "\n}\n"
}

// imports cuts a cell's imports off.
func imports(code string) (paths []string, rest string) {
	const head = "package p;"
	set := token.NewFileSet()
	f, _ := parser.ParseFile(set, "", head+code, parser.ImportsOnly)
	if f == nil || len(f.Imports) == 0 {
		return nil, code
	}
	end := 0
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			end = max(end, set.Position(g.End()).Offset)
		}
	}
	for _, i := range f.Imports {
		name := ""
		if i.Name != nil {
			name = i.Name.Name + " "
		}
		paths = append(paths, name+i.Path.Value)
	}
	return paths, strings.TrimLeft(code[end-len(head):], ";\n")
}

// TestUpdate writes what the programs print when the Go tool compiles them.
func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("without -update")
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module cells\n\ngo 1.26\n")
	main, tables := "package main\n\nimport (\n\t\"os\"\n", areas(t)
	var cases strings.Builder
	n := 0
	all := map[string][]*program{}
	for _, f := range sorted(tables) {
		all[f] = programs(t, f, tables[f])
		for _, p := range all[f] {
			// The package's name is as long as main, which cannot be imported: it is part of what %T prints.
			put(t, filepath.Join(dir, fmt.Sprint("p", n), "p.go"), p.source("mane", "Run"))
			main += fmt.Sprintf("\tp%d \"cells/p%d\"\n", n, n)
			fmt.Fprintf(&cases, "\tcase %q:\n\t\tp%d.Run()\n", p.name, n)
			n++
		}
	}
	put(t, filepath.Join(dir, "main.go"), main+")\n\nfunc main() {\n\tswitch os.Args[1] {\n"+cases.String()+"\t}\n}\n")
	if out, err := command(dir, "go", "build", "-o", "cells", ".").CombinedOutput(); err != nil {
		t.Fatalf("the programs do not compile:\n%s", explain(all, string(out)))
	}
	for _, f := range sorted(tables) {
		a := &txtar.Archive{Comment: tables[f].Comment}
		by := map[string]*program{}
		for _, p := range all[f] {
			out, err := command(dir, filepath.Join(dir, "cells"), p.name).Output()
			if err != nil {
				t.Errorf("%s: %v\n%s", p.name, err, out)
			}
			p.want = oraclePath.ReplaceAllString(strings.ReplaceAll(string(out), "mane.", "main."), "main.")
			by[filepath.Base(p.name)] = p
		}
		for i, s := range tables[f].Files {
			if strings.HasSuffix(s.Name, ".want") {
				continue
			}
			a.Files = append(a.Files, s)
			base, _, _ := strings.Cut(s.Name, ".")
			if rest := tables[f].Files[i+1:]; len(rest) > 0 && rest[0].Name == base+".go" {
				continue
			}
			a.Files = append(a.Files, txtar.File{Name: base + ".want", Data: []byte(by[base].want)})
		}
		put(t, f, string(txtar.Format(a)))
	}
	put(t, "testdata/version", runtime.Version()+"\n")
}

// oraclePath is a program's package in the name of a type argument.
var oraclePath = regexp.MustCompile(`cells/p\d+\.`)

// explain puts the programs' names beside the compiler's messages.
func explain(all map[string][]*program, out string) string {
	n := 0
	var names []string
	for _, f := range sorted(all) {
		for _, p := range all[f] {
			names = append(names, fmt.Sprintf("p%d/", n), p.name+" ")
			n++
		}
	}
	return strings.NewReplacer(names...).Replace(out)
}

func sorted[T any](m map[string]T) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func command(dir, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	return c
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// printed is what a cell prints on the standard output.
type printed struct{ text strings.Builder }

func (p *printed) Stream(name, s string) {
	if name == "stdout" {
		p.text.WriteString(s)
	}
}
func (*printed) Display(_, _ cell.Bundle, _ string, _ bool) error { return nil }
func (*printed) ClearOutput(bool) error                           { return nil }

// patience with one cell; a machine that does other things beside is slow.
const patience = 20 * time.Second

// run gives what cells print, up to the first that fails.
func run(s *interp.Session, cells ...string) (string, error) {
	var out printed
	for _, c := range cells {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		r := s.Run(ctx, c, interp.RunOptions{}, &out)
		cancel()
		if r.Err != nil {
			return out.text.String(), fmt.Errorf("%d: %s", r.Err.Line, r.Err.Value)
		}
	}
	return out.text.String(), nil
}

// places are the ways in which a program becomes cells.
var places = []struct {
	name string
	of   func(p *program) []string
}{
	{"top", func(p *program) []string { return p.cells }},
	{"func", func(p *program) []string {
		last := len(p.cells) - 1
		head, body := imports(p.cells[last])
		if len(head) > 0 {
			body = "import (\n" + strings.Join(head, "\n") + "\n)\nfunc runs() {\n" + body + "\n}\nruns()"
		} else {
			body = "func runs() {\n" + body + "\n}\nruns()"
		}
		return append(slices.Clone(p.cells[:last]), body)
	}},
	{"program", func(p *program) []string { return []string{p.source("main", "main")} }},
}

// TestPrograms runs the table.
func TestPrograms(t *testing.T) {
	was := lines(t, "testdata/known.txt")
	refused := map[string]string{}
	for _, l := range lines(t, "testdata/refused.txt") {
		name, words, _ := strings.Cut(l, ": ")
		refused[name] = words
	}
	var now []string
	count, tables := 0, areas(t)
	for _, f := range sorted(tables) {
		for _, p := range programs(t, f, tables[f]) {
			count++
			for _, place := range places {
				id := p.name + " " + place.name
				if slices.Contains(was, "! "+id) { // it would take the process with it
					now = append(now, "! "+id)
					continue
				}
				t.Run(strings.ReplaceAll(id, " ", "/"), func(t *testing.T) {
					got, err := fresh(t, place.of(p)...)
					words, no := refused[p.name]
					switch {
					case no && (err == nil || !strings.Contains(err.Error(), words)):
						t.Errorf("not refused with %q: %q, %v", words, got, err)
					case no || got == p.want && err == nil:
					case *known || slices.Contains(was, id):
						now = append(now, id)
						t.Logf("known: prints %q, %v\nwant   %q", got, err, p.want)
					default:
						t.Errorf("%s\nprints %q, %v\nwant   %q", strings.Join(place.of(p), "\n---\n"), got, err, p.want)
					}
				})
			}
		}
	}
	t.Logf("%d programs, %d known failures", count, len(now))
	exact(t, "testdata/known.txt", was, now)
}

// exact compares a list of known failures with those seen, or writes it.
func exact(t *testing.T, file string, was, now []string) {
	t.Helper()
	if *known {
		slices.Sort(now)
		put(t, file, strings.Join(now, "\n")+"\n")
		return
	}
	if f := flag.Lookup("test.run"); f != nil && strings.Contains(f.Value.String(), "/") {
		return // not all of them ran
	}
	for _, l := range was {
		if !slices.Contains(now, l) {
			t.Errorf("%s: %q passes: take it out (go test ./kernel/cellcheck -known)", file, l)
		}
	}
}

// fresh runs cells in a session of their own.
func fresh(t *testing.T, cells ...string) (string, error) {
	t.Helper()
	s, err := interp.New(interp.Options{Capture: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return run(s, cells...)
}

// lines of a file that are not empty; there need not be one.
func lines(t *testing.T, file string) (out []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			out = append(out, l)
		}
	}
	return out
}

// operation is one assignment with an operator, printed.
type operation struct{ name, code string }

// operations are assignment operators on all kinds of target.
func operations() (out []operation) {
	values := map[string][2]string{
		"uint8": {"200", "0xff"}, "float32": {"7.5", "2"}, "float64": {"7.5", "2"}, "MyF": {"7.5", "2"},
		"complex128": {"complex(1,2)", "2"}, "string": {`"ab"`, `"c"`}, "MyS": {`"ab"`, `"c"`},
	}
	for _, t := range strings.Fields("int int8 int16 int32 int64 uint uint16 uint32 uint64 MyI") {
		values[t] = [2]string{"7", "3"}
	}
	shapes := []struct{ name, code string }{
		{"variable", "var v T = A; v OP B; fmt.Println(v)"},
		{"variable by variable", "var v T = A; var w T = B; v OP w; fmt.Println(v)"},
		{"slice", "v := []T{A, A}; v[1] OP B; fmt.Println(v)"},
		{"slice by variables", "v := []T{A, A}; i := 1; w := T(B); v[i] OP w; fmt.Println(v)"},
		{"array", "var v [2]T; v[1] = A; v[1] OP B; fmt.Println(v)"},
		{"map", `v := map[string]T{"a": A}; v["a"] OP B; fmt.Println(v)`},
		{"field", "var v struct{ F T }; v.F = A; v.F OP B; fmt.Println(v.F)"},
		{"field by pointer", "v := &struct{ F T }{A}; v.F OP B; fmt.Println(v.F)"},
		{"pointer", "var v T = A; p := &v; *p OP B; fmt.Println(v)"},
		{"range", "v := []T{A}; w := T(B); for i := range v { v[i] OP w }; fmt.Println(v)"},
	}
	for _, t := range sorted(values) {
		marks := "+= -= *= /= %= &= |= ^= <<= >>= &^="
		switch {
		case t == "string" || t == "MyS":
			marks = "+="
		case strings.HasPrefix(t, "float") || t == "MyF" || t == "complex128":
			marks = "+= -= *= /="
		}
		for _, op := range strings.Fields(marks) {
			for _, s := range shapes {
				b := values[t][1]
				if op == "<<=" || op == ">>=" {
					b = "1"
				}
				code := strings.NewReplacer("T", t, "OP", op, "A", values[t][0], "B", b).Replace(s.code)
				out = append(out, operation{t + " " + s.name + " " + op, code})
			}
		}
	}
	return out
}

const opsTypes = "type MyI int\ntype MyF float64\ntype MyS string\n"

// TestUpdateOperators writes what the operators give, as the Go tool has it.
func TestUpdateOperators(t *testing.T) {
	if !*update {
		t.Skip("without -update")
	}
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("package main\n\nimport \"fmt\"\n\n" + opsTypes + "func main() {\n")
	for _, o := range operations() {
		b.WriteString("\t{ fmt.Print(" + strconv.Quote(o.name+": ") + "); " + o.code + " }\n")
	}
	put(t, filepath.Join(dir, "main.go"), b.String()+"}\n")
	put(t, filepath.Join(dir, "go.mod"), "module cells\n\ngo 1.26\n")
	out, err := command(dir, "go", "run", ".").Output()
	if err != nil {
		t.Fatal(err, string(out))
	}
	put(t, "testdata/operators.txt", string(out))
}

// TestOperators runs every operator on every kind of target, at the top level and in a function.
func TestOperators(t *testing.T) {
	was := lines(t, "testdata/known_operators.txt")
	want := map[string]string{}
	for _, l := range lines(t, "testdata/operators.txt") {
		name, value, _ := strings.Cut(l, ": ")
		want[name] = value
	}
	s, err := interp.New(interp.Options{Capture: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := run(s, opsTypes); err != nil {
		t.Fatal(err)
	}
	var now []string
	ops := operations()
	for _, o := range ops {
		for place, code := range map[string]string{"top": o.code, "func": "func() { " + o.code + " }()"} {
			got, err := run(s, code)
			if id := o.name + " " + place; strings.TrimSpace(got) != want[o.name] || err != nil {
				if now = append(now, id); !*known && !slices.Contains(was, id) {
					t.Errorf("%s: %s\ngives %q, %v\nwant  %q", id, code, got, err, want[o.name])
				}
			}
		}
	}
	t.Logf("%d cells, %d known failures", 2*len(ops), len(now))
	exact(t, "testdata/known_operators.txt", was, now)
}

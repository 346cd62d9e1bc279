package export

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"sort"
	"strings"
)

// plan is what has been found out about an item.
type plan struct {
	known   bool              // form is final
	form    form              // of an expression
	lift    bool              // an assignment leaves out the error
	reuse   bool              // := declares nothing new
	sticky  []string          // variables set here that can hold an error (their emitted names)
	renamed map[string]string // names declared here that another thing had before
	inner   map[int]inner     // calls inside, by their number, whose errors are taken
}

type form int

const (
	raw     form = iota
	discard      // _ = x
	failing      // if err := f(); err != nil
	dropped      // if _, err := f(); err != nil, with as many blanks as values
	shown        // program.Show(x)
)

// writing is a version of the program with the place of each item in it.
type writing struct {
	src  strings.Builder
	segs []segment
	fset *token.FileSet
	file *ast.File
	info *types.Info
	errs []types.Error
}

type segment struct {
	from, to int
	it       *item
}

func (w *writing) item(offset int) *item {
	for _, s := range w.segs {
		if s.from <= offset && offset < s.to {
			return s.it
		}
	}
	return nil
}

func (w *writing) offset(p token.Pos) int { return w.fset.Position(p).Offset }

// edit puts text in the place of src[from:to].
type edit struct {
	from, to int
	text     string
}

func apply(src string, edits []edit) string {
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].from < edits[j].from })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(src[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.WriteString(src[at:])
	return b.String()
}

// write writes the program as far as it is known. Names of dotted packages stand bare still.
func (b *builder) write() *writing {
	w := &writing{}
	out := &w.src
	fmt.Fprintf(out, "// Command %s does the work of the notebook %s.ipynb; `fastnb nb export` wrote it.\npackage main\n\n", commandName(b.name), b.name)
	out.WriteString("import (\n\t. \"prelude\"\n")
	level := b.packageLevel()
	for _, name := range slices.Sorted(maps.Keys(b.imports)) {
		if !level[name] {
			fmt.Fprintf(out, "\t%s %q\n", name, b.imports[name])
		}
	}
	out.WriteString(")\n\n")
	run := "run"
	for level[run] {
		run += "Cells"
	}
	fmt.Fprintf(out, "func main() { program.Main(%q, %s) }\n\n", b.name, run)
	for _, name := range slices.Sorted(maps.Keys(b.promoted)) {
		fmt.Fprintf(out, "var %s %s\n", name, types.TypeString(b.promoted[name], b.qualifier))
	}
	b.places = map[string]*item{}
	names := map[string]string{}
	var body strings.Builder
	var inBody []segment
	for _, p := range b.parts {
		b.part(p, names, w, &body, &inBody)
	}
	fmt.Fprintf(out, "\n// %s runs the notebook's cells in order.\nfunc %s() (err error) {\n", run, run)
	start := out.Len()
	out.WriteString(body.String())
	for _, s := range inBody {
		w.segs = append(w.segs, segment{start + s.from, start + s.to, s.it})
	}
	out.WriteString("\treturn nil\n}\n")
	return w
}

// packageLevel is the names that stand at the package's level.
func (b *builder) packageLevel() map[string]bool {
	level := map[string]bool{}
	for name := range b.promoted {
		level[name] = true
	}
	for _, it := range b.items {
		if it.kind == declaration {
			for _, d := range it.defs {
				level[b.emitted(it, d.Name)] = true
			}
		}
	}
	return level
}

func (b *builder) emitted(it *item, name string) string {
	if n, ok := b.plans[it].renamed[name]; ok {
		return n
	}
	return name
}

// part writes a cell: its declarations to the package's level, its statements to the body.
func (b *builder) part(p part, names map[string]string, w *writing, body *strings.Builder, segs *[]segment) {
	if p.items == nil {
		if text := strings.TrimSpace(p.text); text != "" {
			body.WriteString("\n")
			for _, l := range strings.Split(text, "\n") {
				fmt.Fprintf(body, "\t// %s\n", strings.TrimRight(l, " \t\r"))
			}
		}
		return
	}
	for _, it := range p.items { // functions and types may stand in any order
		if it.kind == declaration {
			for _, d := range it.defs {
				names[d.Name] = b.emitted(it, d.Name)
			}
		}
	}
	said := false
	lead := ""
	for _, it := range p.items {
		switch it.kind {
		case comment:
			lead += it.text + "\n"
		case declaration:
			w.src.WriteString("\n" + lead)
			lead = ""
			from := w.src.Len()
			w.src.WriteString(apply(it.text, b.renames(it, names)))
			w.segs = append(w.segs, segment{from, w.src.Len(), it})
			fmt.Fprintf(&w.src, " %s\n", it.trail)
		case statement:
			if !said {
				fmt.Fprintf(body, "\n\tprogram.Cell(%d)\n", p.number)
				said = true
			}
			body.WriteString(lead)
			lead = ""
			from := body.Len()
			b.statement(body, it, names)
			*segs = append(*segs, segment{from, body.Len(), it})
		}
	}
	if lead != "" {
		body.WriteString("\n" + lead)
	}
}

// renames are the edits that give the names of an item as the program has them.
func (b *builder) renames(it *item, names map[string]string) (edits []edit) {
	at := func(id *ast.Ident, name string) {
		from := int(id.Pos()) - it.shift
		edits = append(edits, edit{from, from + len(id.Name), name})
	}
	for _, id := range it.free {
		if n, ok := names[id.Name]; ok && n != id.Name {
			at(id, n)
		}
	}
	for _, d := range it.defs {
		n := b.emitted(it, d.Name)
		if it.kind == statement {
			names[d.Name] = n
			if b.places[n] == nil {
				b.places[n] = it
			}
		}
		if n == d.Name {
			continue
		}
		ast.Inspect(it.node, func(x ast.Node) bool {
			if id, ok := x.(*ast.Ident); ok && (id == d || id.Obj != nil && id.Obj == d.Obj) {
				at(id, n)
			}
			return true
		})
	}
	return edits
}

const fail = " != nil {\n\treturn err\n}"

// statement writes a statement with what the cell rule adds to it.
func (b *builder) statement(out *strings.Builder, it *item, names map[string]string) {
	p := b.plans[it]
	edits := append(b.renames(it, names), it.innerEdits(p)...)
	after := ""
	switch n := it.node.(type) {
	case *ast.AssignStmt:
		if p.lift {
			end := int(n.Lhs[len(n.Lhs)-1].End()) - it.shift
			edits = append(edits, edit{end, end, ", err"})
			after = "\nif err" + fail
		}
		if p.reuse || b.allPromoted(it) {
			at := int(n.TokPos) - it.shift
			edits = append(edits, edit{at, at + 2, "="})
		}
	case *ast.DeclStmt:
		if len(it.defs) > 0 && b.allPromoted(it) {
			out.WriteString(b.assigned(it, names) + " " + it.trail + "\n")
			return
		}
	}
	text := apply(it.text, edits)
	switch p.form {
	case discard:
		text = "_ = " + text
	case failing:
		text = "if err := " + text + "; err" + fail
	case dropped:
		text = "if _, err := " + text + "; err" + fail
	case shown:
		text = "if err := program.Show(" + text + "); err" + fail
		if it.strict {
			text = "_ = program.Show(" + apply(it.text, edits) + ")"
		}
	}
	if it.trail != "" {
		text += " " + it.trail
	}
	out.WriteString(text + after + "\n")
	for _, v := range p.sticky {
		fmt.Fprintf(out, "if err := %s.Err(); err%s\n", v, fail)
	}
}

func (b *builder) allPromoted(it *item) bool {
	if len(it.defs) == 0 {
		return false
	}
	for _, d := range it.defs {
		if _, ok := b.promoted[b.emitted(it, d.Name)]; !ok {
			return false
		}
	}
	return true
}

// assigned is a var declaration as assignments to variables of the package.
func (b *builder) assigned(it *item, names map[string]string) string {
	var l []string
	for _, s := range it.node.(*ast.DeclStmt).Decl.(*ast.GenDecl).Specs {
		v := s.(*ast.ValueSpec)
		if len(v.Values) == 0 {
			continue
		}
		var lhs []string
		for _, id := range v.Names {
			n := id.Name
			if n != "_" {
				n = b.emitted(it, n)
			}
			lhs = append(lhs, n)
		}
		from, to := int(v.Values[0].Pos())-it.shift, int(v.Values[len(v.Values)-1].End())-it.shift
		var inside []edit
		for _, e := range append(b.renames(it, names), it.innerEdits(b.plans[it])...) {
			if e.from >= from && e.to <= to {
				inside = append(inside, edit{e.from - from, e.to - from, e.text})
			}
		}
		l = append(l, strings.Join(lhs, ", ")+" = "+apply(it.text[from:to], inside))
	}
	return strings.Join(l, "\n")
}

func (b *builder) qualifier(p *types.Package) string {
	if p.Path() == "main" || slices.Contains(b.dots, p.Path()) {
		return ""
	}
	for name, path := range b.imports {
		if path == p.Path() {
			return name
		}
	}
	b.imports[p.Name()] = p.Path()
	return p.Name()
}

// check writes the program and lets go/types look at it.
func (b *builder) check() (*writing, error) {
	w := b.write()
	w.fset = token.NewFileSet()
	var err error
	w.file, err = parser.ParseFile(w.fset, "", w.src.String(), parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("writing the program: %w", err)
	}
	w.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	prelude, err := b.prelude()
	if err != nil {
		return nil, err
	}
	conf := types.Config{
		Importer: importer{b.w, prelude},
		Error: func(err error) {
			if e, ok := err.(types.Error); ok { //nolint:errorlint // the checker hands them over bare
				w.errs = append(w.errs, e)
			}
		},
	}
	_, _ = conf.Check("main", w.fset, []*ast.File{w.file}, w.info) // the errors were taken above
	return w, nil
}

// prelude is the package of all names that stand bare, without those that the program declares.
func (b *builder) prelude() (*types.Package, error) {
	p := types.NewPackage("prelude", "prelude")
	level := b.packageLevel()
	add := func(path, only string) error {
		pkg, err := b.w.Import(path)
		if err != nil {
			return err
		}
		for _, name := range pkg.Scope().Names() {
			if !level[name] && (only == "" || only == name) {
				p.Scope().Insert(pkg.Scope().Lookup(name))
			}
		}
		return nil
	}
	if err := add(displayPath, "Display"); err != nil {
		return nil, err
	}
	for _, path := range b.dots {
		if err := add(path, ""); err != nil {
			return nil, err
		}
	}
	p.MarkComplete()
	return p, nil
}

type importer struct {
	w       *world
	prelude *types.Package
}

func (i importer) Import(p string) (*types.Package, error) {
	if p == "prelude" {
		return i.prelude, nil
	}
	return i.w.Import(p)
}

func commandName(s string) string { return strings.Join(strings.Fields(s), "-") }

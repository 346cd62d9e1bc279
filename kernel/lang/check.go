package lang

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/fastnb/go/kernel/bind"
)

// Cell is a cell that has been checked: what it declares, and the types of what is in it.
type Cell struct {
	Info *types.Info
	// Program says that the cell is a whole program: its main function is to be called.
	Program bool

	e      *Engine
	p      *parsed
	strict bool
	own    map[string]bool         // names that declarations of the cell declare
	over   map[string]types.Object // what the cell declares or imports, by name
	vars   []*variable             // variables of the cell's top level, in order
	varOf  map[types.Object]*variable
	funcs  []*cellFunc
	undo   []func()       // takes back what the check has changed
	errs   []types.Error  // of the check that runs
	decls  []ast.Decl     // that it looks at
	body   *ast.BlockStmt // the cell's statements, while they are checked
	top    []ast.Stmt     // the same, checked
	pkg    *types.Package // of the check that was last
}

// variable is a variable of the session.
type variable struct {
	name  string
	local *types.Var // in the statements
	obj   *types.Var // for functions and later cells
}

// cellFunc is a function or method that a cell declares.
type cellFunc struct {
	decl    *ast.FuncDecl
	body    *ast.FuncDecl // as a function without a name, its receiver the first parameter
	obj     *types.Func
	generic bool
	chunk   chunk
}

// generic is a declaration that is instantiated where it is used.
type generic struct {
	chunk chunk
	src   *source
	env   map[string]types.Object // what the names in it stand for
}

// Check checks a cell. With strict, Go's own rules hold for errors that nobody takes. Nothing changes if the
// cell has an error.
func (e *Engine) Check(code string, strict bool) (_ *Cell, failed *Error) {
	e.serial++
	p, err := e.parse(code)
	if err != nil {
		return nil, err
	}
	c := &Cell{
		e: e, p: p, strict: strict, Program: p.program, own: map[string]bool{}, over: map[string]types.Object{}, varOf: map[types.Object]*variable{},
		Info: newInfo(),
	}
	defer func() {
		if r := recover(); r != nil {
			u, ok := r.(unfit)
			if !ok {
				if x, isErr := r.(error); !isErr || !errors.As(x, &u) {
					failed = &Error{Msg: fmt.Sprintf("the check of this cell failed: %v", r)}
				}
			}
			if failed == nil {
				failed = &Error{Msg: u.reason}
			}
		}
		if failed != nil {
			for _, f := range slices.Backward(c.undo) {
				f()
			}
		}
	}()
	for _, step := range []func() *Error{c.importAll, c.declareAll, c.statements, c.bodies} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// importAll makes the imports known.
func (c *Cell) importAll() *Error {
	for _, imp := range c.p.imports {
		p, err := strconv.Unquote(imp.Path.Value)
		pkg := c.e.reps.world.Package(p)
		if err != nil || pkg == nil || !bind.Has(p) {
			out := c.e.errorAt(imp.Pos(), fmt.Sprintf("package %q is not compiled into this kernel", p))
			out.Hint = bind.Missing(p)
			return out
		}
		name := pkg.Name()
		if p == "github.com/gopherdata/gophernotes" {
			name = "gophernotes"
		}
		if imp.Name != nil {
			name = imp.Name.Name
		}
		switch name {
		case "_":
		case ".":
			for _, n := range pkg.Scope().Names() {
				if o := pkg.Scope().Lookup(n); o.Exported() {
					c.over[n] = o
				}
			}
		default:
			c.over[name] = types.NewPkgName(token.NoPos, c.e.pkg, name, pkg)
		}
	}
	return nil
}

// Available lists the packages that cells can import.
func Available() string {
	l := append([]string{"display"}, bind.Available()...)
	slices.Sort(l)
	return strings.Join(l, ", ")
}

// lookup is what a name of the session stands for.
func (c *Cell) lookup(name string) types.Object {
	if o := c.over[name]; o != nil {
		return o
	}
	return c.e.Lookup(name)
}

// Lookup is what a name stands for outside the cells' blocks: an object of a cell, or what cells see without
// declaring it; nil if nothing.
func (e *Engine) Lookup(name string) types.Object {
	if o := e.scope[name]; o != nil {
		return o
	}
	if o := e.preludeObject(name); o != nil {
		return o
	}
	if strings.HasSuffix(name, mark) {
		return e.musts()[name]
	}
	return nil
}

// musts are the functions that stand for the cell rule: what they are given without the error.
func (e *Engine) musts() map[string]types.Object {
	if e.must == nil {
		var b strings.Builder
		b.WriteString("package main\n")
		for n := 1; n <= 6; n++ {
			var tp, params []string
			for i := range n {
				tp = append(tp, fmt.Sprintf("T%d", i))
				params = append(params, fmt.Sprintf("a%d T%d", i, i))
			}
			fmt.Fprintf(&b, "func must%s[%s any](%s, err error) (%s) { panic(err) }\n", strconv.Itoa(n)+mark, strings.Join(tp, ", "), strings.Join(params, ", "), strings.Join(tp, ", "))
		}
		f, err := parser.ParseFile(e.fset, "", b.String(), parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		pkg, err := new(types.Config).Check(cellPath, e.fset, []*ast.File{f}, nil)
		if err != nil {
			panic(err)
		}
		e.must = map[string]types.Object{}
		for _, n := range pkg.Scope().Names() {
			e.must[n] = pkg.Scope().Lookup(n)
		}
	}
	return e.must
}

// mustOf is how many values a function of musts gives; 0 if o is none.
func (e *Engine) mustOf(o types.Object) int {
	if o == nil || !strings.HasPrefix(o.Name(), "must") || !strings.HasSuffix(o.Name(), mark) || e.must[o.Name()] != o {
		return 0
	}
	return o.Type().(*types.Signature).Results().Len()
}

// check checks declarations as a package of their own in which the session's names stand.
func (c *Cell) check(decls []ast.Decl) (*types.Package, []types.Error) {
	pkg := c.e.pkg
	freshScope(pkg)
	seen := map[string]bool{"_": true}
	for _, d := range decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				seen[d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, n := range declaredNames(d) {
				seen[n] = true
			}
		}
	}
	for _, d := range decls {
		ast.Inspect(d, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || seen[id.Name] {
				return true
			}
			seen[id.Name] = true
			switch o := c.lookup(id.Name).(type) {
			case nil:
			case *types.PkgName:
				pkg.Scope().Insert(types.NewPkgName(token.NoPos, pkg, id.Name, o.Imported()))
			default:
				if o.Name() == id.Name {
					pkg.Scope().Insert(o)
				}
			}
			return true
		})
	}
	c.errs, c.decls = nil, decls
	conf := types.Config{
		GoVersion: "go1.26", DisableUnusedImportCheck: true, Importer: noImport{},
		Sizes: types.SizesFor("gc", runtime.GOARCH),
		Error: func(err error) {
			if te := (types.Error{}); errors.As(err, &te) && !c.harmless(te) {
				c.errs = append(c.errs, te)
			}
		},
	}
	files := []*ast.File{{Name: ast.NewIdent(cellPath), Decls: decls}}
	_ = types.NewChecker(&conf, c.e.fset, pkg, c.Info).Files(files) // the errors have been taken
	c.pkg = pkg
	return pkg, c.errs
}

// declaredNames are the names of the types, constants and variables of a declaration.
func declaredNames(d *ast.GenDecl) (names []string) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			names = append(names, s.Name.Name)
		case *ast.ValueSpec:
			for _, n := range s.Names {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// freshScope empties a package's scope: all cells are one package, to which what is not exported belongs, and one
// scope, but each check has names of its own in it.
func freshScope(pkg *types.Package) {
	scope := reflect.ValueOf(pkg.Scope()).Elem()
	elems, children := scope.FieldByName("elems"), scope.FieldByName("children")
	if !elems.IsValid() || elems.Type() != reflect.TypeFor[map[string]types.Object]() || !children.IsValid() || children.Type() != reflect.TypeFor[[]*types.Scope]() {
		panic(unfit{"this Go version keeps scopes in another way"}) // a test sees to it that it does not
	}
	*(*map[string]types.Object)(unsafe.Pointer(elems.UnsafeAddr())) = nil
	*(*[]*types.Scope)(unsafe.Pointer(children.UnsafeAddr())) = nil
}

type noImport struct{}

func (noImport) Import(p string) (*types.Package, error) {
	return nil, fmt.Errorf("package %q is not compiled into this kernel", p)
}

// harmless reports whether an error of the check is none in a cell.
func (c *Cell) harmless(err types.Error) bool {
	if strings.HasPrefix(err.Msg, "\t") { // goes on about the error before it
		return true
	}
	for _, s := range []string{"declared and not used", "missing function body", "imported and not used"} {
		if strings.Contains(err.Msg, s) {
			return true
		}
	}
	if strings.HasSuffix(err.Msg, "is not used") && c.body != nil {
		return c.shown(err.Pos)
	}
	return false
}

// shown reports whether at pos stands an expression of the cell's own, whose value is shown.
func (c *Cell) shown(pos token.Pos) bool {
	found := false
	var look func(list []ast.Stmt)
	look = func(list []ast.Stmt) {
		for _, st := range list {
			switch st := st.(type) {
			case *ast.ExprStmt:
				found = found || st.Pos() <= pos && pos < st.End()
			case *ast.BlockStmt:
				if st.Lbrace == token.NoPos {
					look(st.List)
				}
			}
		}
	}
	look(c.body.List)
	return found
}

// declareAll checks the cell's types, constants and the heads of its functions.
func (c *Cell) declareAll() *Error {
	var decls []ast.Decl
	types_ := map[string]*ast.TypeSpec{}
	for _, d := range c.p.decls {
		decls = append(decls, d)
		for _, n := range declaredNames(d) {
			c.own[n] = true
		}
		for _, s := range d.Specs {
			if ts, ok := s.(*ast.TypeSpec); ok {
				types_[ts.Name.Name] = ts
			}
		}
	}
	heads, late := c.heads(types_)
	decls = append(decls, heads...)
	if len(decls) > 0 {
		pkg, errs := c.check(decls)
		if len(errs) > 0 {
			return c.first(errs)
		}
		for _, n := range pkg.Scope().Names() {
			if c.own[n] {
				c.over[n] = pkg.Scope().Lookup(n)
			}
		}
	}
	for _, f := range c.funcs {
		f.obj, _ = c.Info.Defs[f.decl.Name].(*types.Func)
	}
	if err := c.fitTypes(); err != nil {
		return err
	}
	return c.attach(late)
}

// heads takes up the cell's functions and methods and gives their heads, without the bodies; late are the methods
// of types that are not among own, the types that the cell declares.
func (c *Cell) heads(own map[string]*ast.TypeSpec) (decls []ast.Decl, late []*cellFunc) {
	for _, d := range c.p.funcs {
		f := &cellFunc{decl: d}
		at := c.e.offset(d.Pos())
		for _, ch := range c.p.chunks {
			if ch.kind == token.FUNC && ch.from <= at && at < ch.to {
				f.chunk = ch
			}
		}
		c.funcs = append(c.funcs, f)
		head := &ast.FuncDecl{Recv: d.Recv, Name: d.Name, Type: d.Type}
		if d.Recv == nil {
			if d.Name.Name == "init" || d.Name.Name == "_" {
				continue
			}
			c.own[d.Name.Name] = true
			decls = append(decls, head)
			f.generic = d.Type.TypeParams != nil
			continue
		}
		base, params := receiver(d)
		f.generic = len(params) > 0
		if base != nil && own[base.Name] != nil {
			decls = append(decls, head)
			f.body = c.asFunction(d, own[base.Name], params)
			continue
		}
		late = append(late, f)
	}
	return decls, late
}

// offset is where in the cell's text pos is.
func (e *Engine) offset(pos token.Pos) int {
	f := e.fset.File(pos)
	if f == nil {
		return -1
	}
	return f.Offset(pos) - len(beforeDecls)
}

// fitTypes refuses types that have no representation.
func (c *Cell) fitTypes() (failed *Error) {
	for _, d := range c.p.decls {
		for _, s := range d.Specs {
			ts, ok := s.(*ast.TypeSpec)
			if !ok || ts.TypeParams != nil {
				continue
			}
			o := c.Info.Defs[ts.Name]
			if o == nil {
				continue
			}
			if it, ok := o.Type().Underlying().(*types.Interface); ok && !it.IsMethodSet() {
				continue
			}
			if err := c.e.fits(o.Type()); err != nil {
				return c.e.errorAt(ts.Pos(), err.Error())
			}
		}
	}
	return nil
}

// fits reports why t has no representation, if it has none.
func (e *Engine) fits(t types.Type) (err error) {
	defer func() {
		if r := recover(); r != nil {
			u, ok := r.(unfit)
			if !ok {
				u = unfit{fmt.Sprintf("%s cannot be used in cells: %v", bySpelling(t), r)}
			}
			err = u
		}
	}()
	e.rep(t)
	return nil
}

// bodies checks the bodies of the cell's functions.
func (c *Cell) bodies() *Error {
	var decls []ast.Decl
	for _, f := range c.funcs {
		if f.body == nil {
			f.body = &ast.FuncDecl{Name: &ast.Ident{Name: "_", NamePos: f.decl.Name.NamePos}, Type: f.decl.Type, Body: f.decl.Body}
		}
		if f.body.Body == nil {
			return c.e.errorAt(f.decl.Pos(), "missing function body")
		}
		decls = append(decls, f.body)
	}
	if len(decls) == 0 {
		return nil
	}
	c.body = nil
	if _, errs := c.check(decls); len(errs) > 0 {
		return c.first(errs)
	}
	for _, f := range c.funcs {
		if !f.generic || f.obj == nil {
			continue
		}
		g := &generic{chunk: f.chunk, src: c.p.src, env: map[string]types.Object{}}
		ast.Inspect(f.decl, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if o := c.lookup(id.Name); o != nil {
					g.env[id.Name] = o
				}
			}
			return true
		})
		obj := f.obj
		c.e.generics[obj] = g
		c.undo = append(c.undo, func() { delete(c.e.generics, obj) })
	}
	return nil
}

// commit makes what the cell declares the session's.
func (c *Cell) commit() {
	for name, o := range c.over {
		if !strings.Contains(name, mark) || strings.HasSuffix(name, mark) {
			c.e.scope[name] = o
		}
	}
	c.e.last = c
}

var cellNames = regexp.MustCompile(`\bmain\.([\pL_])`)

// first is the error to tell of a check's: the first that stands in the cell.
func (c *Cell) first(errs []types.Error) *Error {
	err := errs[0]
	for _, e := range errs[1:] {
		if e.Pos < err.Pos && e.Pos.IsValid() && c.e.fset.File(e.Pos) == c.e.fset.File(err.Pos) {
			err = e
		}
	}
	msg := cellNames.ReplaceAllString(err.Msg, "$1")
	out := c.e.errorAt(err.Pos, strings.ReplaceAll(msg, mark, ""))
	if c.decls != nil {
		for _, d := range c.decls {
			ast.Inspect(d, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok || sel.Sel.Pos() != err.Pos {
					return true
				}
				out.Operand = c.Info.Types[sel.X].Type
				if i, isName := sel.X.(*ast.Ident); isName {
					if p, isPkg := c.Info.Uses[i].(*types.PkgName); isPkg {
						out.Package = p.Imported()
					}
				}
				return true
			})
		}
	}
	return out
}

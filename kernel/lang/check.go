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

	"golang.org/x/tools/go/ast/astutil"

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

// receiver is the name of a method's type, and of its type parameters.
func receiver(d *ast.FuncDecl) (base *ast.Ident, params []*ast.Ident) {
	if len(d.Recv.List) != 1 {
		return nil, nil
	}
	t := ast.Unparen(d.Recv.List[0].Type)
	if s, ok := t.(*ast.StarExpr); ok {
		t = ast.Unparen(s.X)
	}
	var list []ast.Expr
	switch x := t.(type) {
	case *ast.IndexExpr:
		t, list = x.X, []ast.Expr{x.Index}
	case *ast.IndexListExpr:
		t, list = x.X, x.Indices
	}
	for _, p := range list {
		if id, ok := p.(*ast.Ident); ok {
			params = append(params, id)
		}
	}
	base, _ = t.(*ast.Ident)
	return base, params
}

// asFunction is a method as a function without a name. ts declares its type, if that is generic.
func (c *Cell) asFunction(d *ast.FuncDecl, ts *ast.TypeSpec, params []*ast.Ident) *ast.FuncDecl {
	ft := *d.Type
	ft.Params = &ast.FieldList{Opening: d.Type.Params.Opening, Closing: d.Type.Params.Closing}
	all := append(slices.Clone(d.Recv.List), d.Type.Params.List...)
	for _, f := range all {
		g := *f
		if len(g.Names) == 0 {
			g.Names = []*ast.Ident{{Name: "_", NamePos: f.Pos()}}
		}
		ft.Params.List = append(ft.Params.List, &g)
	}
	if len(params) > 0 && ts != nil && ts.TypeParams != nil {
		ft.TypeParams = &ast.FieldList{}
		var constraints []ast.Expr
		for _, f := range ts.TypeParams.List {
			for range f.Names {
				constraints = append(constraints, f.Type)
			}
		}
		for i, p := range params {
			if i < len(constraints) {
				name := p
				if p.Name == "_" {
					name = &ast.Ident{Name: fmt.Sprintf("P%d", i) + mark, NamePos: p.NamePos}
				}
				ft.TypeParams.List = append(ft.TypeParams.List, &ast.Field{Names: []*ast.Ident{name}, Type: constraints[i]})
			}
		}
	}
	return &ast.FuncDecl{Name: &ast.Ident{Name: "_", NamePos: d.Name.NamePos}, Type: &ft, Body: d.Body}
}

// attach gives methods to types of earlier cells.
func (c *Cell) attach(late []*cellFunc) *Error {
	byType := map[*types.Named][]*types.Func{}
	for _, f := range late {
		base, params := receiver(f.decl)
		if base == nil {
			return c.e.errorAt(f.decl.Pos(), "invalid receiver")
		}
		o := c.lookup(base.Name)
		tn, ok := o.(*types.TypeName)
		switch {
		case o == nil && types.Universe.Lookup(base.Name) == nil:
			return c.e.errorAt(base.Pos(), "undefined: "+base.Name)
		case !ok:
			return c.e.errorAt(base.Pos(), base.Name+" is not a type")
		}
		n, ok := types.Unalias(tn.Type()).(*types.Named)
		if !ok || !isCell(n) {
			return c.e.errorAt(base.Pos(), "cannot define new methods on non-local type "+base.Name)
		}
		if len(params) != n.TypeParams().Len() {
			return c.e.errorAt(f.decl.Pos(), "the receiver wants the type parameters of "+base.Name)
		}
		f.body = c.asFunction(f.decl, c.constraints(n, base), params)
		head := &ast.FuncDecl{Name: f.body.Name, Type: f.body.Type}
		if f.generic { // go/types wants a body
			head.Body = &ast.BlockStmt{List: []ast.Stmt{&ast.ExprStmt{X: &ast.CallExpr{Fun: ast.NewIdent("panic"), Args: []ast.Expr{&ast.BasicLit{Kind: token.INT, Value: "0"}}}}}}
		}
		if _, errs := c.check([]ast.Decl{head}); len(errs) > 0 {
			return c.first(errs)
		}
		fn, ok := c.Info.Defs[head.Name].(*types.Func)
		if !ok {
			return c.e.errorAt(f.decl.Pos(), "invalid method "+f.decl.Name.Name)
		}
		f.obj = c.e.asMethod(fn, n, f.decl.Name)
		if err := c.clash(f, n, base.Name, byType[n]); err != nil {
			return err
		}
		byType[n] = append(byType[n], f.obj)
	}
	for n, ms := range byType {
		c.e.addMethods(c, n, ms)
	}
	return nil
}

// clash reports why n, spelled typeName, cannot have f beside its fields and the methods that the cell has given it before.
func (c *Cell) clash(f *cellFunc, n *types.Named, typeName string, before []*types.Func) *Error {
	if types.IsInterface(n) {
		return c.e.errorAt(f.decl.Pos(), "invalid receiver type "+typeName+" (pointer or interface type)")
	}
	name, at := f.obj.Name(), f.decl.Name.Pos()
	if st, ok := n.Underlying().(*types.Struct); ok {
		for fl := range st.Fields() {
			if fl.Name() == name {
				return c.e.errorAt(at, fmt.Sprintf("field and method with the same name %s", name))
			}
		}
	}
	for _, m := range before {
		if m.Name() == name {
			return c.e.errorAt(at, fmt.Sprintf("method %s.%s already declared in this cell", typeName, name))
		}
	}
	return nil
}

// asMethod is a function as a method of n, its first parameter the receiver.
func (e *Engine) asMethod(fn *types.Func, n *types.Named, name *ast.Ident) *types.Func {
	sig := fn.Signature()
	var params []*types.TypeParam
	if sig.TypeParams().Len() > 0 {
		var targs []types.Type
		for i := range sig.TypeParams().Len() {
			o := types.NewTypeName(name.Pos(), e.pkg, sig.TypeParams().At(i).Obj().Name(), nil)
			p := types.NewTypeParam(o, n.TypeParams().At(i).Constraint())
			params, targs = append(params, p), append(targs, p)
		}
		t, err := types.Instantiate(nil, sig, targs, false)
		if err != nil {
			panic(unfit{err.Error()})
		}
		sig = t.(*types.Signature)
	}
	var rest []*types.Var
	for i := 1; i < sig.Params().Len(); i++ {
		rest = append(rest, sig.Params().At(i))
	}
	msig := types.NewSignatureType(sig.Params().At(0), params, nil, types.NewTuple(rest...), sig.Results(), sig.Variadic())
	return types.NewFunc(name.Pos(), e.pkg, name.Name, msig)
}

// constraints stands for the declaration of a generic type of an earlier cell: its type parameters.
func (c *Cell) constraints(n *types.Named, base *ast.Ident) *ast.TypeSpec {
	if n.TypeParams().Len() == 0 {
		return nil
	}
	ts := &ast.TypeSpec{Name: base, TypeParams: &ast.FieldList{}}
	for p := range n.TypeParams().TypeParams() {
		name := base.Name + mark + p.Obj().Name()
		o := types.NewTypeName(token.NoPos, c.e.pkg, name, nil)
		types.NewAlias(o, p.Constraint())
		c.over[name] = o
		ts.TypeParams.List = append(ts.TypeParams.List, &ast.Field{Names: []*ast.Ident{{Name: p.Obj().Name()}}, Type: &ast.Ident{Name: name, NamePos: base.NamePos}})
	}
	return ts
}

// addMethods gives n more methods, in the place of those of the same names.
func (e *Engine) addMethods(c *Cell, n *types.Named, ms []*types.Func) {
	e.goMu.Lock()
	defer e.goMu.Unlock()
	var all []*types.Func
	for m := range n.Methods() {
		if !slices.ContainsFunc(ms, func(x *types.Func) bool { return x.Name() == m.Name() }) {
			all = append(all, m)
		}
	}
	old := slices.Collect(n.Methods())
	setMethods(n, append(all, ms...))
	c.undo = append(c.undo, func() {
		e.goMu.Lock()
		defer e.goMu.Unlock()
		setMethods(n, old)
	})
}

// setMethods sets the methods of a type. go/types can only add methods, and only new ones; a cell may declare
// one anew, and what a cell adds that fails must go again.
func setMethods(n *types.Named, ms []*types.Func) {
	f := reflect.ValueOf(n).Elem().FieldByName("methods")
	if !f.IsValid() || f.Type() != reflect.TypeFor[[]*types.Func]() {
		panic(unfit{"this Go version keeps methods in another way"}) // a test sees to it that it does not
	}
	*(*[]*types.Func)(unsafe.Pointer(f.UnsafeAddr())) = ms
}

// statements checks the cell's statements, under the cell rule.
func (c *Cell) statements() *Error {
	c.body = &ast.BlockStmt{List: c.shadowing(c.inOrder(c.p.body))}
	fn := &ast.FuncDecl{Name: &ast.Ident{Name: "_"}, Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: c.body}
	const most = 50
	for round := 0; ; round++ {
		_, errs := c.check([]ast.Decl{fn})
		if len(errs) == 0 {
			break
		}
		if c.strict || round == most || !c.lift(errs) {
			return c.first(errs)
		}
	}
	c.collect(c.body.List)
	c.top = c.body.List
	return nil
}

// inOrder puts variables that are declared together, in one group or one after the other, in the order in which they
// need each other, as Go does at the top level of a package.
func (c *Cell) inOrder(list []ast.Stmt) []ast.Stmt {
	var out []ast.Stmt
	for i := 0; i < len(list); i++ {
		var specs []ast.Spec
		k := i
		for ; k < len(list); k++ {
			d, ok := list[k].(*ast.DeclStmt)
			if !ok {
				break
			}
			g, ok := d.Decl.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				break
			}
			specs = append(specs, g.Specs...)
		}
		if len(specs) < 2 {
			out = append(out, list[i])
			continue
		}
		for _, s := range c.needed(specs) {
			out = append(out, &ast.DeclStmt{Decl: &ast.GenDecl{TokPos: s.Pos(), Tok: token.VAR, Specs: []ast.Spec{s}}})
		}
		i = k - 1
	}
	return out
}

// needed are declarations of variables, each behind those that it needs.
func (c *Cell) needed(specs []ast.Spec) (out []ast.Spec) {
	by, funcs := map[string]ast.Spec{}, map[string]*ast.FuncDecl{}
	for _, s := range specs {
		for _, n := range s.(*ast.ValueSpec).Names {
			if by[n.Name] != nil && n.Name != "_" {
				return specs // a name twice: as they stand
			}
			by[n.Name] = s
		}
	}
	for _, f := range c.p.funcs {
		if f.Recv == nil {
			funcs[f.Name.Name] = f
		}
	}
	seen := map[ast.Node]bool{}
	var put func(s ast.Spec)
	var look func(n ast.Node)
	look = func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			i, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			if f := funcs[i.Name]; f != nil && f.Body != nil && !seen[f] {
				seen[f] = true
				look(f.Body)
			}
			if by[i.Name] != nil {
				put(by[i.Name])
			}
			return true
		})
	}
	put = func(s ast.Spec) {
		if seen[s] {
			return
		}
		seen[s] = true
		for _, v := range s.(*ast.ValueSpec).Values {
			look(v)
		}
		out = append(out, s)
	}
	for _, s := range specs {
		put(s)
	}
	return out
}

// shadowing gives a statement that declares a name of its cell again a block of its own, with all that follow.
func (c *Cell) shadowing(list []ast.Stmt) []ast.Stmt {
	declared := map[string]bool{}
	for i, st := range list {
		names, again := declaredBy(st), false
		fresh := 0
		for _, n := range names {
			if !declared[n] {
				fresh++
			} else if _, ok := st.(*ast.DeclStmt); ok {
				again = true
			}
		}
		if again || len(names) > 0 && fresh == 0 {
			rest := &ast.BlockStmt{List: c.shadowing(list[i:])}
			return append(slices.Clone(list[:i]), rest)
		}
		for _, n := range names {
			declared[n] = true
		}
	}
	return list
}

// declaredBy are the variables that a statement declares.
func declaredBy(st ast.Stmt) (out []string) {
	for _, id := range declaredIdents(st) {
		if id.Name != "_" {
			out = append(out, id.Name)
		}
	}
	return out
}

func declaredIdents(st ast.Stmt) (out []*ast.Ident) {
	switch st := st.(type) {
	case *ast.LabeledStmt:
		return declaredIdents(st.Stmt)
	case *ast.AssignStmt:
		if st.Tok == token.DEFINE {
			for _, l := range st.Lhs {
				if id, ok := l.(*ast.Ident); ok {
					out = append(out, id)
				}
			}
		}
	case *ast.DeclStmt:
		if g, ok := st.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				out = append(out, s.(*ast.ValueSpec).Names...)
			}
		}
	}
	return out
}

// collect finds the variables of the cell's top level.
func (c *Cell) collect(list []ast.Stmt) {
	for _, st := range list {
		if b, ok := st.(*ast.BlockStmt); ok && !b.Lbrace.IsValid() {
			c.collect(b.List)
			continue
		}
		for _, id := range declaredIdents(st) {
			local, ok := c.Info.Defs[id].(*types.Var)
			if !ok || id.Name == "_" {
				continue
			}
			v := &variable{name: id.Name, local: local, obj: types.NewVar(id.Pos(), c.pkg, id.Name, local.Type())}
			c.vars = append(c.vars, v)
			c.varOf[v.local], c.varOf[v.obj] = v, v
			c.over[v.name] = v.obj
		}
	}
}

// lift puts calls under the cell rule that give an error where none is taken. It reports whether it found any.
func (c *Cell) lift(errs []types.Error) bool {
	near := func(n ast.Node) bool {
		return slices.ContainsFunc(errs, func(e types.Error) bool { return n.Pos() <= e.Pos && e.Pos < n.End() })
	}
	found := false
	astutil.Apply(c.body, func(cur *astutil.Cursor) bool {
		switch n := cur.Node().(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			k := c.tooMany(n)
			if k < 1 || k > 6 || !c.drops(cur, n, k, near) {
				return true
			}
			found = true
			name := &ast.Ident{Name: "must" + strconv.Itoa(k) + mark, NamePos: n.Pos()}
			cur.Replace(&ast.CallExpr{Fun: name, Lparen: n.Pos(), Args: []ast.Expr{n}, Rparen: n.End()})
			return false // what is inside, the next round sees
		}
		return true
	}, nil)
	return found
}

// tooMany is how many values a call gives besides an error that is its last; 0 if it gives none such.
func (c *Cell) tooMany(n *ast.CallExpr) int {
	t, ok := c.Info.Types[n].Type.(*types.Tuple)
	if !ok || t.Len() < 2 || !types.Identical(t.At(t.Len()-1).Type(), types.Universe.Lookup("error").Type()) {
		return 0
	}
	return t.Len() - 1
}

// drops reports whether the place of a call takes its k values and not the error behind them.
func (c *Cell) drops(cur *astutil.Cursor, n *ast.CallExpr, k int, near func(ast.Node) bool) bool {
	switch p := cur.Parent().(type) {
	case *ast.ExprStmt, *ast.GoStmt, *ast.DeferStmt:
		return false
	case *ast.ReturnStmt:
		return len(p.Results) > 1 && k == 1
	case *ast.AssignStmt:
		if len(p.Rhs) == 1 && cur.Name() == "Rhs" {
			return len(p.Lhs) == k
		}
	case *ast.ValueSpec:
		if len(p.Values) == 1 {
			return len(p.Names) == k
		}
	case *ast.CallExpr:
		if len(p.Args) == 1 && cur.Name() == "Args" {
			if id, ok := p.Fun.(*ast.Ident); ok && strings.HasSuffix(id.Name, mark) {
				return false
			}
			return near(n)
		}
	}
	return k == 1
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

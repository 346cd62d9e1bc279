package lang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// TypeOf is what the check says of an expression in the session's scope: its type and value, the object that it
// names, if it names one. Nothing of it runs. ok is false if it does not check.
func (e *Engine) TypeOf(expr string) (tv types.TypeAndValue, o types.Object, ok bool) {
	x, err := parser.ParseExprFrom(e.fset, "", expr, parser.SkipObjectResolution)
	if err != nil {
		return tv, nil, false
	}
	if i, isName := x.(*ast.Ident); isName {
		o = e.Lookup(i.Name)
		if o == nil {
			o = types.Universe.Lookup(i.Name)
		}
		if p, isPkg := o.(*types.PkgName); isPkg {
			return tv, p, true
		}
	}
	c := &Cell{e: e, own: map[string]bool{}, over: map[string]types.Object{}, Info: newInfo()}
	fn := &ast.FuncDecl{Name: ast.NewIdent("_"), Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: &ast.BlockStmt{List: []ast.Stmt{
		&ast.AssignStmt{Lhs: []ast.Expr{ast.NewIdent("_")}, Tok: token.ASSIGN, Rhs: []ast.Expr{x}},
	}}}
	_, _ = c.check([]ast.Decl{fn}) // several values, or none, are no fault here
	tv, ok = c.Info.Types[x]
	if !ok || tv.Type == nil || tv.Type == types.Typ[types.Invalid] {
		return tv, o, false
	}
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		o = c.Info.ObjectOf(x)
	case *ast.SelectorExpr:
		o = c.Info.ObjectOf(x.Sel)
	}
	return tv, o, true
}

// Member is what can be written behind a value and a dot.
type Member struct {
	Name   string
	Object types.Object // a field or a method
}

// Members are the fields and methods of values of t that cells can write; those of embedded fields and of
// pointers to it among them. Hidden ones of compiled packages are not.
func (e *Engine) Members(t types.Type) []Member {
	seen := map[string]bool{}
	var out []Member
	add := func(o types.Object) {
		if !seen[o.Name()] && o.Name() != "_" && (o.Exported() || o.Pkg() == e.pkg) {
			seen[o.Name()] = true
			out = append(out, Member{o.Name(), o})
		}
	}
	methods := t
	if _, ptr := t.Underlying().(*types.Pointer); !ptr && !types.IsInterface(t) {
		methods = types.NewPointer(t)
	}
	set := types.NewMethodSet(methods)
	for m := range set.Methods() {
		add(m.Obj())
	}
	level, done := []types.Type{deref(t)}, map[types.Type]bool{}
	for len(level) > 0 {
		var next []types.Type
		for _, t := range level {
			st, ok := t.Underlying().(*types.Struct)
			if !ok || done[t] {
				continue
			}
			done[t] = true
			for f := range st.Fields() {
				add(f)
				if f.Embedded() {
					next = append(next, deref(f.Type()))
				}
			}
		}
		level = next
	}
	slices.SortFunc(out, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Exported are the objects of a package that others see, by name.
func Exported(p *types.Package) (out []types.Object) {
	for _, n := range p.Scope().Names() {
		if o := p.Scope().Lookup(n); o.Exported() {
			out = append(out, o)
		}
	}
	return out
}

// Package gives the types of a package that is compiled in; nil if it is not.
func (e *Engine) Package(path string) *types.Package { return e.reps.world.Package(path) }

// Last is the cell that was defined last; nil before the first.
func (e *Engine) Last() *Cell { return e.last }

// At is the place of a position of the syntax in a cell.
func (e *Engine) At(pos token.Pos) Place { return e.at(pos) }

// Spelled is a type as cells write it.
func Spelled(t types.Type) string { return bySpelling(t) }

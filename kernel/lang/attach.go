package lang

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"unsafe"
)

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

package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"

	xr "github.com/cosmos72/gomacro/xreflect"
)

// low lowers checked code to the forms that the interpreter runs rightly.
type low struct {
	e       *Engine
	info    *types.Info
	cell    *Cell // nil in instances of generic functions
	serial  int
	fn      *funcFrame // the function that is lowered; nil at a cell's top level
	refs    map[*function]bool
	name    string // of that function, for people
	at      int    // the number of the spot of the statement that is lowered; -1 outside of one
	pending []*probe
	asPlace bool // what is lowered is assigned to, or its address is taken
	locals  map[types.Object]string
}

// refusal is why code cannot be lowered.
type refusal struct {
	pos token.Pos
	unfit
}

func (l *low) refuse(n ast.Node, reason string) { panic(refusal{n.Pos(), unfit{reason}}) }

// typ is t as lowered code writes it.
func (l *low) typ(t types.Type) ast.Expr { return l.e.alias(l.e.rep(t)) }

func (l *low) typeOf(x ast.Expr) types.Type {
	if tv, ok := l.info.Types[x]; ok && tv.Type != nil {
		return tv.Type
	}
	if i, ok := x.(*ast.Ident); ok {
		if o := l.info.ObjectOf(i); o != nil {
			return o.Type()
		}
	}
	return types.Typ[types.Invalid]
}

// conv is x as a value of type to.
func (l *low) conv(x ast.Expr, to types.Type) ast.Expr {
	tv := l.info.Types[x]
	if tv.IsNil() {
		return l.null(to)
	}
	if tv.Value != nil && !types.IsInterface(to) {
		return l.literal(tv.Value, to)
	}
	if b, ok := tv.Type.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		if types.IsInterface(to) {
			return callOf(l.e.alias(anyType), l.expr(x))
		}
		return callOf(l.typ(to), l.expr(x))
	}
	return l.convert(l.expr(x), l.typeOf(x), to)
}

// null is nil of a type.
func (l *low) null(t types.Type) ast.Expr {
	if rt := l.e.rep(t); rt != anyType && rt.Kind() != reflect.Interface {
		return callOf(&ast.ParenExpr{X: l.e.alias(rt)}, id("nil"))
	}
	return id("nil")
}

// convert is y, a lowered value of type from, as a value of type to: what Go does where a value is assigned.
func (l *low) convert(y ast.Expr, from, to types.Type) ast.Expr {
	if from == to || types.Identical(from, to) {
		return y
	}
	if types.IsInterface(to) {
		rt := l.e.rep(to)
		switch {
		case types.IsInterface(from):
			frt := l.e.rep(from)
			switch {
			case rt == anyType && frt == anyType:
				return y
			case rt == anyType:
				return l.unshim(y)
			}
			return l.shim(y, rt)
		case l.e.lossy(from):
			b := l.box(y, from)
			if rt == anyType {
				return b
			}
			l.shimmable(rt)
			return l.shim(b, rt)
		case rt == anyType:
			return callOf(l.e.alias(anyType), y)
		}
		return callOf(l.e.alias(rt), y)
	}
	frt, rt := l.e.rep(from), l.e.rep(to)
	if frt == rt {
		return y
	}
	return l.reshape(y, frt, rt)
}

// reshape turns a value of one representation into another that Go holds for the same.
func (l *low) reshape(y ast.Expr, from, to reflect.Type) ast.Expr {
	if from.ConvertibleTo(to) {
		return l.help(helper{ins: []reflect.Type{from}, outs: []reflect.Type{to}, f: func(v xr.Value) xr.Value { return xr.MakeValue(v.ReflectValue().Convert(to)) }}, y)
	}
	return callOf(l.e.alias(to), y)
}

// shimmable refuses interfaces of compiled code that cells' types cannot be given as.
func (l *low) shimmable(rt reflect.Type) {
	if rt != errorType && !l.e.hasShim(rt) {
		panic(unfit{"values of cells' types cannot be given as " + rt.String() + " to compiled code"})
	}
}

func (e *Engine) lossy(t types.Type) bool { return e.reps.lossy(t) }

// expr is x, a value in the representation of its type.
func (l *low) expr(x ast.Expr) ast.Expr {
	tv := l.info.Types[x]
	if tv.Value != nil {
		return l.literal(tv.Value, tv.Type)
	}
	if tv.IsType() {
		return l.typ(tv.Type)
	}
	switch x := x.(type) {
	case *ast.Ident:
		return l.ident(x)
	case *ast.ParenExpr:
		return &ast.ParenExpr{X: l.expr(x.X)}
	case *ast.FuncLit:
		return l.closed(l.funcLit(x), l.typeOf(x))
	case *ast.CompositeLit:
		return l.closed(l.composite(x, l.typeOf(x)), l.typeOf(x))
	case *ast.SelectorExpr:
		return l.selector(x)
	case *ast.IndexExpr:
		return l.index(x)
	case *ast.IndexListExpr:
		return l.ident(baseIdent(x.X))
	case *ast.SliceExpr:
		return l.slice(x)
	case *ast.StarExpr:
		p := l.expr(x.X)
		l.follow(followed, x.X, p)
		return &ast.StarExpr{X: l.opened(p, l.typeOf(x.X))}
	case *ast.TypeAssertExpr:
		return l.assertion(x.X, l.expr(x.X), l.typeOf(x.X), l.typeOf(x.Type))
	case *ast.CallExpr:
		return l.call(x)
	case *ast.UnaryExpr:
		return l.unary(x)
	case *ast.BinaryExpr:
		return l.binary(x)
	}
	l.refuse(x, "this expression cannot be used in cells")
	return nil
}

func baseIdent(x ast.Expr) *ast.Ident {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		return x.Sel
	}
	return nil
}

func (l *low) ident(x *ast.Ident) ast.Expr {
	if x.Name == "_" {
		return id("_")
	}
	o := l.info.ObjectOf(x)
	if o == nil {
		return id(x.Name)
	}
	return l.object(x, o)
}

// object is what an object of go/types is called in lowered code.
func (l *low) object(x *ast.Ident, o types.Object) ast.Expr {
	switch o := o.(type) {
	case *types.Nil:
		return id("nil")
	case *types.Var:
		if o.Pkg() != nil && o.Pkg().Path() != cellPath {
			return selectOf(l.e.imported(o.Pkg()), o.Name())
		}
		return id(l.varName(o))
	case *types.Func:
		if o.Pkg() != nil && o.Pkg().Path() != cellPath {
			if o.Signature().TypeParams().Len() > 0 {
				return l.stdGeneric(x, o)
			}
			return selectOf(l.e.imported(o.Pkg()), o.Name())
		}
		if inst, ok := l.info.Instances[x]; ok {
			return id(l.use(l.e.instantiate(l, x, o, typeList(inst.TypeArgs))))
		}
		f := l.e.functions[o]
		if f == nil {
			l.refuse(x, o.Name()+" is not defined")
		}
		return id(l.use(f))
	}
	return id(x.Name)
}

func typeList(l *types.TypeList) (out []types.Type) {
	for t := range l.Types() {
		out = append(out, t)
	}
	return out
}

// use notes that code calls f.
func (l *low) use(f *function) string {
	if l.refs != nil {
		l.refs[f] = true
	}
	return f.name
}

// varName is the name of a variable in lowered code.
func (l *low) varName(o *types.Var) string {
	if n, ok := l.locals[o]; ok {
		return n
	}
	if n, ok := l.e.places[o]; ok {
		return n
	}
	return localName(o.Name())
}

// localName keeps names of Go's own free for lowered code.
func localName(name string) string {
	if types.Universe.Lookup(name) != nil {
		return name + mark
	}
	return name
}

// path follows fields, embedded ones among them, from a lowered value of type t.
// src is what that is in the cell.
func (l *low) path(src, x ast.Expr, t types.Type, index []int) (ast.Expr, types.Type) {
	for _, i := range index {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			l.follow(followed, src, x)
			x = l.opened(x, t)
			t = p.Elem()
		}
		st := t.Underlying().(*types.Struct)
		name := st.Field(i).Name()
		if !named(t) {
			name = fieldName(st, i)
		}
		x, t = selectOf(x, name), st.Field(i).Type()
	}
	return x, t
}

// integer index: the interpreter takes no other kind through a pointer to an array.
func (l *low) indexValue(x ast.Expr) ast.Expr {
	if tv := l.info.Types[x]; tv.Value != nil {
		return l.literal(tv.Value, types.Typ[types.Int])
	}
	y := l.expr(x)
	if b, ok := l.typeOf(x).Underlying().(*types.Basic); ok && (b.Kind() != types.Int || named(l.typeOf(x))) {
		return callOf(id("int"), y)
	}
	return y
}

func (l *low) index(x *ast.IndexExpr) ast.Expr {
	if _, ok := l.info.Types[x.X]; ok && l.info.Types[x.X].IsValue() {
		if _, isFunc := l.typeOf(x.X).Underlying().(*types.Signature); isFunc {
			return l.ident(baseIdent(x.X))
		}
	}
	t := l.typeOf(x.X)
	asPlace := l.asPlace
	l.asPlace = false
	y := l.opened(l.expr(x.X), t)
	l.asPlace = asPlace
	switch u := t.Underlying().(type) {
	case *types.Map:
		k := l.conv(x.Index, u.Key())
		if l.info.Types[x.Index].IsNil() {
			k = id(nilName)
		}
		return &ast.IndexExpr{X: y, Index: k}
	case *types.Signature:
		return l.ident(baseIdent(x.X))
	case *types.Pointer: // to an array
		l.follow(followed, x.X, y)
		y = &ast.ParenExpr{X: &ast.StarExpr{X: y}}
	}
	i := l.indexValue(x.Index)
	rt := l.e.openRep(t)
	if rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	switch {
	case rt.Kind() == reflect.String: // Go's own, with the figures
	case l.pure(x):
		l.watch(&probe{kind: indexed, x: y, parts: [3]ast.Expr{i}})
	case !asPlace:
		return l.checkedIndex(y, i, rt)
	}
	return &ast.IndexExpr{X: y, Index: i}
}

func (l *low) slice(x *ast.SliceExpr) ast.Expr {
	t := l.typeOf(x.X)
	y := l.opened(l.expr(x.X), t)
	out := &ast.SliceExpr{X: y, Slice3: x.Slice3}
	for _, p := range []struct {
		from ast.Expr
		to   *ast.Expr
	}{{x.Low, &out.Low}, {x.High, &out.High}, {x.Max, &out.Max}} {
		if p.from != nil {
			*p.to = l.indexValue(p.from)
		}
	}
	rt := l.e.openRep(t)
	if rt.Kind() == reflect.Pointer {
		l.follow(followed, x.X, y)
		rt = rt.Elem()
	}
	switch {
	case rt.Kind() == reflect.String: // Go's own, with the figures
	case l.pure(x):
		l.watch(&probe{kind: sliced, x: y, parts: [3]ast.Expr{out.Low, out.High, out.Max}})
	case rt.Kind() == reflect.Slice:
		return l.closed(l.checkedSlice(out, l.e.openRep(l.typeOf(x))), l.typeOf(x))
	}
	return l.closed(out, l.typeOf(x))
}

// composite is a literal of a struct, array, slice or map.
func (l *low) composite(x *ast.CompositeLit, t types.Type) ast.Expr {
	rt := l.e.openRep(t)
	out := &ast.CompositeLit{Type: l.e.alias(rt)}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for i, e := range x.Elts {
			k := i
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				name := kv.Key.(*ast.Ident).Name
				for j := range u.NumFields() {
					if u.Field(j).Name() == name {
						k = j
					}
				}
				e = kv.Value
			}
			name := u.Field(k).Name()
			if !named(t) {
				name = fieldName(u, k)
			}
			out.Elts = append(out.Elts, &ast.KeyValueExpr{Key: id(name), Value: l.element(e, u.Field(k).Type())})
		}
	case *types.Map:
		for _, e := range x.Elts {
			kv := e.(*ast.KeyValueExpr)
			out.Elts = append(out.Elts, &ast.KeyValueExpr{Key: l.element(kv.Key, u.Key()), Value: l.element(kv.Value, u.Elem())})
		}
	case *types.Slice:
		out.Elts = l.elements(x, u.Elem())
	case *types.Array:
		out.Elts = l.elements(x, u.Elem())
	case *types.Pointer:
		return &ast.UnaryExpr{Op: token.AND, X: l.composite(x, u.Elem())}
	}
	return out
}

func (l *low) elements(x *ast.CompositeLit, elem types.Type) (out []ast.Expr) {
	for _, e := range x.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			out = append(out, &ast.KeyValueExpr{Key: l.indexValue(kv.Key), Value: l.element(kv.Value, elem)})
			continue
		}
		out = append(out, l.element(e, elem))
	}
	return out
}

// element is a value in a literal, which may leave its type out.
func (l *low) element(e ast.Expr, t types.Type) ast.Expr {
	if c, ok := e.(*ast.CompositeLit); ok && c.Type == nil {
		return l.closed(l.composite(c, t), t)
	}
	return l.conv(e, t)
}

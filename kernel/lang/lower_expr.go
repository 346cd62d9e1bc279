package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strconv"

	xr "github.com/cosmos72/gomacro/xreflect"
)

// low lowers checked code to the forms that the interpreter runs rightly.
type low struct {
	e      *Engine
	info   *types.Info
	cell   *Cell // nil in instances of generic functions
	serial int
	fn     *funcFrame // the function that is lowered; nil at a cell's top level
	refs   map[*function]bool
	marked int // line of the last mark
	locals map[types.Object]string
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
		return &ast.StarExpr{X: l.opened(l.expr(x.X), l.typeOf(x.X))}
	case *ast.TypeAssertExpr:
		return l.assertion(l.expr(x.X), l.typeOf(x.X), l.typeOf(x.Type))
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
func (l *low) path(x ast.Expr, t types.Type, index []int) (ast.Expr, types.Type) {
	for _, i := range index {
		if p, ok := t.Underlying().(*types.Pointer); ok {
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

func (l *low) selector(x *ast.SelectorExpr) ast.Expr {
	sel, ok := l.info.Selections[x]
	if !ok { // of a package
		return l.object(x.Sel, l.info.ObjectOf(x.Sel))
	}
	switch sel.Kind() {
	case types.FieldVal:
		if len(sel.Index()) > 1 && named(deref(sel.Recv())) {
			y := l.expr(x.X) // promoted within a compiled type, perhaps through a field without an exported name
			return selectOf(y, x.Sel.Name)
		}
		y, _ := l.path(l.expr(x.X), l.typeOf(x.X), sel.Index())
		return y
	case types.MethodVal:
		return l.methodValue(x, sel)
	}
	return l.methodExpr(x, sel)
}

func deref(t types.Type) types.Type {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// receiver is the lowered receiver of a selected method, and the type it is found on: a type of cells, which
// has functions for methods, an interface or a compiled type.
func (l *low) receiver(x *ast.SelectorExpr, sel *types.Selection) (ast.Expr, types.Type) {
	return l.path(l.expr(x.X), l.typeOf(x.X), sel.Index()[:len(sel.Index())-1])
}

// cellMethod is the function of a method of a cell's type; nil for other methods.
func (l *low) cellMethod(fn *types.Func) *function {
	recv := fn.Signature().Recv()
	if recv == nil {
		return nil
	}
	n, ok := types.Unalias(derefPointer(recv.Type())).(*types.Named)
	if !ok || !isCell(n) || types.IsInterface(n) {
		return nil
	}
	if n.TypeArgs().Len() > 0 {
		return l.e.instantiateMethod(fn, n)
	}
	f := l.e.methodFunc(fn, n)
	if f == nil {
		panic(unfit{"method " + n.Obj().Name() + "." + fn.Name() + " is not defined"})
	}
	return f
}

func derefPointer(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// adjusted is a receiver, of type t, as the method wants it: a pointer or a value.
func (l *low) adjusted(y ast.Expr, t types.Type, fn *types.Func) ast.Expr {
	_, want := types.Unalias(fn.Signature().Recv().Type()).(*types.Pointer)
	_, have := t.Underlying().(*types.Pointer)
	switch {
	case want && !have:
		return l.closed(l.addressOf(y, t), types.NewPointer(t))
	case !want && have:
		return &ast.StarExpr{X: l.opened(y, t)}
	}
	return y
}

// methodCall is a call of a selected method with lowered arguments.
func (l *low) methodCall(x *ast.SelectorExpr, sel *types.Selection, args []ast.Expr, spread bool) ast.Expr {
	fn := sel.Obj().(*types.Func)
	y, t := l.receiver(x, sel)
	var out *ast.CallExpr
	switch f := l.cellMethod(fn); {
	case f != nil:
		recv := l.adjusted(y, t, fn)
		if len(args) == 0 && severalHere(recv) {
			recv = callOf(&ast.ParenExpr{X: l.e.alias(f.typ.In(0))}, recv)
		}
		out = callOf(id(l.use(f)), append([]ast.Expr{recv}, args...)...)
	case types.IsInterface(t) && l.e.rep(t) == anyType:
		return l.dynamicCall(y, fn, args, spread)
	default:
		out = callOf(selectOf(y, fn.Name()), args...)
	}
	if spread {
		out.Ellipsis = 1
	}
	return out
}

// dynamicCall calls a method of what is in an any.
func (l *low) dynamicCall(y ast.Expr, fn *types.Func, args []ast.Expr, spread bool) ast.Expr {
	sig := fn.Signature()
	rt := l.e.repSignature(sig)
	name := fn.Name()
	if rt.NumOut() > 1 {
		f := l.help(helper{outs: []reflect.Type{rt}, f: func(v xr.Value) xr.Value { return xr.MakeValue(mustMethod(held(v), name)) }}, y)
		out := callOf(f, args...)
		if spread {
			out.Ellipsis = 1
		}
		return out
	}
	ins := []reflect.Type{anyType}
	for i := range rt.NumIn() {
		in := rt.In(i)
		if rt.IsVariadic() && i == rt.NumIn()-1 && !spread {
			for len(ins) <= len(args) {
				ins = append(ins, in.Elem())
			}
			break
		}
		ins = append(ins, in)
	}
	out := anyType
	if rt.NumOut() == 1 {
		out = rt.Out(0)
	}
	return l.help(helper{ins: ins, outs: []reflect.Type{out}, f: func(v xr.Value, rest ...xr.Value) xr.Value {
		m := mustMethod(held(v), name)
		in := make([]reflect.Value, len(rest))
		for i, r := range rest {
			in[i] = fitted(r.ReflectValue(), ins[i+1])
		}
		var res []reflect.Value
		if spread {
			res = m.CallSlice(in)
		} else {
			res = m.Call(in)
		}
		if len(res) == 0 {
			return anyOf(nil)
		}
		return xr.MakeValue(res[0])
	}}, append([]ast.Expr{y}, args...)...)
}

// fitted is v as an argument of type t.
func fitted(v reflect.Value, t reflect.Type) reflect.Value {
	if !v.IsValid() {
		return reflect.Zero(t)
	}
	if v.Type() != t && v.Kind() == reflect.Interface && !v.IsNil() && !v.Type().AssignableTo(t) {
		v = v.Elem()
	}
	return v
}

// methodValue is a method with its receiver, which is evaluated now.
func (l *low) methodValue(x *ast.SelectorExpr, sel *types.Selection) ast.Expr {
	fn := sel.Obj().(*types.Func)
	y, t := l.receiver(x, sel)
	f := l.cellMethod(fn)
	sig := l.typeOf(x).Underlying().(*types.Signature)
	if f == nil && types.IsInterface(t) && l.e.rep(t) == anyType {
		rt, name := l.e.repSignature(sig), fn.Name()
		return l.help(helper{outs: []reflect.Type{rt}, f: func(v xr.Value) xr.Value { return xr.MakeValue(mustMethod(held(v), name)) }}, y)
	}
	const recv = "r" + mark
	var rt ast.Expr
	var callee func(args []ast.Expr) *ast.CallExpr
	if f != nil {
		y = l.adjusted(y, t, fn)
		rt = l.e.alias(f.typ.In(0))
		callee = func(args []ast.Expr) *ast.CallExpr {
			return callOf(id(l.use(f)), append([]ast.Expr{id(recv)}, args...)...)
		}
	} else {
		if _, ptr := types.Unalias(fn.Signature().Recv().Type()).(*types.Pointer); ptr && !types.IsInterface(t) {
			y = l.adjusted(y, t, fn)
			if _, have := t.Underlying().(*types.Pointer); !have {
				t = types.NewPointer(t)
			}
		}
		rt = l.typ(t)
		callee = func(args []ast.Expr) *ast.CallExpr { return callOf(selectOf(id(recv), fn.Name()), args...) }
	}
	inner := l.wrapper(sig, callee)
	return callOf(&ast.FuncLit{
		Type: &ast.FuncType{Params: fields(field(recv, rt)), Results: fields(field("", l.e.alias(l.e.repSignature(sig))))},
		Body: blockOf(returns(inner)),
	}, y)
}

// wrapper is a function of a signature that hands its arguments on.
func (l *low) wrapper(sig *types.Signature, callee func(args []ast.Expr) *ast.CallExpr) ast.Expr {
	ft := &ast.FuncType{Params: fields(), Results: l.resultFields(sig, nil)}
	var args []ast.Expr
	for i := range sig.Params().Len() {
		name := "a" + mark + strconv.Itoa(i)
		t := l.typ(sig.Params().At(i).Type())
		if sig.Variadic() && i == sig.Params().Len()-1 {
			t = &ast.Ellipsis{Elt: l.typ(sig.Params().At(i).Type().(*types.Slice).Elem())}
		}
		ft.Params.List = append(ft.Params.List, field(name, t))
		args = append(args, id(name))
	}
	c := callee(args)
	if sig.Variadic() {
		c.Ellipsis = 1
	}
	body := exprStmt(c)
	if sig.Results().Len() > 0 {
		body = returns(c)
	}
	return &ast.FuncLit{Type: ft, Body: blockOf(body)}
}

// methodExpr is T.method: a function whose first parameter is the receiver.
func (l *low) methodExpr(x *ast.SelectorExpr, sel *types.Selection) ast.Expr {
	sig := l.typeOf(x).Underlying().(*types.Signature)
	recv := sig.Params().At(0)
	fn := sel.Obj().(*types.Func)
	return l.wrapper(sig, func(args []ast.Expr) *ast.CallExpr {
		y, t := l.path(args[0], recv.Type(), sel.Index()[:len(sel.Index())-1])
		if f := l.cellMethod(fn); f != nil {
			return callOf(id(l.use(f)), append([]ast.Expr{l.adjusted(y, t, fn)}, args[1:]...)...)
		}
		if types.IsInterface(t) && l.e.rep(t) == anyType {
			rt, name := l.e.repSignature(fn.Signature()), fn.Name()
			f := l.help(helper{outs: []reflect.Type{rt}, f: func(v xr.Value) xr.Value { return xr.MakeValue(mustMethod(held(v), name)) }}, y)
			return callOf(f, args[1:]...)
		}
		return callOf(selectOf(y, fn.Name()), args[1:]...)
	})
}

func (e *Engine) repSignature(s *types.Signature) reflect.Type {
	e.typesMu.Lock()
	defer e.typesMu.Unlock()
	return e.reps.signature(s, nil)
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
	y := l.opened(l.expr(x.X), t)
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
		return &ast.IndexExpr{X: &ast.ParenExpr{X: &ast.StarExpr{X: y}}, Index: l.indexValue(x.Index)}
	}
	return &ast.IndexExpr{X: y, Index: l.indexValue(x.Index)}
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

func (l *low) unary(x *ast.UnaryExpr) ast.Expr {
	switch x.Op {
	case token.AND:
		if c, ok := ast.Unparen(x.X).(*ast.CompositeLit); ok {
			return l.closed(&ast.UnaryExpr{Op: token.AND, X: l.composite(c, l.typeOf(c))}, l.typeOf(x))
		}
		return l.closed(l.addressOf(l.expr(x.X), l.typeOf(x.X)), l.typeOf(x))
	case token.ARROW:
		return l.receive(x.X, false)
	}
	if x.Op == token.NOT {
		return &ast.UnaryExpr{Op: x.Op, X: certain(l.expr(x.X))}
	}
	return &ast.UnaryExpr{Op: x.Op, X: l.expr(x.X)}
}

// addressOf is &y of a lowered place of type t.
func (l *low) addressOf(y ast.Expr, t types.Type) ast.Expr {
	if l.e.rep(t).Kind() == reflect.Complex128 {
		return callOf(id(addrName), y)
	}
	return &ast.UnaryExpr{Op: token.AND, X: y}
}

func (l *low) binary(x *ast.BinaryExpr) ast.Expr {
	switch x.Op {
	case token.SHL, token.SHR:
		return l.shift(x)
	case token.EQL, token.NEQ:
		return l.comparison(x)
	}
	t := l.typeOf(x)
	switch x.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		t = l.operandType(x)
	case token.LAND, token.LOR:
		return &ast.BinaryExpr{X: certain(l.expr(x.X)), Op: x.Op, Y: certain(l.expr(x.Y))}
	}
	return l.arith(x.Op, l.conv(x.X, t), l.conv(x.Y, t), t)
}

// arith is an operation on two lowered values of type t.
func (l *low) arith(op token.Token, a, b ast.Expr, t types.Type) ast.Expr {
	if rt := l.e.rep(t); rt.Kind() == reflect.Complex64 || rt.Kind() == reflect.Complex128 {
		return l.help(helper{ins: []reflect.Type{rt, rt}, outs: []reflect.Type{rt}, f: func(v, w xr.Value) xr.Value {
			out := reflect.New(rt).Elem()
			out.SetComplex(complexOp(op, v.ReflectValue().Complex(), w.ReflectValue().Complex(), rt.Kind() == reflect.Complex64))
			return xr.MakeValue(out)
		}}, a, b)
	}
	return &ast.BinaryExpr{X: a, Op: op, Y: b}
}

// complexOp is an operation on complex numbers, which the interpreter has no good constants for.
func complexOp(op token.Token, a, b complex128, short bool) complex128 {
	if short {
		x, y := complex64(a), complex64(b)
		switch op {
		case token.ADD:
			return complex128(x + y)
		case token.SUB:
			return complex128(x - y)
		case token.MUL:
			return complex128(x * y)
		}
		return complex128(x / y)
	}
	switch op {
	case token.ADD:
		return a + b
	case token.SUB:
		return a - b
	case token.MUL:
		return a * b
	}
	return a / b
}

// operandType is the type of the operands of a comparison.
func (l *low) operandType(x *ast.BinaryExpr) types.Type {
	a, b := l.typeOf(x.X), l.typeOf(x.Y)
	if t, ok := a.(*types.Basic); ok && t.Info()&types.IsUntyped != 0 {
		if u, ok := b.(*types.Basic); ok && u.Info()&types.IsUntyped != 0 {
			return types.Default(a)
		}
		return b
	}
	return a
}

// shift: the count may be of any whole type.
func (l *low) shift(x *ast.BinaryExpr) ast.Expr {
	t := l.typeOf(x)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		t = types.Default(t)
	}
	return &ast.BinaryExpr{X: l.conv(x.X, t), Op: x.Op, Y: l.count(x.Y)}
}

// count is how far to shift.
func (l *low) count(x ast.Expr) ast.Expr {
	if tv := l.info.Types[x]; tv.Value != nil {
		return callOf(id("uint"), l.literal(tv.Value, types.Typ[types.Uint64]))
	}
	y := l.expr(x)
	b, ok := l.typeOf(x).Underlying().(*types.Basic)
	if ok && b.Info()&types.IsUnsigned == 0 {
		return l.help(helper{ins: []reflect.Type{nil}, outs: []reflect.Type{reflect.TypeFor[uint64]()}, f: func(v xr.Value) xr.Value {
			n := v.ReflectValue().Int()
			if n < 0 {
				panic(runtimeError("negative shift amount"))
			}
			return xr.ValueOf(uint64(n))
		}}, y)
	}
	return callOf(id("uint64"), y)
}

// runtimeError is an error as Go's run time has it.
type runtimeError string

func (e runtimeError) Error() string { return "runtime error: " + string(e) }
func (runtimeError) RuntimeError()   {}

func (l *low) comparison(x *ast.BinaryExpr) ast.Expr {
	a, b := l.typeOf(x.X), l.typeOf(x.Y)
	if l.info.Types[x.X].IsNil() {
		return l.isNil(x.Y, b, x.Op)
	}
	if l.info.Types[x.Y].IsNil() {
		return l.isNil(x.X, a, x.Op)
	}
	if types.IsInterface(a) || types.IsInterface(b) {
		t := types.Universe.Lookup("any").Type()
		out := l.help(helper{ins: []reflect.Type{anyType, anyType}, outs: []reflect.Type{boolType}, f: func(v, w xr.Value) xr.Value {
			return xr.ValueOf(held(v) == held(w))
		}}, l.conv(x.X, t), l.conv(x.Y, t))
		if x.Op == token.NEQ {
			return &ast.UnaryExpr{Op: token.NOT, X: certain(out)}
		}
		return out
	}
	t := l.operandType(x)
	switch t.Underlying().(type) {
	case *types.Struct, *types.Array:
		out := l.help(helper{outs: []reflect.Type{boolType}, f: func(v, w xr.Value) xr.Value {
			return xr.ValueOf(v.ReflectValue().Equal(w.ReflectValue()))
		}}, l.conv(x.X, t), l.conv(x.Y, t))
		if x.Op == token.NEQ {
			return &ast.UnaryExpr{Op: token.NOT, X: certain(out)}
		}
		return out
	}
	return &ast.BinaryExpr{X: l.conv(x.X, t), Op: x.Op, Y: l.conv(x.Y, t)}
}

func (l *low) isNil(x ast.Expr, t types.Type, op token.Token) ast.Expr {
	y := l.expr(x)
	if _, ptr := t.Underlying().(*types.Pointer); !ptr {
		y = l.opened(y, t)
	}
	return &ast.BinaryExpr{X: y, Op: op, Y: id("nil")}
}

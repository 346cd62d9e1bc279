package lang

import (
	"go/ast"
	"go/types"
	"reflect"
	"strconv"

	xr "github.com/cosmos72/gomacro/xreflect"
)

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
		y, _ := l.path(x.X, l.expr(x.X), l.typeOf(x.X), sel.Index())
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
	y, t := l.path(x.X, l.addressable(x.X, sel), l.typeOf(x.X), sel.Index()[:len(sel.Index())-1])
	if l.mayBeNil(t, sel) {
		l.follow(followed, x.X, y)
	}
	return y, t
}

// addressable is the lowered x, as a place if the method that is selected wants a pointer to it.
func (l *low) addressable(x ast.Expr, sel *types.Selection) ast.Expr {
	if _, ptr := types.Unalias(sel.Obj().(*types.Func).Signature().Recv().Type()).(*types.Pointer); ptr {
		return l.place(x)
	}
	return l.expr(x)
}

// mayBeNil reports whether calling the selected method of a value of type t fails where that is nil.
func (l *low) mayBeNil(t types.Type, sel *types.Selection) bool {
	if types.IsInterface(t) {
		return true
	}
	_, have := t.Underlying().(*types.Pointer)
	_, want := types.Unalias(sel.Obj().(*types.Func).Signature().Recv().Type()).(*types.Pointer)
	return have && (!want || l.cellMethod(sel.Obj().(*types.Func)) == nil)
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
		y, t := l.path(x.X, args[0], recv.Type(), sel.Index()[:len(sel.Index())-1])
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

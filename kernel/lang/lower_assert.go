package lang

import (
	"go/ast"
	"go/types"
	"reflect"

	xr "github.com/cosmos72/gomacro/xreflect"
)

// assertion is x.(T) of y, the lowered x; src is x, nil if it is known to be of the type.
func (l *low) assertion(src ast.Expr, y ast.Expr, from, to types.Type) ast.Expr {
	rt := l.e.rep(to)
	if !types.IsInterface(to) && !l.e.lossy(to) {
		if l.e.rep(from) != anyType { // compiled code's view may be on it
			y = l.unshim(y)
		}
		if _, isCall := ast.Unparen(y).(*ast.CallExpr); !isCall && isPlain(rt) && (src == nil || l.pure(src)) {
			if src != nil {
				as := l.asserter(from, to)
				l.watch(&probe{kind: asserted, x: y, wrong: func(x any) error { _, err := as(x); return err }})
			}
			return &ast.TypeAssertExpr{X: y, Type: l.e.alias(rt)}
		}
	}
	as := l.asserter(from, to)
	return l.help(helper{ins: []reflect.Type{nil}, outs: []reflect.Type{rt}, f: func(v xr.Value) xr.Value {
		out, err := as(held(v))
		if err != nil {
			panic(err)
		}
		return settable(rt, out)
	}}, y)
}

// assertion2 is x.(T) with the second value.
func (l *low) assertion2(y ast.Expr, from, to types.Type) ast.Expr {
	rt := l.e.rep(to)
	as := l.asserter(from, to)
	return l.help(helper{ins: []reflect.Type{nil, nil}, outs: []reflect.Type{rt, boolType}, f: func(v, _ xr.Value) (xr.Value, xr.Value) {
		out, err := as(held(v))
		if err != nil {
			return xr.MakeValue(reflect.Zero(rt)), xr.ValueOf(false)
		}
		return settable(rt, out), xr.ValueOf(true)
	}}, y, number(0))
}

// assertError is why an assertion fails, as Go's run time has it.
type assertError string

func (e assertError) Error() string { return string(e) }

func (assertError) RuntimeError() {}

// asserter gives the value in an interface if it is of type to.
func (l *low) asserter(from, to types.Type) func(x any) (reflect.Value, error) {
	e, rt := l.e, l.e.rep(to)
	face := "interface {}"
	if it, ok := from.Underlying().(*types.Interface); ok && it.NumMethods() > 0 {
		face = byReflection(from)
	}
	wrong := func(x any) error {
		if x == nil {
			if types.IsInterface(to) {
				return assertError("interface conversion: interface is nil, not " + byReflection(to))
			}
			return assertError("interface conversion: " + face + " is nil, not " + byReflection(to))
		}
		return assertError("interface conversion: " + face + " is " + typeName(x) + ", not " + byReflection(to))
	}
	if it, ok := to.Underlying().(*types.Interface); ok {
		return func(x any) (reflect.Value, error) {
			x = unshim(x)
			if x == nil {
				return reflect.Value{}, wrong(x)
			}
			if !e.implements(x, it) {
				return reflect.Value{}, assertError("interface conversion: " + typeName(x) + " is not " + byReflection(to) + ": missing method " + e.missing(x, it))
			}
			if rt == anyType {
				return reflect.ValueOf(x), nil
			}
			return e.shimmed(x, rt)
		}
	}
	if l.e.lossy(to) {
		l.needMethods(to)
		want := e.typ(to)
		return func(x any) (reflect.Value, error) {
			b, ok := unshim(x).(Boxed)
			if !ok || b.T != want {
				return reflect.Value{}, wrong(unshim(x))
			}
			return b.value(), nil
		}
	}
	return func(x any) (reflect.Value, error) {
		x = unshim(x)
		if x == nil || reflect.TypeOf(x) != rt {
			return reflect.Value{}, wrong(x)
		}
		return reflect.ValueOf(x), nil
	}
}

// typeName is the type of what is in an interface, as %T prints it.
func typeName(x any) string {
	if b, ok := unshim(x).(Boxed); ok {
		return b.T.String()
	}
	return reflect.TypeOf(x).String()
}

// missing is the first method of an interface that x has not.
func (e *Engine) missing(x any, it *types.Interface) string {
	for m := range it.Methods() {
		one := types.NewInterfaceType([]*types.Func{m}, nil)
		one.Complete()
		if !e.implements(x, one) {
			return m.Name()
		}
	}
	return ""
}

package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"

	xr "github.com/cosmos72/gomacro/xreflect"
)

func (l *low) unary(x *ast.UnaryExpr) ast.Expr {
	switch x.Op {
	case token.AND:
		if c, ok := ast.Unparen(x.X).(*ast.CompositeLit); ok {
			return l.closed(&ast.UnaryExpr{Op: token.AND, X: l.composite(c, l.typeOf(c))}, l.typeOf(x))
		}
		return l.closed(l.addressOf(l.place(x.X), l.typeOf(x.X)), l.typeOf(x))
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
	a, b := l.conv(x.X, t), l.conv(x.Y, t)
	if x.Op == token.ADD && l.e.rep(t).Kind() == reflect.String && !named(t) {
		b = l.weighedText(x.Y, b)
	}
	return l.arith(x.Op, a, b, t)
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

func (runtimeError) RuntimeError() {}

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

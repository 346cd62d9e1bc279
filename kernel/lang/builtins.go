package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strconv"

	xr "github.com/cosmos72/gomacro/xreflect"
)

// builtin lowers a call of one of Go's own functions.
func (l *low) builtin(x *ast.CallExpr) ast.Expr {
	name := ""
	switch f := ast.Unparen(x.Fun).(type) {
	case *ast.Ident:
		name = l.info.ObjectOf(f).Name()
	default:
		l.refuse(x, "package unsafe cannot be used in cells")
	}
	switch name {
	case "append":
		return l.appending(x)
	case "len", "cap":
		t := l.typeOf(x.Args[0])
		y := l.opened(l.expr(x.Args[0]), t)
		if p, ok := t.Underlying().(*types.Pointer); ok {
			_ = p
			y = &ast.ParenExpr{X: &ast.StarExpr{X: y}}
		}
		if !l.e.isCut(t) {
			y = l.single(y, x.Args[0], t)
		}
		return callOf(id(name), y)
	case "copy":
		return l.copying(x)
	case "delete":
		t := l.typeOf(x.Args[0])
		return callOf(id(name), l.opened(l.expr(x.Args[0]), t), l.conv(x.Args[1], t.Underlying().(*types.Map).Key()))
	case "make":
		return l.making(x)
	case "new":
		t := l.typeOf(x).Underlying().(*types.Pointer)
		if tv := l.info.Types[x.Args[0]]; !tv.IsType() { // new(expr)
			v := "n" + mark
			return atOnce(fields(field("", l.typ(l.typeOf(x)))), varDecl(v, l.typ(t.Elem()), l.conv(x.Args[0], t.Elem())),
				returns(l.closed(&ast.UnaryExpr{Op: token.AND, X: id(v)}, l.typeOf(x))))
		}
		return l.closed(callOf(id("new"), l.typ(t.Elem())), l.typeOf(x))
	case "panic":
		face := types.Universe.Lookup("any").Type()
		return callOf(id("panic"), l.single(l.conv(x.Args[0], face), x.Args[0], face))
	case "print", "println":
		var args []ast.Expr
		for _, a := range x.Args {
			args = append(args, l.conv(a, types.Default(l.typeOf(a))))
		}
		return callOf(id(name), args...)
	case "recover":
		return callOf(id(recoverName))
	case "close":
		return callOf(id(name), l.opened(l.expr(x.Args[0]), l.typeOf(x.Args[0])))
	case "clear":
		return l.help(helper{ins: []reflect.Type{nil}, outs: []reflect.Type{anyType}, f: func(v xr.Value) xr.Value {
			v.ReflectValue().Clear()
			return anyOf(nil)
		}}, l.opened(l.expr(x.Args[0]), l.typeOf(x.Args[0])))
	case "min", "max":
		return l.extreme(x, name == "min")
	case "complex", "real", "imag":
		return l.complexPart(x, name)
	}
	l.refuse(x, name+" cannot be used in cells")
	return nil
}

func (l *low) appending(x *ast.CallExpr) ast.Expr {
	t := l.typeOf(x)
	u, ok := t.Underlying().(*types.Slice)
	if !ok {
		l.refuse(x, "append of this type cannot be used in cells")
	}
	var y ast.Expr
	if l.info.Types[x.Args[0]].IsNil() {
		y = callOf(&ast.ParenExpr{X: l.e.alias(l.e.openRep(t))}, id("nil"))
	} else {
		y = l.opened(l.expr(x.Args[0]), l.typeOf(x.Args[0]))
	}
	if l.manyValues(x) {
		l.refuse(x, "append of what a call gives, without a slice first, cannot be used in cells")
	}
	if len(x.Args) == 1 {
		return l.closed(y, t)
	}
	if x.Ellipsis.IsValid() {
		return l.closed(l.appendAll(y, x.Args[1], l.e.openRep(t)), t)
	}
	out := callOf(id("append"), y)
	for _, a := range x.Args[1:] {
		out.Args = append(out.Args, l.conv(a, u.Elem()))
	}
	return l.closed(out, t)
}

// heavy is from how many bytes on what is put together is asked for whether there is room for it. Go would end the
// process where there is not.
const heavy = 32 << 20

// appendAll is append(y, a...) of a lowered y. The interpreter would make a value of each element first.
func (l *low) appendAll(y, a ast.Expr, rt reflect.Type) ast.Expr {
	at := l.typeOf(a)
	var z ast.Expr
	switch b, isBasic := at.Underlying().(*types.Basic); {
	case isBasic && b.Kind() == types.UntypedNil:
		return y
	case isBasic: // a string
		z = l.conv(a, types.Typ[types.String])
	default:
		z = l.opened(l.expr(a), at)
	}
	size := int(rt.Elem().Size())
	return l.help(helper{ins: []reflect.Type{nil, reflect.TypeFor[string]()}, outs: []reflect.Type{rt}, f: func(v, w xr.Value) xr.Value {
		x, y := v.ReflectValue(), w.ReflectValue()
		n := y.Len()
		if l.e.affordable != nil && size > 0 && n > heavy/size && x.Len()+n > x.Cap() {
			l.e.affordable(size, x.Len()+n)
		}
		if y.Kind() == reflect.String {
			y = reflect.ValueOf([]byte(y.String()))
		}
		if y.Type() != x.Type() {
			y = y.Convert(x.Type())
		}
		return xr.MakeValue(reflect.AppendSlice(x, y))
	}}, y, z)
}

// weighedText is y, the lowered x, a text that is put behind another.
func (l *low) weighedText(x, y ast.Expr) ast.Expr {
	if l.info.Types[x].Value != nil || l.e.affordable == nil {
		return y
	}
	if c, ok := ast.Unparen(x).(*ast.CallExpr); ok && len(c.Args) == 1 && l.info.Types[c.Fun].IsType() {
		if b, ok := l.typeOf(c.Args[0]).Underlying().(*types.Basic); ok && b.Info()&types.IsInteger != 0 {
			return y // one character
		}
	}
	return callOf(id("weighed"+mark), y)
}

func (l *low) copying(x *ast.CallExpr) ast.Expr {
	at := l.typeOf(x.Args[1])
	var y ast.Expr
	if b, ok := at.Underlying().(*types.Basic); ok && b.Info()&types.IsString != 0 {
		y = l.conv(x.Args[1], types.Typ[types.String])
	} else {
		y = l.opened(l.expr(x.Args[1]), at)
	}
	dst := l.opened(l.expr(x.Args[0]), l.typeOf(x.Args[0]))
	return l.help(helper{ins: []reflect.Type{nil, reflect.TypeFor[string]()}, outs: []reflect.Type{reflect.TypeFor[int]()}, f: func(d, s xr.Value) xr.Value {
		return xr.ValueOf(reflect.Copy(d.ReflectValue(), s.ReflectValue()))
	}}, dst, y)
}

func (l *low) making(x *ast.CallExpr) ast.Expr {
	t := l.typeOf(x)
	rt := l.e.openRep(t)
	args := []ast.Expr{l.e.alias(rt)}
	for _, a := range x.Args[1:] {
		args = append(args, l.indexValue(a))
	}
	if len(args) > 1 {
		return l.closed(l.makingBy(rt, args[1:]), t)
	}
	return l.closed(callOf(id("make"), args...), t)
}

// largest is how many bytes one make may take: more, no machine has.
const largest = 1 << 46

// makingBy makes a slice or channel, and refuses sizes as Go's run time does.
func (l *low) makingBy(rt reflect.Type, sizes []ast.Expr) ast.Expr {
	intType := reflect.TypeFor[int]()
	return l.help(helper{ins: []reflect.Type{intType, intType}, outs: []reflect.Type{rt}, f: func(v xr.Value, rest ...xr.Value) xr.Value {
		n := int(v.ReflectValue().Int())
		c := n
		if len(rest) > 0 {
			c = int(rest[0].ReflectValue().Int())
		}
		size := int(rt.Elem().Size())
		if rt.Kind() == reflect.Map {
			size += int(rt.Key().Size()) + 1
		}
		if l.e.affordable != nil {
			l.e.affordable(size, max(n, c))
		}
		size = max(size, 1)
		switch rt.Kind() {
		case reflect.Map:
			return xr.MakeValue(reflect.MakeMapWithSize(rt, max(n, 0)))
		case reflect.Chan:
			if n < 0 || n > largest/size {
				panic(runtimeError("makechan: size out of range"))
			}
			return xr.MakeValue(reflect.MakeChan(rt, n))
		}
		switch {
		case n < 0 || n > largest/size:
			panic(runtimeError("makeslice: len out of range"))
		case c < n || c > largest/size:
			panic(runtimeError("makeslice: cap out of range"))
		}
		return xr.MakeValue(reflect.MakeSlice(rt, n, c))
	}}, sizes...)
}

// extreme is min or max.
func (l *low) extreme(x *ast.CallExpr, least bool) ast.Expr {
	t := l.typeOf(x)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		t = types.Default(t)
	}
	rt := l.e.rep(t)
	args := make([]ast.Expr, len(x.Args))
	ins := make([]reflect.Type, len(x.Args))
	for i, a := range x.Args {
		args[i], ins[i] = l.conv(a, t), rt
	}
	if len(args) == 1 {
		return args[0]
	}
	if len(args) == 2 {
		if f := quick(rt, least); f != "" {
			return callOf(id(f), args...)
		}
	}
	return l.help(helper{ins: ins, outs: []reflect.Type{rt}, f: func(v xr.Value, rest ...xr.Value) xr.Value {
		best := v.ReflectValue()
		for _, r := range rest {
			w := r.ReflectValue()
			if nan(best) {
				break
			}
			if o := compare(w, best); nan(w) || o != 0 && least == (o < 0) {
				best = w
			}
		}
		return xr.MakeValue(best)
	}}, args...)
}

// quick is the compiled function for the commonest types, which loops call.
func quick(rt reflect.Type, least bool) string {
	name := "max"
	if least {
		name = "min"
	}
	switch rt {
	case reflect.TypeFor[int](), reflect.TypeFor[float64]():
		return name + "_" + rt.Name() + mark
	}
	return ""
}

func (e *Engine) quicks() {
	e.ir.DeclFunc("weighed"+mark, func(s string) string {
		if len(s) > heavy {
			e.affordable(1, 2*len(s))
		}
		return s
	})
	e.ir.DeclFunc("min_int"+mark, func(a, b int) int { return min(a, b) })
	e.ir.DeclFunc("max_int"+mark, func(a, b int) int { return max(a, b) })
	e.ir.DeclFunc("min_float64"+mark, func(a, b float64) float64 { return min(a, b) })
	e.ir.DeclFunc("max_float64"+mark, func(a, b float64) float64 { return max(a, b) })
}

func nan(v reflect.Value) bool { return v.CanFloat() && v.Float() != v.Float() }

// compare orders two values of one ordered type.
func compare(a, b reflect.Value) (order int) {
	sign := func(less, more bool) int {
		switch {
		case less:
			return -1
		case more:
			return 1
		}
		return 0
	}
	switch {
	case a.CanInt():
		return sign(a.Int() < b.Int(), a.Int() > b.Int())
	case a.CanUint():
		return sign(a.Uint() < b.Uint(), a.Uint() > b.Uint())
	case a.CanFloat():
		x, y := a.Float(), b.Float()
		return sign(x < y || nan(a) && !nan(b), x > y || nan(b) && !nan(a))
	case a.Kind() == reflect.String:
		return sign(a.String() < b.String(), a.String() > b.String())
	}
	return 0
}

func (l *low) complexPart(x *ast.CallExpr, name string) ast.Expr {
	t := l.typeOf(x)
	rt := l.e.rep(t)
	if name == "complex" {
		part := types.Typ[types.Float64]
		if rt.Kind() == reflect.Complex64 {
			part = types.Typ[types.Float32]
		}
		a, b := l.conv(x.Args[0], part), l.conv(x.Args[1], part)
		if rt.Kind() == reflect.Complex64 {
			return callOf(id(name), callOf(id("float32"), a), callOf(id("float32"), b))
		}
		return callOf(id(name), callOf(id("float64"), a), callOf(id("float64"), b))
	}
	return callOf(id(name), l.expr(x.Args[0]))
}

func (l *low) resultFields(sig *types.Signature, names func(i int) string) *ast.FieldList {
	if sig.Results().Len() == 0 {
		return nil
	}
	out := fields()
	for i := range sig.Results().Len() {
		name := ""
		if names != nil {
			name = names(i)
		}
		out.List = append(out.List, field(name, l.typ(sig.Results().At(i).Type())))
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }

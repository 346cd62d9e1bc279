package lang

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strconv"
	"strings"

	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/bind"
)

func (l *low) call(x *ast.CallExpr) ast.Expr {
	tv := l.info.Types[x.Fun]
	switch {
	case tv.IsType():
		return l.conversion(x, tv.Type)
	case tv.IsBuiltin():
		return l.builtin(x)
	}
	if i := baseIdent(x.Fun); i != nil {
		o := l.info.ObjectOf(i)
		if n := l.e.mustOf(o); n > 0 {
			return l.mustCall(x.Args[0].(*ast.CallExpr), n)
		}
		if out := l.special(x, o); out != nil {
			return out
		}
	}
	sig := l.typeOf(x.Fun).Underlying().(*types.Signature)
	if l.manyValues(x) && l.changes(x, sig) {
		return l.spreadCall(x, sig)
	}
	args := l.args(x, sig)
	spread := x.Ellipsis.IsValid()
	if sig.Variadic() && !spread && !l.manyValues(x) && len(x.Args) < sig.Params().Len() && !l.isCompiled(x.Fun) { // none is nil, not empty
		args, spread = append(args, l.null(sig.Params().At(sig.Params().Len()-1).Type())), true
	}
	if sel, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok {
		if s := l.info.Selections[sel]; s != nil && s.Kind() == types.MethodVal {
			if fn, ok := s.Obj().(*types.Func); ok && fn.FullName() == "(*sync.WaitGroup).Go" && len(args) == 1 {
				// It calls the function on a goroutine whose panics nobody else catches.
				at := l.e.at(x.Pos())
				args[0] = callOf(id("caught"+mark), args[0], number(at.Line), number(l.serial))
			}
			return l.methodCall(sel, s, args, spread)
		}
	}
	f := l.expr(x.Fun)
	if l.isVariable(x.Fun) {
		l.follow(followed, x.Fun, f)
	}
	f = l.opened(f, l.typeOf(x.Fun))
	out := callOf(f, args...)
	if spread {
		out.Ellipsis = 1
	}
	return out
}

// isVariable reports whether a function that is called is no declared one and no literal: it may be nil.
func (l *low) isVariable(x ast.Expr) bool {
	x = ast.Unparen(x)
	if _, ok := x.(*ast.FuncLit); ok {
		return false
	}
	if i := baseIdent(x); i != nil {
		_, ok := l.info.ObjectOf(i).(*types.Var)
		return ok
	}
	_, isIndex := x.(*ast.IndexListExpr)
	return !isIndex
}

// isCompiled reports whether x is a function or method of a compiled package.
func (l *low) isCompiled(x ast.Expr) bool {
	i := baseIdent(x)
	if i == nil {
		return false
	}
	fn, ok := l.info.ObjectOf(i).(*types.Func)
	return ok && fn.Pkg() != nil && fn.Pkg().Path() != cellPath
}

// manyValues reports whether a call's one argument is a call that gives several values.
func (l *low) manyValues(x *ast.CallExpr) bool {
	if len(x.Args) != 1 {
		return false
	}
	t, ok := l.info.Types[x.Args[0]].Type.(*types.Tuple)
	return ok && t.Len() != 1
}

// paramAt is the type that argument i of a call has.
func paramAt(sig *types.Signature, i int, spread bool) types.Type {
	n := sig.Params().Len()
	if sig.Variadic() && i >= n-1 && !spread {
		last := sig.Params().At(n - 1).Type()
		if s, ok := last.Underlying().(*types.Slice); ok {
			return s.Elem()
		}
	}
	return sig.Params().At(i).Type()
}

// changes reports whether values that a call gives must be changed on their way to a function's parameters.
func (l *low) changes(x *ast.CallExpr, sig *types.Signature) bool {
	t := l.info.Types[x.Args[0]].Type.(*types.Tuple)
	for i := range t.Len() {
		from, to := t.At(i).Type(), paramAt(sig, i, false)
		if types.IsInterface(to) && !types.Identical(from, to) && (l.e.lossy(from) || types.IsInterface(from)) || l.e.rep(from) != l.e.rep(to) && !types.IsInterface(to) {
			return true
		}
	}
	return false
}

// spreadCall is f(g()) by way of variables.
func (l *low) spreadCall(x *ast.CallExpr, sig *types.Signature) ast.Expr {
	t := l.info.Types[x.Args[0]].Type.(*types.Tuple)
	var names []string
	var args []ast.Expr
	for i := range t.Len() {
		n := "v" + mark + strconv.Itoa(i)
		names = append(names, n)
		args = append(args, l.convert(id(n), t.At(i).Type(), paramAt(sig, i, false)))
	}
	var inner ast.Expr
	if sel, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok && l.info.Selections[sel] != nil && l.info.Selections[sel].Kind() == types.MethodVal {
		inner = l.methodCall(sel, l.info.Selections[sel], args, false)
	} else {
		inner = callOf(l.opened(l.expr(x.Fun), l.typeOf(x.Fun)), args...)
	}
	last := exprStmt(inner)
	if sig.Results().Len() > 0 {
		last = returns(inner)
	}
	return atOnce(l.resultFields(sig, nil), defineAll(names, l.expr(x.Args[0])), last)
}

// args are a call's arguments as the parameters take them.
func (l *low) args(x *ast.CallExpr, sig *types.Signature) (out []ast.Expr) {
	if l.manyValues(x) {
		return []ast.Expr{l.expr(x.Args[0])}
	}
	spread := x.Ellipsis.IsValid()
	pass := l.passing(x)
	for i, a := range x.Args {
		t := paramAt(sig, i, spread && i == len(x.Args)-1)
		y := l.conv(a, t)
		if pass != nil && types.IsInterface(t) && l.e.rep(t) == anyType && l.canBox(a) {
			y = l.passed(y, pass)
		}
		if len(x.Args) == 1 {
			y = l.single(y, a, t)
		}
		out = append(out, y)
	}
	return out
}

// canBox reports whether a value may be of a cell's type once it stands in an any.
func (l *low) canBox(a ast.Expr) bool {
	tv := l.info.Types[a]
	return tv.Value == nil && (types.IsInterface(l.typeOf(a)) || l.e.lossy(l.typeOf(a)))
}

// twoValued reports whether an expression can give a second value, which the interpreter then hands on.
func (l *low) twoValued(a ast.Expr) bool {
	switch a := ast.Unparen(a).(type) {
	case *ast.IndexExpr:
		_, isMap := l.typeOf(a.X).Underlying().(*types.Map)
		return isMap
	case *ast.TypeAssertExpr:
		return true
	case *ast.UnaryExpr:
		return a.Op == token.ARROW
	}
	return false
}

// single is y, the lowered a, as one value of type t: where the interpreter can have two, it takes them.
func (l *low) single(y, a ast.Expr, t types.Type) ast.Expr {
	if !severalHere(y) && !l.twoValued(a) {
		return y
	}
	return callOf(&ast.ParenExpr{X: l.typ(t)}, y)
}

// severalHere reports whether the interpreter may see two values in a lowered expression.
func severalHere(y ast.Expr) bool {
	switch y := ast.Unparen(y).(type) {
	case *ast.TypeAssertExpr, *ast.IndexExpr:
		return true
	case *ast.UnaryExpr:
		return y.Op == token.ARROW
	}
	return false
}

// passing is how values of cells' types in an any are given to a compiled function; nil: as they are.
func (l *low) passing(x *ast.CallExpr) func(any) any {
	i := baseIdent(x.Fun)
	if i == nil {
		return nil
	}
	o := l.info.ObjectOf(i)
	fn, ok := o.(*types.Func)
	if !ok || fn.Pkg() == nil || fn.Pkg().Path() == cellPath {
		return nil
	}
	switch p := fn.Pkg().Path(); {
	case p == "reflect":
		for _, a := range x.Args {
			if l.canBox(a) && !types.IsInterface(l.typeOf(a)) {
				l.refuse(a, "package reflect cannot look at values of cells' types: they have other types there ("+bySpelling(l.typeOf(a))+" has)")
			}
		}
		return forReflection
	case p == "encoding/json":
		if fn.Name() == "Unmarshal" || fn.Name() == "Decode" {
			return forDecoding
		}
		return nil
	case p == "text/template" || p == "html/template":
		return forTemplate
	case p == "fmt" && strings.Contains(fn.Name(), "Errorf"), p == "log":
		return forFormat
	case p == "fmt" && strings.Contains(fn.Name(), "canf"), p == "fmt" && strings.Contains(fn.Name(), "can"):
		return Plain
	case p == "fmt", strings.HasPrefix(p, "sync"), p == "context", p == "errors":
		return nil
	}
	return Plain
}

// forReflection refuses values of cells' types.
func forReflection(x any) any {
	if b, ok := unshim(x).(Boxed); ok {
		panic(fmt.Errorf("package reflect cannot look at values of cells' types: they have other types there (%s has)", b.T))
	}
	return x
}

func (l *low) passed(y ast.Expr, how func(any) any) ast.Expr {
	return l.help(helper{ins: []reflect.Type{anyType}, outs: []reflect.Type{anyType}, f: func(v xr.Value) xr.Value { return anyOf(how(held(v))) }}, y)
}

// forFormat gives errors as errors: fmt.Errorf wraps no others.
func forFormat(x any) any {
	if b, ok := x.(Boxed); ok && b.has("Error") {
		if v, err := b.T.e.shimmed(x, errorType); err == nil {
			return v.Interface()
		}
	}
	return x
}

// mustCall is a call under the cell rule: without the error, which fails the cell if there is one.
func (l *low) mustCall(x *ast.CallExpr, n int) ast.Expr {
	t := l.info.Types[x].Type.(*types.Tuple)
	var names []string
	var results []ast.Expr
	res := fields()
	for i := range n {
		names = append(names, "v"+mark+strconv.Itoa(i))
		results = append(results, id(names[i]))
		res.List = append(res.List, field("", l.typ(t.At(i).Type())))
	}
	names = append(names, "err"+mark)
	return atOnce(res, defineAll(names, l.expr(x)), l.failing(x, "err"+mark), returns(results...))
}

// failing fails the cell if a variable holds an error that the call x gave.
func (l *low) failing(x *ast.CallExpr, name string) ast.Stmt {
	at := l.e.at(callPos(x))
	return exprStmt(callOf(id("failing"+mark), id(name), number(at.Line), number(at.Column),
		&ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(calleeName(x))}))
}

// callPos is where the name of what is called stands: chains span lines.
func callPos(x *ast.CallExpr) token.Pos {
	if s, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok {
		if _, ok := s.X.(*ast.Ident); !ok {
			return s.Sel.Pos()
		}
	}
	return x.Pos()
}

// calleeName is what is called, as the cell has it.
func calleeName(x *ast.CallExpr) string {
	switch f := ast.Unparen(x.Fun).(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if i, ok := f.X.(*ast.Ident); ok {
			return i.Name + "." + f.Sel.Name
		}
		return f.Sel.Name
	}
	return ""
}

// conversion is T(x).
func (l *low) conversion(x *ast.CallExpr, to types.Type) ast.Expr {
	a := x.Args[0]
	tv := l.info.Types[a]
	from := tv.Type
	switch {
	case tv.IsNil():
		if rt := l.e.rep(to); rt == anyType || rt.Kind() == reflect.Interface {
			return callOf(l.e.alias(rt), id("nil"))
		}
		return l.null(to)
	case types.IsInterface(to):
		return l.conv(a, to)
	case tv.Value != nil:
		b, ok := to.Underlying().(*types.Basic)
		if ok && b.Info()&types.IsConstType != 0 && b.Info()&types.IsString == 0 {
			return l.literal(tv.Value, to)
		}
		if ok && b.Info()&types.IsString != 0 && tv.Type.Underlying().(*types.Basic).Info()&types.IsString != 0 {
			return l.literal(tv.Value, to)
		}
		from = types.Default(tv.Type)
	}
	y := l.expr(a)
	if l.e.isCut(from) != l.e.isCut(to) {
		rt := l.e.openRep(to)
		y = l.opened(y, from)
		if l.e.openRep(from) != rt {
			y = l.reshape(y, l.e.openRep(from), rt)
		}
		return l.closed(y, to)
	}
	frt, rt := l.e.rep(from), l.e.rep(to)
	if frt == rt {
		return callOf(&ast.ParenExpr{X: l.e.alias(rt)}, y)
	}
	if isPlain(frt) && isPlain(rt) && (frt.Kind() == reflect.String) != (rt.Kind() == reflect.String) {
		return l.reshape(y, frt, rt)
	}
	if isPlain(frt) && isPlain(rt) {
		if frt.Kind() == reflect.Float64 || frt.Kind() == reflect.Float32 {
			if rt.Kind() != reflect.Float32 && rt.Kind() != reflect.Float64 {
				return l.reshape(y, frt, rt)
			}
		}
		return callOf(l.e.alias(rt), y)
	}
	if to_, ok := to.Underlying().(*types.Pointer); ok && frt.Kind() == reflect.Slice && to_ != nil {
		return l.reshape(y, frt, rt)
	}
	return l.reshape(y, frt, rt)
}

// receive is <-ch, which an interrupt ends.
func (l *low) receive(ch ast.Expr, two bool) ast.Expr {
	t := l.typeOf(ch)
	y := l.opened(l.expr(ch), t)
	if two {
		return l.received(y, l.e.openRep(t))
	}
	return l.help(helper{ins: []reflect.Type{nil}, outs: []reflect.Type{l.e.openRep(t).Elem()}, f: func(v xr.Value) xr.Value {
		x, _ := recvOrStop(v.ReflectValue())
		return xr.MakeValue(x)
	}}, y)
}

// received is v, ok := <-ch of a lowered channel of type rt.
func (l *low) received(y ast.Expr, rt reflect.Type) ast.Expr {
	return l.help(helper{ins: []reflect.Type{nil, nil}, outs: []reflect.Type{rt.Elem(), boolType}, f: func(v, _ xr.Value) (xr.Value, xr.Value) {
		x, ok := recvOrStop(v.ReflectValue())
		return xr.MakeValue(x), xr.ValueOf(ok)
	}}, y, number(0))
}

// recvOrStop receives; an interrupt of the cell ends the wait.
func recvOrStop(ch reflect.Value) (v reflect.Value, ok bool) {
	if !ch.IsNil() {
		// What is there already comes without the cost of waiting for two.
		if v, ok = ch.TryRecv(); v.IsValid() {
			return v, ok
		}
	}
	i, v, ok := reflect.Select([]reflect.SelectCase{
		{Dir: reflect.SelectRecv, Chan: ch},
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(cell.Context().Done())},
	})
	if i == 1 {
		stopCell()
	}
	return v, ok
}

// send is ch <- v, which an interrupt ends.
func (l *low) send(ch, v ast.Expr) ast.Stmt {
	t := l.typeOf(ch)
	elem := t.Underlying().(*types.Chan).Elem()
	rt := l.e.rep(elem)
	return exprStmt(l.help(helper{ins: []reflect.Type{nil, rt}, outs: []reflect.Type{anyType}, f: func(c, v xr.Value) xr.Value {
		x := fitted(v.ReflectValue(), rt)
		i, _, _ := reflect.Select([]reflect.SelectCase{
			{Dir: reflect.SelectSend, Chan: c.ReflectValue(), Send: x},
			{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(cell.Context().Done())},
		})
		if i == 1 {
			stopCell()
		}
		return anyOf(nil)
	}}, l.opened(l.expr(ch), t), l.conv(v, elem)))
}

// special lowers calls of compiled functions that must know of cells' types; nil for others.
func (l *low) special(x *ast.CallExpr, o types.Object) ast.Expr {
	fn, ok := o.(*types.Func)
	if !ok || fn.Pkg() == nil {
		return nil
	}
	switch fn.Pkg().Path() + "." + fn.Name() {
	case "errors.As":
		p, ok := l.typeOf(x.Args[1]).Underlying().(*types.Pointer)
		if !ok || len(x.Args) != 2 {
			return nil
		}
		return l.errorsAs(x, p.Elem())
	case "reflect.DeepEqual":
		face := types.Universe.Lookup("any").Type()
		return l.help(helper{ins: []reflect.Type{anyType, anyType}, outs: []reflect.Type{boolType}, f: func(v, w xr.Value) xr.Value {
			a, b := held(v), held(w)
			x, isBoxed := a.(Boxed)
			y, other := b.(Boxed)
			same := isBoxed == other && (!isBoxed || x.T == y.T)
			return xr.ValueOf(same && reflect.DeepEqual(Plain(a), Plain(b)))
		}}, l.conv(x.Args[0], face), l.conv(x.Args[1], face))
	case "time.AfterFunc", "context.AfterFunc":
		l.e.parallel.Store(true)
	}
	if strings.HasPrefix(fn.Pkg().Path(), "net/http") {
		l.e.parallel.Store(true)
	}
	return nil
}

// errorsAs is errors.As, which knows cells' types.
func (l *low) errorsAs(x *ast.CallExpr, want types.Type) ast.Expr {
	as := l.asserter(types.Universe.Lookup("error").Type(), want)
	target := l.opened(l.expr(x.Args[1]), l.typeOf(x.Args[1]))
	err := l.conv(x.Args[0], types.Universe.Lookup("error").Type())
	return l.help(helper{ins: []reflect.Type{errorType, nil}, outs: []reflect.Type{boolType}, f: func(v, t xr.Value) xr.Value {
		err, _ := held(v).(error)
		to := t.ReflectValue()
		if to.IsNil() {
			panic("errors: target cannot be nil")
		}
		return xr.ValueOf(findError(err, func(err error) bool {
			out, failed := as(err)
			if failed != nil {
				return false
			}
			to.Elem().Set(settable(to.Type().Elem(), out).ReflectValue())
			return true
		}))
	}}, err, target)
}

// findError looks through the tree of an error.
func findError(err error, is func(error) bool) bool {
	for err != nil {
		if is(err) {
			return true
		}
		if m, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range m.Unwrap() {
				if findError(e, is) {
					return true
				}
			}
			return false
		}
		err = errors.Unwrap(err)
	}
	return false
}

func (e *Engine) hasShim(rt reflect.Type) bool { return bind.Shim(rt) != nil }

package lang

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/cosmos72/gomacro/base"
	"github.com/cosmos72/gomacro/base/untyped"
	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/bind"
)

// What the interpreter does not do, compiled functions of ours do: helpers, which lowered code calls by number
// through one builtin, and sites, which write a statement themselves when they are compiled.

const (
	helperName = "h" + mark
	siteName   = "site" + mark
	addrName   = "addr" + mark
	nilName    = "nil" + mark // a variable: a constant nil is no key of a map for the interpreter
)

// helper is a compiled function that lowered code calls.
type helper struct {
	ins  []reflect.Type // of its arguments, for constants; nil for those that take any
	outs []reflect.Type
	f    any // func(xr.Value) xr.Value, func(xr.Value, xr.Value) xr.Value, func(xr.Value, ...xr.Value) xr.Value, or two of two
}

func (e *Engine) helpers() {
	e.ir.DeclBuiltin(helperName, fast.Builtin{ArgMin: 2, ArgMax: base.MaxUint16, Compile: e.compileHelper})
	e.ir.DeclBuiltin(siteName, fast.Builtin{ArgMin: 1, ArgMax: 1, Compile: e.compileSite})
	e.ir.Eval("var " + nilName + " interface{}")
	e.ir.DeclBuiltin(addrName, fast.Builtin{ArgMin: 1, ArgMax: 1, Compile: compileAddr})
	e.ir.DeclFunc("stopping"+mark, func() <-chan struct{} { return cell.Context().Done() })
	e.ir.DeclFunc("stopped"+mark, func() { stopCell() })
	e.ir.DeclBuiltin(panickedName, fast.Builtin{ArgMin: 3, ArgMax: 3, Compile: e.compilePanicked})
	e.ir.DeclFunc("caught"+mark, func(f func(), line, serial int) func() {
		return func() {
			defer func() {
				if r := recover(); r != nil && !isSignal(r) && e.panicked != nil {
					e.panicked(&PanicError{Value: asRuntime(r)}, Place{Serial: serial, Line: line})
				}
			}()
			f()
		}
	})
	e.ir.DeclFunc("failing"+mark, func(err error, line, column int, name string) {
		if err != nil {
			panic(FailureError{err, Place{e.serial, line, column}, name})
		}
	})
	e.ir.DeclFunc("leave"+mark, func() { panic(left{}) })
	e.ir.DeclFunc("later"+mark, func(f func()) { e.deferred = append(e.deferred, f) })
	e.ir.DeclBuiltin(recoverName, fast.Builtin{Compile: e.compileRecover})
}

// asRuntime is what the interpreter panicked with as Go's run time has it: an error of the run time.
func asRuntime(r any) any {
	msg := ""
	switch x := r.(type) {
	case string:
		msg = x
	case assertError, runtimeError:
		return r
	case runtime.Error:
		if nilOpened.MatchString(x.Error()) {
			return runtimeError(errNil.Error())
		}
		if m := nativeAssertion.FindStringSubmatch(x.Error()); m != nil {
			return assertError("interface conversion: interface {} is " + m[1] + ", not " + m[2])
		}
		return r
	case error:
		var v *reflect.ValueError
		if !errors.As(x, &v) && !errors.Is(x, errNil) {
			return r
		}
		msg = x.Error()
	default:
		return r
	}
	if strings.HasPrefix(msg, "reflect: cannot convert slice with length ") {
		const to = " to array or pointer to array with"
		return runtimeError(strings.NewReplacer("reflect: ", "", " to array with", to, " to pointer to array with", to).Replace(msg))
	}
	for _, w := range inGo {
		if strings.HasPrefix(msg, w.begins) && strings.Contains(msg, w.has) {
			return runtimeError(w.means)
		}
	}
	return r
}

// inGo is what the interpreter, or the reflection that it works with, says where Go's run time has an error.
var inGo = []struct{ begins, has, means string }{
	{"reflect: ", "index out of range", "index out of range"},
	{"reflect.Value.Slice", "", "slice bounds out of range"},
	{"reflect: Method on nil interface value", "", errNil.Error()},
	{"reflect: call of ", "zero Value", errNil.Error()},
	{"reflect: call of ", "nil pointer", errNil.Error()},
	{"reflect.Value.Call: call of nil", "", errNil.Error()},
	{errNil.Error(), "", errNil.Error()},
	{"value method ", "called using nil", errNil.Error()},
}

// nativeAssertion is how the interpreter's own type assertions, to types like int, fail.
var nativeAssertion = regexp.MustCompile(`^interface conversion: <interface\{\}> is <?([^<>]*)>?, not <(.*)>$`)

// nilOpened is how the interpreter fails on a nil pointer that it keeps in an interface. What cells assert themselves
// to be a pointer is asserted by functions of ours.
var nilOpened = regexp.MustCompile(`^interface conversion: (<interface\{\}> is nil, not <|interface( \{\})? is nil, not \*)`)

// FailureError is an error that the cell rule fails a cell with: where the call stands, and what was called.
type FailureError struct {
	Err  error
	At   Place
	Call string
}

func (f FailureError) Error() string { return f.Err.Error() }

// Unwrap is the error.
func (f FailureError) Unwrap() error { return f.Err }

// left ends a cell by a return statement.
type left struct{}

// Stop ends the statement that runs, as an interrupt does.
func Stop() { stopCell() }

// stopCell ends the statement that an interrupt of its cell found waiting.
func stopCell() { panic(base.SigInterrupt) }

func (e *Engine) compileHelper(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
	i, _ := strconv.Atoi(node.Args[0].(*ast.BasicLit).Value)
	h := e.builders[i]
	var args []*fast.Expr
	for k, a := range node.Args[1:] {
		x := c.Expr1(a, nil)
		var t reflect.Type
		if k < len(h.ins) {
			t = h.ins[k]
		}
		switch {
		case t != nil && x.Const():
			x.ConstTo(c.Universe.FromReflectType(t))
		case x.Untyped():
			x.ConstTo(x.DefaultType())
		}
		args = append(args, x)
	}
	var ins, outs []xr.Type
	for _, a := range args {
		t := a.Type
		if t == nil {
			t = c.TypeOfInterface()
			a.ConstTo(t)
		}
		ins = append(ins, t)
	}
	for _, o := range h.outs {
		outs = append(outs, c.Universe.FromReflectType(o))
	}
	t := c.Universe.FuncOf(ins, outs, false)
	sym := &fast.Symbol{Bind: fast.Bind{Lit: fast.Lit{Type: t}, Name: helperName}}
	return &fast.Call{Fun: &fast.Expr{Lit: fast.Lit{Type: t, Value: h.f}, Sym: sym}, Args: args, OutTypes: outs}
}

// compileAddr is the address of a complex variable, for which the interpreter makes an expression that it cannot
// use.
func compileAddr(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
	x := c.Expr1(&ast.UnaryExpr{Op: token.AND, X: node.Args[0]}, nil)
	if f, ok := x.Fun.(func(*fast.Env) *complex128); ok {
		x.Fun = func(env *fast.Env) xr.Value { return xr.ValueOf(f(env)) }
	}
	t := c.Universe.FuncOf([]xr.Type{x.Type}, []xr.Type{x.Type}, false)
	sym := &fast.Symbol{Bind: fast.Bind{Lit: fast.Lit{Type: t}, Name: addrName}}
	same := func(v xr.Value) xr.Value { return v }
	return &fast.Call{Fun: &fast.Expr{Lit: fast.Lit{Type: t, Value: same}, Sym: sym}, Args: []*fast.Expr{x}, OutTypes: []xr.Type{x.Type}}
}

func (e *Engine) compileSite(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
	i, _ := strconv.Atoi(node.Args[0].(*ast.BasicLit).Value)
	e.sites[i](c)
	// A constant: as a statement it compiles to nothing.
	nothing := untyped.MakeLit(untyped.Bool, constant.MakeBool(false), &c.Universe.BasicTypes)
	return &fast.Call{Fun: &fast.Expr{Lit: fast.Lit{Type: c.TypeOfBool(), Value: nothing}}}
}

// site is a statement that f writes when it is compiled.
func (e *Engine) site(f func(c *fast.Comp)) ast.Stmt {
	e.sites = append(e.sites, f)
	return exprStmt(callOf(id(siteName), number(len(e.sites)-1)))
}

// isPlain reports whether the interpreter keeps values of rt unboxed, so that a helper cannot give one.
func isPlain(rt reflect.Type) bool {
	return rt.Kind() <= reflect.Complex128 || rt.Kind() == reflect.String
}

// help is a call of a helper.
func (l *low) help(h helper, args ...ast.Expr) ast.Expr {
	var plain reflect.Type
	if len(h.outs) == 1 && isPlain(h.outs[0]) {
		plain = h.outs[0]
		h.outs = []reflect.Type{anyType}
		h.f = boxing(h.f)
	}
	l.e.builders = append(l.e.builders, h)
	x := ast.Expr(callOf(id(helperName), append([]ast.Expr{number(len(l.e.builders) - 1)}, args...)...))
	if plain != nil {
		return &ast.TypeAssertExpr{X: x, Type: l.e.alias(plain)}
	}
	return x
}

// boxing lets a helper give its plain value in an any.
func boxing(f any) any {
	switch f := f.(type) {
	case func(xr.Value) xr.Value:
		return func(a xr.Value) xr.Value { return inAny(f(a).ReflectValue()) }
	case func(xr.Value, xr.Value) xr.Value:
		return func(a, b xr.Value) xr.Value { return inAny(f(a, b).ReflectValue()) }
	case func(xr.Value, ...xr.Value) xr.Value:
		return func(a xr.Value, rest ...xr.Value) xr.Value { return inAny(f(a, rest...).ReflectValue()) }
	}
	panic("no such helper")
}

func inAny(v reflect.Value) xr.Value {
	if v.Kind() == reflect.Interface && v.Type() == anyType {
		return xr.MakeValue(v)
	}
	x := new(any)
	if v.IsValid() {
		*x = v.Interface()
	}
	return xr.MakeValue(reflect.ValueOf(x).Elem())
}

func anyOf(x any) xr.Value { return xr.MakeValue(reflect.ValueOf(&x).Elem()) }

// held is what a value of the interpreter holds as an any.
func held(v xr.Value) any {
	rv := v.ReflectValue()
	if !rv.IsValid() || rv.Kind() == reflect.Interface && rv.IsNil() {
		return nil
	}
	return rv.Interface()
}

// settable is a new value of rt with x in it.
func settable(rt reflect.Type, x reflect.Value) xr.Value {
	v := reflect.New(rt).Elem()
	if x.IsValid() {
		v.Set(x)
	}
	return xr.MakeValue(v)
}

// box puts x, of type t, into an any.
func (l *low) box(x ast.Expr, t types.Type) ast.Expr {
	l.needMethods(t)
	rt := l.e.typ(t)
	return l.help(helper{ins: []reflect.Type{l.e.rep(t)}, outs: []reflect.Type{anyType}, f: func(v xr.Value) xr.Value { return anyOf(Boxed{rt, held(v)}) }}, x)
}

// unshim takes compiled code's view off.
func (l *low) unshim(x ast.Expr) ast.Expr {
	return l.help(helper{outs: []reflect.Type{anyType}, f: func(v xr.Value) xr.Value { return anyOf(unshim(held(v))) }}, x)
}

// shim gives x, an any, as the compiled interface rt.
func (l *low) shim(x ast.Expr, rt reflect.Type) ast.Expr {
	return l.help(helper{ins: []reflect.Type{anyType}, outs: []reflect.Type{rt}, f: func(v xr.Value) xr.Value {
		out, err := l.e.shimmed(held(v), rt)
		if err != nil {
			panic(err)
		}
		return xr.MakeValue(out)
	}}, x)
}

// opened gives x, of a type that is kept in an any, as what it is.
func (l *low) opened(x ast.Expr, t types.Type) ast.Expr {
	if !l.e.isCut(t) {
		return x
	}
	rt := l.e.openRep(t)
	if rt.Kind() == reflect.Pointer {
		return &ast.TypeAssertExpr{X: x, Type: l.e.alias(rt)}
	}
	return l.help(helper{outs: []reflect.Type{rt}, f: func(v xr.Value) xr.Value {
		x := held(v)
		if x == nil {
			return xr.MakeValue(reflect.Zero(rt))
		}
		return xr.MakeValue(reflect.ValueOf(x))
	}}, x)
}

// closed gives x as t is kept, in an any if need be.
func (l *low) closed(x ast.Expr, t types.Type) ast.Expr {
	if !l.e.isCut(t) {
		return x
	}
	return callOf(l.e.alias(anyType), x)
}

// proxy is a value of a cell's type as compiled code sees it through an interface.
func (e *Engine) proxy(rt reflect.Type, b Boxed) (reflect.Value, error) {
	st := bind.Shim(rt)
	if st == nil {
		return reflect.Value{}, fmt.Errorf("values of cells' types cannot be given as %v", rt)
	}
	v := reflect.New(st).Elem()
	v.Field(0).Set(reflect.ValueOf(b))
	return v, nil
}

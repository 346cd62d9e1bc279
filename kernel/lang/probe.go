package lang

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"runtime"
	"strings"

	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"
)

// The interpreter says "index out of range" and no more, and of nil not what was nil. What a statement can fail with
// is noted while it is lowered: the probes of its spot, expressions without effects that are looked at once more when
// it has failed. What has effects is run by helpers instead, which check for themselves.

type probeKind int

const (
	indexed  probeKind = iota // x[part]
	sliced                    // x[part:part:part]
	followed                  // x is a pointer, function or interface that must not be nil
	entered                   // x is a map that gets an entry
	asserted                  // x.(T)
)

// probe is what may have failed in a statement.
type probe struct {
	kind  probeKind
	text  string          // of x, as the cell has it
	x     ast.Expr        // lowered; nil if it cannot be looked at again
	parts [3]ast.Expr     // index, or bounds; nil where there is none
	wrong func(any) error // of an assertion of a value that is not of the type

	of    func(*fast.Env) xr.Value
	bound [3]func(*fast.Env) xr.Value
	depth int // of the block that of and bound belong in
}

// watch notes what may fail in the statement that is lowered.
func (l *low) watch(p *probe) {
	if l.at < 0 {
		return
	}
	l.e.spotMu.Lock()
	s := l.e.spots[l.at]
	s.probes = append(s.probes, p)
	l.e.spotMu.Unlock()
	if p.x != nil {
		l.pending = append(l.pending, p)
	}
}

// follow notes that y, the lowered x, must not be nil.
func (l *low) follow(kind probeKind, x ast.Expr, y ast.Expr) {
	p := &probe{kind: kind, text: types.ExprString(x)}
	if l.pure(x) {
		p.x = y
	}
	l.watch(p)
}

// hook compiles the probes that wait where it stands; nil if none waits. It costs nothing when it runs.
func (l *low) hook() ast.Expr {
	if len(l.pending) == 0 {
		return nil
	}
	ps := l.pending
	l.pending = nil
	l.e.sites = append(l.e.sites, func(c *fast.Comp) {
		for _, p := range ps {
			p.compile(c)
		}
	})
	return callOf(id(siteName), number(len(l.e.sites)-1))
}

// compile makes a probe ready. What does not compile here, outside the statement, is not looked at.
func (p *probe) compile(c *fast.Comp) {
	defer func() {
		if recover() != nil {
			p.of = nil
		}
	}()
	if p.of != nil {
		return
	}
	for i, b := range p.parts {
		if b != nil {
			x := c.Expr1(b, nil)
			if x.Untyped() {
				x.ConstTo(c.TypeOfInt())
			}
			p.bound[i] = x.AsX1()
		}
	}
	for cc := c; cc.Outer != nil; cc = cc.Outer {
		p.depth += cc.UpCost
	}
	x := c.Expr1(p.x, nil)
	if x.Untyped() {
		x.ConstTo(x.DefaultType())
	}
	p.of = x.AsX1()
}

// in is the block of a probe's, seen from the one that runs; nil if it is none around that.
func (p *probe) in(env *fast.Env) *fast.Env {
	depth := 0
	for e := env; e.Outer != nil; e = e.Outer {
		depth++
	}
	if depth < p.depth {
		return nil
	}
	return env.Up(depth - p.depth)
}

// asks gives the value of x and the parts; ok is false if they cannot be had.
func (p *probe) asks(env *fast.Env) (v reflect.Value, parts [3]int, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if p.of == nil {
		return v, parts, false
	}
	if env = p.in(env); env == nil {
		return v, parts, false
	}
	v = p.of(env).ReflectValue()
	for i, b := range p.bound {
		if b != nil {
			parts[i] = int(b(env).ReflectValue().Int())
		}
	}
	return v, parts, true
}

// explained is what code panicked with, as Go's run time has it, and the expression that was nil, if one was.
func (e *Engine) explained(r any, env *fast.Env) (out any, isNil string) {
	out = asRuntime(r)
	err, ok := out.(runtime.Error)
	if !ok || env == nil {
		return out, ""
	}
	s, _ := e.spotOf(env)
	if s == nil {
		return out, ""
	}
	var bad error
	switch msg := err.Error(); {
	case msg == "runtime error: index out of range":
		bad = firstBad(s.probes, indexed, env, func(_ *probe, v reflect.Value, at [3]int) error { return badIndex(at[0], lenOf(v)) })
	case msg == "runtime error: slice bounds out of range":
		bad = firstBad(s.probes, sliced, env, func(p *probe, v reflect.Value, at [3]int) error {
			return badSlice(v, at, p.bound[1] != nil, p.bound[2] != nil)
		})
	case strings.HasPrefix(msg, "interface conversion: "):
		if _, mine := r.(assertError); mine {
			break
		}
		bad = firstBad(s.probes, asserted, env, func(p *probe, v reflect.Value, _ [3]int) error { return p.wrong(unshim(anyIn(v))) })
	case strings.HasSuffix(msg, errNil.Error()):
		isNil = nilAmong(s.probes, followed, env)
	case strings.Contains(msg, "assignment to entry in nil map"):
		isNil = nilAmong(s.probes, entered, env)
	}
	if bad != nil {
		return bad, ""
	}
	return out, isNil
}

// firstBad is what is wrong with the first expression of a kind that can be asked again and is wrong; nil if none is.
func firstBad(ps []*probe, kind probeKind, env *fast.Env, look func(p *probe, v reflect.Value, at [3]int) error) error {
	for _, p := range ps {
		if p.kind != kind {
			continue
		}
		if v, at, ok := p.asks(env); ok {
			if bad := look(p, v, at); bad != nil {
				return bad
			}
		}
	}
	return nil
}

// nilAmong is the first expression that is nil; one that cannot be asked again stands if it is the only one left.
func nilAmong(ps []*probe, kind probeKind, env *fast.Env) string {
	left := ""
	n := 0
	for _, p := range ps {
		if p.kind != kind {
			continue
		}
		v, _, ok := p.asks(env)
		switch {
		case ok && isNilValue(v):
			return p.text
		case p.x == nil:
			left = p.text
			n++
		}
	}
	if n == 1 {
		return left
	}
	return ""
}

// anyIn is what a value holds as an any.
func anyIn(v reflect.Value) any {
	if !v.IsValid() || v.Kind() == reflect.Interface && v.IsNil() {
		return nil
	}
	return v.Interface()
}

func isNilValue(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Func, reflect.Slice, reflect.Chan:
		return v.IsNil() || v.Kind() == reflect.Interface && isNilValue(v.Elem())
	}
	return false
}

func lenOf(v reflect.Value) int {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v.Len()
}

// badIndex is Go's error for an index; nil if it is none.
func badIndex(i, n int) error {
	switch {
	case i < 0:
		return runtimeError(fmt.Sprintf("index out of range [%d]", i))
	case i >= n:
		return runtimeError(fmt.Sprintf("index out of range [%d] with length %d", i, n))
	}
	return nil
}

// badSlice is Go's error for the bounds of a slice expression; nil if they are none.
func badSlice(v reflect.Value, at [3]int, hasHigh, three bool) error {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	of, most := "length", v.Len()
	if v.Kind() == reflect.Slice {
		of, most = "capacity", v.Cap()
	}
	low, high := at[0], at[1]
	if !hasHigh {
		high = v.Len()
	}
	wrong := func(format string, args ...any) error {
		return runtimeError("slice bounds out of range " + fmt.Sprintf(format, args...))
	}
	if three {
		switch top := at[2]; {
		case top < 0:
			return wrong("[::%d]", top)
		case top > most:
			return wrong("[::%d] with %s %d", top, of, most)
		case high < 0:
			return wrong("[:%d:]", high)
		case high > top:
			return wrong("[:%d:%d]", high, top)
		case low < 0:
			return wrong("[%d::]", low)
		case low > high:
			return wrong("[%d:%d:]", low, high)
		}
		return nil
	}
	switch {
	case high < 0:
		return wrong("[:%d]", high)
	case high > most:
		return wrong("[:%d] with %s %d", high, of, most)
	case low < 0:
		return wrong("[%d:]", low)
	case low > high:
		return wrong("[%d:%d]", low, high)
	}
	return nil
}

// pure reports whether an expression can be evaluated once more without anybody noticing.
func (l *low) pure(x ast.Expr) bool {
	if l.info.Types[x].Value != nil {
		return true
	}
	switch x := x.(type) {
	case *ast.Ident, *ast.BasicLit:
		return true
	case *ast.ParenExpr:
		return l.pure(x.X)
	case *ast.SelectorExpr:
		s := l.info.Selections[x]
		return s == nil || s.Kind() == types.FieldVal && l.pure(x.X)
	case *ast.StarExpr:
		return l.pure(x.X)
	case *ast.IndexExpr:
		return l.pure(x.X) && l.pure(x.Index)
	case *ast.SliceExpr:
		return l.pure(x.X) && l.pureOrNone(x.Low) && l.pureOrNone(x.High) && l.pureOrNone(x.Max)
	case *ast.UnaryExpr:
		return x.Op != token.ARROW && x.Op != token.AND && l.pure(x.X)
	case *ast.BinaryExpr:
		return l.pure(x.X) && l.pure(x.Y)
	case *ast.CallExpr:
		tv := l.info.Types[x.Fun]
		if i, ok := ast.Unparen(x.Fun).(*ast.Ident); ok && tv.IsBuiltin() && (i.Name == "len" || i.Name == "cap" || i.Name == "min" || i.Name == "max") {
			for _, a := range x.Args {
				if !l.pure(a) {
					return false
				}
			}
			return true
		}
		if !tv.IsType() || len(x.Args) != 1 {
			return false
		}
		_, isBasic := tv.Type.Underlying().(*types.Basic)
		return isBasic && l.pure(x.Args[0])
	}
	return false
}

func (l *low) pureOrNone(x ast.Expr) bool { return x == nil || l.pure(x) }

// checkedIndex is x[i] of a slice or array where one of them has effects: it is checked before.
func (l *low) checkedIndex(y, i ast.Expr, rt reflect.Type) ast.Expr {
	return l.help(helper{ins: []reflect.Type{nil, reflect.TypeFor[int]()}, outs: []reflect.Type{rt.Elem()}, f: func(v, i xr.Value) xr.Value {
		x, k := v.ReflectValue(), int(i.ReflectValue().Int())
		if bad := badIndex(k, x.Len()); bad != nil {
			panic(bad)
		}
		return xr.MakeValue(x.Index(k))
	}}, y, i)
}

// checkedSlice is a slice expression of a slice where something in it has effects.
func (l *low) checkedSlice(out *ast.SliceExpr, rt reflect.Type) ast.Expr {
	intType := reflect.TypeFor[int]()
	args := []ast.Expr{out.X}
	ins := []reflect.Type{nil}
	var has [3]bool
	for i, p := range []ast.Expr{out.Low, out.High, out.Max} {
		if p != nil {
			has[i] = true
			args, ins = append(args, p), append(ins, intType)
		}
	}
	return l.help(helper{ins: ins, outs: []reflect.Type{rt}, f: func(v xr.Value, rest ...xr.Value) xr.Value {
		var at [3]int
		for i := range at {
			if has[i] {
				at[i] = int(rest[0].ReflectValue().Int())
				rest = rest[1:]
			}
		}
		x := v.ReflectValue()
		if bad := badSlice(x, at, has[1], has[2]); bad != nil {
			panic(bad)
		}
		if !has[1] {
			at[1] = x.Len()
		}
		if has[2] {
			return xr.MakeValue(x.Slice3(at[0], at[1], at[2]))
		}
		return xr.MakeValue(x.Slice(at[0], at[1]))
	}}, args...)
}

package lang

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strings"

	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/cosmos72/gomacro/base"
)

// Value is what an expression of a cell gives: boxed as in an interface, with its type.
type Value struct {
	Type types.Type
	V    any
}

// Step is a statement of a cell's top level.
type Step struct {
	At  Place
	Src ast.Stmt

	c     *Cell
	nodes []ast.Stmt
	types []types.Type // of what it gives, if it is an expression
	expr  bool
	vars  []ast.Expr // that it assigns to
}

// Lower makes a checked cell ready to run; the error tells what of it the interpreter cannot do. Nothing has
// run then, and nothing changes.
func (c *Cell) Lower() (_ []*Step, failed *Error) {
	e := c.e
	e.units = nil
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		var ref refusal
		var u unfit
		switch x := r.(type) {
		case refusal:
			ref = x
			failed = e.errorAt(ref.pos, ref.reason)
		case unfit:
			u = x
			failed = &Error{Msg: u.reason}
		default:
			failed = &Error{Msg: fmt.Sprintf("this cell cannot be prepared: %v", r)}
			panic(r)
		}
		failed.Msg = strings.ReplaceAll(failed.Msg, mark, "")
		c.rollback()
	}()
	for _, v := range c.vars {
		name := e.slot(v.name, e.rep(v.local.Type()))
		e.places[v.local], e.places[v.obj] = name, name
	}
	c.functions()
	var steps []*Step
	if to := targets(&ast.BlockStmt{List: c.p.body}); len(to) > 0 {
		steps = c.whole(to)
	} else {
		steps = c.steps(c.bodyList())
	}
	return steps, nil
}

// rollback takes back what the check has changed.
func (c *Cell) rollback() {
	for i := len(c.undo) - 1; i >= 0; i-- {
		c.undo[i]()
	}
	c.undo = nil
}

// bodyList are the cell's statements, those behind a second declaration of a name among them.
func (c *Cell) bodyList() []ast.Stmt {
	var flat func(list []ast.Stmt) []ast.Stmt
	flat = func(list []ast.Stmt) (out []ast.Stmt) {
		for _, st := range list {
			if b, ok := st.(*ast.BlockStmt); ok && !b.Lbrace.IsValid() {
				out = append(out, flat(b.List)...)
				continue
			}
			out = append(out, st)
		}
		return out
	}
	return flat(c.top)
}

// functions lowers the cell's functions.
func (c *Cell) functions() {
	e := c.e
	type todo struct {
		cf  *cellFunc
		f   *function
		sig *types.Signature
	}
	var all []todo
	for _, cf := range c.funcs {
		if cf.generic {
			continue
		}
		fn, ok := c.Info.Defs[cf.body.Name].(*types.Func)
		if !ok {
			continue
		}
		t := todo{cf: cf, sig: fn.Signature()}
		if cf.decl.Recv == nil {
			t.f = e.newFunction(cf.decl.Name.Name, t.sig, nil)
			if cf.obj != nil {
				e.functions[cf.obj] = t.f
			}
		} else {
			recv := t.sig.Params().At(0).Type()
			n := types.Unalias(derefPointer(recv)).(*types.Named)
			t.f = e.newFunction(e.methodName(n, cf.decl.Name.Name), cf.obj.Signature(), recv)
			e.methods[cf.obj] = t.f
		}
		all = append(all, t)
	}
	for _, t := range all {
		var after func()
		if t.cf.decl.Recv != nil {
			n := types.Unalias(derefPointer(t.sig.Params().At(0).Type())).(*types.Named)
			after = func() { e.setMethod(n, t.cf.decl.Name.Name, t.f) }
		}
		l := c.lowerer()
		l.name = funcName(t.cf.decl)
		e.lowerUnit(t.f, t.sig, t.cf.body, l, after)
	}
}

// funcName is a function's name for people, a method's with its type.
func funcName(d *ast.FuncDecl) string {
	if d.Recv != nil {
		if base, _ := receiver(d); base != nil {
			return base.Name + "." + d.Name.Name
		}
	}
	return d.Name.Name
}

func (c *Cell) lowerer() *low {
	return &low{e: c.e, info: c.Info, cell: c, serial: c.p.src.serial, locals: map[types.Object]string{}, at: -1}
}

// whole is a cell with labels that are jumped to: it runs as one statement.
func (c *Cell) whole(to map[string]bool) []*Step {
	l := c.lowerer()
	l.fn = &funcFrame{targets: to}
	b := blockOf(l.list(c.bodyList())...)
	c.e.gotos(b, to)
	s := &Step{c: c, nodes: one(exprStmt(atOnce(nil, b.List...)))}
	if len(c.p.body) > 0 {
		s.At = c.e.at(c.p.body[0].Pos())
		s.Src = c.p.body[0]
	}
	return []*Step{s}
}

func (c *Cell) steps(list []ast.Stmt) (out []*Step) {
	for _, st := range list {
		l := c.lowerer()
		l.newSpot(st)
		s := &Step{c: c, Src: st}
		s.At = c.e.at(st.Pos())
		switch st := st.(type) {
		case *ast.ExprStmt:
			s.expr = true
			switch t := c.Info.Types[st.X].Type.(type) {
			case *types.Tuple:
				for v := range t.Variables() {
					s.types = append(s.types, v.Type())
				}
			case nil:
			default:
				if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
					t = types.Default(t)
				}
				s.types = append(s.types, t)
			}
			for _, t := range s.types {
				l.needMethods(t)
			}
			s.nodes = one(exprStmt(l.value(st.X)))
		default:
			s.vars = assignedBy(st)
			s.nodes = l.stmt(st, "")
		}
		if h := l.hook(); h != nil {
			s.nodes = append(one(exprStmt(h)), s.nodes...)
		}
		stamp(s.nodes, l.at)
		out = append(out, s)
	}
	return out
}

// value is an expression whose value is shown.
func (l *low) value(x ast.Expr) ast.Expr {
	t := l.typeOf(x)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		return l.conv(x, types.Default(t))
	}
	if _, several := t.(*types.Tuple); several || l.info.Types[x].IsVoid() {
		return l.expr(x)
	}
	return l.single(l.expr(x), x, t)
}

// assignedBy are the variables that a statement assigns to.
func assignedBy(st ast.Stmt) (out []ast.Expr) {
	switch st := st.(type) {
	case *ast.AssignStmt:
		return st.Lhs
	case *ast.DeclStmt:
		if g, ok := st.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				for _, n := range s.(*ast.ValueSpec).Names {
					out = append(out, n)
				}
			}
		}
	}
	return out
}

// Define makes what the cell declares the session's: names, variables without a value yet, functions.
func (c *Cell) Define() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the interpreter refuses this cell: %v", r)
		}
	}()
	e := c.e
	c.commit()
	for _, v := range c.vars {
		name := e.places[v.obj]
		if !e.declared[name] {
			e.run(nil, varGen(name, e.alias(e.slots[name]), nil))
			e.declared[name] = true
		}
	}
	e.define()
	return nil
}

// define gives the interpreter the functions that wait.
func (e *Engine) define() {
	units := e.units
	e.units = nil
	byFunc := map[*function]*unit{}
	for _, u := range units {
		byFunc[u.f] = u
	}
	for _, u := range units {
		for f := range u.refs {
			if r := byFunc[f]; r != nil && r != u && !e.declared[f.name] {
				stub := &ast.FuncDecl{Name: id(f.name), Type: r.decl.Type, Body: blockOf(exprStmt(callOf(id("panic"), &ast.BasicLit{Kind: token.STRING, Value: `""`})))}
				e.run(nil, stub)
				e.declared[f.name] = true
			}
		}
		e.run(nil, u.decl)
		e.declared[u.f.name] = true
		v := e.ir.ValueOf(u.f.name).ReflectValue()
		u.f.val.Store(&v)
		if u.after != nil {
			u.after()
		}
	}
}

// Main runs the cell's function main.
func (c *Cell) Main() error {
	fn, ok := c.over["main"].(*types.Func)
	if !ok {
		return nil
	}
	f := c.e.functions[fn]
	if f == nil {
		return nil
	}
	return c.e.guarded(func() { c.e.run(nil, exprStmt(callOf(id(f.name)))) })
}

// ErrLeft is what a step gives that a return statement of the cell's top level has ended.
var ErrLeft = errors.New("the cell was left")

// PanicError is what running code panicked with.
type PanicError struct {
	Value any
	Nil   string  // the expression that was nil, if one was
	Trace []Frame // where it happened, and the calls on the way there; innermost first
}

func (p *PanicError) Error() string { return fmt.Sprint(p.Value) }

// Unwrap is the value, if it is an error.
func (p *PanicError) Unwrap() error { err, _ := p.Value.(error); return err }

// guarded runs f and gives its panic as an error.
func (e *Engine) guarded(f func()) (err error) {
	run := e.ir.PrepareEnv().Run
	before := run.CurrEnv
	defer func() {
		switch r := recover().(type) {
		case nil:
			return
		case left:
			err = ErrLeft
		case FailureError:
			err = r
		case base.Signal:
			err = &PanicError{Value: r, Trace: e.traceOf(run.CurrEnv)}
		default:
			c := e.caughtBy(run, r)
			err = &PanicError{c.out, c.isNil, c.frames}
		}
		run.CurrEnv, run.Panic, run.PanicFun, run.DeferOfFun = before, nil, nil, nil
		e.settle(run)
	}()
	f()
	return nil
}

// Run runs the statement and gives what it gives.
func (s *Step) Run() (vals []Value, err error) {
	e := s.c.e
	err = e.guarded(func() {
		var got []xr.Value
		for _, n := range s.nodes {
			e.run(func(v []xr.Value) { got = v }, n)
		}
		if !s.expr {
			return
		}
		for i, v := range got {
			if i >= len(s.types) {
				break
			}
			vals = append(vals, Value{s.types[i], e.Box(s.types[i], held(v))})
		}
	})
	return vals, err
}

// Assigned are the variables that the statement has assigned to, with their values.
func (s *Step) Assigned() (out []Value) {
	e := s.c.e
	for _, x := range s.vars {
		i, ok := x.(*ast.Ident)
		if !ok || i.Name == "_" {
			continue
		}
		o := s.c.Info.ObjectOf(i)
		if o == nil {
			continue
		}
		if name, ok := e.places[o]; ok {
			out = append(out, Value{o.Type(), e.Box(o.Type(), held(e.valueOf(name)))})
		}
	}
	return out
}

// valueOf is what a variable holds.
func (e *Engine) valueOf(name string) (v xr.Value) {
	if rt := e.slots[name]; rt != nil && rt.Kind() == reflect.Complex128 { // the interpreter fails on its address
		e.run(func(got []xr.Value) { v = got[0] }, exprStmt(id(name)))
		return v
	}
	return e.ir.ValueOf(name)
}

// Start is to be called before a cell's steps run.
func (e *Engine) Start() { e.deferred = nil }

// Serial is the number of the cell that was checked last.
func (e *Engine) Serial() int { return e.serial }

// Finish runs the calls that the cell put off with defer, the last first, as the function around it would;
// failed is why the cell ends early, and what Finish gives is why it fails then.
func (e *Engine) Finish(failed error) error {
	if len(e.deferred) == 0 {
		return failed
	}
	list := e.deferred
	e.deferred = nil
	var p *PanicError
	isPanic := errors.As(failed, &p)
	if isPanic {
		if _, ok := p.Value.(base.Signal); ok {
			isPanic = false
		}
	}
	err := e.guarded(func() {
		const name = "finish" + mark
		if !e.declared[name] {
			site := func(st ast.Stmt) string { // as text
				return siteName + "(" + st.(*ast.ExprStmt).X.(*ast.CallExpr).Args[0].(*ast.BasicLit).Value + "); "
			}
			each := callOf(&ast.IndexExpr{X: id("ds"), Index: id("i")})
			e.ir.Eval("func " + name + "(ds []func(), has bool, v interface{}) { " + site(e.suspending()) +
				"for i := 0; i < len(ds); i++ { " + site(e.puttingOff(each, token.NoPos)) + "}; if has { panic(v) } }")
			e.declared[name] = true
		}
		f := e.ir.ValueOf(name).ReflectValue().Interface().(func([]func(), bool, any))
		var v any
		if isPanic {
			v = p.Value
		}
		f(list, isPanic, v)
	})
	if err == nil && !isPanic {
		return failed
	}
	if q := (*PanicError)(nil); isPanic && errors.As(err, &q) && samePanic(p.Value, q.Value) {
		return failed
	}
	return err
}

// Value gives a variable of the session by its name, with its value; ok is false if there is none such.
func (e *Engine) Value(name string) (v Value, ok bool) {
	o, isVar := e.scope[name].(*types.Var)
	if !isVar {
		return Value{}, false
	}
	place, known := e.places[o]
	if !known || !e.declared[place] {
		return Value{}, false
	}
	return Value{o.Type(), e.Box(o.Type(), held(e.valueOf(place)))}, true
}

// Set declares a variable of a compiled type, as := does.
func (e *Engine) Set(name string, t types.Type, v any) {
	o := types.NewVar(token.NoPos, e.pkg, name, t)
	place := e.slot(name, e.rep(t))
	e.ir.DeclVar(place, e.xtype(e.rep(t)), v)
	e.declared[place] = true
	e.places[o] = place
	e.scope[name] = o
}

// Scope gives the names that cells have declared, and what they stand for.
func (e *Engine) Scope() map[string]types.Object { return e.scope }

// Prelude gives the names that cells see without an import, and what they stand for.
func (e *Engine) Prelude() map[string]types.Object {
	for name := range e.preludePackages {
		e.preludeObject(name)
	}
	for name := range e.lazy {
		e.preludeObject(name)
	}
	return e.prelude
}

// Func gives a variable of type func() of the session.
func (e *Engine) Func(name string) func() {
	o := e.scope[name]
	if o == nil {
		return nil
	}
	f, _ := e.ir.ValueOf(e.places[o]).ReflectValue().Interface().(func())
	return f
}

// DeclFunc declares a compiled function that takes and gives nothing.
func (e *Engine) DeclFunc(name string, f func()) {
	sig := types.NewSignatureType(nil, nil, nil, nil, nil, false)
	o := types.NewFunc(token.NoPos, e.pkg, name, sig)
	e.functions[o] = e.newFunction(name, sig, nil)
	e.ir.DeclFunc(e.functions[o].name, f)
	e.declared[e.functions[o].name] = true
	e.scope[name] = o
}

package lang

import (
	"go/ast"
	"go/token"
	"slices"

	"github.com/cosmos72/gomacro/base"
	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"
)

// The interpreter knows one panic at a time, and by the time that anybody takes it the calls on the way are
// forgotten. Functions that put calls off note where a panic comes from before anything else of theirs runs, and put
// a panic that was on its way back when they have dealt with one of their own.

// captured is a panic on its way: with what, and where it began.
type captured struct {
	value  any // as the interpreter has it
	out    any // as Go's run time has it
	isNil  string
	frames []Frame
}

// suspended is a panic during which a function runs that has been put off.
type suspended struct {
	value    any
	of       *fast.Env // the function that panics
	consumed bool      // recovered from since
}

// panicking is what is known of a goroutine's panics.
type panicking struct {
	captured  *captured
	suspended []*suspended
	base      *fast.Env // what calls a function that has been put off
}

// panicOf is what is known of a goroutine's panics; nil if there is nothing, unless it is to be made.
func (e *Engine) panicOf(run *fast.Run, create bool) *panicking {
	e.panicMu.Lock()
	defer e.panicMu.Unlock()
	p := e.panics[run]
	if p == nil && create {
		p = &panicking{}
		e.panics[run] = p
	}
	return p
}

// settle forgets a goroutine's panics.
func (e *Engine) settle(run *fast.Run) {
	e.panicMu.Lock()
	defer e.panicMu.Unlock()
	delete(e.panics, run)
}

// caughtBy is the panic with r that a goroutine has caught at its outermost.
func (e *Engine) caughtBy(run *fast.Run, r any) *captured {
	p := e.panicOf(run, false)
	if p != nil && p.captured != nil && (samePanic(p.captured.value, r) || samePanic(p.captured.out, r)) {
		e.settle(run)
		return p.captured
	}
	e.settle(run)
	return e.capture(run, r)
}

// capture takes down where a panic comes from, as long as the interpreter knows.
func (e *Engine) capture(run *fast.Run, r any) *captured {
	c := &captured{value: r, frames: e.traceOf(run.CurrEnv)}
	c.out, c.isNil = e.explained(r, run.CurrEnv)
	return c
}

// note takes down a panic that has reached the function of env.
func (e *Engine) note(run *fast.Run, env *fast.Env) {
	if run.PanicFun != env {
		return
	}
	switch run.Panic.(type) {
	case nil, base.Signal, left, FailureError:
		return
	}
	p := e.panicOf(run, true)
	if p.captured == nil || !samePanic(p.captured.value, run.Panic) {
		p.captured = e.capture(run, run.Panic)
	}
}

// upToFunction is how many blocks around the code of c are in its function.
func upToFunction(c *fast.Comp) (n int) {
	for ; c.Func == nil && c.Outer != nil; c = c.Outer {
		n += c.UpCost
	}
	return n
}

// noting is a statement that has the function note its panics before what it has put off so far runs, where that is
// code of ours.
func (e *Engine) noting() ast.Stmt {
	return e.site(func(c *fast.Comp) {
		up := upToFunction(c)
		c.Append(func(env *fast.Env) (fast.Stmt, *fast.Env) {
			run, of := env.Run, env.Up(up)
			env.IP++
			run.InstallDefer = func() { e.note(run, of) }
			run.Signals.Sync = base.SigDefer
			return run.Interrupt, env
		}, token.NoPos)
		c.Code.WithDefers = true
	})
}

// puttingOff is a statement that puts a call off. The interpreter would run it, and what it calls, in a way that forgets
// where it came from when it panics.
func (e *Engine) puttingOff(call *ast.CallExpr, at token.Pos) ast.Stmt {
	return e.site(func(c *fast.Comp) {
		up := upToFunction(c)
		c.Defer(&ast.DeferStmt{Defer: at, Call: call})
		last := len(c.Code.List) - 1
		stmt := c.Code.List[last]
		c.Code.List[last] = func(env *fast.Env) (fast.Stmt, *fast.Env) {
			of := env.Up(up)
			next, env := stmt(env)
			run := env.Run
			f := run.InstallDefer
			run.InstallDefer = func() {
				run.ExecFlags.SetStartDefer(false)
				if run.PanicFun != of {
					f()
					return
				}
				e.note(run, of)
				p := e.panicOf(run, true)
				before := p.base
				p.base = run.CurrEnv
				f()
				p.base = before
			}
			return next, env
		}
	})
}

// suspending is the first statement of a function that puts calls off. If it runs while a panic is on its way, that
// panic goes on when the function returns, whatever others the function has had meanwhile. What the calls that it has
// put off panic with is noted last of all.
func (e *Engine) suspending() ast.Stmt {
	return e.site(func(c *fast.Comp) {
		up := upToFunction(c)
		c.Append(func(env *fast.Env) (fast.Stmt, *fast.Env) {
			run := env.Run
			env.IP++
			of := env.Up(up)
			run.Signals.Sync = base.SigDefer
			if run.PanicFun == nil || run.DeferOfFun == nil {
				run.InstallDefer = func() { e.note(run, of) }
				return run.Interrupt, env
			}
			s := &suspended{value: run.Panic, of: run.PanicFun}
			p := e.panicOf(run, true)
			before := p.captured
			p.suspended = append(p.suspended, s)
			run.InstallDefer = func() {
				e.note(run, of)
				p.suspended = slices.DeleteFunc(p.suspended, func(x *suspended) bool { return x == s })
				if run.PanicFun != of && !s.consumed { // it does not panic itself
					run.Panic, run.PanicFun, p.captured = s.value, s.of, before
				}
			}
			return run.Interrupt, env
		}, token.NoPos)
		c.Code.WithDefers = true
	})
}

// recoverName is recover in lowered code.
const recoverName = "recover" + mark

// compileRecover compiles recover().
func (e *Engine) compileRecover(c *fast.Comp, _ fast.Symbol, _ *ast.CallExpr) *fast.Call {
	face := c.TypeOfInterface()
	t := c.Universe.FuncOf([]xr.Type{face}, []xr.Type{face}, false)
	sym := &fast.Symbol{Bind: fast.Bind{Lit: fast.Lit{Type: t}, Name: recoverName}}
	f := func(v xr.Value) xr.Value { return anyOf(e.recovered(v.Interface().(*fast.Env))) }
	env := &fast.Expr{Lit: fast.Lit{Type: face}, Fun: func(env *fast.Env) xr.Value { return xr.ValueOf(env) }}
	return &fast.Call{Fun: &fast.Expr{Lit: fast.Lit{Type: t, Value: f}, Sym: sym}, Args: []*fast.Expr{env}, OutTypes: []xr.Type{face}}
}

// calledBy reports whether the function of env was called by base, apart from functions that lowering has put between.
func (e *Engine) calledBy(env, base *fast.Env) bool {
	ours := func(env *fast.Env) bool {
		s, inside := e.spotOf(env)
		return s != nil && inside
	}
	for ours(env) && functionOf(env).Caller != nil {
		env = functionOf(env).Caller
	}
	for env = functionOf(env).Caller; env != base && env != nil && ours(env); env = functionOf(env).Caller {
	}
	return env == base
}

// recovered is what recover() gives: nil unless the function has been put off by one that panics.
func (e *Engine) recovered(env *fast.Env) any {
	run := env.Run
	p := e.panicOf(run, false)
	if p == nil || run.PanicFun == nil || run.DeferOfFun != run.PanicFun || !e.calledBy(env, p.base) {
		return nil
	}
	r, of := run.Panic, run.PanicFun
	run.Panic, run.PanicFun = nil, nil
	switch x := r.(type) {
	case base.Signal:
		e.ir.Interrupt(nil) // it goes on to the caller: an interrupt is not for a cell to swallow
	case left:
		panic(x)
	}
	for _, s := range p.suspended {
		s.consumed = s.consumed || s.of == of
	}
	c := p.captured
	p.captured = nil
	if len(p.suspended) == 0 {
		e.settle(run)
	}
	if c != nil && samePanic(c.value, r) {
		return c.out
	}
	return asRuntime(r)
}

// panickedName is what the outermost function of a cell's goroutine calls with what it has caught.
const panickedName = "panicked" + mark

func (e *Engine) compilePanicked(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
	face := c.TypeOfInterface()
	args := []*fast.Expr{{Lit: fast.Lit{Type: face}, Fun: func(env *fast.Env) xr.Value { return xr.ValueOf(env) }}}
	ins := []xr.Type{face}
	for _, a := range node.Args {
		x := c.Expr1(a, nil)
		if x.Untyped() {
			x.ConstTo(x.DefaultType())
		}
		args, ins = append(args, x), append(ins, x.Type)
	}
	t := c.Universe.FuncOf(ins, []xr.Type{face}, false)
	sym := &fast.Symbol{Bind: fast.Bind{Lit: fast.Lit{Type: t}, Name: panickedName}}
	f := func(v xr.Value, rest ...xr.Value) xr.Value {
		r := held(rest[0])
		if e.panicked != nil && !isSignal(r) {
			c := e.caughtBy(v.Interface().(*fast.Env).Run, r)
			e.panicked(&PanicError{c.out, c.isNil, c.frames}, Place{Line: int(rest[1].ReflectValue().Int()), Serial: int(rest[2].ReflectValue().Int())})
		}
		return anyOf(nil)
	}
	return &fast.Call{Fun: &fast.Expr{Lit: fast.Lit{Type: t, Value: f}, Sym: sym}, Args: args, OutTypes: []xr.Type{face}}
}

package interp

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"reflect"
	"strconv"

	"github.com/cosmos72/gomacro/base"
	"github.com/cosmos72/gomacro/base/untyped"
	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/fastnb/go/cell"
)

// Builtins are compiled by functions of ours, which see the types of their arguments: that is how
// cells get what Go has and the interpreter lacks. The names that end in ʹ (which nobody types) stand
// for something that the passes of rewrite.go found in a cell.

// emit stands for a statement that can only be written once the types in it are known.
const emit = "emit\u02b9"

// compiler makes the call of a builtin, given its compiled arguments.
type compiler func(c *fast.Comp, node *ast.CallExpr, args []*fast.Expr) *fast.Call

func (s *Session) builtins() {
	declare := func(name string, atLeast, atMost uint16, f compiler) {
		s.ir.DeclBuiltin(name, fast.Builtin{ArgMin: atLeast, ArgMax: atMost, Compile: func(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
			if len(node.Args) == 1 {
				return f(c, node, []*fast.Expr{c.Expr1(node.Args[0], nil)})
			}
			return f(c, node, c.Exprs(node.Args))
		}})
	}
	s.ir.DeclBuiltin(emit, fast.Builtin{ArgMin: 1, ArgMax: 1, Compile: s.emitted})
	s.ir.DeclBuiltin(probing, fast.Builtin{ArgMin: 1, ArgMax: 1, Compile: s.probed})
	declare("min", 1, base.MaxUint16, extreme("min", func(less bool) bool { return less }))
	declare("max", 1, base.MaxUint16, extreme("max", func(less bool) bool { return !less }))
	declare("clear", 1, 1, clearing)
	declare(receive, 1, 1, s.receiving(false))
	declare(receive2, 1, 1, s.receiving(true))
	declare(send, 2, 2, sending)
	s.ir.DeclBuiltin(sent, fast.Builtin{ArgMin: 2, ArgMax: 2, Compile: func(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
		args := sendable(c, node, c.Exprs(node.Args))[1:]
		return callOf(c, args, []xr.Type{args[0].Type}, func(in []reflect.Value) []reflect.Value { return in })
	}})
	declare(shown, 1, 1, showing)
	for name, g := range generics {
		declare(name, 1, base.MaxUint16, g.compile(name))
	}
	s.ir.DeclFunc(panicked, s.panicked)
	s.ir.DeclFunc(stopping, func() <-chan struct{} { return cell.Context().Done() })
	s.ir.DeclFunc(stopped, func() { stopCell() })
	s.ir.DeclVar(dropped, s.ir.Comp.TypeOfError(), nil)
	s.ir.DeclFunc(failing, func(err error, line int) {
		if err != nil {
			panic(failure{err, line})
		}
	})
	s.ir.DeclFunc(recovered, func(r any) any {
		if r == base.SigInterrupt {
			s.ir.Interrupt(nil) // it goes on to the caller: an interrupt is not for a cell to swallow
		}
		return r
	})
}

// emitted writes the statement of a site in place.
func (s *Session) emitted(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
	lit := node.Args[0].(*ast.BasicLit)
	i, err := strconv.Atoi(lit.Value)
	if err != nil || i < 0 || i >= len(s.sites) {
		c.Errorf("no such statement: %s", lit.Value)
	}
	s.sites[i](c)
	// A constant: as a statement it compiles to nothing.
	nothing := fast.UntypedLit{Kind: untyped.Bool, Val: constant.MakeBool(false)}
	return &fast.Call{Fun: &fast.Expr{Lit: fast.Lit{Type: c.TypeOfBool(), Value: nothing}}}
}

// site is a statement that f writes when it is compiled.
func (s *Session) site(pos token.Pos, f func(c *fast.Comp)) ast.Stmt {
	i := strconv.Itoa(len(s.sites))
	s.sites = append(s.sites, f)
	call := &ast.CallExpr{Fun: ident(emit, pos), Lparen: pos, Rparen: pos, Args: []ast.Expr{&ast.BasicLit{ValuePos: pos, Kind: token.INT, Value: i}}}
	return &ast.BlockStmt{Lbrace: pos, Rbrace: pos, List: []ast.Stmt{&ast.ExprStmt{X: call}}}
}

func ident(name string, pos token.Pos) *ast.Ident { return &ast.Ident{Name: name, NamePos: pos} }

// callOf calls f, a Go function, with args and results of the types given.
func callOf(c *fast.Comp, args []*fast.Expr, outs []xr.Type, f func([]reflect.Value) []reflect.Value) *fast.Call {
	ins := make([]xr.Type, len(args))
	for i, a := range args {
		ins[i] = a.Type
	}
	t := c.Universe.FuncOf(ins, outs, false)
	v := xr.MakeValue(reflect.MakeFunc(t.ReflectType(), f))
	return &fast.Call{Fun: &fast.Expr{Lit: fast.Lit{Type: t}, Fun: func(*fast.Env) xr.Value { return v }}, Args: args, OutTypes: outs}
}

// settle gives untyped constants the type of the others, or their default, and reports whether all
// arguments are constants.
func settle(c *fast.Comp, node *ast.CallExpr, args []*fast.Expr) (t xr.Type, consts bool) {
	consts = true
	for _, a := range args {
		if a.Type == nil {
			c.Errorf("invalid argument nil in %v", node)
		}
		consts = consts && a.Const()
		if !a.Untyped() && t == nil {
			t = a.Type
		}
	}
	if t == nil {
		for _, a := range args {
			if d := a.DefaultType(); t == nil || d.Kind() == reflect.Float64 || d.Kind() == reflect.Int32 && t.Kind() == reflect.Int {
				t = d
			}
		}
	}
	for _, a := range args {
		if a.Untyped() {
			a.ConstTo(t)
		}
		if !a.Type.IdenticalTo(t) {
			c.Errorf("invalid argument: mismatched types %v and %v in %v", t, a.Type, node)
		}
	}
	return t, consts
}

// extreme is min or max: keep says whether a smaller value takes the place of the best so far.
func extreme(name string, keep func(less bool) bool) compiler {
	return func(c *fast.Comp, node *ast.CallExpr, args []*fast.Expr) *fast.Call {
		t, consts := settle(c, node, args)
		if _, ok := compare(reflect.Zero(t.ReflectType()), reflect.Zero(t.ReflectType())); !ok {
			c.Errorf("invalid argument: %v cannot be ordered in %s", t, name)
		}
		call := callOf(c, args, []xr.Type{t}, func(in []reflect.Value) []reflect.Value {
			best := in[0]
			for _, v := range in[1:] {
				if nan(best) {
					break
				}
				if o, _ := compare(v, best); nan(v) || o != 0 && keep(o < 0) {
					best = v
				}
			}
			return []reflect.Value{best}
		})
		call.Const = consts
		if len(args) == 2 {
			quick(call, name, t.ReflectType())
		}
		return call
	}
}

// quick takes a compiled function for the commonest types, which loops call.
func quick(call *fast.Call, name string, t reflect.Type) {
	var f any
	switch least := name == "min"; {
	case t == reflect.TypeFor[int]() && least:
		f = func(a, b int) int { return min(a, b) }
	case t == reflect.TypeFor[int]():
		f = func(a, b int) int { return max(a, b) }
	case t == reflect.TypeFor[float64]() && least:
		f = func(a, b float64) float64 { return min(a, b) }
	case t == reflect.TypeFor[float64]():
		f = func(a, b float64) float64 { return max(a, b) }
	default:
		return
	}
	v := xr.ValueOf(f)
	call.Fun.Fun = func(*fast.Env) xr.Value { return v }
}

func nan(v reflect.Value) bool { return v.CanFloat() && v.Float() != v.Float() }

// compare orders two values of one ordered type.
func compare(a, b reflect.Value) (order int, ok bool) {
	sign := func(less, more bool) (int, bool) {
		switch {
		case less:
			return -1, true
		case more:
			return 1, true
		}
		return 0, true
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
	return 0, false
}

func clearing(c *fast.Comp, node *ast.CallExpr, args []*fast.Expr) *fast.Call {
	if t := args[0].Type; t == nil || t.Kind() != reflect.Map && t.Kind() != reflect.Slice {
		c.Errorf("invalid argument: clear wants a map or a slice, not %v", node.Args[0])
	}
	return callOf(c, args, nil, func(in []reflect.Value) []reflect.Value { in[0].Clear(); return nil })
}

// shown gives a value of a cell's type to compiled code in a form whose String or Error method it
// finds.
const shown = "shown\u02b9"

func showing(c *fast.Comp, _ *ast.CallExpr, args []*fast.Expr) *fast.Call {
	a := args[0]
	if a.Untyped() {
		a.ConstTo(a.DefaultType())
	}
	if a.Type == nil {
		a.ConstTo(c.TypeOfInterface())
	}
	if cellType(a.Type) || a.Type.Kind() == reflect.Pointer && cellType(a.Type.Elem()) {
		stringer := c.Universe.FromReflectType(reflect.TypeFor[fmt.Stringer]())
		for _, t := range []xr.Type{c.TypeOfError(), stringer} {
			// Methods of the value are not found through a pointer to it.
			if a.Type.Implements(t) && (a.Type.Kind() != reflect.Pointer || !a.Type.Elem().Implements(t)) {
				// Not by a.To: on the way to any the interpreter would take the methods off again.
				a.To(c, t)
				break
			}
		}
	}
	if a.Type.NumMethod() == 0 || a.Type.Kind() != reflect.Interface {
		a.To(c, c.TypeOfInterface())
	}
	return callOf(c, args, []xr.Type{c.TypeOfInterface()}, func(in []reflect.Value) []reflect.Value {
		out := reflect.New(reflect.TypeFor[any]()).Elem()
		if in[0].Kind() == reflect.Interface {
			in[0] = in[0].Elem()
		}
		if in[0].IsValid() {
			out.Set(in[0])
		}
		return []reflect.Value{out}
	})
}

// cellType reports whether a cell declared t, with methods.
func cellType(t xr.Type) bool {
	return t.Kind() != reflect.Interface && t.Named() && t.NumMethod() > 0 && t.ReflectType().Name() == ""
}

const receive, receive2, send, sent = "receive\u02b9", "receive2\u02b9", "send\u02b9", "sent\u02b9"

// receiving is <-c that an interrupt ends.
func (s *Session) receiving(two bool) compiler {
	return func(c *fast.Comp, node *ast.CallExpr, args []*fast.Expr) *fast.Call {
		t := args[0].Type
		if t == nil || t.Kind() != reflect.Chan || t.ReflectType().ChanDir() == reflect.SendDir {
			c.Errorf("invalid operation: cannot receive from %v", node.Args[0])
		}
		outs := []xr.Type{t.Elem()}
		if two {
			outs = append(outs, c.TypeOfBool())
		}
		return callOf(c, args, outs, func(in []reflect.Value) []reflect.Value {
			v, ok := recvOrStop(in[0])
			if two {
				return []reflect.Value{v, reflect.ValueOf(ok)}
			}
			return []reflect.Value{v}
		})
	}
}

// sendable gives the value to send the type of the channel's elements.
func sendable(c *fast.Comp, node *ast.CallExpr, args []*fast.Expr) []*fast.Expr {
	t := args[0].Type
	if t == nil || t.Kind() != reflect.Chan || t.ReflectType().ChanDir() == reflect.RecvDir {
		c.Errorf("invalid operation: cannot send to %v", node.Args[0])
	}
	if v := args[1]; !v.Const() && (v.Type == nil || !v.Type.AssignableTo(t.Elem())) {
		c.Errorf("cannot use %v <%v> as <%v> in send", node.Args[1], v.Type, t.Elem())
	}
	args[1].To(c, t.Elem())
	return args
}

// sending is c <- v that an interrupt ends.
func sending(c *fast.Comp, node *ast.CallExpr, args []*fast.Expr) *fast.Call {
	return callOf(c, sendable(c, node, args), nil, func(in []reflect.Value) []reflect.Value {
		i, _, _ := reflect.Select([]reflect.SelectCase{
			{Dir: reflect.SelectSend, Chan: in[0], Send: in[1]},
			{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(cell.Context().Done())},
		})
		if i == 1 {
			stopCell()
		}
		return nil
	})
}

// stopCell ends the statement that an interrupt of its cell found waiting.
func stopCell() { panic(base.SigInterrupt) }

func recvOrStop(ch reflect.Value) (v reflect.Value, ok bool) {
	if !ch.IsNil() {
		// What is there already comes without the cost of waiting for two.
		if v, ok = ch.TryRecv(); v.IsValid() {
			return v, ok
		}
	}
	ctx := cell.Context()
	i, v, ok := reflect.Select([]reflect.SelectCase{
		{Dir: reflect.SelectRecv, Chan: ch},
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())},
	})
	if i == 1 {
		stopCell()
	}
	return v, ok
}

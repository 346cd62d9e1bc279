package interp

import (
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"strconv"
	"strings"

	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"
	"golang.org/x/tools/go/ast/astutil"
)

// The cell rule inside a cell's blocks. Where Go refuses a call that gives more values than its
// place takes, the interpreter drops the values that are too many, an error among them; so each
// such place is compiled once to see what it gives (probe) before its statement is.

// suspect is a call in a place that takes a certain number of values.
type suspect struct {
	call *ast.CallExpr
	orig ast.CallExpr
	want int
	pos  token.Position
	next string    // the name behind the dot that follows the call; "" if none does
	lift func()    // takes the error for the cell rule; nil where the rule does not reach
	outs []xr.Type // what the call gives, found by probe
}

// bad reports whether the call's place would drop an error.
func (x *suspect) bad() bool { return len(x.outs) > x.want }

const probing = "probe\u02b9"

// rule finds the suspects of a statement of a cell, and puts the calls and assignments in its blocks
// under the cell rule. Inside functions Go's own rules hold.
func (s *Session) rule(n ast.Node) (ast.Node, []*suspect) {
	r := &ruler{s: s, top: n, lifts: map[*ast.AssignStmt]func(){}}
	inFunc := func(n ast.Node, by int) {
		switch n.(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			r.funcs += by
		}
	}
	n = astutil.Apply(n, func(c *astutil.Cursor) bool {
		inFunc(c.Node(), 1)
		switch x := c.Node().(type) {
		case *ast.GenDecl:
			if x.Tok == token.CONST {
				return false
			}
		case *ast.AssignStmt:
			if c.Index() >= 0 && ast.Node(x) != r.top && r.funcs == 0 && !s.strict && len(x.Rhs) == 1 {
				r.liftable(c, x)
			}
		case *ast.CallExpr:
			r.call(c, x)
		}
		return true
	}, func(c *astutil.Cursor) bool {
		inFunc(c.Node(), -1)
		if st, ok := c.Node().(*ast.ExprStmt); ok && r.funcs == 0 && c.Index() >= 0 && ast.Node(st) != r.top && !s.strict {
			if cl, ok := st.X.(*ast.CallExpr); ok && !ours(cl) {
				c.Replace(s.checked(st, cl))
			}
		}
		return true
	})
	return n, r.found
}

type ruler struct {
	s     *Session
	top   ast.Node
	funcs int // how many functions the node at hand stands in
	lifts map[*ast.AssignStmt]func()
	found []*suspect
}

// ours reports whether a call was put in by a rewrite, or is of a builtin or a conversion.
func ours(cl *ast.CallExpr) bool {
	id, ok := cl.Fun.(*ast.Ident)
	return ok && (strings.Contains(id.Name, "\u02b9") || single[id.Name])
}

// single are names whose calls give at most one value.
var single = map[string]bool{}

func init() {
	for _, n := range strings.Fields("append cap clear close complex copy delete imag len make max min new panic print println real recover " +
		"int int8 int16 int32 int64 rune byte string float32 float64 uint uint8 uint16 uint32 uint64 uintptr bool any error") {
		single[n] = true
	}
}

// call takes a note of a call whose place takes a certain number of values.
func (r *ruler) call(c *astutil.Cursor, cl *ast.CallExpr) {
	if ours(cl) || c.Parent() == nil {
		return
	}
	x := &suspect{call: cl, want: 1, pos: r.s.at(cl)}
	switch p := c.Parent().(type) {
	case *ast.ExprStmt, *ast.GoStmt, *ast.DeferStmt:
		return
	case *ast.ReturnStmt:
		if len(p.Results) == 1 {
			return
		}
	case *ast.CallExpr:
		if c.Name() == "Args" && len(p.Args) == 1 && !ours(p) {
			return
		}
	case *ast.SelectorExpr:
		x.next = p.Sel.Name
	case *ast.ValueSpec:
		if len(p.Values) == 1 && (len(p.Names) > 1 || !r.s.strict && specOf(r.top, p)) {
			return // statement sees to the cell's own
		}
	case *ast.AssignStmt:
		if c.Name() == "Rhs" && len(p.Rhs) == 1 {
			if ast.Node(p) == r.top && !r.s.strict {
				return // statement sees to it
			}
			x.want, x.lift = len(p.Lhs), r.lifts[p]
		}
	case *ast.BlockStmt, *ast.File:
		return
	}
	if r.top == ast.Node(cl) {
		return
	}
	r.found = append(r.found, x)
}

func specOf(top ast.Node, sp *ast.ValueSpec) bool {
	g, ok := top.(*ast.GenDecl)
	if !ok {
		return false
	}
	for _, x := range g.Specs {
		if x == ast.Spec(sp) {
			return true
		}
	}
	return false
}

// liftable prepares an assignment in a block of the cell, `x := f()`, for an error that f gives
// beside x: a site behind it fails the cell if one is there.
func (r *ruler) liftable(c *astutil.Cursor, as *ast.AssignStmt) {
	if _, ok := as.Rhs[0].(*ast.CallExpr); !ok {
		return
	}
	if _, ok := c.Parent().(*ast.CommClause); ok && c.Name() == "Comm" {
		return
	}
	lifted := false
	line := r.s.at(as).Line
	c.InsertAfter(r.s.site(as.Pos(), func(c *fast.Comp) {
		if lifted {
			c.Stmt(fail(as.Pos(), line))
		}
	}))
	r.lifts[as] = func() {
		if !lifted {
			lifted = true
			as.Lhs = append(as.Lhs, ident(dropped, as.Pos()))
		}
	}
}

// fail fails the cell at a line with the error taken, if there is one.
func fail(pos token.Pos, line int) ast.Stmt {
	at := &ast.BasicLit{ValuePos: pos, Kind: token.INT, Value: strconv.Itoa(line)}
	return &ast.ExprStmt{X: call(failing, pos, ident(dropped, pos), at)}
}

// checked is a call in a block of the cell, with the last of its results taken if that is an error.
func (s *Session) checked(st *ast.ExprStmt, cl *ast.CallExpr) ast.Stmt {
	line := s.at(st).Line
	var done ast.Stmt
	return s.site(st.Pos(), func(c *fast.Comp) {
		if done == nil {
			s.ranges(st, nil)
			done = st
			e := c.Expr(cl, nil)
			if n := e.NumOut(); n > 0 && isError(e.Out(n-1)) {
				as := &ast.AssignStmt{TokPos: st.Pos(), Tok: token.DEFINE, Rhs: []ast.Expr{cl}}
				for range n - 1 {
					as.Lhs = append(as.Lhs, ident("_", st.Pos()))
				}
				as.Lhs = append(as.Lhs, ident(dropped, st.Pos()))
				done = block(st.Pos(), as, fail(st.Pos(), line))
			}
		}
		c.Stmt(done)
	})
}

// probed compiles a suspect's call and stands for it with the values that its place takes.
func (s *Session) probed(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
	i, err := strconv.Atoi(node.Args[0].(*ast.BasicLit).Value)
	if err != nil || i < 0 || i >= len(s.probes) {
		c.Errorf("no such call")
	}
	x := s.probes[i]
	orig := x.orig
	e := c.Expr(&orig, nil)
	x.outs = nil
	for k := range e.NumOut() {
		x.outs = append(x.outs, e.Out(k))
	}
	if len(x.outs) == 1 && e.Const() {
		return callOf(c, nil, x.outs, func([]reflect.Value) []reflect.Value { return nil }) // a conversion
	}
	outs := x.outs
	if x.bad() {
		outs = outs[:x.want]
	}
	return callOf(c, nil, outs, func([]reflect.Value) []reflect.Value { return nil })
}

// examine looks into the suspects of nodes, once.
func (s *Session) examine(nodes []ast.Node) error {
	var suspects []*suspect
	for _, n := range nodes {
		suspects = append(suspects, s.suspects[n]...)
		delete(s.suspects, n)
	}
	if len(suspects) == 0 {
		return nil
	}
	return s.probe(nodes, suspects)
}

// probe compiles nodes without running them and finds which suspects drop an error; those under the
// cell rule have it taken, the first other one fails the cell.
func (s *Session) probe(nodes []ast.Node, suspects []*suspect) error {
	s.probes = suspects
	for i, x := range suspects {
		x.orig, x.outs = *x.call, nil
		*x.call = *call(probing, x.orig.Pos(), &ast.BasicLit{ValuePos: x.orig.Pos(), Kind: token.INT, Value: strconv.Itoa(i)})
	}
	for _, n := range nodes {
		s.compileOnly(n)
	}
	for _, x := range suspects {
		*x.call = x.orig
	}
	for _, x := range suspects {
		switch {
		case !x.bad():
		case x.lift != nil && len(x.outs) == x.want+1 && isError(x.outs[x.want]):
			x.lift()
		default:
			return x.mismatch()
		}
	}
	return nil
}

// mismatch says that a call's place drops an error.
func (x *suspect) mismatch() *CellError {
	e := &CellError{Name: "error", Line: x.pos.Line, Column: x.pos.Column}
	if x.next == "" {
		e.Value = fmt.Sprintf("assignment mismatch: the call gives %d values where %d %s (its error is nobody's here)", len(x.outs), x.want, plural(x.want, "is taken", "are taken"))
		e.Hint = "Take the error: x, err := ... (the notebook takes it for you only from statements of the cell itself, outside functions)."
		return e
	}
	name := "the call"
	switch f := x.orig.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	e.Value = fmt.Sprintf("%s gives %d values, the last an error: .%s cannot follow it", name, len(x.outs), x.next)
	e.Hint = fmt.Sprintf("End the chain there: x := ...%s(...), then x.%s. What prepares the data comes before DataBunch.", name, x.next)
	if name != "DataBunch" {
		e.Hint = fmt.Sprintf("End the chain there: x := ...%s(...), then x.%s.", name, x.next)
	}
	return e
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// compileOnly compiles a node; what it complains about, its own compilation will say again.
func (s *Session) compileOnly(n ast.Node) {
	defer func() {
		_ = recover()
		s.ir.Comp.Code.Clear()
	}()
	var exprs []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt: // not the variables: a new type of an old one must not be seen yet
		exprs = append(exprs, n.Rhs...)
		if n.Tok != token.DEFINE {
			exprs = append(exprs, n.Lhs...)
		}
	case *ast.GenDecl:
		for _, sp := range n.Specs {
			if v, ok := sp.(*ast.ValueSpec); ok {
				exprs = append(exprs, v.Values...)
			}
		}
	default:
		s.ir.Comp.Code.Clear()
		s.ir.CompileNode(n)
		return
	}
	for _, e := range exprs {
		s.ir.Comp.Code.Clear()
		s.ir.CompileNode(&ast.ExprStmt{X: e})
	}
}

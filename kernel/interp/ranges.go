package interp

import (
	"go/ast"
	"go/token"
	"reflect"
	"strconv"

	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"
	"golang.org/x/tools/go/ast/astutil"
)

// ranges puts sites in the place of the range statements in n, outermost first; those inside them
// follow when the outer is compiled. results are those of the function that n stands in.
func (s *Session) ranges(n ast.Node, results *ast.FieldList) ast.Node {
	if n == nil || reflect.ValueOf(n).IsNil() {
		return n
	}
	stack := []*ast.FieldList{results}
	return astutil.Apply(n, func(c *astutil.Cursor) bool {
		switch n := c.Node().(type) {
		case *ast.FuncLit:
			stack = append(stack, n.Type.Results)
		case *ast.FuncDecl:
			stack = append(stack, n.Type.Results)
		case *ast.LabeledStmt:
			if st, ok := n.Stmt.(*ast.RangeStmt); ok {
				c.Replace(s.rangeSite(st, n.Label, stack[len(stack)-1]))
				return false
			}
		case *ast.RangeStmt:
			c.Replace(s.rangeSite(n, nil, stack[len(stack)-1]))
			return false
		}
		return true
	}, func(c *astutil.Cursor) bool {
		switch c.Node().(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			stack = stack[:len(stack)-1]
		}
		return true
	})
}

func (s *Session) rangeSite(st *ast.RangeStmt, label *ast.Ident, results *ast.FieldList) ast.Stmt {
	var done ast.Stmt
	return s.site(st.Pos(), func(c *fast.Comp) {
		if done == nil {
			st.X = s.ranges(st.X, results).(ast.Expr)
			e := c.Expr1(st.X, nil)
			t := e.Type
			if e.Untyped() {
				t = e.DefaultType()
			}
			done = s.rangeOver(c, st, label, results, t)
		}
		c.Stmt(done)
	})
}

// rangeOver is the statement that a loop becomes once the type of what it goes over is known.
func (s *Session) rangeOver(c *fast.Comp, st *ast.RangeStmt, label *ast.Ident, results *ast.FieldList, t xr.Type) ast.Stmt {
	inner := func() { st.Body = s.ranges(st.Body, results).(*ast.BlockStmt) }
	labeled := func(loop ast.Stmt) ast.Stmt {
		if label == nil {
			return loop
		}
		return &ast.LabeledStmt{Label: label, Colon: label.Pos(), Stmt: loop}
	}
	k := reflect.Invalid
	if t != nil {
		k = t.Kind()
	}
	switch {
	case k >= reflect.Int && k <= reflect.Uintptr:
		inner()
		return countLoop(st, s.typeName(t, st.X.Pos()), labeled)
	case k == reflect.Chan:
		inner()
		return block(st.For, define(ident("c\u02b9", st.X.Pos()), st.X), labeled(drainLoop(st)))
	case k == reflect.Func && iterator(t):
		return s.yieldLoop(c, st, label, results, t)
	}
	inner()
	return labeled(st)
}

// typeName is an expression for t that cells can compile.
func (s *Session) typeName(t xr.Type, pos token.Pos) *ast.Ident {
	name := "T\u02b9" + strconv.Itoa(s.names)
	s.names++
	s.ir.Comp.DeclTypeAlias(name, t)
	return ident(name, pos)
}

func blank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

// countLoop is for i, n := T(0), T(x); i < n; i++ { body }.
func countLoop(st *ast.RangeStmt, typ *ast.Ident, labeled func(ast.Stmt) ast.Stmt) ast.Stmt {
	pos := st.X.Pos()
	conv := func(e ast.Expr) ast.Expr {
		return &ast.CallExpr{Fun: typ, Lparen: pos, Args: []ast.Expr{e}, Rparen: pos}
	}
	i, n := ident("i\u02b9", pos), ident("n\u02b9", pos)
	zero := &ast.BasicLit{Kind: token.INT, Value: "0", ValuePos: pos}
	body := st.Body
	if !blank(st.Key) {
		set := &ast.AssignStmt{Lhs: []ast.Expr{st.Key}, TokPos: pos, Tok: st.Tok, Rhs: []ast.Expr{i}}
		body = &ast.BlockStmt{Lbrace: body.Lbrace, Rbrace: body.Rbrace, List: []ast.Stmt{set}}
		if key, ok := st.Key.(*ast.Ident); ok && st.Tok == token.DEFINE && !captures(st.Body) && !assigned(st.Body, key.Name) {
			i, body.List = key, nil // nobody can tell the loop's own variable from a copy
		}
		body.List = append(body.List, &ast.BlockStmt{Lbrace: st.Body.Lbrace, List: st.Body.List, Rbrace: st.Body.Rbrace})
		if len(st.Body.List) == 0 {
			body.List = body.List[:len(body.List)-1]
		}
	}
	return labeled(&ast.ForStmt{
		For:  st.For,
		Init: &ast.AssignStmt{Lhs: []ast.Expr{i, n}, TokPos: pos, Tok: token.DEFINE, Rhs: []ast.Expr{conv(zero), conv(st.X)}},
		Cond: &ast.BinaryExpr{X: i, OpPos: pos, Op: token.LSS, Y: n},
		Post: &ast.IncDecStmt{X: i, TokPos: pos, Tok: token.INC},
		Body: body,
	})
}

// drainLoop is for { v, ok := <-c; if !ok { break }; key := v; body }.
func drainLoop(st *ast.RangeStmt) ast.Stmt {
	pos := st.X.Pos()
	v, ok := ident("v\u02b9", pos), ident("ok\u02b9", pos)
	list := []ast.Stmt{
		&ast.AssignStmt{Lhs: []ast.Expr{v, ok}, TokPos: pos, Tok: token.DEFINE, Rhs: []ast.Expr{call(receive2, pos, ident("c\u02b9", pos))}},
		&ast.IfStmt{If: pos, Cond: &ast.UnaryExpr{OpPos: pos, Op: token.NOT, X: ok}, Body: block(pos, &ast.BranchStmt{TokPos: pos, Tok: token.BREAK})},
	}
	if !blank(st.Key) {
		list = append(list, &ast.AssignStmt{Lhs: []ast.Expr{st.Key}, TokPos: pos, Tok: st.Tok, Rhs: []ast.Expr{v}})
	}
	return &ast.ForStmt{For: st.For, Body: &ast.BlockStmt{Lbrace: st.Body.Lbrace, List: append(list, st.Body), Rbrace: st.Body.Rbrace}}
}

// iterator reports whether t is func(yield func(...) bool) with at most two values.
func iterator(t xr.Type) bool {
	if t.NumIn() != 1 || t.NumOut() != 0 || t.In(0).Kind() != reflect.Func {
		return false
	}
	y := t.In(0)
	return y.NumIn() <= 2 && y.NumOut() == 1 && y.Out(0).Kind() == reflect.Bool
}

// yieldLoop calls the iterator with the body as a function; what leaves the body is noted in a
// variable and done after the call.
func (s *Session) yieldLoop(c *fast.Comp, st *ast.RangeStmt, label *ast.Ident, results *ast.FieldList, t xr.Type) ast.Stmt {
	pos := st.X.Pos()
	x := &exits{s: s, pos: pos, state: "exit\u02b9" + strconv.Itoa(s.names), results: results, label: label}
	s.names++
	y := t.In(0)
	given := []ast.Expr{st.Key, st.Value}
	for i := y.NumIn(); i < 2; i++ {
		if given[i] != nil {
			c.Errorf("range over %v permits only %d iteration variables", t, y.NumIn())
		}
	}
	params := &ast.FieldList{Opening: pos, Closing: pos}
	var sets []ast.Stmt
	for i := range y.NumIn() {
		name := "y\u02b9" + strconv.Itoa(i)
		if !blank(given[i]) {
			sets = append(sets, &ast.AssignStmt{Lhs: []ast.Expr{given[i]}, TokPos: pos, Tok: st.Tok, Rhs: []ast.Expr{ident(name, pos)}})
		}
		params.List = append(params.List, &ast.Field{Names: []*ast.Ident{ident(name, pos)}, Type: s.typeName(y.In(i), pos)})
	}
	body := x.leave(c, st.Body)
	bools := &ast.FieldList{List: []*ast.Field{{Type: ident("bool", pos)}}}
	body = s.ranges(body, bools).(*ast.BlockStmt)
	list := append(sets, body, &ast.ReturnStmt{Return: pos, Results: []ast.Expr{ident("true", pos)}})
	fn := &ast.FuncLit{Type: &ast.FuncType{Func: pos, Params: params, Results: bools}, Body: &ast.BlockStmt{Lbrace: st.Body.Lbrace, List: list, Rbrace: st.Body.Rbrace}}
	out := block(st.For, x.vars()...)
	out.List = append(out.List, &ast.ExprStmt{X: &ast.CallExpr{Fun: st.X, Lparen: pos, Args: []ast.Expr{fn}, Rparen: pos}})
	out.List = append(out.List, x.after()...)
	return out
}

// exits rewrites what leaves the body of a loop over a function.
type exits struct {
	s       *Session
	pos     token.Pos
	state   string // the variable that says how the body was left
	results *ast.FieldList
	label   *ast.Ident
	returns bool
	ways    []*ast.BranchStmt // to loops outside, in order: state 2, 3, ...
}

func (x *exits) result(i int) *ast.Ident { return ident(x.state+"r"+strconv.Itoa(i), x.pos) }

func (x *exits) count() (n int) {
	if x.results != nil {
		for _, f := range x.results.List {
			n += max(1, len(f.Names))
		}
	}
	return n
}

func (x *exits) set(i int, pos token.Pos) ast.Stmt {
	return &ast.AssignStmt{Lhs: []ast.Expr{ident(x.state, pos)}, TokPos: pos, Tok: token.ASSIGN, Rhs: []ast.Expr{&ast.BasicLit{ValuePos: pos, Kind: token.INT, Value: strconv.Itoa(i)}}}
}

func yield(more string, pos token.Pos) ast.Stmt {
	return &ast.ReturnStmt{Return: pos, Results: []ast.Expr{ident(more, pos)}}
}

func (x *exits) leave(c *fast.Comp, body *ast.BlockStmt) *ast.BlockStmt {
	loops, breaks := 0, 0
	within := map[string]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		if l, ok := n.(*ast.LabeledStmt); ok {
			within[l.Label.Name] = true
		}
		return true
	})
	count := func(n ast.Node, by int) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			loops += by
			breaks += by
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			breaks += by
		}
	}
	return astutil.Apply(body, func(cur *astutil.Cursor) bool {
		count(cur.Node(), 1)
		switch n := cur.Node().(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			c.Pos = n.Pos()
			c.Errorf("defer inside a range over a function is not supported in cells: call the iterator with a function")
		case *ast.ReturnStmt:
			cur.Replace(x.ret(n))
			return false
		case *ast.BranchStmt:
			if st := x.branch(n, loops, breaks, within); st != nil {
				cur.Replace(st)
			}
			return false
		}
		return true
	}, func(cur *astutil.Cursor) bool { count(cur.Node(), -1); return true }).(*ast.BlockStmt)
}

// ret notes the values of a return statement and ends the loop.
func (x *exits) ret(n *ast.ReturnStmt) ast.Stmt {
	x.returns = true
	out := block(n.Pos())
	if len(n.Results) > 0 {
		as := &ast.AssignStmt{TokPos: n.Pos(), Tok: token.ASSIGN, Rhs: n.Results}
		for i := range x.count() {
			as.Lhs = append(as.Lhs, x.result(i))
		}
		out.List = append(out.List, as)
	} else if x.count() > 0 { // named results
		i := 0
		for _, f := range x.results.List {
			for _, name := range f.Names {
				out.List = append(out.List, &ast.AssignStmt{Lhs: []ast.Expr{x.result(i)}, TokPos: n.Pos(), Tok: token.ASSIGN, Rhs: []ast.Expr{ident(name.Name, n.Pos())}})
				i++
			}
		}
	}
	out.List = append(out.List, x.set(1, n.Pos()), yield("false", n.Pos()))
	return out
}

// branch is what a break or continue becomes, nil if it stays within the body.
func (x *exits) branch(n *ast.BranchStmt, loops, breaks int, within map[string]bool) ast.Stmt {
	ours := n.Label != nil && x.label != nil && n.Label.Name == x.label.Name
	switch {
	case n.Tok == token.BREAK && (n.Label == nil && breaks == 0 || ours):
		return yield("false", n.Pos())
	case n.Tok == token.CONTINUE && (n.Label == nil && loops == 0 || ours):
		return yield("true", n.Pos())
	case n.Label == nil || within[n.Label.Name]:
		return nil
	}
	x.ways = append(x.ways, n)
	return block(n.Pos(), x.set(1+len(x.ways), n.Pos()), yield("false", n.Pos()))
}

func (x *exits) vars() (list []ast.Stmt) {
	declare := func(name *ast.Ident, typ ast.Expr) {
		list = append(list, &ast.DeclStmt{Decl: &ast.GenDecl{TokPos: x.pos, Tok: token.VAR, Specs: []ast.Spec{&ast.ValueSpec{Names: []*ast.Ident{name}, Type: typ}}}})
	}
	declare(ident(x.state, x.pos), ident("int", x.pos))
	i := 0
	if x.returns && x.results != nil {
		for _, f := range x.results.List {
			for range max(1, len(f.Names)) {
				declare(x.result(i), f.Type)
				i++
			}
		}
	}
	return list
}

func (x *exits) after() (list []ast.Stmt) {
	when := func(i int, then ast.Stmt) {
		cond := &ast.BinaryExpr{X: ident(x.state, x.pos), OpPos: x.pos, Op: token.EQL, Y: &ast.BasicLit{ValuePos: x.pos, Kind: token.INT, Value: strconv.Itoa(i)}}
		list = append(list, &ast.IfStmt{If: x.pos, Cond: cond, Body: block(x.pos, then)})
	}
	if x.returns {
		ret := &ast.ReturnStmt{Return: x.pos}
		for i := range x.count() {
			ret.Results = append(ret.Results, x.result(i))
		}
		when(1, ret)
	}
	for i, n := range x.ways {
		when(2+i, n)
	}
	return list
}

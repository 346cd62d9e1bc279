package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
)

// rangeStmt lowers a range loop, by the type of what it goes over.
func (l *low) rangeStmt(st *ast.RangeStmt, label string) ast.Stmt {
	t := l.typeOf(st.X)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		t = types.Default(t)
		if st.Key != nil && !isBlank(st.Key) && b.Info()&types.IsString == 0 {
			t = l.typeOf(st.Key)
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&types.IsString == 0 {
			return l.countLoop(st, label, t)
		}
		return l.nativeRange(st, label, l.conv(st.X, t), types.Typ[types.Int], types.Typ[types.Rune])
	case *types.Slice:
		return l.nativeRange(st, label, l.opened(l.expr(st.X), t), types.Typ[types.Int], u.Elem())
	case *types.Array:
		return l.nativeRange(st, label, l.expr(st.X), types.Typ[types.Int], u.Elem())
	case *types.Map:
		return l.nativeRange(st, label, l.opened(l.expr(st.X), t), u.Key(), u.Elem())
	case *types.Pointer:
		a := u.Elem().Underlying().(*types.Array)
		y := l.opened(l.expr(st.X), t)
		return l.nativeRange(st, label, &ast.SliceExpr{X: &ast.ParenExpr{X: &ast.StarExpr{X: y}}}, types.Typ[types.Int], a.Elem())
	case *types.Chan:
		return l.drainLoop(st, label, u.Elem())
	case *types.Signature:
		return l.yieldLoop(st, label, u)
	}
	l.refuse(st, "a loop over "+bySpelling(t)+" cannot be used in cells")
	return nil
}

// loopBody lowers the body of a range loop, behind statements that set its variables.
func (l *low) loopBody(st *ast.RangeStmt, label string, sets []ast.Stmt) *ast.BlockStmt {
	l.push(&frame{label: label, loop: true})
	body := l.list(st.Body.List)
	l.pop()
	if jumps(st.Body, token.CONTINUE) {
		body = append(one(l.e.current()), body...)
	}
	if len(sets) == 0 {
		return blockOf(body...)
	}
	return blockOf(append(sets, blockOf(body...))...)
}

// set gives a loop's variable the value of a hidden one of type t.
func (l *low) set(x ast.Expr, tok token.Token, hidden string, t types.Type) []ast.Stmt {
	switch {
	case isBlank(x):
		return nil
	case l.isNew(x, tok):
		return one(assign(token.DEFINE, l.ident(x.(*ast.Ident)), id(hidden)))
	}
	return one(assign(token.ASSIGN, l.lhs(x), l.convert(id(hidden), t, l.typeOf(x))))
}

// nativeRange leaves the loop to the interpreter. Variables that may outlive their turn are copied.
func (l *low) nativeRange(st *ast.RangeStmt, label string, x ast.Expr, key, value types.Type) ast.Stmt {
	out := &ast.RangeStmt{Tok: token.DEFINE, X: x}
	var sets []ast.Stmt
	for _, p := range []struct {
		from ast.Expr
		to   *ast.Expr
		t    types.Type
	}{{st.Key, &out.Key, key}, {st.Value, &out.Value, value}} {
		if isBlank(p.from) {
			continue
		}
		if l.isNew(p.from, st.Tok) && !l.isSlot(p.from) && !l.escapes(l.info.Defs[p.from.(*ast.Ident)], st.Body) {
			*p.to = l.ident(p.from.(*ast.Ident))
			continue
		}
		n := l.e.hidden("v")
		*p.to = id(n)
		sets = append(sets, l.set(p.from, st.Tok, n, p.t)...)
	}
	if out.Key == nil && out.Value == nil {
		out.Tok = token.ILLEGAL
		if l.e.rep(l.typeOf(st.X)).Kind() != reflect.Map { // the interpreter wants a key
			out.Key, out.Tok = id(l.e.hidden("v")), token.DEFINE
		}
	}
	if out.Key == nil && out.Value != nil {
		out.Key = id("_")
	}
	if out.Key == nil {
		out.Key, out.Tok = id(l.e.hidden("v")), token.DEFINE
	}
	before := []ast.Stmt{}
	if len(l.pending) > 0 { // what may fail is evaluated where the probes can see it
		a := l.e.hidden("a")
		before = append(before, assign(token.DEFINE, id(a), x))
		out.X = id(a)
	} else if _, isArray := l.typeOf(st.X).Underlying().(*types.Array); isArray && !isBlank(st.Value) {
		a := l.e.hidden("a") // the loop goes over a copy
		before = append(before, varDecl(a, l.typ(l.typeOf(st.X)), x))
		out.X = id(a)
	}
	out.Body = l.loopBody(st, label, sets)
	before = append(before, l.left(labelOf(label, out), st.Body)...)
	if len(before) == 1 {
		return before[0]
	}
	return blockOf(before...)
}

// countLoop is for i, n := T(0), T(x); i < n; i++ { body }.
func (l *low) countLoop(st *ast.RangeStmt, label string, t types.Type) ast.Stmt {
	i, n := l.e.hidden("i"), l.e.hidden("n")
	var sets []ast.Stmt
	if key, ok := st.Key.(*ast.Ident); ok && l.isNew(key, st.Tok) && !isBlank(key) {
		o := l.info.Defs[key]
		if !l.escapes(o, st.Body) && !l.assigned(o, st.Body) {
			i = localName(key.Name) // nobody can tell the loop's own variable from a copy
		} else {
			sets = l.set(st.Key, st.Tok, i, t)
		}
	} else {
		sets = l.set(st.Key, st.Tok, i, t)
	}
	limit := l.conv(st.X, t)
	var before []ast.Stmt
	if len(l.pending) > 0 { // what may fail is evaluated where the probes can see it
		most := l.e.hidden("n")
		before = one(assign(token.DEFINE, id(most), callOf(l.typ(t), limit)))
		limit = id(most)
	}
	loop := labelOf(label, &ast.ForStmt{
		Init: &ast.AssignStmt{Lhs: []ast.Expr{id(i), id(n)}, Tok: token.DEFINE, Rhs: []ast.Expr{callOf(l.typ(t), number(0)), callOf(l.typ(t), limit)}},
		Cond: &ast.BinaryExpr{X: id(i), Op: token.LSS, Y: id(n)},
		Post: &ast.IncDecStmt{X: id(i), Tok: token.INC},
		Body: l.loopBody(st, label, sets),
	})
	before = append(before, l.left(loop, st.Body)...)
	if len(before) == 1 {
		return before[0]
	}
	return blockOf(before...)
}

// drainLoop is for { v, ok := <-c; if !ok { break }; key := v; body }.
func (l *low) drainLoop(st *ast.RangeStmt, label string, elem types.Type) ast.Stmt {
	c, v, ok := l.e.hidden("c"), l.e.hidden("v"), l.e.hidden("ok")
	ct := l.typeOf(st.X)
	rt := l.e.openRep(ct)
	list := []ast.Stmt{
		defineAll([]string{v, ok}, l.received(id(c), rt)),
		&ast.IfStmt{Cond: &ast.UnaryExpr{Op: token.NOT, X: id(ok)}, Body: blockOf(&ast.BranchStmt{Tok: token.BREAK})},
	}
	list = append(list, l.set(st.Key, st.Tok, v, elem)...)
	before := varDecl(c, l.e.alias(rt), l.opened(l.expr(st.X), ct))
	body := l.loopBody(st, label, nil)
	loop := labelOf(label, &ast.ForStmt{Body: blockOf(append(list, body)...)})
	return blockOf(append(one(before), l.left(loop, st.Body)...)...)
}

// yielding is a loop over a function: its body is a function too, and what leaves it is noted in a variable and
// done after the call.
type yielding struct {
	state   string
	results []string // variables for what a return gives
	returns bool
	ways    []*ast.BranchStmt // to statements outside, in order: state 2, 3, ...
	sig     *types.Signature  // of the function that the loop stands in; nil at a cell's top level
	named   []string
}

func (y *yielding) set(n int) ast.Stmt { return assign(token.ASSIGN, id(y.state), number(n)) }

func stop() ast.Stmt { return returns(id("false")) }

// turn is a break or continue of the loop itself.
func (y *yielding) turn(next bool) []ast.Stmt {
	if next {
		return one(returns(id("true")))
	}
	return []ast.Stmt{y.set(-1), stop()}
}

// leave is a break or continue of a statement outside.
func (y *yielding) leave(st *ast.BranchStmt) []ast.Stmt {
	y.ways = append(y.ways, st)
	return []ast.Stmt{y.set(len(y.ways) + 1), stop()}
}

// returned notes what a return statement gives.
func (y *yielding) returned(l *low, st *ast.ReturnStmt) []ast.Stmt {
	y.returns = true
	if y.sig == nil {
		return []ast.Stmt{y.set(1), stop()}
	}
	var out []ast.Stmt
	n := y.sig.Results().Len()
	switch {
	case n == 0:
	case len(st.Results) == 0:
		for i, r := range y.named {
			out = append(out, assign(token.ASSIGN, id(y.results[i]), id(r)))
		}
	case len(st.Results) == 1 && n > 1:
		x, ts := l.several(st.Results[0], n)
		as := &ast.AssignStmt{Tok: token.DEFINE, Rhs: []ast.Expr{x}}
		out = append(out, as)
		for i, t := range ts {
			v := l.e.hidden("v")
			as.Lhs = append(as.Lhs, id(v))
			out = append(out, assign(token.ASSIGN, id(y.results[i]), l.convert(id(v), t, y.sig.Results().At(i).Type())))
		}
	default:
		as := &ast.AssignStmt{Tok: token.ASSIGN}
		for i, x := range st.Results {
			as.Lhs = append(as.Lhs, id(y.results[i]))
			as.Rhs = append(as.Rhs, l.conv(x, y.sig.Results().At(i).Type()))
		}
		out = append(out, as)
	}
	return append(out, y.set(1), stop())
}

// yieldLoop calls the function with the loop's body.
func (l *low) yieldLoop(st *ast.RangeStmt, label string, sig *types.Signature) ast.Stmt {
	fn := l.frameList()
	y := &yielding{state: l.e.hidden("exit"), sig: fn.sig, named: fn.named}
	if y.sig != nil {
		for range y.sig.Results().Len() {
			y.results = append(y.results, l.e.hidden("r"))
		}
	}
	yt := sig.Params().At(0).Type().Underlying().(*types.Signature)
	bools := fields(field("", id("bool")))
	ft := &ast.FuncType{Params: fields(), Results: bools}
	var sets []ast.Stmt
	given := []ast.Expr{st.Key, st.Value}
	for i := range yt.Params().Len() {
		n := l.e.hidden("y")
		t := yt.Params().At(i).Type()
		ft.Params.List = append(ft.Params.List, field(n, l.typ(t)))
		sets = append(sets, l.set(given[i], st.Tok, n, t)...)
	}
	over := l.opened(l.expr(st.X), l.typeOf(st.X))
	l.push(&frame{label: label, loop: true, yield: y})
	body := l.list(st.Body.List)
	l.pop()
	// After the loop is left, the iterator must not call the body again.
	const done = -2
	guard := &ast.IfStmt{
		Cond: &ast.BinaryExpr{X: id(y.state), Op: token.NEQ, Y: number(0)},
		Body: blockOf(exprStmt(callOf(id("panic"), callOf(l.e.alias(anyType), &ast.BasicLit{Kind: token.STRING, Value: `"range function continued iteration after function for loop body returned false"`})))),
	}
	list := append([]ast.Stmt{guard}, sets...)
	list = append(list, blockOf(body...), returns(id("true")))
	lit := &ast.FuncLit{Type: ft, Body: blockOf(list...)}
	out := []ast.Stmt{assign(token.DEFINE, id(y.state), number(0))}
	for i, r := range y.results {
		out = append(out, varDecl(r, l.typ(y.sig.Results().At(i).Type()), nil))
	}
	out = append(out, exprStmt(callOf(over, lit)))
	out = append(out, l.afterYield(y, done)...)
	return blockOf(out...)
}

// afterYield does what left the loop's body.
func (l *low) afterYield(y *yielding, done int) (out []ast.Stmt) {
	when := func(n int, do []ast.Stmt) {
		out = append(out, &ast.IfStmt{Cond: &ast.BinaryExpr{X: id(y.state), Op: token.EQL, Y: number(n)}, Body: blockOf(do...)})
	}
	if y.returns {
		when(1, l.returnAgain(y))
	}
	for i, way := range y.ways {
		when(i+2, l.branch(way))
	}
	return append(out, y.set(done))
}

// returnAgain returns what the body of a loop noted.
func (l *low) returnAgain(y *yielding) []ast.Stmt {
	var list []ast.Expr
	for _, r := range y.results {
		list = append(list, id(r))
	}
	if outer := l.yield(); outer != nil {
		outer.returns = true
		var out []ast.Stmt
		for i := range list {
			out = append(out, assign(token.ASSIGN, id(outer.results[i]), list[i]))
		}
		return append(out, outer.set(1), stop())
	}
	if y.sig == nil {
		return one(exprStmt(callOf(id("leave" + mark))))
	}
	return one(returns(list...))
}

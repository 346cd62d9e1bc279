package interp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"

	"golang.org/x/tools/go/ast/astutil"
)

// The interpreter speaks Go as it was before 1.21. rewrite turns what came since into what it knows:
// loop variables of their own for each iteration, goroutines whose panic fails the cell in place of
// the process. rangeInts does so for loops over whole numbers.

// rewrite changes nodes in place.
func rewrite(nodes []ast.Node) []ast.Node {
	for i, n := range nodes {
		nodes[i] = astutil.Apply(n, nil, func(c *astutil.Cursor) bool {
			switch st := c.Node().(type) {
			case *ast.ForStmt:
				if as, ok := st.Init.(*ast.AssignStmt); ok && as.Tok == token.DEFINE && captures(st.Body) {
					st.Body = copyVars(st.Body, as.Lhs)
				}
			case *ast.RangeStmt:
				if st.Tok == token.DEFINE && captures(st.Body) {
					st.Body = copyVars(st.Body, []ast.Expr{st.Key, st.Value})
				}
			case *ast.GoStmt:
				c.Replace(guarded(st))
			case *ast.DeferStmt:
				deferBuiltin(st)
			}
			return true
		})
	}
	return nodes
}

// captures reports whether a loop's body holds a function, which may outlive the iteration.
func captures(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		_, is := n.(*ast.FuncLit)
		found = found || is
		return !found
	})
	return found
}

// copyVars puts `v := v` before a body for each variable that the body does not assign to.
func copyVars(body *ast.BlockStmt, vars []ast.Expr) *ast.BlockStmt {
	var list []ast.Stmt
	for _, v := range vars {
		id, ok := v.(*ast.Ident)
		if !ok || id.Name == "_" || assigned(body, id.Name) {
			continue
		}
		at := func() *ast.Ident { return &ast.Ident{Name: id.Name, NamePos: body.Lbrace} }
		list = append(list, &ast.AssignStmt{Lhs: []ast.Expr{at()}, TokPos: body.Lbrace, Tok: token.DEFINE, Rhs: []ast.Expr{at()}})
	}
	return &ast.BlockStmt{Lbrace: body.Lbrace, Rbrace: body.Rbrace, List: append(list, body.List...)}
}

func assigned(body *ast.BlockStmt, name string) (found bool) {
	is := func(e ast.Expr) bool { id, ok := e.(*ast.Ident); return ok && id.Name == name }
	ast.Inspect(body, func(n ast.Node) bool {
		switch st := n.(type) {
		case *ast.AssignStmt:
			for _, l := range st.Lhs {
				found = found || st.Tok != token.DEFINE && is(l)
			}
		case *ast.IncDecStmt:
			found = found || is(st.X)
		}
		return !found
	})
	return found
}

// panicked is the name under which the session's handler of goroutines' panics is declared.
const panicked = "panicked\u02b9"

// guarded is `go f(a, b)` with f, a and b evaluated first and the call's panic caught.
func guarded(st *ast.GoStmt) ast.Stmt {
	e, err := parser.ParseExpr("func() { defer func() { if r := recover(); r != nil { " + panicked + "(r) } }() }")
	if err != nil {
		return st
	}
	fn := e.(*ast.FuncLit)
	clearPos(fn, st.Go)
	block := &ast.BlockStmt{Lbrace: st.Go, Rbrace: st.End()}
	call := *st.Call
	call.Args = nil
	if lit, ok := call.Fun.(*ast.FuncLit); ok {
		id := &ast.Ident{Name: "f\u02b9", NamePos: lit.Pos()}
		block.List = append(block.List, &ast.AssignStmt{Lhs: []ast.Expr{id}, TokPos: lit.Pos(), Tok: token.DEFINE, Rhs: []ast.Expr{lit}})
		call.Fun = id
	}
	for i, a := range st.Call.Args {
		id := &ast.Ident{Name: "a\u02b9" + strconv.Itoa(i), NamePos: a.Pos()}
		block.List = append(block.List, &ast.AssignStmt{Lhs: []ast.Expr{id}, TokPos: a.Pos(), Tok: token.DEFINE, Rhs: []ast.Expr{a}})
		call.Args = append(call.Args, id)
	}
	fn.Body.List = append(fn.Body.List, &ast.ExprStmt{X: &call})
	block.List = append(block.List, &ast.GoStmt{Go: st.Go, Call: &ast.CallExpr{Fun: fn, Lparen: st.Go, Rparen: st.Go}})
	return block
}

// clearPos gives the nodes of a snippet a place in the cell.
func clearPos(n ast.Node, pos token.Pos) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			n.NamePos = pos
		case *ast.CallExpr:
			n.Lparen, n.Rparen = pos, pos
		case *ast.BlockStmt:
			n.Lbrace, n.Rbrace = pos, pos
		case *ast.FuncType:
			n.Func = pos
		case *ast.AssignStmt:
			n.TokPos = pos
		case *ast.DeferStmt:
			n.Defer = pos
		case *ast.IfStmt:
			n.If = pos
		case *ast.BinaryExpr:
			n.OpPos = pos
		}
		return true
	})
}

// deferBuiltin wraps a deferred builtin, which the interpreter cannot defer bare, in a function.
func deferBuiltin(st *ast.DeferStmt) {
	id, ok := st.Call.Fun.(*ast.Ident)
	if !ok || id.Name != "close" && id.Name != "delete" && id.Name != "print" && id.Name != "println" && id.Name != "panic" {
		return
	}
	body := &ast.BlockStmt{Lbrace: st.Defer, Rbrace: st.Defer, List: []ast.Stmt{&ast.ExprStmt{X: st.Call}}}
	fn := &ast.FuncLit{Type: &ast.FuncType{Func: st.Defer, Params: &ast.FieldList{}}, Body: body}
	st.Call = &ast.CallExpr{Fun: fn, Lparen: st.Defer, Rparen: st.Defer}
}

// rangeError is what the interpreter says about a loop over something it cannot loop over: the
// place of the expression and its type.
var rangeError = regexp.MustCompile(`^repl\.go:(\d+:\d+): cannot range over .* <([^>]*.*)>$`)

// place is a line and column as rangeError has them.
func place(p token.Position) string { return strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column) }

// rangeInts rewrites the loops over whole numbers whose places are in types, with the type of each.
func rangeInts(nodes []ast.Node, types map[string]string, at func(ast.Node) token.Position) []ast.Node {
	for i, n := range nodes {
		nodes[i] = astutil.Apply(n, nil, func(c *astutil.Cursor) bool {
			st, ok := c.Node().(*ast.RangeStmt)
			if !ok {
				return true
			}
			if t, ok := types[place(at(st.X))]; ok {
				c.Replace(countLoop(st, t))
			}
			return true
		})
	}
	return nodes
}

// countLoop is { n := T(x); for i := T(0); i < n; i++ { body } }.
func countLoop(st *ast.RangeStmt, typ string) ast.Stmt {
	id := func(s string) *ast.Ident { return &ast.Ident{Name: s, NamePos: st.X.Pos()} }
	conv := func(e ast.Expr) ast.Expr {
		return &ast.CallExpr{Fun: id(typ), Lparen: st.X.Pos(), Args: []ast.Expr{e}, Rparen: st.X.Pos()}
	}
	key := st.Key
	tok := st.Tok
	if b, ok := key.(*ast.Ident); key == nil || ok && b.Name == "_" {
		key, tok = id("i\u02b9"), token.DEFINE
	}
	zero := &ast.BasicLit{Kind: token.INT, Value: "0", ValuePos: st.X.Pos()}
	body := st.Body
	if tok == token.DEFINE && captures(body) {
		body = copyVars(body, []ast.Expr{key})
	}
	loop := &ast.ForStmt{
		For:  st.For,
		Init: &ast.AssignStmt{Lhs: []ast.Expr{key}, TokPos: st.X.Pos(), Tok: tok, Rhs: []ast.Expr{conv(zero)}},
		Cond: &ast.BinaryExpr{X: key, OpPos: st.X.Pos(), Op: token.LSS, Y: id("n\u02b9")},
		Post: &ast.IncDecStmt{X: key, TokPos: st.X.Pos(), Tok: token.INC},
		Body: body,
	}
	limit := &ast.AssignStmt{Lhs: []ast.Expr{id("n\u02b9")}, TokPos: st.X.Pos(), Tok: token.DEFINE, Rhs: []ast.Expr{conv(st.X)}}
	return &ast.BlockStmt{Lbrace: st.For, Rbrace: st.Body.Rbrace, List: []ast.Stmt{limit, loop}}
}

package interp

import (
	"fmt"
	"go/ast"
	"go/token"
)

// missingReturn refuses functions with results that can reach their end, which the interpreter lets
// through: they would give zeros. (The Go specification, Terminating statements)
func missingReturn(nodes []ast.Node, at func(ast.Node) token.Position) (err error) {
	check := func(t *ast.FuncType, body *ast.BlockStmt) {
		if err != nil || body == nil || t.Results == nil || len(t.Results.List) == 0 || ends(body.List) {
			return
		}
		p := at(&ast.BadExpr{From: body.Rbrace, To: body.Rbrace})
		err = &CellError{Name: "error", Value: "missing return", Line: p.Line, Column: p.Column}
	}
	for _, n := range nodes {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				check(n.Type, n.Body)
			case *ast.FuncLit:
				check(n.Type, n.Body)
			}
			return true
		})
	}
	return err
}

// ends reports whether a list of statements ends in one behind which nothing runs.
func ends(list []ast.Stmt) bool {
	for len(list) > 0 {
		if _, ok := list[len(list)-1].(*ast.EmptyStmt); !ok {
			break
		}
		list = list[:len(list)-1]
	}
	return len(list) > 0 && terminating(list[len(list)-1], "")
}

func terminating(s ast.Stmt, label string) bool {
	switch s := s.(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.GOTO || s.Tok == token.FALLTHROUGH
	case *ast.ExprStmt:
		cl, ok := ast.Unparen(s.X).(*ast.CallExpr)
		if !ok {
			return false
		}
		id, ok := cl.Fun.(*ast.Ident)
		return ok && id.Name == "panic"
	case *ast.BlockStmt:
		return ends(s.List)
	case *ast.IfStmt:
		return s.Else != nil && ends(s.Body.List) && terminating(s.Else, "")
	case *ast.ForStmt:
		return s.Cond == nil && !breaks(s.Body, label, true)
	case *ast.LabeledStmt:
		return terminating(s.Stmt, s.Label.Name)
	case *ast.SwitchStmt:
		return clausesEnd(s.Body, label, true)
	case *ast.TypeSwitchStmt:
		return clausesEnd(s.Body, label, true)
	case *ast.SelectStmt:
		return clausesEnd(s.Body, label, false)
	}
	return false
}

// clausesEnd reports whether each clause ends, and, where one is wanted, that there is a default.
func clausesEnd(body *ast.BlockStmt, label string, wantDefault bool) bool {
	hasDefault := !wantDefault
	for _, c := range body.List {
		var list []ast.Stmt
		switch c := c.(type) {
		case *ast.CaseClause:
			list = c.Body
			hasDefault = hasDefault || c.List == nil
		case *ast.CommClause:
			list = c.Body
		}
		if !ends(list) || breaks(&ast.BlockStmt{List: list}, label, true) {
			return false
		}
	}
	return hasDefault
}

// breaks reports whether a break in n leaves the statement around it: a plain one if plain, or one to label.
func breaks(n ast.Node, label string, plain bool) (found bool) {
	ast.Inspect(n, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.BranchStmt:
			if x.Tok == token.BREAK && (x.Label == nil && plain || x.Label != nil && x.Label.Name == label) {
				found = true
			}
		case *ast.FuncLit:
			return false
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			if plain && x != n { // a plain break inside leaves that one; one to the label leaves ours
				found = found || breaks(inside(x), label, false)
				return false
			}
		}
		return !found
	})
	return found
}

// inside is the body of a statement that a plain break leaves.
func inside(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.ForStmt:
		return n.Body
	case *ast.RangeStmt:
		return n.Body
	case *ast.SwitchStmt:
		return n.Body
	case *ast.TypeSwitchStmt:
		return n.Body
	case *ast.SelectStmt:
		return n.Body
	}
	return n
}

// mixed refuses sums and the like of a number and a text that stand there as literals: the interpreter
// makes a text of them.
func mixed(nodes []ast.Node, at func(ast.Node) token.Position) (err error) {
	for _, n := range nodes {
		ast.Inspect(n, func(n ast.Node) bool {
			b, ok := n.(*ast.BinaryExpr)
			if !ok || err != nil || b.Op == token.SHL || b.Op == token.SHR {
				return err == nil
			}
			x, y := literalKind(b.X), literalKind(b.Y)
			if x != "" && y != "" && x != y {
				p := at(b)
				err = &CellError{
					Name: "error", Line: p.Line, Column: p.Column,
					Value: fmt.Sprintf("mismatched types in %s: untyped %s and untyped %s", b.Op, x, y),
					Hint:  `fmt.Sprint(1, "a") and strconv.Itoa(1) make texts of numbers.`,
				}
			}
			return true
		})
	}
	return err
}

// literalKind is "number" or "string" for what is made of literals alone, else "".
func literalKind(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return "string"
		}
		return "number"
	case *ast.ParenExpr:
		return literalKind(e.X)
	case *ast.UnaryExpr:
		return literalKind(e.X)
	case *ast.BinaryExpr:
		if x := literalKind(e.X); x == literalKind(e.Y) {
			return x
		}
	}
	return ""
}

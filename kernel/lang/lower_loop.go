package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
)

// escapes reports whether a variable may outlive a turn of its loop: a function literal uses it, or its address
// is taken.
func (l *low) escapes(o types.Object, nodes ...ast.Node) (found bool) {
	for _, n := range nodes {
		if n == nil || reflect.ValueOf(n).IsNil() {
			continue
		}
		ast.Inspect(n, func(n ast.Node) bool {
			found = found || l.keeps(n, o)
			return !found
		})
	}
	return found
}

// keeps reports whether n itself, whatever is in it, is what a variable may outlive a turn by.
func (l *low) keeps(n ast.Node, o types.Object) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		return l.mentions(n, o)
	case *ast.UnaryExpr:
		return n.Op == token.AND && l.partOf(n.X, o)
	case *ast.SliceExpr:
		_, isArray := l.typeOf(n.X).Underlying().(*types.Array)
		return isArray && l.partOf(n.X, o)
	case *ast.SelectorExpr:
		s := l.info.Selections[n]
		if s == nil || s.Kind() != types.MethodVal {
			return false
		}
		recv := s.Obj().(*types.Func).Signature().Recv().Type()
		if _, ptr := types.Unalias(recv).(*types.Pointer); !ptr || !l.partOf(n.X, o) {
			return false
		}
		_, have := l.typeOf(n.X).Underlying().(*types.Pointer)
		return !have
	}
	return false
}

// mentions reports whether a variable's name is in n.
func (l *low) mentions(n ast.Node, o types.Object) (found bool) {
	ast.Inspect(n, func(m ast.Node) bool {
		if i, ok := m.(*ast.Ident); ok && l.info.ObjectOf(i) == o {
			found = true
		}
		return !found
	})
	return found
}

// partOf reports whether x is a variable, or a field or element in it.
func (l *low) partOf(x ast.Expr, o types.Object) bool {
	for {
		switch y := ast.Unparen(x).(type) {
		case *ast.SelectorExpr:
			if s := l.info.Selections[y]; s == nil || s.Indirect() {
				return false
			}
			x = y.X
		case *ast.IndexExpr:
			if _, ok := l.typeOf(y.X).Underlying().(*types.Array); !ok {
				return false
			}
			x = y.X
		case *ast.Ident:
			return l.info.ObjectOf(y) == o
		default:
			return false
		}
	}
}

// assigned reports whether a body changes a variable.
func (l *low) assigned(o types.Object, body ast.Node) (found bool) {
	is := func(x ast.Expr) bool {
		for {
			switch y := ast.Unparen(x).(type) {
			case *ast.Ident:
				return l.info.ObjectOf(y) == o
			case *ast.SelectorExpr:
				x = y.X
			case *ast.IndexExpr:
				x = y.X
			case *ast.StarExpr:
				x = y.X
			default:
				return false
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch st := n.(type) {
		case *ast.AssignStmt:
			for _, x := range st.Lhs {
				found = found || is(x)
			}
		case *ast.IncDecStmt:
			found = found || is(st.X)
		case *ast.UnaryExpr:
			found = found || st.Op == token.AND && is(st.X)
		case *ast.RangeStmt:
			found = found || st.Tok == token.ASSIGN && (st.Key != nil && is(st.Key) || st.Value != nil && is(st.Value))
		case *ast.SelectorExpr:
			if s := l.info.Selections[st]; s != nil && s.Kind() == types.MethodVal {
				found = found || is(st.X)
			}
		}
		return !found
	})
	return found
}

// forStmt lowers a for loop. A variable of it that may outlive its turn is a new one in each.
func (l *low) forStmt(st *ast.ForStmt, label string) ast.Stmt {
	own := l.outliving(st)
	names := map[types.Object]string{}
	for _, o := range own {
		names[o] = localName(o.Name()) + mark
		l.locals[o] = names[o]
	}
	out, before := l.forHead(st)
	f := &frame{label: label, loop: true}
	var copies []ast.Stmt
	var back []types.Object
	for _, o := range own {
		delete(l.locals, o)
		copies = append(copies, assign(token.DEFINE, id(localName(o.Name())), id(names[o])))
		if l.assigned(o, st.Body) {
			back = append(back, o)
		}
	}
	if len(back) > 0 {
		f.back = func() (list []ast.Stmt) {
			for _, o := range back {
				list = append(list, assign(token.ASSIGN, id(names[o]), id(localName(o.Name()))))
			}
			return list
		}
	}
	l.push(f)
	body := l.list(st.Body.List)
	if jumps(st.Body, token.CONTINUE) {
		body = append(one(l.e.current()), body...)
	}
	l.pop()
	if len(own) > 0 {
		body = append(copies, blockOf(body...))
		if f.back != nil {
			body = append(body, f.back()...)
		}
	}
	out.Body = blockOf(body...)
	loop := append(before, l.left(labelOf(label, out), st.Body)...)
	if len(loop) == 1 {
		return loop[0]
	}
	return blockOf(loop...)
}

// outliving are the variables of a for loop that may outlive their turn.
func (l *low) outliving(st *ast.ForStmt) (own []types.Object) {
	as, ok := st.Init.(*ast.AssignStmt)
	if !ok || as.Tok != token.DEFINE {
		return nil
	}
	for _, x := range as.Lhs {
		i, ok := x.(*ast.Ident)
		if !ok || i.Name == "_" {
			continue
		}
		if o := l.info.Defs[i]; o != nil && l.escapes(o, st.Cond, st.Post, st.Body) {
			own = append(own, o)
		}
	}
	return own
}

// forHead is a for loop without its body, and what comes before the loop.
func (l *low) forHead(st *ast.ForStmt) (out *ast.ForStmt, before []ast.Stmt) {
	out = &ast.ForStmt{}
	if st.Init != nil {
		waiting := len(l.pending)
		before = l.stmt(st.Init, "")
		if len(before) == 1 && len(l.pending) == waiting {
			switch before[0].(type) {
			case *ast.BlockStmt, *ast.DeclStmt:
			default:
				out.Init, before = before[0], nil
			}
		}
	}
	out.Cond = l.hooked(func() (y ast.Expr) {
		if st.Cond != nil {
			y = l.condition(st.Cond)
		}
		out.Post = l.postStmt(st)
		if y == nil && len(l.pending) > 0 {
			y = id("true")
		}
		return y
	})
	return out, before
}

// postStmt is what a for loop does after each turn.
func (l *low) postStmt(st *ast.ForStmt) ast.Stmt {
	if st.Post == nil {
		return nil
	}
	post := l.stmt(st.Post, "")
	if len(post) == 0 {
		return nil
	}
	if _, isBlock := post[0].(*ast.BlockStmt); !isBlock && len(post) == 1 {
		return post[0]
	}
	return exprStmt(atOnce(nil, post...)) // the interpreter takes a simple statement only
}

// left is a statement, and behind it, if a jump inside may leave it, what says that it is left.
func (l *low) left(st ast.Stmt, body *ast.BlockStmt) []ast.Stmt {
	if !jumps(body, token.BREAK) {
		return one(st)
	}
	return []ast.Stmt{st, l.e.current()}
}

// jumps reports whether there is a break, or a continue, in a statement's body, or a jump to a label.
func jumps(body ast.Node, tok token.Token) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BranchStmt:
			found = found || n.Tok == tok || n.Label != nil
		}
		return !found
	})
	return found
}

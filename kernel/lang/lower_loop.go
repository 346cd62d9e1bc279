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
	body := l.body(st.Body.List)
	l.pop()
	if len(own) > 0 {
		body = append(copies, blockOf(body...))
		if f.back != nil {
			body = append(body, f.back()...)
		}
	}
	out.Body = blockOf(body...)
	loop := labelOf(label, out)
	if before == nil {
		return loop
	}
	return blockOf(append(before, loop)...)
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
		before = l.stmt(st.Init, "")
		if len(before) == 1 {
			switch before[0].(type) {
			case *ast.BlockStmt, *ast.DeclStmt:
			default:
				out.Init, before = before[0], nil
			}
		}
	}
	if st.Cond != nil {
		out.Cond = l.condition(st.Cond)
	}
	if st.Post != nil {
		if post := l.stmt(st.Post, ""); len(post) == 1 {
			out.Post = post[0]
		} else if len(post) > 0 {
			out.Post = blockOf(post...)
		}
		if b, ok := out.Post.(*ast.BlockStmt); ok { // the interpreter takes a simple statement only
			out.Post = exprStmt(atOnce(nil, b.List...))
		}
	}
	return out, before
}

package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"

	xr "github.com/cosmos72/gomacro/xreflect"
)

func (l *low) switchStmt(st *ast.SwitchStmt, label string) ast.Stmt {
	var before []ast.Stmt
	if st.Init != nil {
		before = l.stmt(st.Init, "")
	}
	out := &ast.SwitchStmt{Body: blockOf()}
	var tag ast.Expr
	var t types.Type
	native := false
	if st.Tag != nil {
		t = types.Default(l.typeOf(st.Tag))
		native = l.constCases(st, t)
		waiting := len(l.pending)
		y := l.conv(st.Tag, t)
		if native && len(l.pending) > waiting { // what may fail is evaluated where the probes can see it
			n := l.e.hidden("s")
			before = append(before, varDecl(n, l.typ(t), y))
			y = id(n)
		}
		if native {
			out.Tag = y
		} else {
			n := l.e.hidden("s")
			before = append(before, varDecl(n, l.typ(t), y))
			tag = id(n)
		}
	}
	l.push(&frame{label: label})
	for _, c := range st.Body.List {
		cc := c.(*ast.CaseClause)
		clause := &ast.CaseClause{}
		for _, x := range cc.List {
			switch {
			case native:
				clause.List = append(clause.List, l.conv(x, t))
			case tag != nil:
				clause.List = append(clause.List, certain(l.equal(tag, t, x)))
			default:
				clause.List = append(clause.List, l.hooked(func() ast.Expr { return l.condition(x) }))
			}
		}
		clause.Body = l.list(cc.Body)
		out.Body.List = append(out.Body.List, clause)
	}
	l.pop()
	before = append(before, l.left(labelOf(label, out), st.Body)...)
	if len(before) == 1 {
		return before[0]
	}
	return blockOf(before...)
}

// constCases reports whether a switch goes by constants of a plain type.
func (l *low) constCases(st *ast.SwitchStmt, t types.Type) bool {
	if _, ok := t.Underlying().(*types.Basic); !ok || named(t) {
		return false
	}
	switch l.e.rep(t).Kind() {
	case reflect.Int, reflect.String, reflect.Int64, reflect.Int32, reflect.Uint8:
	default:
		return false
	}
	for _, c := range st.Body.List {
		for _, x := range c.(*ast.CaseClause).List {
			if l.info.Types[x].Value == nil {
				return false
			}
		}
	}
	return true
}

// equal compares a lowered value of type t with an expression.
func (l *low) equal(y ast.Expr, t types.Type, x ast.Expr) ast.Expr {
	xt := l.typeOf(x)
	if l.info.Types[x].IsNil() {
		if _, ptr := t.Underlying().(*types.Pointer); !ptr {
			y = l.opened(y, t)
		}
		return &ast.BinaryExpr{X: y, Op: token.EQL, Y: id("nil")}
	}
	_, isBasic := t.Underlying().(*types.Basic)
	if isBasic && !types.IsInterface(xt) {
		return &ast.BinaryExpr{X: y, Op: token.EQL, Y: l.conv(x, t)}
	}
	face := types.Universe.Lookup("any").Type()
	return l.help(helper{ins: []reflect.Type{anyType, anyType}, outs: []reflect.Type{boolType}, f: func(v, w xr.Value) xr.Value {
		return xr.ValueOf(held(v) == held(w))
	}}, l.convert(y, t, face), l.conv(x, face))
}

// typeSwitch becomes a switch on the number of the case whose type fits first.
func (l *low) typeSwitch(st *ast.TypeSwitchStmt, label string) ast.Stmt {
	var out []ast.Stmt
	if st.Init != nil {
		out = l.stmt(st.Init, "")
	}
	var subject ast.Expr
	var name *ast.Ident
	switch a := st.Assign.(type) {
	case *ast.ExprStmt:
		subject = a.X.(*ast.TypeAssertExpr).X
	case *ast.AssignStmt:
		subject, name = a.Rhs[0].(*ast.TypeAssertExpr).X, a.Lhs[0].(*ast.Ident)
	}
	from := l.typeOf(subject)
	s := l.e.hidden("s")
	out = append(out, varDecl(s, l.typ(from), l.expr(subject)))
	var tests []typeTest
	rest := len(st.Body.List)
	sw := &ast.SwitchStmt{Body: blockOf()}
	l.push(&frame{label: label})
	for i, c := range st.Body.List {
		cc := c.(*ast.CaseClause)
		if cc.List == nil {
			rest = i
		}
		clause := &ast.CaseClause{List: []ast.Expr{number(i)}}
		for _, x := range cc.List {
			if l.info.Types[x].IsNil() {
				tests = append(tests, typeTest{clause: i})
				continue
			}
			tests = append(tests, typeTest{i, l.asserter(from, l.typeOf(x))})
		}
		if o, ok := l.info.Implicits[cc].(*types.Var); ok && name != nil {
			var v ast.Expr = id(s)
			if len(cc.List) == 1 && !l.info.Types[cc.List[0]].IsNil() {
				v = l.assertion(nil, id(s), from, o.Type())
			}
			clause.Body = append(clause.Body, varDecl(localName(o.Name()), l.typ(o.Type()), v))
		}
		clause.Body = append(clause.Body, l.list(cc.Body)...)
		sw.Body.List = append(sw.Body.List, clause)
	}
	l.pop()
	sw.Tag = l.help(helper{outs: []reflect.Type{reflect.TypeFor[int]()}, f: func(v xr.Value) xr.Value {
		x := unshim(held(v))
		for _, t := range tests {
			if t.passes(x) {
				return xr.ValueOf(t.clause)
			}
		}
		return xr.ValueOf(rest)
	}}, id(s))
	out = append(out, l.left(labelOf(label, sw), st.Body)...)
	return blockOf(out...)
}

// typeTest is one of the types of a type switch.
type typeTest struct {
	clause int
	is     func(any) (reflect.Value, error) // nil: the case nil
}

// passes reports whether x is of the type.
func (t typeTest) passes(x any) bool {
	if t.is == nil || x == nil {
		return t.is == nil && x == nil
	}
	_, err := t.is(x)
	return err == nil
}

func (l *low) selectStmt(st *ast.SelectStmt, label string) ast.Stmt {
	out := &ast.SelectStmt{Body: blockOf()}
	waits := true
	l.push(&frame{label: label})
	for _, c := range st.Body.List {
		cc := c.(*ast.CommClause)
		clause := &ast.CommClause{}
		var first []ast.Stmt
		switch comm := cc.Comm.(type) {
		case nil:
			waits = false
		case *ast.SendStmt:
			t := l.typeOf(comm.Chan)
			clause.Comm = &ast.SendStmt{Chan: l.opened(l.expr(comm.Chan), t), Value: l.typed(comm.Value, t.Underlying().(*types.Chan).Elem())}
		case *ast.ExprStmt:
			clause.Comm = exprStmt(l.bareReceive(comm.X))
		case *ast.AssignStmt:
			clause.Comm, first = l.commAssign(comm)
		}
		clause.Body = append(first, l.list(cc.Body)...)
		out.Body.List = append(out.Body.List, clause)
	}
	l.pop()
	if waits {
		out.Body.List = append(out.Body.List, &ast.CommClause{
			Comm: exprStmt(&ast.UnaryExpr{Op: token.ARROW, X: callOf(id("stopping" + mark))}),
			Body: one(exprStmt(callOf(id("stopped" + mark)))),
		})
	}
	list := l.left(labelOf(label, out), st.Body)
	if len(list) == 1 {
		return list[0]
	}
	return blockOf(list...)
}

// typed is x as a value of type t, with its type even if it is a constant.
func (l *low) typed(x ast.Expr, t types.Type) ast.Expr {
	y := l.conv(x, t)
	if l.info.Types[x].Value != nil && isPlain(l.e.rep(t)) {
		return callOf(l.typ(t), y)
	}
	return y
}

func (l *low) bareReceive(x ast.Expr) ast.Expr {
	u := ast.Unparen(x).(*ast.UnaryExpr)
	return &ast.UnaryExpr{Op: token.ARROW, X: l.opened(l.expr(u.X), l.typeOf(u.X))}
}

// commAssign is the receive of a select's case into variables.
func (l *low) commAssign(st *ast.AssignStmt) (comm ast.Stmt, first []ast.Stmt) {
	u := ast.Unparen(st.Rhs[0]).(*ast.UnaryExpr)
	elem := l.typeOf(u.X).Underlying().(*types.Chan).Elem()
	out := &ast.AssignStmt{Tok: token.DEFINE, Rhs: []ast.Expr{l.bareReceive(st.Rhs[0])}}
	ts := []types.Type{elem, types.Typ[types.Bool]}
	for i, x := range st.Lhs {
		if isBlank(x) {
			out.Lhs = append(out.Lhs, id("_"))
			continue
		}
		n := l.e.hidden("v")
		out.Lhs = append(out.Lhs, id(n))
		if l.isNew(x, st.Tok) {
			first = append(first, varDecl(l.ident(x.(*ast.Ident)).(*ast.Ident).Name, l.typ(l.typeOf(x)), id(n)))
		} else {
			first = append(first, assign(token.ASSIGN, l.lhs(x), l.convert(id(n), ts[i], l.typeOf(x))))
		}
	}
	return out, first
}

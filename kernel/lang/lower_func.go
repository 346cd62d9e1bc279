package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// evaluated is a call with its function and arguments in variables, and the statements that set them.
func (l *low) evaluated(x *ast.CallExpr) (before []ast.Stmt, call *ast.CallExpr) {
	y, ok := l.call(x).(*ast.CallExpr)
	if !ok {
		l.refuse(x, "this call cannot be put off in cells")
	}
	c := *y
	c.Args = nil
	isHelper := false
	if i, ok := c.Fun.(*ast.Ident); ok {
		isHelper = i.Name == helperName
	}
	switch f := c.Fun.(type) {
	case *ast.Ident:
		if v, ok := l.info.ObjectOf(baseIdentOr(x.Fun)).(*types.Var); ok && v != nil {
			n := l.e.hidden("f")
			before = append(before, assign(token.DEFINE, id(n), f))
			c.Fun = id(n)
		}
	case *ast.SelectorExpr:
		if i, ok := f.X.(*ast.Ident); !ok || l.isValue(i) {
			n := l.e.hidden("f")
			before = append(before, assign(token.DEFINE, id(n), f))
			c.Fun = id(n)
		}
	default:
		n := l.e.hidden("f")
		before = append(before, assign(token.DEFINE, id(n), c.Fun))
		c.Fun = id(n)
	}
	for i, a := range y.Args {
		if b, ok := a.(*ast.Ident); ok && (b.Name == "nil" || b.Name == "true" || b.Name == "false") || isHelper && i == 0 || l.manyValues(x) {
			c.Args = append(c.Args, a)
			continue
		}
		if _, isLit := a.(*ast.BasicLit); isLit {
			c.Args = append(c.Args, a)
			continue
		}
		n := l.e.hidden("a")
		before = append(before, assign(token.DEFINE, id(n), a))
		c.Args = append(c.Args, id(n))
	}
	return before, &c
}

func baseIdentOr(x ast.Expr) *ast.Ident {
	if i, ok := ast.Unparen(x).(*ast.Ident); ok {
		return i
	}
	return &ast.Ident{Name: "_"}
}

// isValue reports whether a name in lowered code is a variable and not a package.
func (l *low) isValue(i *ast.Ident) bool {
	for _, n := range l.e.packages {
		if n == i.Name {
			return false
		}
	}
	return true
}

// goStmt starts a goroutine whose panic does not end the process.
func (l *low) goStmt(st *ast.GoStmt) ast.Stmt {
	l.e.parallel.Store(true)
	before, c := l.evaluated(st.Call)
	r := "r" + mark
	caught := &ast.DeferStmt{Call: callOf(&ast.FuncLit{Type: &ast.FuncType{Params: fields()}, Body: blockOf(&ast.IfStmt{
		Init: assign(token.DEFINE, id(r), callOf(id("recover"))),
		Cond: &ast.BinaryExpr{X: id(r), Op: token.NEQ, Y: id("nil")},
		Body: blockOf(exprStmt(callOf(id(panickedName), id(r), number(l.line(st)), number(l.serial)))),
	})})}
	fn := &ast.FuncLit{Type: &ast.FuncType{Params: fields()}, Body: blockOf(caught, l.e.noting(), exprStmt(c))}
	return blockOf(append(before, &ast.GoStmt{Call: callOf(fn)})...)
}

// deferStmt puts a call off. At the top level of a cell that is to the cell's end.
func (l *low) deferStmt(st *ast.DeferStmt) []ast.Stmt {
	if l.yield() != nil {
		l.refuse(st, "defer inside a loop over a function cannot be used in cells: call the iterator with a function, or gather its values first")
	}
	if i, ok := ast.Unparen(st.Call.Fun).(*ast.Ident); ok && i.Name == "recover" && l.info.Types[st.Call.Fun].IsBuiltin() {
		return nil // called by nobody that has been put off: it gives nil
	}
	if l.top() {
		before, c := l.evaluated(st.Call)
		fn := &ast.FuncLit{Type: &ast.FuncType{Params: fields()}, Body: blockOf(exprStmt(c))}
		if lit, ok := ast.Unparen(st.Call.Fun).(*ast.FuncLit); ok && len(st.Call.Args) == 0 { // it may recover
			return one(exprStmt(callOf(id("later"+mark), l.funcLit(lit))))
		}
		return one(blockOf(append(before, exprStmt(callOf(id("later"+mark), fn)))...))
	}
	y := l.call(st.Call)
	c, ok := y.(*ast.CallExpr)
	direct := ok
	if ok {
		if i, isIdent := c.Fun.(*ast.Ident); isIdent {
			switch i.Name {
			case "close", "delete", "print", "println", "panic", "copy", "append", recoverName, helperName:
				direct = false
			}
		}
	}
	if direct {
		if _, isMethod := ast.Unparen(st.Call.Fun).(*ast.SelectorExpr); isMethod && l.info.Selections[ast.Unparen(st.Call.Fun).(*ast.SelectorExpr)] != nil {
			if _, isSel := c.Fun.(*ast.SelectorExpr); isSel { // the receiver is evaluated now
				n := l.e.hidden("f")
				d := *c
				d.Fun = id(n)
				return []ast.Stmt{assign(token.DEFINE, id(n), c.Fun), l.putOff(&d)}
			}
		}
		return one(l.putOff(c))
	}
	before, d := l.evaluated(st.Call)
	fn := &ast.FuncLit{Type: &ast.FuncType{Params: fields()}, Body: blockOf(exprStmt(d))}
	return append(before, l.putOff(callOf(fn)))
}

// putOff puts a lowered call off.
func (l *low) putOff(call *ast.CallExpr) ast.Stmt {
	stamp(one(exprStmt(call)), l.at)
	return l.e.puttingOff(call, visible(l.at))
}

// funcLit lowers a function literal.
func (l *low) funcLit(x *ast.FuncLit) *ast.FuncLit {
	sig := l.typeOf(x).Underlying().(*types.Signature)
	name := l.name
	switch {
	case name == "":
		l.name = "func literal"
	case !strings.HasPrefix(name, "func literal"):
		l.name = "func literal in " + name
	}
	ft, body := l.function(sig, x.Type, x.Body)
	l.name = name
	return &ast.FuncLit{Type: ft, Body: body}
}

// function lowers the head and body of a function.
func (l *low) function(sig *types.Signature, t *ast.FuncType, body *ast.BlockStmt) (*ast.FuncType, *ast.BlockStmt) {
	ft := &ast.FuncType{Params: l.params(t.Params, sig.Variadic())}
	outer, at, pending := l.fn, l.at, l.pending
	l.pending = nil
	l.fn = &funcFrame{sig: sig, outer: outer, targets: targets(body)}
	if t.Results != nil {
		ft.Results = fields()
		i := 0
		for _, f := range t.Results.List {
			for _, n := range f.Names {
				name := localName(n.Name)
				if n.Name == "_" {
					name = "r" + mark + strconv.Itoa(i)
				}
				l.fn.named = append(l.fn.named, name)
				ft.Results.List = append(ft.Results.List, field(name, l.typ(sig.Results().At(i).Type())))
				i++
			}
			if len(f.Names) == 0 {
				ft.Results.List = append(ft.Results.List, field("", l.typ(sig.Results().At(i).Type())))
				i++
			}
		}
	}
	l.newSpot(body)
	list := l.list(body.List)
	if putsOff(body) {
		list = append(one(l.e.suspending()), list...)
	}
	out := blockOf(list...)
	l.e.gotos(out, l.fn.targets)
	stamp(list, l.at)
	stamp(one(out), l.at)
	ft.Func = visible(l.at)
	l.fn, l.at, l.pending = outer, at, pending
	return ft, out
}

// putsOff reports whether a function's own statements put calls off.
func putsOff(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			found = true
		}
		return !found
	})
	return found
}

func (l *low) params(list *ast.FieldList, variadic bool) *ast.FieldList {
	out := fields()
	n := 0
	for _, f := range list.List {
		names := f.Names
		if len(names) == 0 {
			names = []*ast.Ident{{Name: "_"}}
		}
		for _, p := range names {
			n++
			name := localName(p.Name)
			t := l.typeOf(f.Type)
			var te ast.Expr
			if el, ok := f.Type.(*ast.Ellipsis); ok {
				te = &ast.Ellipsis{Elt: l.typ(l.typeOf(el.Elt))}
			} else {
				te = l.typ(t)
			}
			out.List = append(out.List, field(name, te))
		}
	}
	_ = variadic
	return out
}

package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
)

// assignment lowers = := and the likes of +=.
func (l *low) assignment(st *ast.AssignStmt) []ast.Stmt {
	switch st.Tok {
	case token.ASSIGN, token.DEFINE:
	default:
		op := st.Tok - token.ADD_ASSIGN + token.ADD
		var y ast.Expr
		if op == token.SHL || op == token.SHR {
			y = l.count(st.Rhs[0])
		} else {
			y = l.conv(st.Rhs[0], l.typeOf(st.Lhs[0]))
			if op == token.ADD && l.e.rep(l.typeOf(st.Lhs[0])).Kind() == reflect.String && !named(l.typeOf(st.Lhs[0])) {
				y = l.weighedText(st.Rhs[0], y)
			}
		}
		return l.opAssign(st.Lhs[0], op, y)
	}
	if len(st.Lhs) == len(st.Rhs) {
		return l.assignEach(st)
	}
	y, ts := l.several(st.Rhs[0], len(st.Lhs))
	return l.assignMany(st.Lhs, st.Tok, y, ts)
}

// several is an expression that gives n values, and their types.
func (l *low) several(x ast.Expr, n int) (ast.Expr, []types.Type) {
	x = ast.Unparen(x)
	switch x := x.(type) {
	case *ast.TypeAssertExpr:
		to := l.typeOf(x.Type)
		return l.assertion2(l.expr(x.X), l.typeOf(x.X), to), []types.Type{to, types.Typ[types.Bool]}
	case *ast.IndexExpr:
		return l.index(x), []types.Type{l.typeOf(x.X).Underlying().(*types.Map).Elem(), types.Typ[types.Bool]}
	case *ast.UnaryExpr:
		return l.receive(x.X, true), []types.Type{l.typeOf(x.X).Underlying().(*types.Chan).Elem(), types.Typ[types.Bool]}
	}
	t := l.info.Types[x].Type.(*types.Tuple)
	var ts []types.Type
	for i := range n {
		ts = append(ts, t.At(i).Type())
	}
	return l.expr(x), ts
}

// target is the type of what is assigned to; nil for the blank identifier.
func (l *low) target(x ast.Expr) types.Type {
	if isBlank(x) {
		return nil
	}
	return l.typeOf(x)
}

// isNew reports whether x is a variable that this statement declares.
func (l *low) isNew(x ast.Expr, tok token.Token) bool {
	i, ok := x.(*ast.Ident)
	return ok && tok == token.DEFINE && l.info.Defs[i] != nil
}

// isSlot reports whether x is a variable of the session, which the interpreter knows already.
func (l *low) isSlot(x ast.Expr) bool {
	i, ok := x.(*ast.Ident)
	if !ok {
		return false
	}
	_, is := l.e.places[l.info.ObjectOf(i)]
	return is
}

func (l *low) assignEach(st *ast.AssignStmt) []ast.Stmt {
	if len(st.Lhs) > 1 && slices.ContainsFunc(st.Lhs, isBlank) {
		return l.assignSome(st)
	}
	if len(st.Lhs) == 1 {
		if ix, ok := ast.Unparen(st.Lhs[0]).(*ast.IndexExpr); ok && l.isSlice(ix.X) && !l.pure(ix) {
			place, before := l.element1(ix)
			return one(blockOf(append(before, assign(token.ASSIGN, place, l.conv(st.Rhs[0], l.typeOf(ix))))...))
		}
	}
	out := &ast.AssignStmt{Tok: st.Tok}
	for i, x := range st.Lhs {
		t := l.target(x)
		if t == nil {
			t = l.typeOf(st.Rhs[i])
			if b, ok := t.(*types.Basic); ok && b.Kind() == types.UntypedNil {
				t = types.Universe.Lookup("any").Type()
			}
			t = types.Default(t)
		}
		out.Rhs = append(out.Rhs, l.conv(st.Rhs[i], t))
	}
	fresh, old := false, false
	for _, x := range st.Lhs {
		isNew := l.isNew(x, st.Tok)
		fresh = fresh || isNew
		old = old || !isNew && !isBlank(x)
		out.Lhs = append(out.Lhs, l.lhs(x))
	}
	if len(st.Lhs) == 1 && fresh && l.isSlot(st.Lhs[0]) {
		return one(varDecl(out.Lhs[0].(*ast.Ident).Name, l.typ(l.target(st.Lhs[0])), out.Rhs[0]))
	}
	if fresh && l.anySlot(st.Lhs) && (old || len(st.Lhs) > 1) {
		out.Tok = token.ASSIGN // they are declared already
	}
	return one(out)
}

func (l *low) isSlice(x ast.Expr) bool {
	_, ok := l.typeOf(x).Underlying().(*types.Slice)
	return ok
}

// element1 is an element of a slice as a place, where slice or index have effects, and the statements that come before:
// they run once.
func (l *low) element1(x *ast.IndexExpr) (place ast.Expr, before []ast.Stmt) {
	c, k := id(l.e.hidden("c")), id(l.e.hidden("k"))
	before = []ast.Stmt{assign(token.DEFINE, c, l.opened(l.expr(x.X), l.typeOf(x.X))), assign(token.DEFINE, k, l.indexValue(x.Index))}
	return &ast.IndexExpr{X: c, Index: k}, append(before, l.watched(&probe{kind: indexed, x: c, parts: [3]ast.Expr{k}})...)
}

// watched is a statement that compiles a probe where it stands: it costs nothing.
func (l *low) watched(p *probe) []ast.Stmt {
	pending := l.pending
	l.pending = nil
	l.watch(p)
	h := l.hook()
	l.pending = pending
	if h == nil {
		return nil
	}
	return one(exprStmt(h))
}

// assignSome is an assignment of several values of which some go nowhere: the interpreter wants none such.
func (l *low) assignSome(st *ast.AssignStmt) (out []ast.Stmt) {
	rest := &ast.AssignStmt{Tok: st.Tok, TokPos: st.TokPos}
	for i, x := range st.Lhs {
		if isBlank(x) {
			out = append(out, l.assignEach(&ast.AssignStmt{Lhs: []ast.Expr{x}, Tok: token.ASSIGN, Rhs: []ast.Expr{st.Rhs[i]}})...)
			continue
		}
		rest.Lhs, rest.Rhs = append(rest.Lhs, x), append(rest.Rhs, st.Rhs[i])
	}
	if len(rest.Lhs) > 0 {
		out = append(out, l.assignEach(rest)...)
	}
	return out
}

func (l *low) anySlot(list []ast.Expr) bool {
	for _, x := range list {
		if l.isSlot(x) {
			return true
		}
	}
	return false
}

// lhs is a place to assign to.
func (l *low) lhs(x ast.Expr) ast.Expr {
	if i, ok := ast.Unparen(x).(*ast.Ident); ok {
		return l.ident(i)
	}
	return l.place(x)
}

// place is an expression that is assigned to, or whose address is taken.
func (l *low) place(x ast.Expr) ast.Expr {
	before := l.asPlace
	l.asPlace = true
	y := l.expr(x)
	l.asPlace = before
	if ix, ok := ast.Unparen(x).(*ast.IndexExpr); ok {
		if _, isMap := l.typeOf(ix.X).Underlying().(*types.Map); isMap {
			if lowered, ok := ast.Unparen(y).(*ast.IndexExpr); ok {
				l.follow(entered, ix.X, lowered.X)
			}
		}
	}
	return y
}

// assignMany assigns the values of one expression.
func (l *low) assignMany(lhs []ast.Expr, tok token.Token, y ast.Expr, ts []types.Type) []ast.Stmt {
	direct := true
	for i, x := range lhs {
		if t := l.target(x); t != nil && !types.Identical(t, ts[i]) && (types.IsInterface(t) || l.e.rep(t) != l.e.rep(ts[i])) {
			direct = false
		}
	}
	as := &ast.AssignStmt{Tok: tok, Rhs: []ast.Expr{y}}
	if direct {
		for _, x := range lhs {
			as.Lhs = append(as.Lhs, l.lhs(x))
		}
		if tok == token.DEFINE && l.anySlot(lhs) {
			as.Tok = token.ASSIGN
		}
		return one(as)
	}
	as.Tok = token.DEFINE
	second := &ast.AssignStmt{Tok: tok}
	for i, x := range lhs {
		if isBlank(x) {
			as.Lhs = append(as.Lhs, id("_"))
			continue
		}
		n := l.e.hidden("v")
		as.Lhs = append(as.Lhs, id(n))
		second.Lhs = append(second.Lhs, l.lhs(x))
		second.Rhs = append(second.Rhs, l.convert(id(n), ts[i], l.target(x)))
	}
	if tok == token.DEFINE && l.anySlot(lhs) {
		second.Tok = token.ASSIGN
	}
	return []ast.Stmt{as, second}
}

// simple reports whether a place can be evaluated twice.
func simple(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident, *ast.BasicLit:
		return true
	case *ast.ParenExpr:
		return simple(x.X)
	case *ast.SelectorExpr:
		return simple(x.X)
	case *ast.StarExpr:
		return simple(x.X)
	case *ast.TypeAssertExpr:
		return simple(x.X)
	case *ast.IndexExpr:
		return simple(x.X) && simple(x.Index)
	case *ast.UnaryExpr:
		return x.Op == token.SUB && simple(x.X)
	case *ast.CallExpr:
		i, ok := x.Fun.(*ast.Ident)
		return ok && i.Name == "int" && len(x.Args) == 1 && simple(x.Args[0])
	}
	return false
}

// opAssign is x op= y. On anything but a variable, the interpreter gets some operators wrong.
func (l *low) opAssign(x ast.Expr, op token.Token, y ast.Expr) []ast.Stmt {
	t := l.typeOf(x)
	x = ast.Unparen(x)
	place := l.lhs(x)
	result := func(p ast.Expr) ast.Stmt {
		if op == token.SHL || op == token.SHR {
			return assign(token.ASSIGN, p, &ast.BinaryExpr{X: p, Op: op, Y: y})
		}
		return assign(token.ASSIGN, p, l.arith(op, p, y, t))
	}
	if _, ok := place.(*ast.Ident); ok && (op == token.ADD || op == token.SUB) && !named(t) {
		switch l.e.rep(t).Kind() {
		case reflect.Int, reflect.Float64, reflect.String:
			return one(assign(op-token.ADD+token.ADD_ASSIGN, place, y))
		}
	}
	if simple(place) {
		switch _, isIndex := place.(*ast.IndexExpr); { // the interpreter's own way is right here, and quicker
		case isIndex && !l.isSlice(x.(*ast.IndexExpr).X), named(t):
		case op == token.ADD, op == token.SUB, op == token.MUL:
			switch l.e.rep(t).Kind() {
			case reflect.Int, reflect.Float64:
				return one(assign(op-token.ADD+token.ADD_ASSIGN, place, y))
			}
		}
		return one(result(place))
	}
	if ix, ok := place.(*ast.IndexExpr); ok {
		switch l.typeOf(x.(*ast.IndexExpr).X).Underlying().(type) {
		case *types.Map, *types.Slice:
			c, k := l.e.hidden("c"), l.e.hidden("k")
			list := []ast.Stmt{assign(token.DEFINE, id(c), ix.X), assign(token.DEFINE, id(k), ix.Index)}
			if l.isSlice(x.(*ast.IndexExpr).X) {
				list = append(list, l.watched(&probe{kind: indexed, x: id(c), parts: [3]ast.Expr{id(k)}})...)
			}
			return one(blockOf(append(list, result(&ast.IndexExpr{X: id(c), Index: id(k)}))...))
		}
	}
	p := l.e.hidden("p")
	return one(blockOf(assign(token.DEFINE, id(p), l.addressOf(place, t)), result(&ast.StarExpr{X: id(p)})))
}

// declStmt lowers var declarations; constants and types need none.
func (l *low) declStmt(st *ast.DeclStmt) (out []ast.Stmt) {
	g := st.Decl.(*ast.GenDecl)
	if g.Tok != token.VAR {
		if g.Tok == token.TYPE {
			l.localTypes(g)
		}
		return nil
	}
	for _, s := range g.Specs {
		vs := s.(*ast.ValueSpec)
		var lhs []ast.Expr
		for _, n := range vs.Names {
			lhs = append(lhs, n)
		}
		switch {
		case len(vs.Values) == 0:
			for _, n := range vs.Names {
				if n.Name != "_" {
					out = append(out, varDecl(l.ident(n).(*ast.Ident).Name, l.typ(l.info.Defs[n].Type()), nil))
				}
			}
		case len(vs.Values) == len(vs.Names):
			if len(vs.Names) == 1 {
				out = append(out, l.declareOne(vs.Names[0], vs.Values[0], vs)...)
				continue
			}
			names := make([]string, len(vs.Names)) // the values see none of the new names
			for i, v := range vs.Values {
				names[i] = l.e.hidden("v")
				t := l.declType(vs, i)
				out = append(out, varDecl(names[i], l.typ(t), l.conv(v, t)))
			}
			for i, n := range vs.Names {
				if n.Name != "_" {
					out = append(out, varDecl(l.ident(n).(*ast.Ident).Name, l.typ(l.declType(vs, i)), id(names[i])))
				}
			}
		default:
			y, ts := l.several(vs.Values[0], len(vs.Names))
			out = append(out, l.assignMany(lhs, token.DEFINE, y, ts)...)
		}
	}
	return out
}

func (l *low) declType(vs *ast.ValueSpec, i int) types.Type {
	if o := l.info.Defs[vs.Names[i]]; o != nil && vs.Names[i].Name != "_" {
		return o.Type()
	}
	if vs.Type != nil {
		return l.typeOf(vs.Type)
	}
	return types.Default(l.typeOf(vs.Values[i]))
}

func (l *low) declareOne(n *ast.Ident, v ast.Expr, vs *ast.ValueSpec) []ast.Stmt {
	t := l.declType(vs, 0)
	y := l.conv(v, t)
	if n.Name == "_" {
		return one(assign(token.ASSIGN, id("_"), y))
	}
	return one(varDecl(l.ident(n).(*ast.Ident).Name, l.typ(t), y))
}

// localTypes refuses types in blocks that have no representation.
func (l *low) localTypes(g *ast.GenDecl) {
	for _, s := range g.Specs {
		if ts, ok := s.(*ast.TypeSpec); ok {
			if o := l.info.Defs[ts.Name]; o != nil && ts.TypeParams == nil {
				if err := l.e.fits(o.Type()); err != nil {
					l.refuse(ts, err.Error())
				}
			}
		}
	}
}

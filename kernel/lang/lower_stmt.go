package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strconv"

	xr "github.com/cosmos72/gomacro/xreflect"
)

// funcFrame is a function that is lowered.
type funcFrame struct {
	sig    *types.Signature
	named  []string // of the results, if they have names
	frames []*frame // what break and continue can leave, outermost first
	outer  *funcFrame
	// Labels that a goto jumps to.
	targets map[string]bool
}

// frame is a statement that break or continue leaves.
type frame struct {
	label string
	loop  bool
	block bool              // only a break with its label leaves it
	back  func() []ast.Stmt // what comes before the next turn
	yield *yielding         // a loop over a function, whose body is a function too
}

// frames of the cell's top level stand here.
func (l *low) frameList() *funcFrame {
	if l.fn == nil {
		l.fn = &funcFrame{}
	}
	return l.fn
}

func (l *low) top() bool { return l.fn == nil || l.fn.sig == nil }

func (l *low) push(f *frame) { fn := l.frameList(); fn.frames = append(fn.frames, f) }
func (l *low) pop()          { l.fn.frames = l.fn.frames[:len(l.fn.frames)-1] }

func (l *low) line(n ast.Node) int { return l.e.at(n.Pos()).Line }

// list lowers statements.
func (l *low) list(list []ast.Stmt) (out []ast.Stmt) {
	for _, st := range list {
		if n := l.line(st); n > 0 && n != l.marked {
			l.marked = n
			out = append(out, l.e.markLine(l.serial, n))
		}
		out = append(out, l.stmt(st, "")...)
	}
	return out
}

func (l *low) block(b *ast.BlockStmt) *ast.BlockStmt {
	if b == nil {
		return nil
	}
	return blockOf(l.list(b.List)...)
}

// body lowers the body of a statement whose turns may come from elsewhere: its first line is marked again.
func (l *low) body(list []ast.Stmt) []ast.Stmt {
	before := l.marked
	out := l.list(list)
	l.marked = 0
	if len(out) == 0 {
		l.marked = before
	}
	return out
}

func one(st ast.Stmt) []ast.Stmt { return []ast.Stmt{st} }

// stmt lowers a statement; label is the one before it.
func (l *low) stmt(st ast.Stmt, label string) []ast.Stmt {
	switch st := st.(type) {
	case *ast.EmptyStmt:
		return nil
	case *ast.BlockStmt:
		return one(l.block(st))
	case *ast.LabeledStmt:
		return l.labeled(st)
	case *ast.ExprStmt:
		return l.exprStmt(st)
	case *ast.AssignStmt:
		return l.assignment(st)
	case *ast.IncDecStmt:
		op := token.ADD
		if st.Tok == token.DEC {
			op = token.SUB
		}
		t := l.typeOf(st.X)
		return l.opAssign(st.X, op, l.oneOf(t))
	case *ast.DeclStmt:
		return l.declStmt(st)
	case *ast.ReturnStmt:
		return l.returnStmt(st)
	case *ast.BranchStmt:
		return l.branch(st)
	case *ast.IfStmt:
		return one(l.ifStmt(st))
	case *ast.ForStmt:
		return one(l.forStmt(st, label))
	case *ast.RangeStmt:
		return one(l.rangeStmt(st, label))
	case *ast.SwitchStmt:
		return one(l.switchStmt(st, label))
	case *ast.TypeSwitchStmt:
		return one(l.typeSwitch(st, label))
	case *ast.SelectStmt:
		return one(l.selectStmt(st, label))
	case *ast.SendStmt:
		return one(l.send(st.Chan, st.Value))
	case *ast.GoStmt:
		return one(l.goStmt(st))
	case *ast.DeferStmt:
		return l.deferStmt(st)
	}
	l.refuse(st, "this statement cannot be used in cells")
	return nil
}

func labelOf(label string, st ast.Stmt) ast.Stmt {
	if label == "" {
		return st
	}
	return &ast.LabeledStmt{Label: id(label), Stmt: st}
}

func (l *low) labeled(st *ast.LabeledStmt) []ast.Stmt {
	name := st.Label.Name
	switch st.Stmt.(type) {
	case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		out := l.stmt(st.Stmt, name)
		if l.isTarget(name) {
			return append(one(labelOf(name+mark, &ast.EmptyStmt{Implicit: true})), out...)
		}
		return out
	case *ast.BlockStmt:
		l.push(&frame{label: name, block: true})
		defer l.pop()
	}
	out := l.stmt(st.Stmt, "")
	if l.isTarget(name) {
		out = append(one(labelOf(name+mark, &ast.EmptyStmt{Implicit: true})), out...)
	}
	return out
}

// isTarget reports whether a goto of the function jumps to a label: then it stands by itself before the
// statement.
func (l *low) isTarget(label string) bool { return l.frameList().targets[label] }

func (l *low) oneOf(t types.Type) ast.Expr {
	b, _ := t.Underlying().(*types.Basic)
	switch {
	case b != nil && b.Info()&types.IsFloat != 0:
		return l.conversionOf(&ast.BasicLit{Kind: token.FLOAT, Value: "1e+00"}, t)
	case b != nil && b.Info()&types.IsComplex != 0:
		return l.conversionOf(callOf(id("complex"), callOf(id("float64"), number(1)), callOf(id("float64"), number(0))), t)
	}
	return l.conversionOf(number(1), t)
}

func (l *low) conversionOf(x ast.Expr, t types.Type) ast.Expr {
	if rt := l.e.rep(t); rt == reflect.TypeFor[int]() || rt == reflect.TypeFor[float64]() {
		return x
	}
	return callOf(l.typ(t), x)
}

// exprStmt: at the top level of a cell an error that a call gives fails the cell.
func (l *low) exprStmt(st *ast.ExprStmt) []ast.Stmt {
	x, isCall := ast.Unparen(st.X).(*ast.CallExpr)
	y := l.expr(st.X)
	if !isCall || !l.top() || l.cell == nil || l.cell.strict {
		if u, ok := ast.Unparen(st.X).(*ast.UnaryExpr); ok && u.Op == token.ARROW || isCall {
			return one(exprStmt(y))
		}
		return one(assign(token.ASSIGN, id("_"), y))
	}
	n := l.errorLast(x)
	if n == 0 {
		return one(exprStmt(y))
	}
	as := &ast.AssignStmt{Tok: token.DEFINE, Rhs: []ast.Expr{y}}
	for range n - 1 {
		as.Lhs = append(as.Lhs, id("_"))
	}
	as.Lhs = append(as.Lhs, id("err"+mark))
	return one(blockOf(as, l.failing(x, "err"+mark)))
}

// errorLast is how many values a call gives whose last is an error; 0 if its last is none.
func (l *low) errorLast(x *ast.CallExpr) int {
	if l.info.Types[x.Fun].IsType() || l.info.Types[x.Fun].IsBuiltin() {
		return 0
	}
	isErr := func(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }
	switch t := l.info.Types[x].Type.(type) {
	case *types.Tuple:
		if t.Len() > 0 && isErr(t.At(t.Len()-1).Type()) {
			return t.Len()
		}
	case nil:
	default:
		if isErr(t) {
			return 1
		}
	}
	return 0
}

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
	return l.expr(x)
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
		return one(result(place))
	}
	if ix, ok := place.(*ast.IndexExpr); ok {
		switch l.typeOf(x.(*ast.IndexExpr).X).Underlying().(type) {
		case *types.Map, *types.Slice:
			c, k := l.e.hidden("c"), l.e.hidden("k")
			return one(blockOf(assign(token.DEFINE, id(c), ix.X), assign(token.DEFINE, id(k), ix.Index), result(&ast.IndexExpr{X: id(c), Index: id(k)})))
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

func (l *low) returnStmt(st *ast.ReturnStmt) []ast.Stmt {
	if y := l.yield(); y != nil {
		return y.returned(l, st)
	}
	if l.top() {
		return one(exprStmt(callOf(id("leave" + mark))))
	}
	sig := l.fn.sig
	if len(st.Results) == 0 {
		return one(&ast.ReturnStmt{})
	}
	if len(st.Results) == 1 && sig.Results().Len() > 1 {
		y, ts := l.several(st.Results[0], sig.Results().Len())
		direct := true
		var names []string
		var list []ast.Expr
		for i, t := range ts {
			to := sig.Results().At(i).Type()
			direct = direct && (types.Identical(t, to) || !types.IsInterface(to) && l.e.rep(t) == l.e.rep(to))
			names = append(names, "v"+mark+itoa(i))
			list = append(list, l.convert(id(names[i]), t, to))
		}
		if direct {
			return one(returns(y))
		}
		return []ast.Stmt{defineAll(names, y), returns(list...)}
	}
	var list []ast.Expr
	for i, x := range st.Results {
		list = append(list, l.conv(x, sig.Results().At(i).Type()))
	}
	if len(list) == 1 {
		list[0] = l.single(list[0], st.Results[0], sig.Results().At(0).Type())
	}
	if l.fn.named == nil || len(list) < 2 {
		return one(returns(list...))
	}
	// The interpreter sets named results one after the other.
	var out []ast.Stmt
	for i, x := range list {
		n := "t" + mark + itoa(i)
		out = append(out, varDecl(n, l.typ(sig.Results().At(i).Type()), x))
		list[i] = id(n)
	}
	return one(blockOf(append(out, returns(list...))...))
}

// yield is the innermost loop over a function whose body is lowered; nil if there is none.
func (l *low) yield() *yielding {
	if l.fn == nil {
		return nil
	}
	for i := len(l.fn.frames) - 1; i >= 0; i-- {
		if y := l.fn.frames[i].yield; y != nil {
			return y
		}
	}
	return nil
}

func (l *low) branch(st *ast.BranchStmt) []ast.Stmt {
	switch st.Tok {
	case token.GOTO:
		if l.yield() != nil {
			l.refuse(st, "goto out of a loop over a function cannot be used in cells")
		}
		return one(&ast.BranchStmt{Tok: token.GOTO, Label: id(st.Label.Name + mark)})
	case token.FALLTHROUGH:
		return one(&ast.BranchStmt{Tok: token.FALLTHROUGH})
	}
	frames := l.frameList().frames
	target, crossed := -1, (*yielding)(nil)
	for i := len(frames) - 1; i >= 0; i-- {
		f := frames[i]
		if st.Label != nil && f.label == st.Label.Name || st.Label == nil && (f.loop || st.Tok == token.BREAK && !f.block) {
			target = i
			break
		}
		if f.yield != nil && crossed == nil {
			crossed = f.yield
		}
	}
	if target < 0 {
		l.refuse(st, "break or continue without a loop")
	}
	f := frames[target]
	if crossed != nil {
		return crossed.leave(st)
	}
	if f.yield != nil {
		return f.yield.turn(st.Tok == token.CONTINUE)
	}
	out := &ast.BranchStmt{Tok: st.Tok}
	if st.Label != nil {
		out.Label = id(st.Label.Name)
	}
	if st.Tok == token.CONTINUE && f.back != nil {
		return one(blockOf(append(f.back(), out)...))
	}
	return one(out)
}

func (l *low) ifStmt(st *ast.IfStmt) ast.Stmt {
	out := &ast.IfStmt{}
	var before []ast.Stmt
	if st.Init != nil {
		before = l.stmt(st.Init, "")
	}
	out.Cond = l.condition(st.Cond)
	out.Body = l.block(st.Body)
	if st.Else != nil {
		marked := l.marked
		if b, ok := st.Else.(*ast.BlockStmt); ok {
			out.Else = l.block(b)
		} else if s := l.stmt(st.Else, ""); len(s) == 1 {
			out.Else = s[0]
			if _, isIf := s[0].(*ast.IfStmt); !isIf {
				out.Else = blockOf(s...)
			}
		}
		l.marked = marked
	}
	l.marked = 0
	if before == nil {
		return out
	}
	return blockOf(append(before, out)...)
}

// condition is a truth value as the interpreter wants it where it decides.
func (l *low) condition(x ast.Expr) ast.Expr { return certain(l.expr(x)) }

// certain is a lowered truth value as one value.
func certain(y ast.Expr) ast.Expr {
	if severalHere(y) {
		return callOf(id("bool"), y)
	}
	return y
}

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
		y := l.conv(st.Tag, t)
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
				clause.List = append(clause.List, l.condition(x))
			}
		}
		l.marked = 0
		clause.Body = l.list(cc.Body)
		out.Body.List = append(out.Body.List, clause)
	}
	l.pop()
	l.marked = 0
	sw := labelOf(label, out)
	if before == nil {
		return sw
	}
	return blockOf(append(before, sw)...)
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
				v = l.assertion(id(s), from, o.Type())
			}
			clause.Body = append(clause.Body, varDecl(localName(o.Name()), l.typ(o.Type()), v))
		}
		l.marked = 0
		clause.Body = append(clause.Body, l.list(cc.Body)...)
		sw.Body.List = append(sw.Body.List, clause)
	}
	l.pop()
	l.marked = 0
	sw.Tag = l.help(helper{outs: []reflect.Type{reflect.TypeFor[int]()}, f: func(v xr.Value) xr.Value {
		x := unshim(held(v))
		for _, t := range tests {
			if t.passes(x) {
				return xr.ValueOf(t.clause)
			}
		}
		return xr.ValueOf(rest)
	}}, id(s))
	out = append(out, labelOf(label, sw))
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
		l.marked = 0
		clause.Body = append(first, l.list(cc.Body)...)
		out.Body.List = append(out.Body.List, clause)
	}
	l.pop()
	l.marked = 0
	if waits {
		out.Body.List = append(out.Body.List, &ast.CommClause{
			Comm: exprStmt(&ast.UnaryExpr{Op: token.ARROW, X: callOf(id("stopping" + mark))}),
			Body: one(exprStmt(callOf(id("stopped" + mark)))),
		})
	}
	return labelOf(label, out)
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
		Body: blockOf(exprStmt(callOf(id("panicked"+mark), id(r), number(l.line(st)), number(l.serial)))),
	})})}
	fn := &ast.FuncLit{Type: &ast.FuncType{Params: fields()}, Body: blockOf(caught, exprStmt(c))}
	return blockOf(append(before, &ast.GoStmt{Call: callOf(fn)})...)
}

// deferStmt puts a call off. At the top level of a cell that is to the cell's end.
func (l *low) deferStmt(st *ast.DeferStmt) []ast.Stmt {
	if l.yield() != nil {
		l.refuse(st, "defer inside a loop over a function cannot be used in cells: call the iterator with a function, or gather its values first")
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
			case "close", "delete", "print", "println", "panic", "copy", "append", "recovered" + mark, helperName:
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
				return []ast.Stmt{assign(token.DEFINE, id(n), c.Fun), &ast.DeferStmt{Call: &d}}
			}
		}
		return one(&ast.DeferStmt{Call: c})
	}
	before, d := l.evaluated(st.Call)
	fn := &ast.FuncLit{Type: &ast.FuncType{Params: fields()}, Body: blockOf(exprStmt(d))}
	return append(before, &ast.DeferStmt{Call: callOf(fn)})
}

// funcLit lowers a function literal.
func (l *low) funcLit(x *ast.FuncLit) *ast.FuncLit {
	sig := l.typeOf(x).Underlying().(*types.Signature)
	ft, body := l.function(sig, x.Type, x.Body)
	return &ast.FuncLit{Type: ft, Body: body}
}

// function lowers the head and body of a function.
func (l *low) function(sig *types.Signature, t *ast.FuncType, body *ast.BlockStmt) (*ast.FuncType, *ast.BlockStmt) {
	ft := &ast.FuncType{Params: l.params(t.Params, sig.Variadic())}
	outer, marked := l.fn, l.marked
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
	l.marked = l.line(body)
	list := l.list(body.List)
	out := blockOf(list...)
	l.e.gotos(out, l.fn.targets)
	l.fn, l.marked = outer, marked
	return ft, out
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

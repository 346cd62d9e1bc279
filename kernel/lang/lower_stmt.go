package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
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

func (l *low) pop() { l.fn.frames = l.fn.frames[:len(l.fn.frames)-1] }

func (l *low) line(n ast.Node) int { return l.e.at(n.Pos()).Line }

// list lowers statements.
func (l *low) list(list []ast.Stmt) (out []ast.Stmt) {
	for _, st := range list {
		out = append(out, l.placed(st)...)
	}
	return out
}

// placed lowers a statement that others follow, or that stands at the top level: it knows where it stands.
func (l *low) placed(st ast.Stmt) []ast.Stmt {
	at, pending := l.at, l.pending
	l.pending = nil
	l.newSpot(st)
	out := l.stmt(st, "")
	if h := l.hook(); h != nil {
		out = append(one(exprStmt(h)), out...)
	}
	stamp(out, l.at)
	l.at, l.pending = at, pending
	return out
}

func (l *low) block(b *ast.BlockStmt) *ast.BlockStmt {
	if b == nil {
		return nil
	}
	return blockOf(l.list(b.List)...)
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
	out.Cond = l.hooked(func() ast.Expr { return l.condition(st.Cond) })
	out.Body = l.block(st.Body)
	if st.Else != nil {
		if b, ok := st.Else.(*ast.BlockStmt); ok {
			out.Else = l.block(b)
		} else if s := l.placed(st.Else); len(s) > 0 {
			out.Else = s[0]
			if _, isIf := s[0].(*ast.IfStmt); !isIf || len(s) > 1 {
				out.Else = blockOf(s...)
			}
		}
	}
	if before == nil {
		return out
	}
	return blockOf(append(before, out)...)
}

// condition is a truth value as the interpreter wants it where it decides.
func (l *low) condition(x ast.Expr) ast.Expr { return certain(l.expr(x)) }

// hooked is a lowered truth value whose probes are compiled beside it: they may need names of its statement's own.
func (l *low) hooked(f func() ast.Expr) ast.Expr {
	pending := l.pending
	l.pending = nil
	y := f()
	if h := l.hook(); h != nil {
		y = &ast.BinaryExpr{X: y, Op: token.LOR, Y: h}
	}
	l.pending = pending
	return y
}

// certain is a lowered truth value as one value.
func certain(y ast.Expr) ast.Expr {
	if severalHere(y) {
		return callOf(id("bool"), y)
	}
	return y
}

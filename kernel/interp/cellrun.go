package interp

import (
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/cosmos72/gomacro/ast2"
	"github.com/cosmos72/gomacro/base"
	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/fastnb/go/cell"
)

// cell runs a cell on the interpreter's goroutine. A panic of our own or of the interpreter's fails
// the cell and not the process.
func (s *Session) cell(ctx context.Context, code string, o RunOptions) (res Result) {
	defer func() {
		if r := recover(); r != nil {
			res = Result{Err: wrap(fmt.Errorf("the interpreter failed on this cell: %v", r), token.Position{}, code)}
		}
	}()
	for len(s.panics) > 0 { // of goroutines that an earlier cell left behind
		discard := <-s.panics
		_ = discard // what it says has been printed
	}
	var vals []any
	var err error
	if o.Plain {
		vals, err = s.expression(code)
	} else {
		vals, err = s.lines(ctx, code)
	}
	if err == nil {
		select {
		case e := <-s.panics:
			err = e.finish(code)
		default:
		}
	}
	if err != nil {
		res.Err = wrap(err, token.Position{}, code)
		if ctx.Err() != nil {
			res.Err.Interrupted = true
			if res.Err.Name == "error" {
				res.Err.Name = "interrupted"
			}
		}
		return res
	}
	if ctx.Err() != nil {
		res.Err = (&CellError{Name: "interrupted", Value: "the cell was interrupted", Interrupted: true}).finish(code)
		return res
	}
	if !o.Silent {
		res = s.show(vals, code)
	}
	return res
}

// lines runs a cell's magics and then its Go.
func (s *Session) lines(ctx context.Context, code string) (vals []any, err error) {
	out := s.out.Load()
	c, err := s.magics(ctx, code, innermost(out))
	if err != nil {
		return nil, err
	}
	if c.silent {
		s.Flush() // what came before is not captured
		cap := &captured{Output: *out}
		var o Output = cap
		s.out.Store(&o)
		leave := cell.Enter(ctx, cap)
		defer func() {
			s.Flush()
			leave()
			s.out.Store(out)
			if c.capture != "" {
				s.ir.DeclVar(c.capture, nil, cap.text.String())
			}
		}()
	}
	start := time.Now()
	vals, err = s.eval(ctx, strings.Join(c.lines, "\n"))
	if c.timed {
		fmt.Printf("Wall time: %v\n", short(float64(time.Since(start))))
	}
	if c.silent {
		vals = nil
	}
	return vals, err
}

// innermost is the output that a front end gave.
func innermost(out *Output) Output {
	if f, ok := (*out).(flushing); ok {
		return f.Output
	}
	return *out
}

// expression gives the values of one expression, errors among them.
func (s *Session) expression(code string) ([]any, error) {
	strict := s.strict
	s.strict = true
	defer func() { s.strict = strict }()
	s.sites, s.suspects = nil, map[ast.Node][]*suspect{}
	_, nodes, err := s.prepare(code)
	if err != nil {
		return nil, err
	}
	if len(nodes) != 1 || unparen(nodes[0]) == nil {
		return nil, fmt.Errorf("not one expression: %s", code)
	}
	return s.statement(s.rewrite(nodes)[0])
}

// show renders the last values; a panic of a value's own method fails the cell.
func (s *Session) show(vals []any, code string) (res Result) {
	defer func() {
		if r := recover(); r != nil {
			res = Result{Err: wrap(fmt.Errorf("showing the cell's value: %v", r), token.Position{}, code)}
		}
	}()
	for _, v := range vals {
		if err := s.carried(v, ""); err != nil && !s.strict {
			return Result{Err: wrap(err, s.last, code)}
		}
	}
	res.Data, res.Metadata = render(vals)
	return res
}

// eval runs Go code statement by statement and gives the values of the last one.
func (s *Session) eval(ctx context.Context, code string) (vals []any, err error) {
	s.sites, s.suspects = nil, map[ast.Node][]*suspect{}
	s.serial++
	imports, rest, err := s.prepare(code)
	if err != nil {
		e := wrap(err, token.Position{}, code)
		if h := unlearn(e.Value, e.Source, false); h != "" && e.Hint == "" {
			e.Hint = h
			e = e.finish(code)
		}
		return nil, e
	}
	for _, d := range imports {
		if err := s.imports(d, code); err != nil {
			return nil, err
		}
	}
	rest = s.rewrite(rest)
	hoisted := s.functionsFirst(code)
	for _, n := range rest {
		if ctx.Err() != nil {
			return nil, cell.ErrInterrupted
		}
		if hoisted && early(n) {
			continue
		}
		at := s.at(n)
		s.last = at
		s.line.Store(0)
		if vals, err = s.statement(n); err != nil {
			return nil, s.failedAt(n, at, err, code)
		}
	}
	if main := program(code, rest); main != nil {
		if _, _, err := s.run([]ast.Node{&ast.ExprStmt{X: call("main", main.Pos())}}); err != nil {
			return nil, s.failedAt(main, s.at(main), err, code)
		}
	}
	return vals, nil
}

var packageClause = regexp.MustCompile(`(?m)^\s*package\s+main\b`)

// program is the main function of a cell that is a whole program: pasted into a notebook, it runs.
func program(code string, nodes []ast.Node) ast.Node {
	if !packageClause.MatchString(code) {
		return nil
	}
	for _, n := range nodes {
		if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == "main" && f.Recv == nil {
			return f
		}
	}
	return nil
}

// failedAt makes the error of a statement: it happened on the line that ran last, if that is inside the
// statement; if it is inside a function of the cell, a hint tells which.
func (s *Session) failedAt(n ast.Node, at token.Position, err error, code string) *CellError {
	line := 0
	if l := s.line.Load(); int(l>>32) == s.serial {
		line = int(l & (1<<32 - 1))
	}
	end := s.ir.Comp.Fileset.Position(n.End()).Line
	if line > at.Line && line <= max(end, at.Line) {
		at.Line, at.Column, line = line, 0, 0
	}
	e := wrap(s.reason(n, err), at, code)
	if h := unlearn(e.Value, e.Source, true); h != "" {
		e.Hint = h
		return e.finish(code)
	}
	if m := lacking.FindStringSubmatch(e.Value); m != nil && e.Hint == memberHint {
		e.Hint = s.memberHint(m[1], m[2])
		return e.finish(code)
	}
	if m := unfit.FindStringSubmatch(e.Value); m != nil && e.Hint == "" {
		e.Hint = s.fittingHint(n, m[1])
		return e.finish(code)
	}
	if m := notInPackage.FindStringSubmatch(e.Value); m != nil && e.Hint == "" {
		e.Hint = s.packageHint(m[1], m[2])
		return e.finish(code)
	}
	if lines := strings.Split(code, "\n"); line > 0 && line != e.Line && line <= len(lines) && e.Hint == "" && !e.Interrupted {
		e.Hint = fmt.Sprintf("in a function, where line %d ran last: %s", line, strings.TrimSpace(lines[line-1]))
		return e.finish(code)
	}
	return e
}

// prepare parses a cell; imports stand apart.
func (s *Session) prepare(code string) (imports []*ast.GenDecl, rest []ast.Node, err error) {
	nodes, err := s.parse(code)
	if err != nil {
		return nil, nil, err
	}
	for _, check := range []func([]ast.Node, func(ast.Node) token.Position) error{checkGenerics, missingReturn, mixed} {
		if err := check(nodes, s.at); err != nil {
			return nil, nil, err
		}
	}
	imports, rest = hoist(nodes)
	return imports, rest, nil
}

func (s *Session) at(n ast.Node) token.Position { return s.ir.Comp.Fileset.Position(n.Pos()) }

func (s *Session) parse(code string) (nodes []ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = asError(r)
		}
	}()
	s.ir.Comp.Line = 0
	s.ir.Comp.Code.Clear()
	return s.ir.Comp.ParseBytes([]byte(functionLiterals(code))), nil
}

// panicError is what running code panicked with.
func panicError(r any) error {
	if _, ok := r.(base.Signal); ok {
		return cell.ErrInterrupted
	}
	return asError(r)
}

func asError(r any) error {
	if e, ok := r.(error); ok {
		return e
	}
	return fmt.Errorf("%v", r)
}

// hoist takes imports and a package clause out; they come first wherever they stand.
func hoist(nodes []ast.Node) (imports []*ast.GenDecl, rest []ast.Node) {
	for _, n := range nodes {
		if g, ok := n.(*ast.GenDecl); ok {
			if g.Tok == token.IMPORT {
				imports = append(imports, g)
				continue
			}
			if g.Tok == token.PACKAGE {
				continue
			}
		}
		rest = append(rest, n)
	}
	return imports, rest
}

// early reports whether a declaration may come before the statements of its cell.
func early(n ast.Node) bool {
	g, isGen := n.(*ast.GenDecl)
	_, isFunc := n.(*ast.FuncDecl)
	return isFunc || isGen && g.Tok == token.TYPE
}

// functionsFirst declares the cell's functions and types before its statements run, so that they
// may stand in any order; if they need what the statements define, they stay where they are.
func (s *Session) functionsFirst(code string) bool {
	_, nodes, err := s.prepare(code)
	if err != nil {
		return false
	}
	var types, funcs []ast.Node
	for _, n := range nodes {
		if _, ok := n.(*ast.FuncDecl); ok {
			funcs = append(funcs, n)
		} else if early(n) {
			types = append(types, n)
		}
	}
	if len(types)+len(funcs) == 0 || len(nodes) == 1 {
		return false
	}
	for _, decls := range [][]ast.Node{types, funcs} {
		if _, _, err = s.run(s.rewrite(decls)); err != nil {
			return false
		}
	}
	return true
}

// run compiles and runs nodes as they are.
func (s *Session) run(nodes []ast.Node) (vals []xr.Value, types []xr.Type, err error) {
	w := s.worker.Load()
	defer func() {
		r := recover()
		s.abandoned(w)
		if r != nil {
			err = panicError(r)
		}
	}()
	if err := s.checkMethods(nodes); err != nil {
		return nil, nil, err
	}
	if err := s.examine(nodes); err != nil {
		return nil, nil, err
	}
	s.ir.Comp.Code.Clear()
	src := ast2.AnyToAst(nodes, "cell")
	if src == nil {
		return nil, nil, nil
	}
	vals, types = s.ir.RunExpr(s.ir.CompileAst(src))
	return vals, types, nil
}

var errType = reflect.TypeFor[error]()

func isError(t xr.Type) bool { return t != nil && t.ReflectType() == errType }

// statement runs one statement under the cell rule: an error that is the last result of a call, and
// that the cell did not assign to a variable, fails the cell; so does a value just assigned whose
// Err method says what broke it.
func (s *Session) statement(n ast.Node) ([]any, error) {
	if err := s.examine([]ast.Node{n}); err != nil {
		return nil, err
	}
	if g, ok := n.(*ast.GenDecl); ok && g.Tok == token.VAR && !s.strict {
		if done, err := s.declared(g); done || err != nil {
			return nil, err
		}
	}
	if as, ok := n.(*ast.AssignStmt); ok && !s.strict {
		if done, err := s.liftAssign(as); done || err != nil {
			return nil, err
		}
	}
	out, err := s.values(n)
	if err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		return nil, s.sticky(n.Lhs)
	case *ast.GenDecl:
		return nil, s.sticky(namesOf(n))
	case ast.Expr, *ast.ExprStmt:
		if !prints(n) {
			return out, nil
		}
	}
	return nil, nil
}

// values runs a statement and gives what it gives; under the cell rule without the error that is the
// last of it, which fails the statement.
func (s *Session) values(n ast.Node) (out []any, err error) {
	vs, ts, err := s.run([]ast.Node{asserted(n)})
	if err != nil {
		return nil, err
	}
	if _, isIndex := unparen(n).(*ast.IndexExpr); isIndex && len(vs) == 2 {
		vs, ts = vs[:1], ts[:1] // m[k] on its own is one value
	}
	for i, v := range vs {
		var x any
		if v.IsValid() && v.CanInterface() {
			x = v.Interface()
		}
		if i == len(vs)-1 && i < len(ts) && isError(ts[i]) && !s.strict {
			if e, ok := x.(error); ok && e != nil {
				return nil, e
			}
			continue
		}
		if i < len(ts) {
			x = s.ofCell(x, ts[i])
		}
		out = append(out, x)
	}
	return out, nil
}

// unparen is the expression that a statement consists of, or nil.
func unparen(n ast.Node) ast.Expr {
	if st, ok := n.(*ast.ExprStmt); ok {
		n = st.X
	}
	e, _ := n.(ast.Expr)
	return ast.Unparen(e)
}

// asserted makes x.(T) on its own give one value, or panic, as Go has it.
func asserted(n ast.Node) ast.Node {
	a, ok := unparen(n).(*ast.TypeAssertExpr)
	if !ok || a.Type == nil {
		return n
	}
	pos := a.Pos()
	results := &ast.FieldList{List: []*ast.Field{{Type: a.Type}}}
	fn := &ast.FuncLit{Type: &ast.FuncType{Func: pos, Params: &ast.FieldList{}, Results: results}, Body: block(pos, &ast.ReturnStmt{Return: pos, Results: []ast.Expr{a}})}
	return &ast.ExprStmt{X: &ast.CallExpr{Fun: fn, Lparen: pos, Rparen: pos}}
}

// prints reports whether a statement is a call of fmt's print functions: how many bytes they wrote
// is nothing that a reader wants to see below what they wrote.
func prints(n ast.Node) bool {
	if e, ok := n.(*ast.ExprStmt); ok {
		n = e.X
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "fmt" && (strings.HasPrefix(sel.Sel.Name, "Print") || strings.HasPrefix(sel.Sel.Name, "Fprint"))
}

// liftAssign handles `x := f()` where f gives one value more than asked for, an error.
func (s *Session) liftAssign(as *ast.AssignStmt) (done bool, err error) {
	if len(as.Rhs) != 1 {
		return false, nil
	}
	call, ok := as.Rhs[0].(*ast.CallExpr)
	if !ok {
		return false, nil
	}
	outs := s.results(call)
	if len(outs) != len(as.Lhs)+1 || !isError(outs[len(outs)-1]) {
		return false, nil
	}
	id := ident(dropped, as.Pos())
	lifted := &ast.AssignStmt{Lhs: append(append([]ast.Expr{}, as.Lhs...), id), TokPos: as.TokPos, Tok: as.Tok, Rhs: as.Rhs}
	if _, _, err := s.run([]ast.Node{lifted}); err != nil {
		return false, err
	}
	if v := s.ir.ValueOf(dropped); v.IsValid() {
		if e, ok := v.Interface().(error); ok && e != nil {
			return false, e
		}
	}
	return true, s.sticky(as.Lhs)
}

// declared handles `var x T = f()` where f gives an error beside x, as liftAssign does.
func (s *Session) declared(g *ast.GenDecl) (done bool, err error) {
	for _, sp := range g.Specs {
		v, ok := sp.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			continue
		}
		call, ok := v.Values[0].(*ast.CallExpr)
		if !ok || ours(call) {
			continue
		}
		outs := s.results(call)
		if len(outs) != len(v.Names)+1 || !isError(outs[len(outs)-1]) {
			continue
		}
		if len(g.Specs) > 1 {
			return false, fmt.Errorf("assignment mismatch: the call gives %d values for %d names (inside var (...): write it as a statement of its own)", len(outs), len(v.Names))
		}
		as := &ast.AssignStmt{TokPos: g.TokPos, Tok: token.DEFINE, Rhs: v.Values}
		for _, id := range v.Names {
			as.Lhs = append(as.Lhs, id)
		}
		if v.Type != nil {
			as.Tok = token.ASSIGN
			decl := &ast.GenDecl{TokPos: g.TokPos, Tok: token.VAR, Specs: []ast.Spec{&ast.ValueSpec{Names: v.Names, Type: v.Type}}}
			if _, _, err := s.run([]ast.Node{decl}); err != nil {
				return false, err
			}
		}
		return s.liftAssign(as)
	}
	return false, nil
}

// results are the result types of a call, found by compiling it; nil if it does not compile (the
// statement's own compilation will say why).
func (s *Session) results(call *ast.CallExpr) (types []xr.Type) {
	defer func() {
		if recover() != nil {
			types = nil
		}
	}()
	s.ir.Comp.Code.Clear()
	e := s.ir.CompileNode(&ast.ExprStmt{X: call})
	s.ir.Comp.Code.Clear()
	for i := range e.NumOut() {
		types = append(types, e.Out(i))
	}
	return types
}

// sticky is the error that a freshly assigned value carries.
func (s *Session) sticky(vars []ast.Expr) error {
	if s.strict {
		return nil
	}
	for _, l := range vars {
		id, ok := l.(*ast.Ident)
		if !ok || id.Name == "_" {
			continue
		}
		v := s.ir.ValueOf(id.Name)
		if !v.IsValid() || !v.CanInterface() {
			continue
		}
		if err := s.carried(v.Interface(), id.Name); err != nil {
			return err
		}
	}
	return nil
}

// namesOf are the variables that a declaration declares.
func namesOf(g *ast.GenDecl) (out []ast.Expr) {
	for _, sp := range g.Specs {
		if v, ok := sp.(*ast.ValueSpec); ok && g.Tok == token.VAR {
			for _, id := range v.Names {
				out = append(out, id)
			}
		}
	}
	return out
}

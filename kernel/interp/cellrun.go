package interp

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"strings"

	"github.com/cosmos72/gomacro/ast2"
	"github.com/cosmos72/gomacro/base"
	"github.com/cosmos72/gomacro/fast"
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
	body, err := s.magics(ctx, code)
	if err != nil {
		res.Err = wrap(err, token.Position{}, code)
		return res
	}
	vals, err := s.eval(ctx, body)
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

// show renders the last values; a panic of a value's own method fails the cell.
func (s *Session) show(vals []any, code string) (res Result) {
	defer func() {
		if r := recover(); r != nil {
			res = Result{Err: wrap(fmt.Errorf("showing the cell's value: %v", r), token.Position{}, code)}
		}
	}()
	for _, v := range vals {
		if err := s.carried(v, ""); err != nil && !s.strict {
			return Result{Err: wrap(err, token.Position{}, code)}
		}
	}
	res.Data, res.Metadata = render(vals)
	return res
}

// eval runs Go code statement by statement and gives the values of the last one.
func (s *Session) eval(ctx context.Context, code string) (vals []any, err error) {
	ints := map[string]string{} // loops over whole numbers, found by compiling
	imports, rest, err := s.prepare(code, ints)
	if err != nil {
		return nil, wrap(err, token.Position{}, code)
	}
	for _, d := range imports {
		if err := s.imports(d, code); err != nil {
			return nil, err
		}
	}
	hoisted := s.functionsFirst(code, ints)
	for i := 0; i < len(rest); i++ {
		if ctx.Err() != nil {
			return nil, cell.ErrInterrupted
		}
		if hoisted && early(rest[i]) {
			continue
		}
		vals, err = s.statement(rest[i])
		if err != nil && isRange(err, ints) {
			if _, rest, err = s.prepare(code, ints); err == nil {
				i-- // nothing of it has run: again, rewritten
				continue
			}
		}
		if err != nil {
			return nil, wrap(err, s.at(rest[i]), code)
		}
	}
	return vals, nil
}

// isRange takes a note of a loop over a whole number, which the interpreter refuses to compile.
func isRange(err error, ints map[string]string) bool {
	m := rangeError.FindStringSubmatch(err.Error())
	if m == nil || !integer[m[2]] || ints[m[1]] != "" {
		return false
	}
	ints[m[1]] = m[2]
	return true
}

var integer = map[string]bool{
	"int": true, "int8": true, "int16": true, "int32": true, "int64": true, "rune": true, "byte": true,
	"uint": true, "uint8": true, "uint16": true, "uint32": true, "uint64": true, "uintptr": true,
}

// prepare parses a cell and rewrites it; imports stand apart.
func (s *Session) prepare(code string, ints map[string]string) (imports []*ast.GenDecl, rest []ast.Node, err error) {
	nodes, err := s.parse(code)
	if err != nil {
		return nil, nil, err
	}
	if err := checkGenerics(nodes, s.at); err != nil {
		return nil, nil, err
	}
	imports, rest = hoist(rewrite(rangeInts(nodes, ints, s.at)))
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
	return s.ir.Comp.ParseBytes([]byte(code)), nil
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
func (s *Session) functionsFirst(code string, ints map[string]string) bool {
	for {
		_, nodes, err := s.prepare(code, ints)
		if err != nil {
			return false
		}
		var decls []ast.Node
		for _, n := range nodes {
			if early(n) {
				decls = append(decls, n)
			}
		}
		if len(decls) == 0 || len(decls) == len(nodes) && len(nodes) == 1 {
			return false
		}
		_, _, err = s.run(decls)
		if err != nil && isRange(err, ints) {
			continue
		}
		return err == nil
	}
}

// run compiles and runs nodes as they are.
func (s *Session) run(nodes []ast.Node) (vals []xr.Value, types []xr.Type, err error) {
	defer func() {
		if r := recover(); r != nil {
			if sig, ok := r.(base.Signal); ok {
				err = fmt.Errorf("%w (%v)", cell.ErrInterrupted, sig)
				return
			}
			err = asError(r)
		}
	}()
	s.ir.Comp.Code.Clear()
	src := ast2.AnyToAst(nodes, "cell")
	if src == nil {
		return nil, nil, nil
	}
	var e *fast.Expr
	if warning := s.hearing(nodes, func() { e = s.ir.CompileAst(src) }); warning != "" {
		return nil, nil, errors.New(warning)
	}
	vals, types = s.ir.RunExpr(e)
	return vals, types, nil
}

var errType = reflect.TypeFor[error]()

func isError(t xr.Type) bool { return t != nil && t.ReflectType() == errType }

// statement runs one statement under the cell rule: an error that is the last result of a call, and
// that the cell did not assign to a variable, fails the cell; so does a value just assigned whose
// Err method says what broke it.
func (s *Session) statement(n ast.Node) ([]any, error) {
	as, isAssign := n.(*ast.AssignStmt)
	if isAssign && !s.strict {
		if done, err := s.liftAssign(as); done || err != nil {
			return nil, err
		}
	}
	vs, ts, err := s.run([]ast.Node{n})
	if err != nil {
		return nil, err
	}
	var out []any
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
	if isAssign {
		return nil, s.sticky(as)
	}
	if _, isExpr := n.(ast.Expr); !isExpr {
		if _, isExprStmt := n.(*ast.ExprStmt); !isExprStmt {
			return nil, nil
		}
	}
	if prints(n) {
		return nil, nil
	}
	return out, nil
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
	const hidden = "err\u02b9"
	id := &ast.Ident{Name: hidden, NamePos: as.Pos()}
	if as.Tok == token.ASSIGN {
		decl := &ast.GenDecl{TokPos: as.Pos(), Tok: token.VAR, Specs: []ast.Spec{&ast.ValueSpec{Names: []*ast.Ident{id}, Type: &ast.Ident{Name: "error", NamePos: as.Pos()}}}}
		if _, _, err := s.run([]ast.Node{decl}); err != nil {
			return false, err
		}
	}
	lifted := &ast.AssignStmt{Lhs: append(append([]ast.Expr{}, as.Lhs...), id), TokPos: as.TokPos, Tok: as.Tok, Rhs: as.Rhs}
	if _, _, err := s.run([]ast.Node{lifted}); err != nil {
		return false, err
	}
	if v := s.ir.ValueOf(hidden); v.IsValid() {
		if e, ok := v.Interface().(error); ok && e != nil {
			return false, e
		}
	}
	return true, s.sticky(as)
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
func (s *Session) sticky(as *ast.AssignStmt) error {
	if s.strict {
		return nil
	}
	for _, l := range as.Lhs {
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

package interp

import (
	"go/ast"
	"regexp"
	"strings"
)

// notTold is how the interpreter fails on a chain of calls one of which does not compile: it takes
// the chain for the name of a type then, and loses what was wrong.
var notTold = regexp.MustCompile(`(invalid qualified type, expecting packagename\.identifier, found|unimplemented type): .* <\*ast\.(SelectorExpr|CallExpr)>$`)

// reason is what was wrong with a statement whose error does not tell it: the error of the innermost
// call of a chain that does not compile on its own, or the name that nothing defines. Where none tells more, it is err.
func (s *Session) reason(n ast.Node, err error) error {
	if e := s.undefined(n, err); e != nil {
		return e
	}
	if !notTold.MatchString(err.Error()) {
		return err
	}
	told := err
	ast.Inspect(n, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		// Inner expressions come after outer ones: the last that fails is the innermost.
		if e := s.compileError(sel.X); e != nil && !strings.Contains(e.Error(), "undefined identifier") {
			told = e
		}
		return true
	})
	return told
}

// compileError is what compiling an expression on its own fails with.
func (s *Session) compileError(x ast.Expr) (err error) {
	if _, ok := ast.Unparen(x).(*ast.CallExpr); !ok {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = asError(r)
		}
		s.ir.Comp.Code.Clear()
	}()
	s.ir.Comp.Code.Clear()
	s.ir.CompileNode(&ast.ExprStmt{X: x})
	return nil
}

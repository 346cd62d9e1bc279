package interp

import (
	"fmt"
	"go/ast"
	"go/token"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/fastnb/go/kernel/bind"
)

// hearing runs a compilation and gives the interpreter's complaint about values that a function
// inside the nodes would drop. The interpreter only warns, on the standard output, where Go refuses:
// an error dropped so would be lost.
func (s *Session) hearing(nodes []ast.Node, compile func()) string {
	suspect := false
	for _, n := range nodes {
		ast.Inspect(n, func(n ast.Node) bool {
			as, ok := n.(*ast.AssignStmt)
			if ok && len(as.Lhs) == 1 && len(as.Rhs) == 1 {
				if _, ok := as.Rhs[0].(*ast.CallExpr); ok {
					suspect = true
				}
			}
			return !suspect
		})
	}
	if !suspect {
		compile()
		return ""
	}
	r, w, err := os.Pipe()
	if err != nil {
		compile()
		return ""
	}
	old := os.Stdout
	os.Stdout = w
	heard := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(r)
		_ = r.Close()
		heard <- string(b)
	}()
	defer func() { os.Stdout = old }()
	func() {
		defer func() {
			os.Stdout = old
			_ = w.Close()
		}()
		compile()
	}()
	_, rest, found := strings.Cut(<-heard, "// warning: expression returns ")
	if !found {
		return ""
	}
	n, _, _ := strings.Cut(rest, " ")
	return fmt.Sprintf("assignment mismatch: 1 variable but the call returns %s values (inside a function the notebook takes no error for you: write x, err := ...)", n)
}

// imports runs an import declaration after checking that the packages are there.
func (s *Session) imports(g *ast.GenDecl, code string) error {
	for _, sp := range g.Specs {
		imp, ok := sp.(*ast.ImportSpec)
		if !ok {
			continue
		}
		p, err := strconv.Unquote(imp.Path.Value)
		if err != nil || !bind.Has(p) {
			e := &CellError{Name: "error", Value: fmt.Sprintf("package %q is not compiled into this kernel", p), Hint: "Available: " + available()}
			pos := s.at(imp)
			e.Line, e.Column = pos.Line, pos.Column
			return e.finish(code)
		}
		// One at a time: names of a dot import are not seen by what is compiled with it.
		one := &ast.GenDecl{TokPos: g.TokPos, Tok: token.IMPORT, Specs: []ast.Spec{imp}}
		if _, _, err := s.run([]ast.Node{one}); err != nil {
			return wrap(err, s.at(imp), code)
		}
	}
	return nil
}

func available() string {
	l := append([]string{"display"}, bind.Available()...)
	sort.Strings(l)
	return strings.Join(l, ", ")
}

// checkGenerics answers generic declarations, which the parser may have let through.
func checkGenerics(nodes []ast.Node, at func(ast.Node) token.Position) error {
	for _, n := range nodes {
		f, ok := n.(*ast.FuncDecl)
		if ok && f.Type.TypeParams != nil {
			p := at(f)
			return &CellError{
				Name: "error", Value: "cells cannot declare generic functions", Line: p.Line, Column: p.Column,
				Hint: "Write the function for the type at hand, or with any.",
			}
		}
	}
	return nil
}

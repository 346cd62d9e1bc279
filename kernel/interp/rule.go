package interp

import (
	"fmt"
	"go/ast"
	"go/token"
	"sort"
	"strconv"
	"strings"

	"github.com/fastnb/go/kernel/bind"
)

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
		s.noteImport(imp, p)
	}
	return nil
}

// noteImport remembers under which name a generic package is known.
func (s *Session) noteImport(imp *ast.ImportSpec, p string) {
	if p != "slices" && p != "maps" && p != "cmp" {
		return
	}
	name := p
	if imp.Name != nil {
		name = imp.Name.Name
	}
	s.imported[name] = p
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
				Hint: genericHint,
			}
		}
	}
	return nil
}

package interp

import (
	"go/ast"
	"go/token"

	"github.com/cosmos72/gomacro/fast"
)

// The interpreter finds a label only after it has passed it, and not at all in the outermost block of a
// function. gotos puts the statements of each block with labels that are jumped to into a block inside it,
// behind a statement that makes the labels known.
func (s *Session) gotos(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			s.gotosOf(n.Body)
		case *ast.FuncLit:
			s.gotosOf(n.Body)
		}
		return true
	})
}

// gotosOf does that for one function.
func (s *Session) gotosOf(body *ast.BlockStmt) {
	if body == nil {
		return
	}
	to := map[string]bool{}
	var blocks []*ast.BlockStmt
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BlockStmt:
			blocks = append(blocks, n)
		case *ast.BranchStmt:
			if n.Tok == token.GOTO && n.Label != nil {
				to[n.Label.Name] = true
				n.Label = ident(n.Label.Name+"\u02b9", n.Label.Pos())
			}
		}
		return true
	})
	if len(to) == 0 {
		return
	}
	for _, b := range blocks {
		s.labels(b, to)
	}
}

// labels gives a block the labels of it that are jumped to. They stand before the statement's own, which
// break and continue know.
func (s *Session) labels(b *ast.BlockStmt, to map[string]bool) {
	var names []string
	var list []ast.Stmt
	for _, st := range b.List {
		if l, ok := st.(*ast.LabeledStmt); ok && to[l.Label.Name] {
			name := l.Label.Name + "\u02b9"
			names = append(names, name)
			list = append(list, &ast.LabeledStmt{Label: ident(name, l.Pos()), Colon: l.Colon, Stmt: &ast.EmptyStmt{Semicolon: l.Colon, Implicit: true}})
			if _, empty := l.Stmt.(*ast.EmptyStmt); empty {
				continue
			}
		}
		list = append(list, st)
	}
	if len(names) == 0 {
		return
	}
	pos := b.Lbrace
	known := s.site(pos, func(c *fast.Comp) {
		c = c.Outer // a site is a block of its own
		if c.Labels == nil {
			c.Labels = map[string]*int{}
		}
		for _, name := range names {
			c.Labels[name] = new(int) // set when the label is reached
		}
	})
	inner := block(pos, append([]ast.Stmt{known}, list...)...)
	inner.Rbrace = b.Rbrace
	b.List = []ast.Stmt{inner}
}

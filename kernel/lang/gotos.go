package lang

import (
	"go/ast"
	"go/token"

	"github.com/cosmos72/gomacro/fast"
)

// targets are the labels that gotos of a function jump to.
func targets(body ast.Node) map[string]bool {
	out := map[string]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BranchStmt:
			if n.Tok == token.GOTO && n.Label != nil {
				out[n.Label.Name] = true
			}
		}
		return true
	})
	return out
}

// gotos makes labels known. The interpreter finds a label only after it has passed it, and not at all in the
// outermost block of a function: the statements of each block with labels that are jumped to get a block inside
// it, behind a statement that makes the labels known.
func (e *Engine) gotos(body *ast.BlockStmt, to map[string]bool) {
	if len(to) == 0 {
		return
	}
	var blocks []*ast.BlockStmt
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BlockStmt:
			blocks = append(blocks, n)
		}
		return true
	})
	for _, b := range blocks {
		var names []string
		for _, st := range b.List {
			if l, ok := st.(*ast.LabeledStmt); ok {
				if _, empty := l.Stmt.(*ast.EmptyStmt); empty {
					names = append(names, l.Label.Name)
				}
			}
		}
		if len(names) == 0 {
			continue
		}
		known := e.site(func(c *fast.Comp) {
			if c.Labels == nil {
				c.Labels = map[string]*int{}
			}
			for _, name := range names {
				c.Labels[name] = new(int) // set when the label is reached
			}
		})
		b.List = []ast.Stmt{&ast.BlockStmt{List: append([]ast.Stmt{known}, b.List...)}}
	}
}

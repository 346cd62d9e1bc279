package export

import (
	"go/ast"
	"go/token"
	"slices"
)

// inOrder puts variables of a cell that are declared together, in one group or one after the other, in the order in
// which they need each other, as cells have them.
func inOrder(items []*item) ([]*item, error) {
	var out []*item
	for i := 0; i < len(items); {
		k := i
		for k < len(items) && items[k].variables() != nil {
			k++
		}
		if k == i {
			out = append(out, items[i])
			i++
			continue
		}
		group, err := ordered(items[i:k], items)
		if err != nil {
			return nil, err
		}
		out = append(out, group...)
		i = k
	}
	return out, nil
}

// variables is the item's declaration of variables; nil if it is another thing.
func (it *item) variables() *ast.GenDecl {
	if it.kind != statement {
		return nil
	}
	if d, ok := it.node.(*ast.DeclStmt); ok {
		if g, ok := d.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			return g
		}
	}
	return nil
}

// need is a declaration of variables in the course of ordering.
type need struct {
	it   *item
	spec *ast.ValueSpec
	put  bool
}

// ordered are declarations, each behind those that it needs; as they stand if that is an order already.
func ordered(group, all []*item) ([]*item, error) {
	var specs []*need
	by, funcs := map[string]*need{}, map[string]*ast.FuncDecl{}
	for _, it := range group {
		for _, s := range it.variables().Specs {
			n := &need{it: it, spec: s.(*ast.ValueSpec)}
			specs = append(specs, n)
			for _, name := range n.spec.Names {
				if by[name.Name] != nil && name.Name != "_" {
					return group, nil // a name twice
				}
				by[name.Name] = n
			}
		}
	}
	for _, it := range all {
		if f, ok := it.node.(*ast.FuncDecl); ok && f.Recv == nil {
			funcs[f.Name.Name] = f
		}
	}
	var out []*need
	seen := map[*ast.FuncDecl]bool{}
	var put func(*need)
	var look func(ast.Node)
	look = func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			if f := funcs[id.Name]; f != nil && f.Body != nil && !seen[f] {
				seen[f] = true
				look(f.Body)
			}
			if by[id.Name] != nil {
				put(by[id.Name])
			}
			return true
		})
	}
	put = func(n *need) {
		if n.put {
			return
		}
		n.put = true
		for _, v := range n.spec.Values {
			look(v)
		}
		out = append(out, n)
	}
	for _, n := range specs {
		put(n)
	}
	if slices.Equal(out, specs) {
		return group, nil
	}
	var items []*item
	for _, n := range out {
		from, to := int(n.spec.Pos())-n.it.shift, int(n.spec.End())-n.it.shift
		it := &item{cell: n.it.cell, line: n.it.line, kind: statement, text: "var " + n.it.text[from:to], strict: n.it.strict}
		if err := it.parse(); err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

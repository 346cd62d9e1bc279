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
	o := order{by: map[string]*need{}, funcs: map[string]*ast.FuncDecl{}, seen: map[*ast.FuncDecl]bool{}}
	specs, once := o.declare(group)
	if !once {
		return group, nil
	}
	for _, it := range all {
		if f, ok := it.node.(*ast.FuncDecl); ok && f.Recv == nil {
			o.funcs[f.Name.Name] = f
		}
	}
	for _, n := range specs {
		o.put(n)
	}
	if slices.Equal(o.out, specs) {
		return group, nil
	}
	var items []*item
	for _, n := range o.out {
		it, err := n.alone()
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

// order puts declarations of variables behind those that they need.
type order struct {
	by    map[string]*need // by the variable's name
	funcs map[string]*ast.FuncDecl
	seen  map[*ast.FuncDecl]bool
	out   []*need
}

// declare makes a need of each declaration; once is false where a name is declared twice.
func (o *order) declare(group []*item) (specs []*need, once bool) {
	for _, it := range group {
		for _, s := range it.variables().Specs {
			n := &need{it: it, spec: s.(*ast.ValueSpec)}
			specs = append(specs, n)
			for _, name := range n.spec.Names {
				if o.by[name.Name] != nil && name.Name != "_" {
					return nil, false
				}
				o.by[name.Name] = n
			}
		}
	}
	return specs, true
}

// put adds a declaration behind all that its values name, functions' bodies looked through.
func (o *order) put(n *need) {
	if n.put {
		return
	}
	n.put = true
	for _, v := range n.spec.Values {
		o.look(v)
	}
	o.out = append(o.out, n)
}

func (o *order) look(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		if f := o.funcs[id.Name]; f != nil && f.Body != nil && !o.seen[f] {
			o.seen[f] = true
			o.look(f.Body)
		}
		if o.by[id.Name] != nil {
			o.put(o.by[id.Name])
		}
		return true
	})
}

// alone is the declaration as an item of its own.
func (n *need) alone() (*item, error) {
	from, to := int(n.spec.Pos())-n.it.shift, int(n.spec.End())-n.it.shift
	it := &item{cell: n.it.cell, line: n.it.line, kind: statement, text: "var " + n.it.text[from:to], strict: n.it.strict}
	return it, it.parse()
}

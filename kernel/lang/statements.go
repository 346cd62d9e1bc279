package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ast/astutil"
)

// statements checks the cell's statements, under the cell rule.
func (c *Cell) statements() *Error {
	c.body = &ast.BlockStmt{List: c.shadowing(c.inOrder(c.p.body))}
	fn := &ast.FuncDecl{Name: &ast.Ident{Name: "_"}, Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: c.body}
	const most = 50
	for round := 0; ; round++ {
		_, errs := c.check([]ast.Decl{fn})
		if len(errs) == 0 {
			break
		}
		if c.strict || round == most || !c.lift(errs) {
			return c.first(errs)
		}
	}
	c.collect(c.body.List)
	c.top = c.body.List
	return nil
}

// inOrder puts variables that are declared together, in one group or one after the other, in the order in which they
// need each other, as Go does at the top level of a package.
func (c *Cell) inOrder(list []ast.Stmt) []ast.Stmt {
	var out []ast.Stmt
	for i := 0; i < len(list); i++ {
		var specs []ast.Spec
		k := i
		for ; k < len(list); k++ {
			d, ok := list[k].(*ast.DeclStmt)
			if !ok {
				break
			}
			g, ok := d.Decl.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				break
			}
			specs = append(specs, g.Specs...)
		}
		if len(specs) < 2 {
			out = append(out, list[i])
			continue
		}
		for _, s := range c.needed(specs) {
			out = append(out, &ast.DeclStmt{Decl: &ast.GenDecl{TokPos: s.Pos(), Tok: token.VAR, Specs: []ast.Spec{s}}})
		}
		i = k - 1
	}
	return out
}

// needed are declarations of variables, each behind those that it needs.
func (c *Cell) needed(specs []ast.Spec) (out []ast.Spec) {
	by, funcs := map[string]ast.Spec{}, map[string]*ast.FuncDecl{}
	for _, s := range specs {
		for _, n := range s.(*ast.ValueSpec).Names {
			if by[n.Name] != nil && n.Name != "_" {
				return specs // a name twice: as they stand
			}
			by[n.Name] = s
		}
	}
	for _, f := range c.p.funcs {
		if f.Recv == nil {
			funcs[f.Name.Name] = f
		}
	}
	seen := map[ast.Node]bool{}
	var put func(s ast.Spec)
	var look func(n ast.Node)
	look = func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			i, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			if f := funcs[i.Name]; f != nil && f.Body != nil && !seen[f] {
				seen[f] = true
				look(f.Body)
			}
			if by[i.Name] != nil {
				put(by[i.Name])
			}
			return true
		})
	}
	put = func(s ast.Spec) {
		if seen[s] {
			return
		}
		seen[s] = true
		for _, v := range s.(*ast.ValueSpec).Values {
			look(v)
		}
		out = append(out, s)
	}
	for _, s := range specs {
		put(s)
	}
	return out
}

// shadowing gives a statement that declares a name of its cell again a block of its own, with all that follow.
func (c *Cell) shadowing(list []ast.Stmt) []ast.Stmt {
	declared := map[string]bool{}
	for i, st := range list {
		names, again := declaredBy(st), false
		fresh := 0
		for _, n := range names {
			if !declared[n] {
				fresh++
			} else if _, ok := st.(*ast.DeclStmt); ok {
				again = true
			}
		}
		if again || len(names) > 0 && fresh == 0 {
			rest := &ast.BlockStmt{List: c.shadowing(list[i:])}
			return append(slices.Clone(list[:i]), rest)
		}
		for _, n := range names {
			declared[n] = true
		}
	}
	return list
}

// declaredBy are the variables that a statement declares.
func declaredBy(st ast.Stmt) (out []string) {
	for _, id := range declaredIdents(st) {
		if id.Name != "_" {
			out = append(out, id.Name)
		}
	}
	return out
}

func declaredIdents(st ast.Stmt) (out []*ast.Ident) {
	switch st := st.(type) {
	case *ast.LabeledStmt:
		return declaredIdents(st.Stmt)
	case *ast.AssignStmt:
		if st.Tok == token.DEFINE {
			for _, l := range st.Lhs {
				if id, ok := l.(*ast.Ident); ok {
					out = append(out, id)
				}
			}
		}
	case *ast.DeclStmt:
		if g, ok := st.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				out = append(out, s.(*ast.ValueSpec).Names...)
			}
		}
	}
	return out
}

// collect finds the variables of the cell's top level.
func (c *Cell) collect(list []ast.Stmt) {
	for _, st := range list {
		if b, ok := st.(*ast.BlockStmt); ok && !b.Lbrace.IsValid() {
			c.collect(b.List)
			continue
		}
		for _, id := range declaredIdents(st) {
			local, ok := c.Info.Defs[id].(*types.Var)
			if !ok || id.Name == "_" {
				continue
			}
			v := &variable{name: id.Name, local: local, obj: types.NewVar(id.Pos(), c.pkg, id.Name, local.Type())}
			c.vars = append(c.vars, v)
			c.varOf[v.local], c.varOf[v.obj] = v, v
			c.over[v.name] = v.obj
		}
	}
}

// lift puts calls under the cell rule that give an error where none is taken. It reports whether it found any.
func (c *Cell) lift(errs []types.Error) bool {
	near := func(n ast.Node) bool {
		return slices.ContainsFunc(errs, func(e types.Error) bool { return n.Pos() <= e.Pos && e.Pos < n.End() })
	}
	found := false
	astutil.Apply(c.body, func(cur *astutil.Cursor) bool {
		switch n := cur.Node().(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			k := c.tooMany(n)
			if k < 1 || k > 6 || !c.drops(cur, n, k, near) {
				return true
			}
			found = true
			name := &ast.Ident{Name: "must" + strconv.Itoa(k) + mark, NamePos: n.Pos()}
			cur.Replace(&ast.CallExpr{Fun: name, Lparen: n.Pos(), Args: []ast.Expr{n}, Rparen: n.End()})
			return false // what is inside, the next round sees
		}
		return true
	}, nil)
	return found
}

// tooMany is how many values a call gives besides an error that is its last; 0 if it gives none such.
func (c *Cell) tooMany(n *ast.CallExpr) int {
	t, ok := c.Info.Types[n].Type.(*types.Tuple)
	if !ok || t.Len() < 2 || !types.Identical(t.At(t.Len()-1).Type(), types.Universe.Lookup("error").Type()) {
		return 0
	}
	return t.Len() - 1
}

// drops reports whether the place of a call takes its k values and not the error behind them.
func (c *Cell) drops(cur *astutil.Cursor, n *ast.CallExpr, k int, near func(ast.Node) bool) bool {
	switch p := cur.Parent().(type) {
	case *ast.ExprStmt, *ast.GoStmt, *ast.DeferStmt:
		return false
	case *ast.ReturnStmt:
		return len(p.Results) > 1 && k == 1
	case *ast.AssignStmt:
		if len(p.Rhs) == 1 && cur.Name() == "Rhs" {
			return len(p.Lhs) == k
		}
	case *ast.ValueSpec:
		if len(p.Values) == 1 {
			return len(p.Names) == k
		}
	case *ast.CallExpr:
		if len(p.Args) == 1 && cur.Name() == "Args" {
			if id, ok := p.Fun.(*ast.Ident); ok && strings.HasSuffix(id.Name, mark) {
				return false
			}
			return near(n)
		}
	}
	return k == 1
}

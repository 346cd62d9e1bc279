package export

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// The cell rule reaches calls inside statements: in blocks, heads, arguments and chains. The program takes those errors
// where it can in Go's own way, in statements of blocks, and elsewhere through program.Must.

type taking int

const (
	byAssigning taking = iota // v, err = f(), and what follows
	byTesting                 // if err := f(); err != nil
	byMust                    // program.Must(f())
)

// inner is how a call inside a statement hands on its error.
type inner struct {
	how    taking
	values int // that it gives besides
}

// musts are the functions of package program that take an error away, by how many values they give.
var musts = []string{"", "Must", "Must2", "Must3"}

// wraps reports whether a call is one that the exporter has put around a cell's.
func wraps(c *ast.CallExpr) bool {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "program" && (sel.Sel.Name == "Show" || slices.Contains(musts, sel.Sel.Name))
}

// placed is a call with the nodes around it, outermost first.
type placed struct {
	call   *ast.CallExpr
	around []ast.Node
}

// calls lists a node's calls outside function literals, in the order in which they begin, but for those that the
// exporter has put there: so the n-th call of what is written is the n-th of the cell's.
func calls(n ast.Node) (list []placed) {
	var path []ast.Node
	ast.Inspect(n, func(x ast.Node) bool {
		if x == nil {
			path = path[:len(path)-1]
			return true
		}
		if _, isLit := x.(*ast.FuncLit); isLit {
			return false
		}
		if c, ok := x.(*ast.CallExpr); ok && !wraps(c) {
			list = append(list, placed{c, slices.Clone(path)})
		}
		path = append(path, x)
		return true
	})
	return list
}

// statements gives the statements of the program by the item that they come from.
func (w *writing) statements() map[*item][]ast.Stmt {
	out := map[*item][]ast.Stmt{}
	run := w.file.Decls[len(w.file.Decls)-1].(*ast.FuncDecl)
	for _, st := range run.Body.List {
		if it := w.item(w.offset(st.Pos())); it != nil && it.kind == statement {
			out[it] = append(out[it], st)
		}
	}
	return out
}

// learnInner finds calls inside statements whose errors the cell rule takes and the program does not.
func (b *builder) learnInner(w *writing) (changed bool) {
	for it, list := range w.statements() {
		if it.strict {
			continue
		}
		p := b.plans[it]
		n := 0
		for _, st := range list {
			for _, c := range calls(st) {
				if _, done := p.inner[n]; !done {
					if how, ok := b.takes(w, c); ok {
						if p.inner == nil {
							p.inner = map[int]inner{}
						}
						p.inner[n] = how
						changed = true
					}
				}
				n++
			}
		}
	}
	return changed
}

// takes is how a call's error is to be taken; ok is false if it is taken already, or gives none.
func (b *builder) takes(w *writing, c placed) (in inner, ok bool) {
	outs, known := results(w.info, c.call)
	if !known || len(outs) == 0 || !isError(outs[len(outs)-1]) || len(c.around) == 0 {
		return in, false // gives no error, or is a statement of the cell itself
	}
	in.values, in.how = len(outs)-1, byMust
	own := len(c.around) == 1 // the item's own statement is around the call: its form says how
	switch p := c.around[len(c.around)-1].(type) {
	case *ast.ExprStmt:
		in.how = byTesting
		return in, !own && w.item(w.offset(p.Pos())) != nil && c.inBlock() && in.values < 4 && !prints(c.call)
	case *ast.GoStmt, *ast.DeferStmt, *ast.ReturnStmt:
		return in, false
	case *ast.AssignStmt:
		plain := len(p.Rhs) == 1 && (p.Tok == token.ASSIGN || p.Tok == token.DEFINE)
		if !slices.Contains(p.Rhs, ast.Expr(c.call)) || !in.fill(len(p.Lhs), len(p.Rhs)) || own && plain {
			return in, false
		}
		if plain && c.inBlock() {
			in.how = byAssigning
		}
	case *ast.ValueSpec:
		if !in.fill(len(p.Names), len(p.Values)) {
			return in, false
		}
	case *ast.CallExpr:
		if wraps(p) || !c.wanted(w.info, p, in.values) {
			return in, false
		}
	default:
		if in.values != 1 {
			return in, false
		}
	}
	return in, in.values > 0 && in.values < len(musts)
}

// fill reports whether the call's values are what so many names take from so many expressions.
func (in inner) fill(names, exprs int) bool {
	if exprs == 1 {
		return in.values == names
	}
	return in.values == 1
}

// inBlock reports whether the statement around the call is one of a block's.
func (c placed) inBlock() bool {
	if len(c.around) < 2 {
		return false
	}
	switch c.around[len(c.around)-2].(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

// wanted reports whether a call takes from another, its argument or what it is called of, so many values.
func (c placed) wanted(info *types.Info, p *ast.CallExpr, values int) bool {
	if ast.Unparen(p.Fun) == c.call {
		return values == 1
	}
	sig, ok := info.Types[p.Fun].Type.(*types.Signature)
	if !ok || len(p.Args) > 1 {
		return values == 1
	}
	if sig.Variadic() {
		// All of them, with the error, would fit where any does.
		last := sig.Params().At(sig.Params().Len() - 1).Type().(*types.Slice).Elem()
		return values+1 > 1 && !types.AssignableTo(errorType, last) && values >= sig.Params().Len()-1
	}
	return sig.Params().Len() == values
}

// innerEdits are the edits of an item that take the errors of calls inside it.
func (it *item) innerEdits(p *plan) (edits []edit) {
	if len(p.inner) == 0 {
		return nil
	}
	at := func(p token.Pos) int { return int(p) - it.shift }
	for n, c := range calls(it.node) {
		in, ok := p.inner[n]
		if !ok {
			continue
		}
		from, to := at(c.call.Pos()), at(c.call.End())
		switch in.how {
		case byMust:
			edits = append(edits, edit{from, from, "program." + musts[in.values] + "("}, edit{to, to, ")"})
		case byTesting:
			edits = append(edits, edit{from, from, "if " + strings.Repeat("_, ", in.values) + "err := "}, edit{to, to, "; err" + fail})
		case byAssigning:
			as := c.around[len(c.around)-1].(*ast.AssignStmt)
			end := at(as.Lhs[len(as.Lhs)-1].End())
			edits = append(edits, edit{end, end, ", err"}, edit{at(as.End()), at(as.End()), "\nif err" + fail})
		}
	}
	return edits
}

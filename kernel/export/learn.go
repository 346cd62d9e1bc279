package export

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

var errorType = types.Universe.Lookup("error").Type()

func isError(t types.Type) bool { return t != nil && types.Identical(t, errorType) }

// learn looks at the types of the statements and reports whether it found something new.
func (b *builder) learn(w *writing) bool {
	run := w.file.Decls[len(w.file.Decls)-1].(*ast.FuncDecl)
	starts := map[int]*item{}
	for _, s := range w.segs {
		starts[s.from] = s.it
	}
	changed := false
	for _, st := range run.Body.List {
		it := starts[w.offset(st.Pos())]
		if it == nil || it.kind != statement {
			continue
		}
		switch n := st.(type) {
		case *ast.AssignStmt:
			changed = b.learnAssign(w, it, n) || changed
		case *ast.ExprStmt:
			changed = b.learnExpr(w, it, n.X) || changed
		}
	}
	return b.learnInner(w) || changed
}

func (b *builder) learnAssign(w *writing, it *item, n *ast.AssignStmt) (changed bool) {
	p := b.plans[it]
	if it.strict {
		return false
	}
	if !p.lift && len(n.Rhs) == 1 && (n.Tok == token.ASSIGN || n.Tok == token.DEFINE) {
		if outs, ok := results(w.info, n.Rhs[0]); ok && len(outs) == len(n.Lhs)+1 && isError(outs[len(outs)-1]) {
			p.lift = true
			return true
		}
	}
	for _, l := range n.Lhs {
		id, ok := l.(*ast.Ident)
		if !ok || id.Name == "_" || id.Name == "err" || slices.Contains(p.sticky, id.Name) {
			continue
		}
		o := w.info.ObjectOf(id)
		if o != nil && holdsError(o.Type()) {
			p.sticky = append(p.sticky, id.Name)
			changed = true
		}
	}
	return changed
}

// holdsError reports whether a value of the type may carry an error: a method Err() error.
func holdsError(t types.Type) bool {
	if types.IsInterface(t) {
		return false
	}
	o, _, _ := types.LookupFieldOrMethod(t, true, nil, "Err")
	f, ok := o.(*types.Func)
	if !ok {
		return false
	}
	sig := f.Type().(*types.Signature)
	return sig.Params().Len() == 0 && sig.Results().Len() == 1 && isError(sig.Results().At(0).Type())
}

// results are the types of what an expression gives if it is a call; ok is false while that is unknown.
func results(info *types.Info, e ast.Expr) (outs []types.Type, ok bool) {
	if _, isCall := ast.Unparen(e).(*ast.CallExpr); !isCall {
		return nil, false
	}
	tv, ok := info.Types[e]
	if !ok || tv.Type == nil {
		return nil, false
	}
	if tv.IsVoid() {
		return nil, true
	}
	if t, isTuple := tv.Type.(*types.Tuple); isTuple {
		for v := range t.Variables() {
			outs = append(outs, v.Type())
		}
		return outs, true
	}
	return []types.Type{tv.Type}, tv.Type != types.Typ[types.Invalid]
}

func (b *builder) learnExpr(w *writing, it *item, x ast.Expr) bool {
	p := b.plans[it]
	if p.known {
		return false
	}
	outs, isCall := results(w.info, x)
	if !isCall {
		if tv, ok := w.info.Types[x]; !ok || tv.Type == nil || tv.Type == types.Typ[types.Invalid] || tv.IsType() {
			return false
		}
		outs = []types.Type{nil}
	}
	p.known = true
	fails := len(outs) > 0 && isError(outs[len(outs)-1]) && !it.strict
	switch {
	case len(outs) == 0 || isCall && prints(x):
		p.form = raw
	case fails && len(outs) == 1:
		p.form = failing
	case it.last:
		p.form = shown
	case fails:
		p.form = dropped
		if len(outs) > 2 {
			p.form = shown // rare, and shows too much: better than to lose the error
		}
	case !isCall && !receives(x), isCall && !w.calls(x):
		p.form = discard
	}
	return p.form != raw
}

func receives(x ast.Expr) bool {
	u, ok := x.(*ast.UnaryExpr)
	return ok && u.Op == token.ARROW
}

// calls reports whether a call runs a function, rather than a conversion or a builtin such as len.
func (w *writing) calls(x ast.Expr) bool {
	f := w.info.Types[ast.Unparen(ast.Unparen(x).(*ast.CallExpr).Fun)]
	return !f.IsType() && !f.IsBuiltin()
}

// prints reports whether a call is one of fmt's printing functions: their results are nothing to see.
func prints(x ast.Expr) bool {
	sel, ok := ast.Unparen(x).(*ast.CallExpr).Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "fmt" && (strings.HasPrefix(sel.Sel.Name, "Print") || strings.HasPrefix(sel.Sel.Name, "Fprint"))
}

// mend does something about what go/types refuses, and gives what it cannot mend.
func (b *builder) mend(w *writing) (changed bool, left []error) {
	for _, e := range w.errs {
		if strings.HasPrefix(e.Msg, "\t") {
			continue // more about the error before
		}
		if strings.HasPrefix(e.Msg, "declared and not used") || strings.HasSuffix(e.Msg, "imported and not used") ||
			strings.Contains(e.Msg, "imported as") && strings.HasSuffix(e.Msg, "and not used") {
			continue // finish sees to it
		}
		if b.mendOne(w, e) {
			return true, nil
		}
		it := w.item(w.offset(e.Pos))
		if it == nil {
			left = append(left, errors.New(e.Msg))
			continue
		}
		left = append(left, fmt.Errorf("cell %d, line %d: %s", it.cell, it.line+strings.Count(w.src.String()[w.start(it):w.offset(e.Pos)], "\n"), e.Msg))
	}
	return false, left
}

func (w *writing) start(it *item) int {
	for _, s := range w.segs {
		if s.it == it {
			return s.from
		}
	}
	return 0
}

func (b *builder) mendOne(w *writing, e types.Error) bool {
	it := w.item(w.offset(e.Pos))
	if it == nil {
		return false
	}
	p := b.plans[it]
	switch name, after, _ := strings.Cut(e.Msg, " "); {
	case strings.HasPrefix(e.Msg, "no new variables"):
		p.reuse = true
		return true
	case strings.HasPrefix(after, "redeclared in this block"):
		return b.rename(it, name)
	case strings.HasPrefix(e.Msg, "undefined: ") && it.kind == declaration:
		return b.promote(w, after)
	case strings.HasPrefix(e.Msg, "cannot use"):
		for _, d := range it.defs { // the name is there already, with another type
			if n := b.emitted(it, d.Name); n != "err" && b.places[n] != it {
				p.reuse = false
				return b.rename(it, d.Name)
			}
		}
	}
	return false
}

// rename gives a name that item declares, and that the program has already, another one.
func (b *builder) rename(it *item, emitted string) bool {
	for _, d := range it.defs {
		if d.Name != emitted && b.emitted(it, d.Name) != emitted {
			continue
		}
		taken := map[string]bool{}
		for _, other := range b.items {
			for _, x := range other.defs {
				taken[b.emitted(other, x.Name)] = true
			}
		}
		n := d.Name
		for i := max(2, b.count[d.Name]); taken[n]; i++ {
			n = d.Name + strconv.Itoa(i)
			b.count[d.Name] = i + 1
		}
		b.plans[it].renamed[d.Name] = n
		b.plans[it].sticky = nil // held the old name
		return true
	}
	return false
}

// promote makes a variable of the cells, and those declared with it, variables of the package.
func (b *builder) promote(w *writing, name string) bool {
	it := b.places[name]
	if it == nil {
		return false
	}
	found := map[string]types.Type{}
	for id, o := range w.info.Defs {
		if v, ok := o.(*types.Var); ok && w.item(w.offset(id.Pos())) == it && o.Parent() == w.runScope() {
			found[id.Name] = v.Type()
		}
	}
	for _, d := range it.defs {
		n := b.emitted(it, d.Name)
		t := found[n]
		if n == "err" && t == nil {
			continue
		}
		if t == nil || t == types.Typ[types.Invalid] || !spellable(t) {
			return false
		}
	}
	for n, t := range found {
		b.promoted[n] = t
	}
	return len(found) > 0
}

// runScope is the scope of the variables of the function run.
func (w *writing) runScope() *types.Scope {
	run := w.file.Decls[len(w.file.Decls)-1].(*ast.FuncDecl)
	return w.info.Defs[run.Name].(*types.Func).Scope()
}

// spellable reports whether a program can write a type down.
func spellable(t types.Type) bool {
	ok := true
	var walk func(t types.Type)
	walk = func(t types.Type) {
		switch t := t.(type) {
		case *types.Named:
			o := t.Obj()
			ok = ok && (o.Pkg() == nil || o.Pkg().Path() == "main" || o.Exported() && !strings.Contains(o.Pkg().Path()+"/", "/internal/"))
		case *types.Pointer:
			walk(t.Elem())
		case *types.Slice:
			walk(t.Elem())
		case *types.Array:
			walk(t.Elem())
		case *types.Chan:
			walk(t.Elem())
		case *types.Map:
			walk(t.Key())
			walk(t.Elem())
		case *types.Signature:
			for v := range t.Params().Variables() {
				walk(v.Type())
			}
			for v := range t.Results().Variables() {
				walk(v.Type())
			}
		}
	}
	walk(t)
	return ok
}

package export

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// finish names the packages of bare names, imports what is used and uses what must be.
func (b *builder) finish(w *writing) string {
	local := localNames(w)
	edits := append(qualify(w, local), useUnused(w)...)
	for _, d := range w.file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			edits = append(edits, edit{w.offset(g.Pos()), w.offset(g.End()), importBlock(local.byPath)})
		}
	}
	return apply(w.src.String(), edits)
}

// locals are the names by which a program calls the packages that it uses.
type locals struct {
	taken  map[string]bool   // also by what the program declares
	byPath map[string]string // of the packages in use so far
}

func localNames(w *writing) locals {
	l := locals{map[string]bool{}, map[string]string{}}
	for id, o := range w.info.Defs {
		if _, imported := o.(*types.PkgName); !imported {
			l.taken[id.Name] = true
		}
	}
	return l
}

// of is a package's name here; asked for the first time, it takes one that is free.
func (l locals) of(p *types.Package) string {
	n, ok := l.byPath[p.Path()]
	if !ok {
		n = p.Name()
		for l.taken[n] {
			n += "pkg"
		}
		l.taken[n] = true
		l.byPath[p.Path()] = n
	}
	return n
}

// qualify writes packages before the names that come from them.
func qualify(w *writing, local locals) (edits []edit) {
	named := map[*ast.Ident]bool{} // names behind a dot
	ast.Inspect(w.file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			named[s.Sel] = true
		}
		return true
	})
	ids := slices.SortedFunc(maps.Keys(w.info.Uses), func(a, b *ast.Ident) int { return int(a.Pos() - b.Pos()) })
	for _, id := range ids {
		at := w.offset(id.Pos())
		switch o := w.info.Uses[id].(type) {
		case *types.PkgName:
			edits = append(edits, edit{at, at + len(id.Name), local.of(o.Imported())})
		default:
			if p := o.Pkg(); p != nil && p.Path() != "main" && !named[id] && o.Parent() == p.Scope() {
				edits = append(edits, edit{at, at, local.of(p) + "."})
			}
		}
	}
	return edits
}

// useUnused uses the variables that nothing else does.
func useUnused(w *writing) (edits []edit) {
	for _, e := range w.errs {
		name, ok := strings.CutPrefix(e.Msg, "declared and not used: ")
		if !ok {
			continue
		}
		if at, found := useAt(w, e.Pos); found {
			lead := "\n"
			if w.src.String()[at-1] == '\n' {
				lead = ""
			}
			edits = append(edits, edit{at, at, lead + "_ = " + name + "\n"})
		} else if cut, found := switchName(w, e.Pos); found {
			edits = append(edits, cut)
		}
	}
	return edits
}

// importBlock lists the standard library's packages first.
func importBlock(aliases map[string]string) string {
	var std, other []string
	for p, name := range aliases {
		line := fmt.Sprintf("\t%q\n", p)
		if last := p[strings.LastIndexByte(p, '/')+1:]; last != name {
			line = fmt.Sprintf("\t%s %q\n", name, p)
			if strings.HasSuffix(p, "/"+name+"/"+last) { // as math/rand/v2 is named rand
				line = fmt.Sprintf("\t%q\n", p)
			}
		}
		if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") {
			other = append(other, line)
		} else {
			std = append(std, line)
		}
	}
	byPath := func(a, b string) int {
		return strings.Compare(a[strings.IndexByte(a, '"'):], b[strings.IndexByte(b, '"'):])
	}
	slices.SortFunc(std, byPath)
	slices.SortFunc(other, byPath)
	gap := ""
	if len(std) > 0 && len(other) > 0 {
		gap = "\n"
	}
	return "import (\n" + strings.Join(std, "") + gap + strings.Join(other, "") + ")"
}

// around is the nodes that hold a position, outermost first.
func around(w *writing, p token.Pos) (list []ast.Node) {
	ast.Inspect(w.file, func(n ast.Node) bool {
		if n == nil || p < n.Pos() || p >= n.End() {
			return false
		}
		list = append(list, n)
		return true
	})
	return list
}

// useAt is where a variable declared at p can be used to no effect: behind its statement, or at the
// start of the block that the statement heads.
func useAt(w *writing, p token.Pos) (at int, ok bool) {
	nodes := around(w, p)
	for i := len(nodes) - 1; i > 0; i-- {
		var body *ast.BlockStmt
		switch n := nodes[i].(type) {
		case *ast.IfStmt:
			body = n.Body
		case *ast.ForStmt:
			body = n.Body
		case *ast.RangeStmt:
			body = n.Body
		case *ast.AssignStmt, *ast.DeclStmt:
			switch nodes[i-1].(type) {
			case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
				return w.behind(n), true
			}
		}
		if body != nil && p < body.Pos() {
			return w.offset(body.Lbrace) + 1, true
		}
	}
	return 0, false
}

// behind is the place after a statement and the comment on its line.
func (w *writing) behind(n ast.Node) int {
	for _, s := range w.segs {
		if s.from == w.offset(n.Pos()) {
			return s.to // behind what the cell rule adds, too
		}
	}
	at := w.offset(n.End())
	line, _, _ := strings.Cut(w.src.String()[at:], "\n")
	if strings.HasPrefix(strings.TrimSpace(line), "//") {
		at += len(line)
	}
	return at
}

// switchName takes the unused name out of `switch x := y.(type)`.
func switchName(w *writing, p token.Pos) (edit, bool) {
	for _, n := range around(w, p) {
		if s, ok := n.(*ast.TypeSwitchStmt); ok {
			if as, ok := s.Assign.(*ast.AssignStmt); ok && as.Pos() == p {
				return edit{w.offset(as.Pos()), w.offset(as.Rhs[0].Pos()), ""}, true
			}
		}
	}
	return edit{}, false
}

package interp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"

	"github.com/cosmos72/gomacro/fast"
	"golang.org/x/tools/go/ast/astutil"
)

// The interpreter speaks Go as it was before 1.21, lets a cell swallow its interrupt and dies of a
// goroutine's panic. rewrite changes a cell's syntax tree into what makes up for that; what needs
// types is left to sites (builtins.go), which the interpreter reaches while it compiles.

// Names that rewritten cells use.
const (
	panicked  = "panicked\u02b9"  // takes what a goroutine panicked with
	stopping  = "stopping\u02b9"  // the channel that closes when the cell is interrupted
	stopped   = "stopped\u02b9"   // ends the statement that waited for it
	failing   = "failing\u02b9"   // fails the cell with an error that nobody took
	recovered = "recovered\u02b9" // lets a cell recover from its own panics only
	dropped   = "err\u02b9"       // an error that the cell rule took
)

// rewrite changes nodes, the statements of a cell.
func (s *Session) rewrite(nodes []ast.Node) []ast.Node {
	s.shadowed = shadows(nodes)
	for i, n := range nodes {
		s.gotos(n)
		n = astutil.Apply(n, nil, func(c *astutil.Cursor) bool { s.node(c); return true })
		n, found := s.rule(s.marks(n))
		nodes[i] = s.ranges(n, nil)
		s.suspects[nodes[i]] = found
	}
	return nodes
}

// shadows are the names of generic packages that a cell uses for something of its own.
func shadows(nodes []ast.Node) map[string]bool {
	out := map[string]bool{}
	note := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok {
			out[id.Name] = true
		}
	}
	for _, n := range nodes {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, l := range n.Lhs {
					note(l)
				}
			case *ast.ValueSpec:
				for _, id := range n.Names {
					note(id)
				}
			case *ast.RangeStmt:
				note(n.Key)
				note(n.Value)
			case *ast.Field:
				for _, id := range n.Names {
					note(id)
				}
			}
			return true
		})
	}
	return out
}

// node rewrites one node whose children have been rewritten.
func (s *Session) node(c *astutil.Cursor) {
	switch n := c.Node().(type) {
	case *ast.ForStmt:
		if as, ok := n.Init.(*ast.AssignStmt); ok && as.Tok == token.DEFINE && captures(n.Body) {
			label, _ := c.Parent().(*ast.LabeledStmt)
			ownVars(n, as.Lhs, label)
		}
	case *ast.RangeStmt:
		if n.Tok == token.DEFINE && captures(n.Body) {
			n.Body = copyVars(n.Body, []ast.Expr{n.Key, n.Value})
		}
	case *ast.GoStmt:
		c.Replace(guarded(n, s.at(n).Line))
	case *ast.DeferStmt:
		deferBuiltin(n)
	case *ast.SendStmt:
		if _, ok := c.Parent().(*ast.CommClause); ok && c.Name() == "Comm" {
			n.Value = call(sent, n.Value.Pos(), n.Chan, n.Value)
		} else {
			c.Replace(&ast.ExprStmt{X: call(send, n.Pos(), n.Chan, n.Value)})
		}
	case *ast.SelectStmt:
		selectStmt(n)
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			c.Replace(call(receiver(c.Parent()), n.Pos(), n.X))
		}
	case *ast.FuncDecl:
		if n.Recv != nil {
			boolResults(n)
		}
	case *ast.CallExpr:
		s.callExpr(c, n)
	}
}

// selectStmt keeps the receives of a select as Go has them, and lets an interrupt end a select that waits.
func selectStmt(n *ast.SelectStmt) {
	waits := true
	for _, cl := range n.Body.List {
		if comm, ok := cl.(*ast.CommClause); ok {
			waits = waits && comm.Comm != nil
			plainReceive(comm.Comm)
		}
	}
	if waits {
		n.Body.List = append(n.Body.List, stopClause(n.Body.Rbrace))
	}
}

// receiver is the builtin for a receive below parent: of one value, or of two.
func receiver(parent ast.Node) string {
	two := false
	switch p := parent.(type) {
	case *ast.AssignStmt:
		two = len(p.Lhs) == 2 && len(p.Rhs) == 1
	case *ast.ValueSpec:
		two = len(p.Names) == 2 && len(p.Values) == 1
	}
	if two {
		return receive2
	}
	return receive
}

// boolResults spells `return true` out as bool(true) in a method: where the receiver's type refers to
// itself, the interpreter fails on the untyped constant.
func boolResults(f *ast.FuncDecl) {
	var isBool []bool
	if f.Type.Results != nil {
		for _, r := range f.Type.Results.List {
			id, ok := r.Type.(*ast.Ident)
			for range max(1, len(r.Names)) {
				isBool = append(isBool, ok && id.Name == "bool")
			}
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		ret, ok := n.(*ast.ReturnStmt)
		if !ok || len(ret.Results) != len(isBool) {
			return true
		}
		for i, e := range ret.Results {
			if id, ok := e.(*ast.Ident); ok && isBool[i] && (id.Name == "true" || id.Name == "false") {
				ret.Results[i] = call("bool", e.Pos(), e)
			}
		}
		return true
	})
}

// callExpr rewrites recover(), functions of generic packages and the arguments of fmt's functions.
func (s *Session) callExpr(c *astutil.Cursor, n *ast.CallExpr) {
	if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "recover" && len(n.Args) == 0 {
		c.Replace(call(recovered, n.Pos(), n))
		return
	}
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok || s.shadowed[pkg.Name] {
		return
	}
	if p := s.imported[pkg.Name]; p != "" {
		name := dotted(p, sel.Sel.Name)
		if _, ok := generics[name]; ok {
			n.Fun = ident(name, n.Fun.Pos())
			return
		}
	}
	if pkg.Name == "fmt" {
		showArgs(sel.Sel.Name, n)
	}
}

func call(name string, pos token.Pos, args ...ast.Expr) *ast.CallExpr {
	return &ast.CallExpr{Fun: ident(name, pos), Lparen: pos, Args: args, Rparen: pos}
}

func block(pos token.Pos, list ...ast.Stmt) *ast.BlockStmt {
	return &ast.BlockStmt{Lbrace: pos, List: list, Rbrace: pos}
}

// stopClause ends a select statement when the cell is interrupted.
func stopClause(pos token.Pos) ast.Stmt {
	wait := &ast.UnaryExpr{OpPos: pos, Op: token.ARROW, X: call(stopping, pos)}
	return &ast.CommClause{Case: pos, Colon: pos, Comm: &ast.ExprStmt{X: wait}, Body: []ast.Stmt{&ast.ExprStmt{X: call(stopped, pos)}}}
}

// plainReceive undoes the rewriting of <-c in a clause of select, where Go wants it bare.
func plainReceive(comm ast.Stmt) {
	undo := func(e *ast.Expr) {
		if cl, ok := (*e).(*ast.CallExpr); ok {
			if id, ok := cl.Fun.(*ast.Ident); ok && (id.Name == receive || id.Name == receive2) {
				*e = &ast.UnaryExpr{OpPos: cl.Pos(), Op: token.ARROW, X: cl.Args[0]}
			}
		}
	}
	switch st := comm.(type) {
	case *ast.ExprStmt:
		undo(&st.X)
	case *ast.AssignStmt:
		undo(&st.Rhs[0])
	}
}

// captures reports whether a loop's body holds a function, which may outlive the iteration.
func captures(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		_, is := n.(*ast.FuncLit)
		found = found || is
		return !found
	})
	return found
}

// copyVars puts `v := v` before a body for each variable.
func copyVars(body *ast.BlockStmt, vars []ast.Expr) *ast.BlockStmt {
	var list []ast.Stmt
	for _, v := range vars {
		if id, ok := v.(*ast.Ident); ok && id.Name != "_" {
			list = append(list, define(ident(id.Name, body.Lbrace), ident(id.Name, body.Lbrace)))
		}
	}
	return &ast.BlockStmt{Lbrace: body.Lbrace, Rbrace: body.Rbrace, List: append(list, body.List...)}
}

func define(to *ast.Ident, from ast.Expr) ast.Stmt {
	return &ast.AssignStmt{Lhs: []ast.Expr{to}, TokPos: to.Pos(), Tok: token.DEFINE, Rhs: []ast.Expr{from}}
}

// ownVars gives each iteration of a loop variables of its own. Where the body assigns to one, the
// loop counts in a hidden variable, and each way to the next iteration copies the value back.
func ownVars(loop *ast.ForStmt, vars []ast.Expr, label *ast.LabeledStmt) {
	var plain []ast.Expr
	for _, v := range vars {
		id, ok := v.(*ast.Ident)
		if !ok || id.Name == "_" {
			continue
		}
		if !assigned(loop.Body, id.Name) {
			plain = append(plain, v)
			continue
		}
		name, hidden := id.Name, id.Name+"\u02b9"
		for _, n := range []ast.Node{loop.Init, loop.Cond, loop.Post} {
			renamed(n, name, hidden)
		}
		back := func(pos token.Pos) ast.Stmt {
			return &ast.AssignStmt{Lhs: []ast.Expr{ident(hidden, pos)}, TokPos: pos, Tok: token.ASSIGN, Rhs: []ast.Expr{ident(name, pos)}}
		}
		copyBack(loop.Body, label, back)
		inner := &ast.BlockStmt{Lbrace: loop.Body.Lbrace, List: loop.Body.List, Rbrace: loop.Body.Rbrace}
		loop.Body = &ast.BlockStmt{Lbrace: loop.Body.Lbrace, Rbrace: loop.Body.Rbrace, List: []ast.Stmt{
			define(ident(name, loop.Body.Lbrace), ident(hidden, loop.Body.Lbrace)), inner, back(loop.Body.Rbrace),
		}}
	}
	loop.Body = copyVars(loop.Body, plain)
}

// copyBack puts a statement before each continue of the loop whose body it is.
func copyBack(body *ast.BlockStmt, label *ast.LabeledStmt, back func(token.Pos) ast.Stmt) {
	depth := 0
	astutil.Apply(body, func(c *astutil.Cursor) bool {
		switch n := c.Node().(type) {
		case *ast.FuncLit:
			return false
		case *ast.ForStmt, *ast.RangeStmt:
			depth++
		case *ast.BranchStmt:
			ours := n.Label == nil && depth == 0 || n.Label != nil && label != nil && n.Label.Name == label.Label.Name
			if n.Tok == token.CONTINUE && ours {
				c.Replace(block(n.Pos(), back(n.Pos()), n))
				return false
			}
		}
		return true
	}, func(c *astutil.Cursor) bool {
		switch c.Node().(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			depth--
		}
		return true
	})
}

// renamed gives a variable another name in a part of a loop's head.
func renamed(n ast.Node, from, to string) {
	if n == nil || reflect.ValueOf(n).IsNil() {
		return
	}
	astutil.Apply(n, func(c *astutil.Cursor) bool {
		if id, ok := c.Node().(*ast.Ident); ok && id.Name == from {
			if sel, ok := c.Parent().(*ast.SelectorExpr); !ok || sel.Sel != id {
				id.Name = to
			}
		}
		return true
	}, nil)
}

func assigned(body *ast.BlockStmt, name string) (found bool) {
	is := func(e ast.Expr) bool { id, ok := e.(*ast.Ident); return ok && id.Name == name }
	ast.Inspect(body, func(n ast.Node) bool {
		switch st := n.(type) {
		case *ast.AssignStmt:
			for _, l := range st.Lhs {
				found = found || st.Tok != token.DEFINE && is(l)
			}
		case *ast.IncDecStmt:
			found = found || is(st.X)
		case *ast.UnaryExpr:
			found = found || st.Op == token.AND && is(st.X)
		}
		return !found
	})
	return found
}

// guarded is `go f(a, b)` with f, a and b evaluated first and the call's panic caught.
func guarded(st *ast.GoStmt, line int) ast.Stmt {
	e, err := parser.ParseExpr("func() { defer func() { if r := recover(); r != nil { " + panicked + "(r, " + strconv.Itoa(line) + ") } }() }")
	if err != nil {
		return st
	}
	fn := e.(*ast.FuncLit)
	clearPos(fn, st.Go)
	out := &ast.BlockStmt{Lbrace: st.Go, Rbrace: st.End()}
	c := *st.Call
	c.Args = nil
	if lit, ok := c.Fun.(*ast.FuncLit); ok {
		id := ident("f\u02b9", lit.Pos())
		out.List = append(out.List, define(id, lit))
		c.Fun = id
	}
	for i, a := range st.Call.Args {
		if id, ok := a.(*ast.Ident); ok && id.Name == "nil" {
			c.Args = append(c.Args, a)
			continue
		}
		id := ident("a\u02b9"+strconv.Itoa(i), a.Pos())
		out.List = append(out.List, define(id, a))
		c.Args = append(c.Args, id)
	}
	fn.Body.List = append(fn.Body.List, &ast.ExprStmt{X: &c})
	out.List = append(out.List, &ast.GoStmt{Go: st.Go, Call: &ast.CallExpr{Fun: fn, Lparen: st.Go, Rparen: st.Go}})
	return out
}

// clearPos gives the nodes of a snippet a place in the cell.
func clearPos(n ast.Node, pos token.Pos) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			n.NamePos = pos
		case *ast.CallExpr:
			n.Lparen, n.Rparen = pos, pos
		case *ast.BlockStmt:
			n.Lbrace, n.Rbrace = pos, pos
		case *ast.FuncType:
			n.Func = pos
		case *ast.AssignStmt:
			n.TokPos = pos
		case *ast.DeferStmt:
			n.Defer = pos
		case *ast.IfStmt:
			n.If = pos
		case *ast.BinaryExpr:
			n.OpPos = pos
		case *ast.BasicLit:
			n.ValuePos = pos
		}
		return true
	})
}

// deferBuiltin wraps a deferred builtin, which the interpreter cannot defer bare, in a function.
func deferBuiltin(st *ast.DeferStmt) {
	id, ok := st.Call.Fun.(*ast.Ident)
	if !ok || id.Name != "close" && id.Name != "delete" && id.Name != "print" && id.Name != "println" && id.Name != "panic" && id.Name != "clear" {
		return
	}
	fn := &ast.FuncLit{Type: &ast.FuncType{Func: st.Defer, Params: &ast.FieldList{}}, Body: block(st.Defer, &ast.ExprStmt{X: st.Call})}
	st.Call = &ast.CallExpr{Fun: fn, Lparen: st.Defer, Rparen: st.Defer}
}

// showArgs wraps the arguments of a call of fmt's that values of cell types would show badly as.
func showArgs(name string, n *ast.CallExpr) {
	if n.Ellipsis.IsValid() {
		return
	}
	first, format := 0, false
	switch name {
	case "Print", "Println", "Sprint", "Sprintln":
	case "Printf", "Sprintf", "Errorf":
		format = true
	case "Fprint", "Fprintln", "Append", "Appendln":
		first = 1
	case "Fprintf", "Appendf":
		first, format = 1, true
	default:
		return
	}
	verbs := ""
	if format {
		if len(n.Args) <= first {
			return
		}
		lit, ok := n.Args[first].(*ast.BasicLit)
		if !ok {
			return
		}
		verbs = verbsOf(lit.Value)
		first++
	}
	for i := first; i < len(n.Args); i++ {
		if k := i - first; format && (k >= len(verbs) || verbs[k] != 'v' && verbs[k] != 's' && verbs[k] != 'q') {
			continue
		}
		switch n.Args[i].(type) {
		case *ast.BasicLit, *ast.FuncLit, *ast.BinaryExpr:
		case *ast.CallExpr:
			if len(n.Args) > first+1 || format { // a lone call may give several values
				n.Args[i] = call(shown, n.Args[i].Pos(), n.Args[i])
			}
		default:
			n.Args[i] = call(shown, n.Args[i].Pos(), n.Args[i])
		}
	}
}

// verbsOf lists a format's verbs in the order of the arguments; "" if it does not take them in order.
func verbsOf(format string) string {
	var out []byte
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		for i++; i < len(format); i++ {
			c := format[i]
			if c == '*' || c == '[' {
				return ""
			}
			if c == '%' {
				break
			}
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
				out = append(out, c)
				break
			}
		}
	}
	return string(out)
}

// marks puts before each statement inside another one a note of its line, for the message of a panic
// there.
func (s *Session) marks(n ast.Node) ast.Node {
	top := s.at(n).Line
	mark := func(list []ast.Stmt) (out []ast.Stmt) {
		last := 0
		for _, st := range list {
			if l := s.at(st).Line; l > 0 && l != last && l != top {
				last = l
				at := int64(s.serial)<<32 | int64(l)
				out = append(out, s.site(st.Pos(), func(c *fast.Comp) {
					c.Append(func(env *fast.Env) (fast.Stmt, *fast.Env) {
						s.line.Store(at)
						env.IP++
						return env.Code[env.IP], env
					}, st.Pos())
				}))
			}
			out = append(out, st)
		}
		return out
	}
	var lists []*[]ast.Stmt
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			for _, st := range n.List {
				switch st.(type) {
				case *ast.CaseClause, *ast.CommClause:
					return true
				}
			}
			lists = append(lists, &n.List)
		case *ast.CaseClause:
			lists = append(lists, &n.Body)
		case *ast.CommClause:
			lists = append(lists, &n.Body)
		}
		return true
	})
	for _, l := range lists {
		*l = mark(*l)
	}
	return n
}

// failure is an error that the cell rule fails a cell with, from inside a statement.
type failure struct {
	error
	line int
}

func (f failure) Unwrap() error { return f.error }

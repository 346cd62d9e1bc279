package lang

import (
	"go/ast"
	"go/token"
	"reflect"

	"github.com/cosmos72/gomacro/fast"
)

// Where code fails costs nothing until it does: the interpreter keeps a position beside each statement that it has
// compiled, and the statement that each call on the way stands at. The positions of lowered code are the negative
// numbers of spots.

// spot is a statement of a cell: where it stands, in which function, and what may go wrong in it.
type spot struct {
	Place
	fn     string // "" at a cell's top level
	probes []*probe
}

// newSpot makes a spot for what stands at n.
func (l *low) newSpot(n ast.Node) {
	at := l.e.at(n.Pos())
	at.Serial = l.serial
	s := &spot{Place: at, fn: l.name}
	l.e.spotMu.Lock()
	defer l.e.spotMu.Unlock()
	l.e.spots = append(l.e.spots, s)
	l.at = len(l.e.spots) - 1
}

// visible is the position of the spot with that number; inside is that of functions which lowering has put there: no
// call of the cell's.
func visible(n int) token.Pos { return token.Pos(-(2*n + 2)) }
func inside(n int) token.Pos  { return token.Pos(-(2*n + 3)) }

// spotAt is the spot of a position; nil if there is none.
func (e *Engine) spotAt(p token.Pos) (s *spot, isHidden bool) {
	if p >= -1 {
		return nil, false
	}
	n := (-int(p) - 2) / 2
	e.spotMu.Lock()
	defer e.spotMu.Unlock()
	if n >= len(e.spots) {
		return nil, false
	}
	return e.spots[n], -int(p)%2 != 0
}

// stamp gives lowered statements the position of the spot with that number, but for what has one.
func stamp[N ast.Node](list []N, n int) {
	for _, x := range list {
		stampNode(x, visible(n), inside(n))
	}
}

func stampNode(n ast.Node, p, inner token.Pos) {
	ast.Inspect(n, func(n ast.Node) bool {
		if lit, ok := n.(*ast.FuncLit); ok {
			if lit.Type.Func != token.NoPos {
				return false // it has been stamped
			}
			lit.Type.Func = p
			if lit.Type.Params != nil {
				stampNode(lit.Type.Params, p, inner)
			}
			if lit.Type.Results != nil {
				stampNode(lit.Type.Results, p, inner)
			}
			stampNode(lit.Body, inner, inner)
			return false
		}
		if at := position(n); at != nil && *at == token.NoPos {
			*at = p
		}
		return true
	})
}

// position is where a node keeps the position that it begins with; nil if that is a part's, or means something.
func position(n ast.Node) *token.Pos {
	switch n := n.(type) {
	case *ast.Ident:
		return &n.NamePos
	case *ast.BasicLit:
		return &n.ValuePos
	case *ast.UnaryExpr:
		return &n.OpPos
	case *ast.StarExpr:
		return &n.Star
	case *ast.ParenExpr:
		return &n.Lparen
	case *ast.CompositeLit:
		return &n.Lbrace
	case *ast.ReturnStmt:
		return &n.Return
	case *ast.IfStmt:
		return &n.If
	case *ast.ForStmt:
		return &n.For
	case *ast.RangeStmt:
		return &n.For
	case *ast.SwitchStmt:
		return &n.Switch
	case *ast.SelectStmt:
		return &n.Select
	case *ast.BranchStmt:
		return &n.TokPos
	case *ast.GenDecl:
		return &n.TokPos
	case *ast.BlockStmt:
		return &n.Lbrace
	case *ast.DeferStmt:
		return &n.Defer
	case *ast.GoStmt:
		return &n.Go
	case *ast.CaseClause:
		return &n.Case
	case *ast.CommClause:
		return &n.Case
	case *ast.EmptyStmt:
		return &n.Semicolon
	}
	return nil
}

// Frame is a call on the way to where code failed, or that place itself.
type Frame struct {
	Place
	Func string // the function that the place is in; "" at a cell's top level
	// Times is how often it stands in a row: more than once where a function calls itself. Where Line is 0 it is
	// how many calls have been left out.
	Times int
}

// longest is how many frames of a trace are kept: the innermost half and the outermost.
const longest = 40

// traceOf is the way from env, where code runs, out to the cell's statement: the innermost place first.
func (e *Engine) traceOf(env *fast.Env) (out []Frame) {
	dropped := 0
	for env != nil {
		if s, isHidden := e.spotOf(env); s != nil && !isHidden {
			if n := len(out); n > 0 && out[n-1].Place == s.Place && out[n-1].Func == s.fn {
				out[n-1].Times++
			} else {
				out = append(out, Frame{s.Place, s.fn, 1})
				if len(out) > longest {
					out = append(out[:longest/2], out[longest/2+1:]...)
					dropped++
				}
			}
		}
		env = functionOf(env).Caller
	}
	if dropped > 0 {
		out = append(out[:longest/2], append([]Frame{{Times: dropped}}, out[longest/2:]...)...)
	}
	return out
}

// functionOf is the outermost block of the function that env is a block of.
func functionOf(env *fast.Env) *fast.Env {
	for env.Caller == nil && env.Outer != nil && len(env.Code) > 0 && len(env.Outer.Code) > 0 && &env.Code[0] == &env.Outer.Code[0] {
		env = env.Outer
	}
	return env
}

// spotOf is the spot of the statement that runs in env.
func (e *Engine) spotOf(env *fast.Env) (*spot, bool) {
	for i := min(env.IP, len(env.DebugPos)-1); i >= 0; i-- {
		if s, isHidden := e.spotAt(env.DebugPos[i]); s != nil {
			return s, isHidden
		}
	}
	return nil, false
}

// current says again which block runs, behind jumps that leave blocks without telling the interpreter.
func (e *Engine) current() ast.Stmt {
	return e.site(func(c *fast.Comp) {
		c.Append(func(env *fast.Env) (fast.Stmt, *fast.Env) {
			env.Run.CurrEnv = env
			env.IP++
			return env.Code[env.IP], env
		}, token.NoPos)
	})
}

// samePanic reports whether two values that code panicked with are one.
func samePanic(a, b any) bool {
	ta := reflect.TypeOf(a)
	if ta != reflect.TypeOf(b) {
		return false
	}
	return ta == nil || !reflect.ValueOf(a).Comparable() || a == b
}

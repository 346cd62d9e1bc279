package interp

import (
	"go/ast"

	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"
)

// guards puts a check before make: for memory that the machine does not have, Go would end the process.
func (s *Session) guards() {
	latest.Store(s)
	if sym := s.ir.Comp.TryResolve("make"); sym != nil {
		if b, ok := sym.Value.(fast.Builtin); ok {
			s.ir.DeclBuiltin("make", fast.Builtin{ArgMin: b.ArgMin, ArgMax: b.ArgMax, Compile: func(c *fast.Comp, sym fast.Symbol, node *ast.CallExpr) *fast.Call {
				return checkedMake(b.Compile(c, sym, node))
			}})
		}
	}
}

// checkedMake has a compiled make look whether there is memory for what it makes.
func checkedMake(made *fast.Call) *fast.Call {
	if made == nil || made.Fun == nil {
		return made
	}
	switch f := made.Fun.Value.(type) {
	case func(xr.Type, int) xr.Value:
		made.Fun.Value = func(t xr.Type, n int) xr.Value {
			affordable(elementSize(t), n)
			return f(t, n)
		}
	case func(xr.Type, int, int) xr.Value:
		made.Fun.Value = func(t xr.Type, n, m int) xr.Value {
			affordable(elementSize(t), max(n, m))
			return f(t, n, m)
		}
	}
	return made
}

// elementSize is how many bytes an element of a slice, a channel or a map takes, at least.
func elementSize(t xr.Type) int {
	r := t.ReflectType()
	size := r.Elem().Size()
	if t.Kind() == xr.Map {
		size += r.Key().Size() + 1
	}
	return int(size)
}

package interp

import (
	"fmt"
	"go/ast"
	"go/types"
	"path"
	"regexp"
	"strings"

	xr "github.com/cosmos72/gomacro/xreflect"
)

var unfit = regexp.MustCompile(`^cannot use .* as (\S+)( in argument to .*)?$`)

// fittingHint is what can be given where a value of a type of the library is wanted: the functions that give
// one. The calls of statement n are searched for the parameter.
func (s *Session) fittingHint(n ast.Node, typ string) (hint string) {
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || hint != "" {
			return hint == ""
		}
		callee := types.ExprString(call.Fun)
		if strings.ContainsRune(callee, '\u02b9') {
			return true
		}
		f := s.callee(callee)
		if f == nil {
			return true
		}
		for i := range call.Args {
			if p := parameter(f, i); p != nil && shortName(p) == typ {
				hint = made(s.fitting(argument{callee, i}))
				return false
			}
		}
		return true
	})
	return hint
}

// shortName is a type's name with its package's: "fastnb.LRs".
func shortName(t xr.Type) string { return folders.ReplaceAllString(t.ReflectType().String(), "") }

// made lists the functions among what fits.
func made(fits []Completion) string {
	const most = 12
	var names []string
	for _, c := range fits {
		if c.Type == "function" {
			names = append(names, path.Base(c.Text)+"(...)")
		}
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return fmt.Sprintf("What fits: %s and %d others; the Tab key in the parentheses shows all.", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "What fits: " + strings.Join(names, ", ") + "."
}

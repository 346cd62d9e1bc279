package interp

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/fastnb/go/kernel/bind"
)

// nameless is how the interpreter fails where a name may be unknown. Only for the first of these does
// it tell which: it takes a call or a chain that does not compile for the name of a type.
var nameless = regexp.MustCompile(`undefined identifier: |^undefined "|^repl\.go:\d+:\d+: undefined "|invalid qualified type, |unimplemented type: .* <\*ast\.(CallExpr|SelectorExpr)>$|not a package: "|not a type: `)

// undefined is an error that names the first name in a statement that nothing defines; nil if err is
// about something else.
func (s *Session) undefined(n ast.Node, err error) error {
	if !nameless.MatchString(err.Error()) {
		return nil
	}
	own := declares(n)
	var unknown *ast.Ident
	check := func(id *ast.Ident) {
		if unknown == nil && id.Name != "_" && !own[id.Name] && !strings.ContainsRune(id.Name, '\u02b9') &&
			s.ir.Comp.TryResolve(id.Name) == nil && s.ir.Comp.TryResolveType(id.Name) == nil {
			unknown = id
		}
	}
	var walk func(n ast.Node) bool
	walk = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			ast.Inspect(n.X, walk)
			return false
		case *ast.KeyValueExpr:
			if _, ok := n.Key.(*ast.Ident); !ok { // a field's name, or a key that compiles or not by itself
				ast.Inspect(n.Key, walk)
			}
			ast.Inspect(n.Value, walk)
			return false
		case *ast.Field:
			ast.Inspect(n.Type, walk)
			return false
		case *ast.BranchStmt:
			return false
		case *ast.LabeledStmt:
			ast.Inspect(n.Stmt, walk)
			return false
		case *ast.Ident:
			check(n)
		}
		return true
	}
	ast.Inspect(n, walk)
	if unknown == nil {
		return nil
	}
	at, hint := s.at(unknown), s.undefinedHint(unknown.Name)
	if as, ok := n.(*ast.AssignStmt); ok && as.Tok == token.ASSIGN && slices.Contains(as.Lhs, ast.Expr(unknown)) {
		hint = fmt.Sprintf("A variable is made by := the first time: %s := ...", unknown.Name)
	}
	return &CellError{Name: "error", Value: "undefined: " + unknown.Name, Line: at.Line, Column: at.Column, Hint: hint}
}

// declares are the names that a statement declares somewhere in it.
func declares(n ast.Node) map[string]bool {
	out := map[string]bool{}
	note := func(ids ...ast.Expr) {
		for _, e := range ids {
			if id, ok := e.(*ast.Ident); ok {
				out[id.Name] = true
			}
		}
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				note(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				note(n.Key, n.Value)
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				note(id)
			}
		case *ast.Field:
			for _, id := range n.Names {
				note(id)
			}
		case *ast.FuncDecl:
			note(n.Name)
		case *ast.TypeSpec:
			note(n.Name)
		}
		return true
	})
	return out
}

// undefinedHint is what to do about a name that is not defined.
func (s *Session) undefinedHint(name string) string {
	switch like, pkg := alike(name, s.known()), importable(name); {
	case pkg != "":
		return fmt.Sprintf("Was the cell that defines it run? If the package is meant: import %q first.", pkg)
	case like != "":
		return fmt.Sprintf("Did you mean %s?", like)
	}
	return "Is it spelled right? Was the cell that defines it run?"
}

// importable is the path of a package of that name that cells may import, or "".
func importable(name string) string {
	for _, p := range bind.Available() {
		if path.Base(p) == name || strings.HasSuffix(path.Dir(p), "/"+name) && path.Base(p) == "v2" {
			return p
		}
	}
	return ""
}

// known are the names that a cell may use without a dot.
func (s *Session) known() (out []string) {
	for c := s.ir.Comp; c != nil && c.Outer != nil; c = c.Outer { // Go's own names are too short to be meant
		for n := range c.Binds {
			out = append(out, n)
		}
		for n := range c.Types {
			out = append(out, n)
		}
	}
	return out
}

var lacking = regexp.MustCompile(`^(.*) has no field or method (\w+)$`)

// memberHint is what to do about a name that stands after a dot behind x, a value that has none such.
func (s *Session) memberHint(x, name string) string {
	if t := s.typeOf(x); t != nil {
		if like := alike(name, members(t)); like != "" {
			return fmt.Sprintf("Did you mean %s.%s?", x, like)
		}
	}
	return memberHint
}

const memberHint = "The Tab key after the dot shows what there is."

var notInPackage = regexp.MustCompile(`^undefined: (\w+)\.(\w+)$`)

// packageHint is what to do about a name that an imported package does not have.
func (s *Session) packageHint(pkg, name string) string {
	sym := s.ir.Comp.TryResolve(pkg)
	if sym == nil {
		return ""
	}
	imp, ok := sym.Value.(*fast.Import)
	if !ok {
		return ""
	}
	var all []string
	for n := range imp.Binds {
		all = append(all, n)
	}
	for n := range imp.Types {
		all = append(all, n)
	}
	if like := alike(name, all); like != "" {
		return fmt.Sprintf("Did you mean %s.%s?", pkg, like)
	}
	if s.ir.Comp.TryResolve(name) != nil {
		return fmt.Sprintf("%s stands by itself, without a package.", name)
	}
	return ""
}

// members are the fields and methods that can be written behind a value of type t.
func members(t xr.Type) (out []string) {
	for i := range t.NumMethod() {
		out = append(out, t.Method(i).Name)
	}
	rt := t.ReflectType()
	for i := range rt.NumMethod() {
		out = append(out, rt.Method(i).Name)
	}
	if rt.Kind().String() == "ptr" {
		rt = rt.Elem()
	}
	if rt.Kind().String() == "struct" {
		for i := range rt.NumField() {
			out = append(out, rt.Field(i).Name)
		}
	}
	return slices.DeleteFunc(out, func(n string) bool { return !ast.IsExported(n) })
}

// alike is the name of those in all that is meant by name: Python's way of writing it (fit_one_cycle),
// other capitals, or one letter of four, two of seven amiss; "" if none is close.
func alike(name string, all []string) string {
	best, least := "", 1+min(2, (len(name)-1)/3)
	for _, n := range all {
		if strings.ContainsRune(n, '\u02b9') || n == name || n == "_" {
			continue
		}
		d := distance(plain(name), plain(n), least+1)
		if d < least || d == least && best != "" && n < best {
			best, least = n, d
		}
	}
	return best
}

// plain is a name without capitals and underscores.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// distance is how many letters must be put in, taken out or changed to make b of a (Levenshtein's
// distance); at least most if that is not less.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal, row[j] = row[j], min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

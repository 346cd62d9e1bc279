package interp

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/bind/list"
)

// longestValue is how many bytes of a variable's value an inspection shows.
const longestValue = 300

// Inspect describes the expression at the cursor: the declaration and comment of a compiled function
// or type, else its type, and the value of a variable. Nothing of it runs.
func (s *Session) Inspect(code string, cursor int) (data map[string]any, found bool) {
	expr := expressionAt([]rune(code), cursor)
	if expr == "" {
		return nil, false
	}
	var text string
	s.do(func() { text = s.describe(expr) })
	if text == "" {
		return nil, false
	}
	return map[string]any{"text/plain": text}, true
}

// describe is what there is to say about a name, or names with dots; "" if nothing.
func (s *Session) describe(expr string) (text string) {
	defer func() { _ = recover() }()
	text = s.documented(expr)
	if text != "" && strings.HasPrefix(text, "func") {
		return text
	}
	if t := s.typeOf(expr); t != nil {
		text = strings.TrimSpace(fmt.Sprintf("%s %v\n\n%s", expr, t, text))
	}
	if v := s.peek(expr); v != "" {
		text += "\n\nvalue: " + v
	}
	return text
}

// expressionAt is the name, or names with dots, at the cursor; after an opening parenthesis it is the
// function called.
func expressionAt(runes []rune, cursor int) string {
	cursor = max(0, min(cursor, len(runes)))
	in := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' }
	a, b := cursor, cursor
	if a > 0 && !in(runes[a-1]) && (b >= len(runes) || !in(runes[b])) {
		for depth := 0; a > 0; a-- {
			switch runes[a-1] {
			case ')':
				depth++
			case '(':
				depth--
			case '\n':
				return ""
			}
			if depth < 0 {
				a--
				break
			}
		}
		b = a
	}
	for a > 0 && in(runes[a-1]) {
		a--
	}
	for b < len(runes) && in(runes[b]) && runes[b] != '.' {
		b++
	}
	return strings.Trim(string(runes[a:b]), ".")
}

// documented finds what the packages' docs say about an expression.
func (s *Session) documented(expr string) string {
	parts := strings.Split(expr, ".")
	last := parts[len(parts)-1]
	if len(parts) == 1 {
		if sym := s.ir.Comp.TryResolve(expr); sym != nil {
			if p := importPath(sym); p != "" {
				return bind.Doc(p)
			}
		}
		for _, p := range list.Dotted {
			if d := bind.Doc(p + "." + expr); d != "" {
				return d
			}
		}
		return ""
	}
	if sym := s.ir.Comp.TryResolve(parts[0]); sym != nil && len(parts) == 2 {
		if p := importPath(sym); p != "" {
			return bind.Doc(p + "." + last)
		}
	}
	t := s.typeOf(strings.Join(parts[:len(parts)-1], "."))
	if t == nil {
		return ""
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return bind.Doc(t.PkgPath() + "." + t.Name() + "." + last)
}

// importPath is the path of the package that a symbol stands for, or "".
func importPath(sym *fast.Symbol) string {
	if imp, ok := sym.Value.(*fast.Import); ok {
		return imp.Path
	}
	return ""
}

// typeOf is the type of an expression, found by compiling it; nil if it does not compile.
func (s *Session) typeOf(expr string) (t xr.Type) {
	defer func() {
		if recover() != nil {
			t = nil
		}
		s.ir.Comp.Code.Clear()
	}()
	s.ir.Comp.Line = 0
	s.ir.Comp.Code.Clear()
	e := s.ir.Compile(expr)
	if e == nil || e.NumOut() == 0 {
		return nil
	}
	return e.Out(0)
}

// peek is the value of a variable of a plain type, shortened.
func (s *Session) peek(name string) string {
	if !isName(name) {
		return ""
	}
	sym := s.ir.Comp.TryResolve(name)
	if sym == nil || importPath(sym) != "" {
		return ""
	}
	v := s.ir.ValueOf(name)
	if !v.IsValid() || !v.CanInterface() {
		return ""
	}
	switch k := v.Kind(); {
	case k <= reflect.Complex128, k == reflect.String:
	case (k == reflect.Slice || k == reflect.Map) && v.Len() <= 100:
	default:
		return ""
	}
	out := fmt.Sprint(v.Interface())
	if len(out) > longestValue {
		out = strings.ToValidUTF8(out[:longestValue], "") + "..."
	}
	return out
}

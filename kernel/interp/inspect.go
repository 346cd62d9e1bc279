package interp

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"
	"unicode"

	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/lang"
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
	if tv, o, ok := s.e.TypeOf(expr); ok && tv.Type != nil {
		if _, isType := o.(*types.TypeName); !isType {
			text = strings.TrimSpace(fmt.Sprintf("%s %s\n\n%s", expr, lang.Spelled(tv.Type), text))
		} else if text == "" {
			text = fmt.Sprintf("type %s %s", expr, lang.Spelled(tv.Type.Underlying()))
		}
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
		switch o := s.e.Lookup(expr).(type) {
		case nil:
		case *types.PkgName:
			return bind.Doc(o.Imported().Path())
		default:
			if o.Pkg() != nil {
				return bind.Doc(o.Pkg().Path() + "." + o.Name())
			}
		}
		return ""
	}
	if p, ok := s.e.Lookup(parts[0]).(*types.PkgName); ok && len(parts) == 2 {
		return bind.Doc(p.Imported().Path() + "." + last)
	}
	tv, _, ok := s.e.TypeOf(strings.Join(parts[:len(parts)-1], "."))
	if !ok {
		return ""
	}
	t := tv.Type
	if p, isPtr := t.Underlying().(*types.Pointer); isPtr {
		t = p.Elem()
	}
	if n, isNamed := types.Unalias(t).(*types.Named); isNamed && n.Obj().Pkg() != nil {
		return bind.Doc(n.Obj().Pkg().Path() + "." + n.Obj().Name() + "." + last)
	}
	return ""
}

// peek is the value of a variable of a plain type, shortened.
func (s *Session) peek(name string) string {
	if !isName(name) {
		return ""
	}
	x, ok := s.e.Value(name)
	if !ok || x.V == nil {
		return ""
	}
	v := reflect.ValueOf(lang.Plain(x.V))
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

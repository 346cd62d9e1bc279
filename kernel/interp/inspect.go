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
	before, expr := expressionAt([]rune(code), cursor)
	if expr == "" {
		return nil, false
	}
	var text string
	_ = s.do(func() { text = s.describe(before, expr) })
	if text == "" {
		return nil, false
	}
	return map[string]any{"text/plain": text}, true
}

// describe is what there is to say about a name, or names with dots; "" if nothing.
func (s *Session) describe(before, expr string) (text string) {
	defer func() { _ = recover() }()
	text = s.documented(before, expr)
	if text != "" && strings.HasPrefix(text, "func") {
		return text
	}
	if tv, o, ok := s.e.TypeIn(before, expr); ok && tv.Type != nil {
		if f, isFunc := o.(*types.Func); isFunc {
			text = strings.TrimSpace(strings.Replace(lang.Spelled(f.Type()), "func", "func "+f.Name(), 1) + "\n\n" + text)
		} else if _, isType := o.(*types.TypeName); !isType {
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
func expressionAt(runes []rune, cursor int) (before, expr string) {
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
	before, expr = string(runes[:a]), strings.TrimRight(string(runes[a:b]), ".")
	if name, ok := strings.CutPrefix(expr, "."); ok { // of what a call gives, perhaps
		if rest, x, ok := operand(before + "."); ok {
			return rest, x + "." + name
		}
		return before + ".", name
	}
	return before, expr
}

// documented finds what the packages' docs say about an expression.
func (s *Session) documented(before, expr string) string {
	last := expr[strings.LastIndexByte(expr, '.')+1:]
	of := strings.TrimSuffix(strings.TrimSuffix(expr, last), ".")
	if of == "" {
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
	tv, o, ok := s.e.TypeIn(before, of)
	if p, is := o.(*types.PkgName); is {
		return bind.Doc(p.Imported().Path() + "." + last)
	}
	if !ok || tv.Type == nil {
		if p := importable(of); p != "" {
			return bind.Doc(p + "." + last)
		}
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

package interp

import (
	"fmt"
	"go/doc/comment"
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
	runes := []rune(code)
	cursor = max(0, min(cursor, len(runes)))
	if m := magicAt(runes, cursor); m != nil {
		return map[string]any{"text/plain": strings.TrimSpace("%"+m.name+" "+m.args) + "\n\n" + m.help}, true
	}
	before, expr := expressionAt(runes, cursor)
	if expr == "" {
		return nil, false
	}
	var text string
	_ = s.do(func() {
		if text = s.describe(before, expr); text != "" {
			return
		}
		if meant := s.meant(before, expr); meant != "" {
			text = s.describe(before, meant)
		}
		if a, ok := argumentAt(before); ok && text == "" { // of the call in which the name is
			text = s.describe(a.before, a.callee)
		}
	})
	if text == "" {
		return nil, false
	}
	return map[string]any{"text/plain": text}, true
}

// magicAt is the command on whose line the cursor is; nil on lines of Go.
func magicAt(runes []rune, cursor int) *magic {
	from, to := cursor, cursor
	for from > 0 && runes[from-1] != '\n' {
		from--
	}
	for to < len(runes) && runes[to] != '\n' {
		to++
	}
	line, ok := strings.CutPrefix(strings.TrimSpace(string(runes[from:to])), "%")
	if !ok {
		return nil
	}
	name, _, _ := strings.Cut(line, " ")
	for i := range magicList {
		if magicList[i].name == name {
			return &magicList[i]
		}
	}
	return nil
}

// meant is an expression whose last name is written with other capitals or as in Python, as it is written here; ""
// if there is none such.
func (s *Session) meant(before, expr string) string {
	i := strings.LastIndexByte(expr, '.')
	var all []string
	if i < 0 {
		all = s.known()
	} else {
		for _, c := range s.words(before + expr[:i+1]) {
			all = append(all, c.Text)
		}
	}
	for _, name := range all {
		if name != expr[i+1:] && plain(name) == plain(expr[i+1:]) {
			return expr[:i+1] + name
		}
	}
	return ""
}

// describe is what there is to say about a name, or names with dots; "" if nothing.
func (s *Session) describe(before, expr string) (text string) {
	defer func() { _ = recover() }()
	if text = builtinDocs[expr]; text != "" && s.e.Scope()[expr] == nil {
		return text
	}
	text = flowing(s.documented(before, expr))
	if text != "" && strings.HasPrefix(text, "func") {
		return text
	}
	last := expr[strings.LastIndexByte(expr, '.')+1:]
	// Where there is no member of that name, the answer is about what stands before the dot.
	if tv, o, ok := s.e.TypeIn(before, expr); ok && tv.Type != nil && (o == nil || o.Name() == last) {
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

// flowing makes one line of each paragraph of a declaration's comment: whatever shows it breaks lines to its width,
// and those of the source would be ragged between.
func flowing(text string) string {
	declared, told, ok := strings.Cut(text, "\n\n")
	if !ok {
		return text
	}
	told = string((&comment.Printer{TextWidth: -1}).Text(new(comment.Parser).Parse(told)))
	return declared + "\n\n" + strings.TrimSpace(told)
}

// builtinDocs are the functions that the language itself has.
var builtinDocs = map[string]string{
	"append":  "func append(s []T, x ...T) []T\n\nappend gives s with the values after its end: s = append(s, x). With append(s, t...) all of the slice t.",
	"cap":     "func cap(v) int\n\ncap is for how many elements a slice, array or channel has room.",
	"clear":   "func clear(v)\n\nclear takes all entries out of a map, or sets all elements of a slice to zero.",
	"close":   "func close(c chan T)\n\nclose says that nothing more is sent into a channel; who ranges over it comes to the end.",
	"complex": "func complex(r, i float64) complex128\n\ncomplex makes a complex number of its two parts.",
	"copy":    "func copy(to, from []T) int\n\ncopy copies as many elements as both slices have, and gives their number.",
	"delete":  "func delete(m map[K]V, key K)\n\ndelete takes an entry out of a map, if it is there.",
	"imag":    "func imag(c complex128) float64\n\nimag is the imaginary part of a complex number.",
	"len":     "func len(v) int\n\nlen is the number of elements of a slice, array, map or channel, and of the bytes of a string (utf8.RuneCountInString counts its characters).",
	"make":    "func make(T, sizes ...int) T\n\nmake makes a slice, a map or a channel: make([]int, 3), make(map[string]int), make(chan int, 10).",
	"max":     "func max(x T, y ...T) T\n\nmax is the largest of its arguments.",
	"min":     "func min(x T, y ...T) T\n\nmin is the smallest of its arguments.",
	"new":     "func new(T) *T\n\nnew makes a variable of a type, or with the value of an expression, and gives its address.",
	"panic":   "func panic(v any)\n\npanic ends the function, and those that called it, until one of them recovers; else the cell fails. Errors that are expected are returned instead.",
	"print":   "func print(x ...)\n\nprint writes to standard error; fmt.Print is for notebooks.",
	"println": "func println(x ...)\n\nprintln writes to standard error; fmt.Println is for notebooks.",
	"real":    "func real(c complex128) float64\n\nreal is the real part of a complex number.",
	"recover": "func recover() any\n\nrecover, called in a deferred function, ends a panic and gives its value.",
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

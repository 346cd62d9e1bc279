package lang

import (
	"fmt"
	"go/types"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Format shows the value to fmt as the compiled value would show itself: by its methods, by the names of its
// fields and types.
func (b Boxed) Format(f fmt.State, verb rune) {
	p := printer{f: f, verb: verb, e: b.T.e, sharp: verb == 'v' && f.Flag('#'), plus: verb == 'v' && f.Flag('+')}
	p.value(b.T.Go, b.value(), 0, true)
}

// printer prints one value with one verb, as package fmt describes it.
type printer struct {
	f           fmt.State
	verb        rune
	e           *Engine
	sharp, plus bool
}

func (p *printer) str(s string) { _, _ = io.WriteString(p.f, s) }

// leaf hands a value of a compiled type to fmt.
func (p *printer) leaf(x any) { _, _ = fmt.Fprintf(p.f, fmt.FormatString(p.f, p.verb), x) }

// value prints v of type t. open says that methods may be called: what is in hidden fields, fmt does not call.
func (p *printer) value(t types.Type, v reflect.Value, depth int, open bool) {
	if types.IsInterface(t) {
		p.dynamic(t, v, depth, open)
		return
	}
	if v.Kind() == reflect.Interface { // cut
		v = v.Elem()
	}
	if open && p.methods(t, v) {
		return
	}
	if !p.e.reps.lossy(t) {
		p.compiled(t, v, depth)
		return
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		p.structure(t, u, v, depth, open)
	case *types.Map:
		p.mapping(t, u, v, depth, open)
	case *types.Slice:
		p.list(t, u.Elem(), v, depth, open)
	case *types.Array:
		p.list(t, u.Elem(), v, depth, open)
	case *types.Pointer:
		if depth == 0 && v.IsValid() && !v.IsNil() {
			switch u.Elem().Underlying().(type) {
			case *types.Struct, *types.Map, *types.Slice, *types.Array:
				p.str("&")
				p.value(u.Elem(), v.Elem(), depth+1, open)
				return
			}
		}
		p.pointer(t, v)
	case *types.Basic:
		p.leaf(v.Interface())
	default:
		p.pointer(t, v)
	}
}

// dynamic prints what is in an interface.
func (p *printer) dynamic(t types.Type, v reflect.Value, depth int, open bool) {
	var x any
	if v.IsValid() && !v.IsNil() {
		x = unshim(v.Interface())
	}
	switch b, ok := x.(Boxed); {
	case x == nil && p.sharp:
		p.str(byReflection(t) + "(nil)")
	case x == nil:
		p.str("<nil>")
	case ok:
		p.value(b.T.Go, b.value(), depth, open)
	default:
		p.compiled(nil, reflect.ValueOf(x), depth)
	}
}

// compiled prints a value of a compiled type. Inside another value a pointer is an address.
func (p *printer) compiled(t types.Type, v reflect.Value, depth int) {
	if !v.IsValid() {
		p.str("<nil>")
		return
	}
	if bytes, ok := v.Interface().([]byte); ok && depth > 0 && p.sharp {
		p.list(types.NewSlice(types.Typ[types.Uint8]), types.Typ[types.Uint8], reflect.ValueOf(bytes), depth, true)
		return
	}
	if depth > 0 && v.Kind() == reflect.Pointer {
		switch v.Interface().(type) {
		case fmt.Formatter, fmt.Stringer, error, fmt.GoStringer:
		default:
			p.pointer(t, v)
			return
		}
	}
	p.leaf(v.Interface())
}

// methods prints v by a method of its own, if it has one for the verb.
func (p *printer) methods(t types.Type, v reflect.Value) (done bool) {
	n, _ := types.Unalias(t).(*types.Named)
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		n, _ = types.Unalias(ptr.Elem()).(*types.Named)
	}
	if n == nil || !isCell(n) {
		return false
	}
	b := Boxed{T: p.e.typ(t)}
	if v.IsValid() {
		b.V = v.Interface()
	}
	if m := b.T.lookup("Format"); m != nil {
		if f, ok := b.Method("Format").Interface().(func(fmt.State, rune)); ok {
			f(p.f, p.verb)
			return true
		}
	}
	names := []string{"Error", "String"}
	switch {
	case p.sharp:
		names = []string{"GoString"}
	case !strings.ContainsRune("vsxXqw", p.verb):
		return false
	}
	for _, name := range names {
		if b.has(name) {
			p.text(b, name)
			return true
		}
	}
	return false
}

// text prints what a method gives; a panic of it is shown, as fmt does.
func (p *printer) text(b Boxed, name string) {
	defer func() {
		if r := recover(); r != nil {
			if isSignal(r) {
				panic(r)
			}
			if v := b.value(); v.Kind() == reflect.Pointer && v.IsNil() || b.V == nil {
				p.str("<nil>")
				return
			}
			p.str(fmt.Sprintf("%%!%c(PANIC=%s method: %v)", p.verb, name, r))
		}
	}()
	s, _ := b.Method(name).Call(nil)[0].Interface().(string)
	if p.sharp {
		p.str(s)
		return
	}
	p.leaf(s)
}

func (p *printer) structure(t types.Type, u *types.Struct, v reflect.Value, depth int, open bool) {
	if p.sharp {
		p.str(byReflection(t))
	}
	p.str("{")
	for i := range u.NumFields() {
		f := u.Field(i)
		if i > 0 {
			p.str(map[bool]string{true: ", ", false: " "}[p.sharp])
		}
		if p.plus || p.sharp {
			p.str(f.Name() + ":")
		}
		p.value(f.Type(), v.Field(i), depth+1, open && f.Exported())
	}
	p.str("}")
}

func (p *printer) mapping(t types.Type, u *types.Map, v reflect.Value, depth int, open bool) {
	isNil := !v.IsValid() || v.IsNil()
	switch {
	case p.sharp && isNil:
		p.str(byReflection(t) + "(nil)")
		return
	case p.sharp:
		p.str(byReflection(t) + "{")
	default:
		p.str("map[")
	}
	if !isNil {
		keys := v.MapKeys()
		slices.SortStableFunc(keys, orderKeys)
		for i, k := range keys {
			if i > 0 {
				p.str(map[bool]string{true: ", ", false: " "}[p.sharp])
			}
			p.value(u.Key(), k, depth+1, open)
			p.str(":")
			p.value(u.Elem(), v.MapIndex(k), depth+1, open)
		}
	}
	p.str(map[bool]string{true: "}", false: "]"}[p.sharp])
}

// orderKeys is the order in which fmt prints a map's keys.
func orderKeys(a, b reflect.Value) int {
	for a.Kind() == reflect.Interface && !a.IsNil() {
		a = a.Elem()
	}
	for b.Kind() == reflect.Interface && !b.IsNil() {
		b = b.Elem()
	}
	if x, ok := a.Interface().(Boxed); ok {
		a = x.value()
	}
	if x, ok := b.Interface().(Boxed); ok {
		b = x.value()
	}
	if a.Kind() != b.Kind() {
		return int(a.Kind()) - int(b.Kind())
	}
	switch a.Kind() {
	case reflect.Bool:
		return map[bool]int{true: 1}[a.Bool()] - map[bool]int{true: 1}[b.Bool()]
	case reflect.Struct:
		for i := range a.NumField() {
			if c := orderKeys(a.Field(i), b.Field(i)); c != 0 {
				return c
			}
		}
		return 0
	case reflect.Array:
		for i := range a.Len() {
			if c := orderKeys(a.Index(i), b.Index(i)); c != 0 {
				return c
			}
		}
		return 0
	}
	return compare(a, b)
}

func (p *printer) list(t, elem types.Type, v reflect.Value, depth int, open bool) {
	if p.sharp {
		p.str(byReflection(t))
		if !v.IsValid() || v.Kind() == reflect.Slice && v.IsNil() {
			p.str("(nil)")
			return
		}
	}
	if b, ok := elem.Underlying().(*types.Basic); ok && b.Kind() == types.Byte && strings.ContainsRune("sqxX", p.verb) && v.IsValid() {
		bytes := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(bytes), v)
		p.leaf(bytes)
		return
	}
	p.str(map[bool]string{true: "{", false: "["}[p.sharp])
	for i := range lengthOf(v) {
		if i > 0 {
			p.str(map[bool]string{true: ", ", false: " "}[p.sharp])
		}
		p.value(elem, v.Index(i), depth+1, open)
	}
	p.str(map[bool]string{true: "}", false: "]"}[p.sharp])
}

func lengthOf(v reflect.Value) int {
	if !v.IsValid() {
		return 0
	}
	return v.Len()
}

// pointer prints an address.
func (p *printer) pointer(t types.Type, v reflect.Value) {
	var at uintptr
	if v.IsValid() {
		at = v.Pointer()
	}
	switch {
	case p.verb == 'v' && p.sharp:
		s := "nil"
		if at != 0 {
			s = fmt.Sprintf("%#x", at)
		}
		p.str("(" + byReflection(t) + ")(" + s + ")")
	case p.verb == 'v' && at == 0:
		p.str("<nil>")
	case p.verb == 'v':
		p.str(fmt.Sprintf("%#x", at))
	default:
		p.leaf(at)
	}
}

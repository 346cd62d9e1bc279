package lang

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"
)

// forTemplate is x as package text/template takes it: a struct of a cell's type by the names of its fields and of
// its methods that take nothing.
func forTemplate(x any) any {
	b, ok := unshim(x).(Boxed)
	if !ok {
		return x
	}
	return b.T.e.templated(b.T.Go, b.value(), 0)
}

// templateDepth is how far into a value its parts are looked at: one that leads to itself has no end.
const templateDepth = 12

func (e *Engine) templated(t types.Type, v reflect.Value, depth int) any {
	if v.IsValid() && types.IsInterface(t) {
		if v.IsNil() {
			return nil
		}
		x := unshim(v.Interface())
		if b, ok := x.(Boxed); ok {
			return e.templated(b.T.Go, b.value(), depth)
		}
		return x
	}
	if v.Kind() == reflect.Interface { // cut
		v = v.Elem()
	}
	if !v.IsValid() || depth > templateDepth {
		return nil
	}
	if !e.reps.lossy(t) {
		return v.Interface()
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		if v.IsNil() {
			return nil
		}
		if _, ok := u.Elem().Underlying().(*types.Struct); ok {
			return e.templateFields(t, u.Elem().Underlying().(*types.Struct), v, v.Elem(), depth)
		}
		return e.templated(u.Elem(), v.Elem(), depth+1)
	case *types.Struct:
		return e.templateFields(t, u, v, v, depth)
	case *types.Slice:
		return e.templateList(u.Elem(), v, depth)
	case *types.Array:
		return e.templateList(u.Elem(), v, depth)
	case *types.Map:
		if v.IsNil() {
			return map[string]any(nil)
		}
		out := reflect.MakeMap(reflect.MapOf(v.Type().Key(), anyType))
		for it := v.MapRange(); it.Next(); {
			x := reflect.New(anyType).Elem()
			if y := e.templated(u.Elem(), it.Value(), depth+1); y != nil {
				x.Set(reflect.ValueOf(y))
			}
			out.SetMapIndex(it.Key(), x)
		}
		return out.Interface()
	}
	b := Boxed{e.typ(t), v.Interface()}
	if b.has("String") || b.has("Error") {
		return b
	}
	return v.Interface()
}

func (e *Engine) templateList(elem types.Type, v reflect.Value, depth int) any {
	out := make([]any, v.Len())
	for i := range out {
		out[i] = e.templated(elem, v.Index(i), depth+1)
	}
	return out
}

// fielded is a struct as a template sees it; printed whole, it is the value.
type fielded map[string]any

func (e *Engine) templateFields(t types.Type, u *types.Struct, whole, v reflect.Value, depth int) any {
	out := fielded{}
	for i := range u.NumFields() {
		if f := u.Field(i); f.Exported() {
			out[f.Name()] = e.templated(f.Type(), v.Field(i), depth+1)
		}
	}
	b := Boxed{e.typ(t), whole.Interface()}
	set := types.NewMethodSet(t)
	for m := range set.Methods() {
		sig := m.Obj().Type().(*types.Signature)
		if !m.Obj().Exported() || sig.Params().Len() != 0 {
			continue
		}
		name := m.Obj().Name()
		switch n := sig.Results().Len(); {
		case n == 1:
			if x, ok := b.call(name); ok {
				out[name] = forTemplate(x)
			}
		case n == 2 && types.Identical(sig.Results().At(1).Type(), types.Universe.Lookup("error").Type()):
			if got := b.Method(name).Call(nil); got[1].IsNil() {
				out[name] = forTemplate(e.Box(sig.Results().At(0).Type(), got[0].Interface()))
			}
		}
	}
	return out
}

// formatted is a format of fmt's with arguments, %T and %p of values of cells' types written out.
func formatted(format string, args []any) (string, []any) {
	boxed := false
	for _, a := range args {
		_, is := unshim(a).(Boxed)
		boxed = boxed || is
	}
	if !boxed || !strings.ContainsAny(format, "Tp") {
		return format, args
	}
	r := rewriting{b: []byte(format), args: args, out: append([]any{}, args...)}
	for i := 0; i < len(r.b); i++ {
		if r.b[i] == '%' {
			i = r.directive(i + 1)
		}
	}
	return string(r.b), r.out
}

// rewriting is a format of fmt's in the course of rewriting.
type rewriting struct {
	b         []byte
	args, out []any // as they came, and as fmt gets them
	next      int   // the argument that comes next
}

// directive goes through what follows a percent sign, from i on, and gives where its verb stands.
func (r *rewriting) directive(i int) int {
	for ; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '%':
			return i
		case c == '*':
			r.next++
		case c == '[':
			i = r.index(i + 1)
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			r.verb(i)
			return i
		}
	}
	return i
}

// index reads an explicit index, from i on, and gives where its bracket closes.
func (r *rewriting) index(i int) int {
	n := 0
	for ; i < len(r.b) && r.b[i] != ']'; i++ {
		if r.b[i] >= '0' && r.b[i] <= '9' {
			n = n*10 + int(r.b[i]-'0')
		}
	}
	r.next = n - 1
	return i
}

// verb writes out the next argument if the verb at i is one that would show how it is kept.
func (r *rewriting) verb(i int) {
	arg := r.next
	r.next++
	if arg < 0 || arg >= len(r.out) {
		return
	}
	x, ok := unshim(r.args[arg]).(Boxed)
	if !ok {
		return
	}
	switch r.b[i] {
	case 'T':
		r.b[i], r.out[arg] = 's', x.T.String()
	case 'p':
		r.out[arg] = Plain(x)
	}
}

// spaced gives texts that are no strings to fmt as strings: Print puts no space between strings.
func spaced(args []any) []any {
	var out []any
	for i, a := range args {
		if b, ok := unshim(a).(Boxed); ok && b.T.rep.Kind() == reflect.String {
			if out == nil {
				out = append(out, args...)
			}
			out[i] = fmt.Sprint(b)
		}
	}
	if out == nil {
		return args
	}
	return out
}

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
	out := append([]any{}, args...)
	b := []byte(format)
	arg := 0
	for i := 0; i < len(b); i++ {
		if b[i] != '%' {
			continue
		}
	verb:
		for i++; i < len(b); i++ {
			switch c := b[i]; {
			case c == '%':
				break verb
			case c == '*':
				arg++
			case c == '[': // an explicit index
				n := 0
				for i++; i < len(b) && b[i] != ']'; i++ {
					if b[i] >= '0' && b[i] <= '9' {
						n = n*10 + int(b[i]-'0')
					}
				}
				arg = n - 1
			case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
				if arg >= 0 && arg < len(out) {
					if x, ok := unshim(args[arg]).(Boxed); ok {
						switch c {
						case 'T':
							b[i], out[arg] = 's', x.T.String()
						case 'p':
							out[arg] = Plain(x)
						}
					}
				}
				arg++
				break verb
			}
		}
	}
	return string(b), out
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

package lang

import (
	"fmt"
	"go/types"
	"reflect"
)

// shimError is a cell's error as compiled code sees it.
type shimError struct{ B Boxed }

func (s shimError) Unshim() any   { return s.B }
func (s shimError) Error() string { return s.B.Method("Error").Interface().(func() string)() }

// Format shows the value itself.
func (s shimError) Format(f fmt.State, verb rune) { s.B.Format(f, verb) }

// Unwrap gives the error inside, if the type has the method.
func (s shimError) Unwrap() error {
	if m := s.B.Method("Unwrap"); m.IsValid() {
		if f, ok := m.Interface().(func() error); ok {
			return f()
		}
	}
	return nil
}

// Is asks the type's own Is method, if it has one.
func (s shimError) Is(target error) bool {
	if m := s.B.Method("Is"); m.IsValid() {
		if f, ok := m.Interface().(func(error) bool); ok {
			return f(target)
		}
	}
	return false
}

// joinedShimError is an error of several.
type joinedShimError struct{ shimError }

func (s joinedShimError) Unwrap() []error { return s.B.Method("Unwrap").Interface().(func() []error)() }

// shimmed is x, as it stands in an any, as a value of the compiled interface rt.
func (e *Engine) shimmed(x any, rt reflect.Type) (reflect.Value, error) {
	x = unshim(x)
	out := reflect.New(rt).Elem()
	if x == nil {
		return out, nil
	}
	b, ok := x.(Boxed)
	if !ok {
		v := reflect.ValueOf(x)
		if !v.Type().Implements(rt) {
			return out, fmt.Errorf("interface conversion: %v is not %v: missing method", v.Type(), rt)
		}
		out.Set(v)
		return out, nil
	}
	if rt == errorType {
		var s any = shimError{b}
		if m := b.T.lookup("Unwrap"); m != nil && m.fn.Signature().Results().Len() == 1 {
			if _, ok := m.fn.Signature().Results().At(0).Type().Underlying().(*types.Slice); ok {
				s = joinedShimError{shimError{b}}
			}
		}
		out.Set(reflect.ValueOf(s))
		return out, nil
	}
	p, err := e.proxy(rt, b)
	if err != nil {
		return out, err
	}
	out.Set(p)
	return out, nil
}

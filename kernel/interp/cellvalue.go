package interp

import (
	"fmt"
	"reflect"

	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/cell/display"
)

// cellValue is a value of a type that a cell declared. To compiled code such a value has no methods:
// they are called through the interpreter.
type cellValue struct {
	s   *Session
	x   any
	typ xr.Type
}

// ofCell gives x with its methods at hand if its type has any that only the interpreter knows.
func (s *Session) ofCell(x any, t xr.Type) any {
	if x == nil || t == nil || t.Kind() == reflect.Interface {
		return x
	}
	named := t
	if t.Kind() == reflect.Pointer {
		named = t.Elem()
		if reflect.ValueOf(x).IsNil() {
			return x
		}
	}
	if named == nil || !named.Named() || named.NumMethod() == 0 || named.ReflectType().Name() != "" {
		return x
	}
	return cellValue{s, x, t}
}

// held is the name of the variable through which methods are called.
const held = "held\u02b9"

// call calls a method without arguments that gives one value.
func (v cellValue) call(name string) (result any, ok bool) {
	named := v.typ
	if named.Kind() == reflect.Pointer {
		named = named.Elem()
	}
	m, count := named.MethodByName(name, "")
	if count != 1 || m.Type == nil || m.Type.NumOut() != 1 || m.Type.NumIn() != 1 {
		return nil, false
	}
	v.s.ir.Comp.Code.Clear()
	v.s.ir.DeclVar(held, v.typ, v.x)
	r, _ := v.s.ir.Eval1(held + "." + name + "()")
	if !r.IsValid() || !r.CanInterface() {
		return nil, true
	}
	return r.Interface(), true
}

// text is the value as plain text, by its String or Error method if it has one.
func (v cellValue) text() string {
	for _, name := range []string{"Error", "String"} {
		if r, ok := v.call(name); ok {
			if s, ok := r.(string); ok {
				return s
			}
		}
	}
	return fmt.Sprint(v.x)
}

var cellForms = []struct{ method, mime string }{
	{"HTML", "text/html"},
	{"JavaScript", "application/javascript"},
	{"JPEG", "image/jpeg"},
	{"JSON", "application/json"},
	{"Latex", "text/latex"},
	{"Markdown", "text/markdown"},
	{"PNG", "image/png"},
	{"PDF", "application/pdf"},
	{"SVG", "image/svg+xml"},
}

// forms are what the value gives of itself, as for compiled types.
func (v cellValue) forms() (d display.Data, ok bool) {
	if r, has := v.call("Render"); has {
		if d, ok := r.(display.Data); ok {
			return d, true
		}
	}
	d.Data = cell.Bundle{}
	if r, has := v.call("SimpleRender"); has {
		m, _ := r.(map[string]any)
		for k, x := range m {
			d.Data[k], ok = x, true
		}
	}
	for _, f := range cellForms {
		r, has := v.call(f.method)
		if !has {
			continue
		}
		switch r.(type) {
		case string, []byte, map[string]any:
			d.Data[f.mime], ok = r, true
		}
	}
	return d, ok
}

// carried is the error that a value holds, told by its Err method; name is the variable that it was
// assigned to, if any.
func (s *Session) carried(x any, name string) error {
	if p := reflect.ValueOf(x); !p.IsValid() || p.Kind() == reflect.Pointer && p.IsNil() {
		return nil
	}
	if name != "" {
		if sym := s.ir.Comp.TryResolve(name); sym != nil {
			x = s.ofCell(x, sym.Type)
		}
	}
	switch e := x.(type) {
	case interface{ Err() error }:
		return e.Err()
	case cellValue:
		if r, ok := e.call("Err"); ok {
			err, _ := r.(error)
			return err
		}
	}
	return nil
}

package interp

import (
	"reflect"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/cell/display"
	"github.com/fastnb/go/kernel/lang"
)

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

// ofCell are the forms that a value of a cell's type gives of itself, as for compiled types.
func ofCell(v lang.Boxed) (d display.Data, ok bool) {
	if v.Nil() {
		return d, false
	}
	if r, has := v.Call("Render"); has {
		if d, ok := r.(display.Data); ok {
			return d, true
		}
	}
	d.Data = cell.Bundle{}
	if r, has := v.Call("SimpleRender"); has {
		m, _ := r.(map[string]any)
		for k, x := range m {
			d.Data[k], ok = x, true
		}
	}
	for _, f := range cellForms {
		r, has := v.Call(f.method)
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

func isNilPointer(x any) bool {
	p := reflect.ValueOf(x)
	return !p.IsValid() || p.Kind() == reflect.Pointer && p.IsNil()
}

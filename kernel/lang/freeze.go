package lang

import (
	"reflect"
	"unsafe"
)

// freeze lets goroutines of cells go on while the next cell compiles. The interpreter looks types up in a map of
// its universe when its code makes variables, and writes new ones to it when it compiles; the map knows no lock,
// and Go ends a process that reads and writes a map at once. So the compiler gets a copy to write to, and what
// others hold stays as it is.
func (e *Engine) freeze() {
	u := reflect.ValueOf(e.ir.Comp.Universe).Elem()
	m := u.FieldByName("gmap")
	if !m.IsValid() {
		return
	}
	copied(m.FieldByName("table"))
	copied(m.FieldByName("hasher").FieldByName("memo"))
}

// copied puts a copy of a map in its place.
func copied(field reflect.Value) {
	if !field.IsValid() || field.Kind() != reflect.Map || field.IsNil() {
		return
	}
	place := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
	c := reflect.MakeMapWithSize(field.Type(), place.Len()+16)
	for it := place.MapRange(); it.Next(); {
		c.SetMapIndex(it.Key(), it.Value())
	}
	place.Set(c)
}

package lang

import (
	"reflect"
	"unsafe"

	xr "github.com/cosmos72/gomacro/xreflect"
)

// freeze lets goroutines of cells go on while the next cell compiles. Each type of the interpreter has a universe, in
// whose map it looks itself up when code makes a variable of it, and to which the compiler adds types; the map knows
// no lock, and Go ends a process that reads and writes a map at once. So what has been compiled gets a universe of its
// own before it runs: a copy, to which nothing is added any more.
func (e *Engine) freeze() {
	u := e.ir.Comp.Universe
	n := reflect.ValueOf(u).Elem().FieldByName("gmap").FieldByName("length")
	if n.IsValid() && int(n.Int()) == e.frozenLen {
		return // no type is new
	}
	if n.IsValid() {
		e.frozenLen = int(n.Int())
	}
	frozen := new(xr.Universe)
	reflect.ValueOf(frozen).Elem().Set(reflect.ValueOf(u).Elem())
	m := reflect.ValueOf(frozen).Elem().FieldByName("gmap")
	if !m.IsValid() {
		return // another interpreter: a test sees to it that it is not
	}
	copied(m.FieldByName("table"))
	copied(m.FieldByName("hasher").FieldByName("memo"))
	table := opened(reflect.ValueOf(u).Elem().FieldByName("gmap").FieldByName("table"))
	for it := table.MapRange(); it.Next(); {
		bucket := it.Value()
		for i := range bucket.Len() {
			t, ok := opened(bucket.Index(i).FieldByName("value")).Interface().(xr.Type)
			if !ok || t == nil {
				continue
			}
			at := *(*unsafe.Pointer)(unsafe.Pointer(&t))
			if e.frozen[at] {
				continue
			}
			e.frozen[at] = true
			opened(insideOf(t).FieldByName("universe")).Set(reflect.ValueOf(frozen))
		}
	}
}

// opened is a field that can be read and set though its name is not exported.
func opened(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// copied puts a copy of a map in its place.
func copied(field reflect.Value) {
	if !field.IsValid() || field.Kind() != reflect.Map || field.IsNil() {
		return
	}
	place := opened(field)
	c := reflect.MakeMapWithSize(field.Type(), place.Len()+16)
	for it := place.MapRange(); it.Next(); {
		c.SetMapIndex(it.Key(), it.Value())
	}
	place.Set(c)
}

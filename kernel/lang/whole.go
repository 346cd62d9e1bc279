package lang

import (
	"reflect"

	xr "github.com/cosmos72/gomacro/xreflect"
)

// Which of a package's types the interpreter meets first is chance: it goes through a map. While it looks at one that
// refers to itself, it puts a stand-in for it into the types that are made of it, and marks it as one that is to be
// stood in for; it never takes the mark off. So once in some dozen sessions the elements of a []vision.Transform had
// no methods. Here the marks are taken off and stand-ins replaced, as soon as a type is known whole.

// xtype is rt as the interpreter knows it.
func (e *Engine) xtype(rt reflect.Type) xr.Type {
	x := e.ir.Comp.Universe.FromReflectType(rt)
	whole(x, rt, 0)
	return x
}

// insideOf is the interpreter's own record of a type.
func insideOf(x xr.Type) reflect.Value {
	f := reflect.ValueOf(x)
	return f.Call([]reflect.Value{reflect.Zero(f.Type().In(0))})[0].Elem()
}

// settle takes the mark off a type that is known whole.
func settle(x xr.Type) {
	if option := insideOf(x).FieldByName("option"); option.IsValid() && option.Uint() != uint64(xr.OptDefault) {
		opened(option).SetUint(uint64(xr.OptDefault))
	}
}

// deepestType is how far into a type its parts are looked at.
const deepestType = 8

// whole sees to it that what the interpreter takes for rt, and for what rt is made of, is that.
func whole(x xr.Type, rt reflect.Type, depth int) {
	if depth > deepestType {
		return
	}
	if x.ReflectType() != rt {
		x.UnsafeForceReflectType(rt)
	}
	settle(x)
	if rt.Name() != "" {
		return
	}
	switch rt.Kind() {
	case reflect.Map:
		whole(x.Key(), rt.Key(), depth+1)
		whole(x.Elem(), rt.Elem(), depth+1)
	case reflect.Array, reflect.Chan, reflect.Pointer, reflect.Slice:
		whole(x.Elem(), rt.Elem(), depth+1)
	case reflect.Func:
		for i := range rt.NumIn() {
			whole(x.In(i), rt.In(i), depth+1)
		}
		for i := range rt.NumOut() {
			whole(x.Out(i), rt.Out(i), depth+1)
		}
	case reflect.Struct:
		for i := range rt.NumField() {
			whole(x.Field(i).Type, rt.Field(i).Type, depth+1)
		}
	}
}

// settleTypes takes the marks off the types with names that the interpreter knows, once it has gone through a package.
func (e *Engine) settleTypes() {
	m := reflect.ValueOf(e.ir.Comp.Universe).Elem().FieldByName("gmap").FieldByName("table")
	if !m.IsValid() {
		return // another interpreter: a test sees to it that it is not
	}
	for it := opened(m).MapRange(); it.Next(); {
		bucket := it.Value()
		for i := range bucket.Len() {
			t, ok := opened(bucket.Index(i).FieldByName("value")).Interface().(xr.Type)
			if ok && t != nil && t.Named() && t.ReflectType().Name() != "Forward" {
				settle(t)
			}
		}
	}
}

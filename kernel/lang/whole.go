package lang

import (
	"reflect"
	"strings"

	"github.com/cosmos72/gomacro/go/types"
	"github.com/cosmos72/gomacro/go/typeutil"
	xr "github.com/cosmos72/gomacro/xreflect"
)

// Which of a package's types the interpreter meets first is chance: it goes through a map. While it looks at one that
// refers to itself, it puts a stand-in for it into the types that are made of it, and marks it as one that is to be
// stood in for; it never takes the mark off. So once in some dozen sessions the elements of a []vision.Transform had
// no methods. Here the marks are taken off and stand-ins replaced, as soon as a type is known whole.

// xtype is rt as the interpreter knows it.
func (e *Engine) xtype(rt reflect.Type) xr.Type {
	x := e.ir.Comp.Universe.FromReflectType(rt)
	e.settleTypes()
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

// settleTypes takes the marks off the types with names that the interpreter knows, and replaces the stand-ins in
// those that are made of them, once it has met new ones.
func (e *Engine) settleTypes() {
	m := reflect.ValueOf(e.ir.Comp.Universe).Elem().FieldByName("gmap")
	table := m.FieldByName("table")
	if !table.IsValid() {
		return // another interpreter: a test sees to it that it is not
	}
	all, ok := opened(m).Addr().Interface().(*typeutil.Map)
	if !ok || all.Len() == e.settledLen {
		return
	}
	var stale []xr.Type
	for it := opened(table).MapRange(); it.Next(); {
		bucket := it.Value()
		for i := range bucket.Len() {
			t, ok := opened(bucket.Index(i).FieldByName("value")).Interface().(xr.Type)
			switch {
			case !ok || t == nil:
			case t.Named() && t.ReflectType().Name() != standIn:
				settle(t)
			case !t.Named() && strings.Contains(t.ReflectType().String(), "xreflect."+standIn):
				stale = append(stale, t)
			}
		}
	}
	for _, t := range stale {
		if rt := rebuilt(all, t.GoType(), 0); rt != nil {
			t.UnsafeForceReflectType(rt)
			settle(t)
		}
	}
	e.settledLen = all.Len()
}

// rebuilt is the type that t stands for, made of types that are known whole; nil if some are not.
func rebuilt(all *typeutil.Map, t types.Type, depth int) reflect.Type {
	if x, ok := all.At(t).(xr.Type); ok && x != nil && !strings.Contains(x.ReflectType().String(), "xreflect."+standIn) {
		return x.ReflectType()
	}
	if depth > deepestType {
		return nil
	}
	of := func(t types.Type) reflect.Type { return rebuilt(all, t, depth+1) }
	switch t := t.(type) {
	case *types.Slice:
		if el := of(t.Elem()); el != nil {
			return reflect.SliceOf(el)
		}
	case *types.Pointer:
		if el := of(t.Elem()); el != nil {
			return reflect.PointerTo(el)
		}
	case *types.Array:
		if el := of(t.Elem()); el != nil {
			return reflect.ArrayOf(int(t.Len()), el)
		}
	case *types.Map:
		if k, el := of(t.Key()), of(t.Elem()); k != nil && el != nil {
			return reflect.MapOf(k, el)
		}
	case *types.Signature:
		if t.Recv() != nil {
			return nil
		}
		in, ok := rebuiltAll(t.Params(), of)
		out, ok2 := rebuiltAll(t.Results(), of)
		if ok && ok2 {
			return reflect.FuncOf(in, out, t.Variadic())
		}
	}
	return nil
}

func rebuiltAll(list *types.Tuple, of func(types.Type) reflect.Type) (out []reflect.Type, ok bool) {
	for i := range list.Len() {
		rt := of(list.At(i).Type())
		if rt == nil {
			return nil, false
		}
		out = append(out, rt)
	}
	return out, true
}

// standIn is the name of the interpreter's type for those that it does not know whole.
const standIn = "Forward"

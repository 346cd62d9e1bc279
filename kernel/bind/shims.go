package bind

import "reflect"

// Object is a value of a type that a cell declared, which finds its methods by name.
type Object interface {
	Method(name string) reflect.Value
}

// shims are the types through which compiled code sees such values, by the interface that they implement: structs
// whose one field is an Object.
var shims = map[reflect.Type]reflect.Type{}

// Shim is the type that implements the compiled interface t for values of cells' types; nil if there is none.
func Shim(t reflect.Type) reflect.Type { return shims[t] }

package lang

import (
	"errors"
	"fmt"
	"go/types"
	"reflect"
	"sync"
)

// Type is a type of cells at run time.
type Type struct {
	Go      types.Type
	e       *Engine
	rep     reflect.Type
	id      int // in names
	mu      sync.Mutex
	methods map[string]*method
}

// method is how a method is reached from a value of a type: through embedded fields, then by a function of a
// cell or by a compiled method.
type method struct {
	path  []step
	fn    *types.Func
	cell  *function // nil: compiled
	ptr   bool      // the receiver is a pointer
	outOf bool      // of an interface
}

// Boxed is a value of a type that cells declared, as it stands in an interface. Two are equal if type and value
// are. It shows itself to fmt and encoding/json as the value would in compiled Go.
type Boxed struct {
	T *Type
	V any // in its representation
}

func (t *Type) String() string { return byReflection(t.Go) }

// typ is the one Type of t.
func (e *Engine) typ(t types.Type) *Type {
	e.typesMu.Lock()
	defer e.typesMu.Unlock()
	t = types.Unalias(t)
	if x, ok := e.types.At(t).(*Type); ok {
		return x
	}
	x := &Type{Go: t, e: e, rep: e.reps.of(t), methods: map[string]*method{}}
	e.types.Set(t, x)
	return x
}

// Box is v, a value in the representation of t, as it stands in an interface: with its type if that is one of
// cells.
func (e *Engine) Box(t types.Type, v any) any {
	switch {
	case t == nil:
		return v
	case types.IsInterface(t):
		return unshim(v)
	case !e.reps.lossy(t):
		return v
	}
	return Boxed{e.typ(t), v}
}

// value is the boxed value with the static type of its representation: a nil pointer is one.
func (b Boxed) value() reflect.Value {
	if b.V == nil {
		return reflect.Zero(b.T.rep)
	}
	return reflect.ValueOf(b.V)
}

// step is a field on the way to a promoted method.
type step struct {
	index int
	deref bool // the value is a pointer before
}

// lookup finds a method of values of t; nil if they have none of that name. That there is none is not kept: a
// later cell may declare it.
func (t *Type) lookup(name string) *method {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := t.methods[name]; m != nil && (m.cell == nil || m.cell == t.e.methodOf(m.fn)) {
		return m
	}
	m := t.find(name)
	if m != nil {
		t.methods[name] = m
	}
	return m
}

func (t *Type) find(name string) *method {
	o, index, indirect := types.LookupFieldOrMethod(t.Go, false, t.e.pkg, name)
	fn, ok := o.(*types.Func)
	if !ok || indirect && len(index) == 0 {
		return nil
	}
	m := &method{fn: fn}
	cur := t.Go
	for _, i := range index[:len(index)-1] {
		s := step{index: i}
		if p, ok := cur.Underlying().(*types.Pointer); ok {
			s.deref = true
			cur = p.Elem()
		}
		st, ok := cur.Underlying().(*types.Struct)
		if !ok {
			return nil
		}
		m.path = append(m.path, s)
		cur = st.Field(i).Type()
	}
	recv := fn.Signature().Recv()
	if recv == nil || types.IsInterface(cur) {
		m.outOf = true
		return m
	}
	_, m.ptr = types.Unalias(recv.Type()).(*types.Pointer)
	m.cell = t.e.methodOf(fn)
	return m
}

// Method is the method of that name with the boxed value for its receiver, as a function; not valid if there is
// none.
func (b Boxed) Method(name string) reflect.Value {
	m := b.T.lookup(name)
	if m == nil {
		return reflect.Value{}
	}
	v := b.value()
	for _, s := range m.path {
		if v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if s.deref {
			v = v.Elem()
		}
		v = v.Field(s.index)
	}
	if m.outOf {
		return methodOf(v.Interface(), name)
	}
	if m.cell == nil {
		if v.Kind() != reflect.Pointer && v.CanAddr() {
			v = v.Addr()
		}
		return v.MethodByName(name)
	}
	return b.T.e.bindMethod(m, v)
}

// bindMethod is a method of a cell with its receiver.
func (e *Engine) bindMethod(m *method, v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	switch isPtr := v.Kind() == reflect.Pointer && v.Type() == reflect.PointerTo(m.cell.recvElem); {
	case m.ptr && !isPtr && v.CanAddr():
		v = v.Addr()
	case !m.ptr && isPtr:
		v = v.Elem()
	}
	f := e.value(m.cell)
	in := f.Type().In(0)
	if in.Kind() == reflect.Interface {
		w := reflect.New(in).Elem()
		if v.IsValid() && (v.Kind() != reflect.Pointer || !v.IsNil()) {
			w.Set(v)
		}
		v = w
	}
	return reflect.MakeFunc(m.cell.bound, func(args []reflect.Value) []reflect.Value {
		all := append([]reflect.Value{v}, args...)
		if m.cell.bound.IsVariadic() {
			return f.CallSlice(all)
		}
		return f.Call(all)
	})
}

// methodOf is a method of a value in an interface, boxed or compiled.
func methodOf(x any, name string) reflect.Value {
	x = unshim(x)
	if b, ok := x.(Boxed); ok {
		return b.Method(name)
	}
	if x == nil {
		return reflect.Value{}
	}
	return reflect.ValueOf(x).MethodByName(name)
}

// errNilMethod is what calling a method of nothing panics with, as Go's run time has it.
var errNil = errors.New("invalid memory address or nil pointer dereference")

// mustMethod is methodOf for a call that the check let through.
func mustMethod(x any, name string) reflect.Value {
	if x == nil {
		panic(errNil)
	}
	m := methodOf(x, name)
	if !m.IsValid() {
		panic(fmt.Errorf("missing method %s", name))
	}
	return m
}

// call calls a method that takes nothing and gives one value; ok is false if there is none such.
func (b Boxed) call(name string) (x any, ok bool) {
	m := b.T.lookup(name)
	if m == nil {
		return nil, false
	}
	s := m.fn.Signature()
	if s.Params().Len() != 0 || s.Results().Len() != 1 {
		return nil, false
	}
	out := b.Method(name).Call(nil)[0]
	return b.T.e.Box(s.Results().At(0).Type(), out.Interface()), true
}

// Call calls a method that takes nothing and gives one value, for those who show values; ok is false if the
// type has none such.
func (b Boxed) Call(name string) (x any, ok bool) { return b.call(name) }

// Has reports whether the boxed value has a method of that name that takes nothing and gives a string.
func (b Boxed) has(name string) bool {
	m := b.T.lookup(name)
	if m == nil {
		return false
	}
	s := m.fn.Signature()
	return s.Params().Len() == 0 && s.Results().Len() == 1 && types.Identical(s.Results().At(0).Type(), types.Typ[types.String])
}

// implements reports whether x, as it stands in an interface, has the methods of the interface it.
func (e *Engine) implements(x any, it *types.Interface) bool {
	if it.NumMethods() == 0 {
		return x != nil
	}
	if b, ok := x.(Boxed); ok {
		return types.Implements(b.T.Go, it)
	}
	rt := reflect.TypeOf(x)
	if rt == nil {
		return false
	}
	for m := range it.Methods() {
		rm, ok := rt.MethodByName(m.Name())
		if !ok || !m.Exported() {
			return false
		}
		want := e.reps.signature(m.Signature(), rt)
		if want != rm.Type {
			return false
		}
	}
	return true
}

// Shim is a value of a cell's type that compiled code sees through one of its interfaces. Generated types
// embed it.
type shim interface{ Unshim() any }

// unshim takes compiled code's view off a value of a cell's type.
func unshim(x any) any {
	if s, ok := x.(shim); ok {
		return s.Unshim()
	}
	return x
}

// Unshim gives a value of an interface type as cells hold it in an any.
func Unshim(x any) any { return unshim(x) }

// Plain is x as compiled code takes it that looks at values by reflection: without the box.
func Plain(x any) any {
	if b, ok := unshim(x).(Boxed); ok {
		if b.V == nil {
			return reflect.Zero(b.T.e.reps.open(b.T.Go.Underlying())).Interface()
		}
		return b.V
	}
	return x
}

// AsError is the boxed value as an error; nil if its type is none.
func (b Boxed) AsError() error {
	if b.T.lookup("Error") == nil {
		return nil
	}
	v, err := b.T.e.shimmed(b, errorType)
	if err != nil {
		return nil
	}
	out, _ := v.Interface().(error)
	return out
}

// Nil reports whether the value is a nil pointer.
func (b Boxed) Nil() bool {
	v := b.value()
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() || v.Kind() == reflect.Interface && v.IsNil()
}

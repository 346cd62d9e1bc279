package lang

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"go/types"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// MarshalJSON writes the value as encoding/json would write the compiled value.
func (b Boxed) MarshalJSON() ([]byte, error) { return b.T.e.marshal(b.T.Go, b.value()) }

func (e *Engine) marshal(t types.Type, v reflect.Value) ([]byte, error) {
	if types.IsInterface(t) {
		if !v.IsValid() || v.IsNil() {
			return []byte("null"), nil
		}
		return json.Marshal(unshim(v.Interface()))
	}
	if v.Kind() == reflect.Interface { // cut
		v = v.Elem()
	}
	if !v.IsValid() {
		return []byte("null"), nil
	}
	if out, done, err := e.marshalByMethod(t, v); done {
		return out, err
	}
	if !e.reps.lossy(t) {
		return json.Marshal(v.Interface())
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		if v.IsNil() {
			return []byte("null"), nil
		}
		return e.marshal(u.Elem(), v.Elem())
	case *types.Struct:
		return e.marshalStruct(u, v)
	case *types.Map:
		return e.marshalMap(u, v)
	case *types.Slice:
		if v.IsNil() {
			return []byte("null"), nil
		}
		if b, ok := u.Elem().Underlying().(*types.Basic); ok && b.Kind() == types.Byte {
			return json.Marshal(v.Bytes())
		}
		return e.marshalList(u.Elem(), v)
	case *types.Array:
		return e.marshalList(u.Elem(), v)
	case *types.Basic:
		return json.Marshal(v.Interface())
	}
	return nil, fmt.Errorf("json: unsupported type: %s", byReflection(t))
}

// marshalByMethod writes a value that knows how itself.
func (e *Engine) marshalByMethod(t types.Type, v reflect.Value) (out []byte, done bool, err error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, false, nil
	}
	b := Boxed{e.typ(t), v.Interface()}
	if v.CanAddr() { // as encoding/json, which asks the pointer then
		b = Boxed{e.typ(types.NewPointer(t)), v.Addr().Interface()}
	}
	if b.T.lookup("MarshalJSON") != nil {
		if f, ok := b.Method("MarshalJSON").Interface().(func() ([]byte, error)); ok {
			out, err = f()
			return out, true, err
		}
	}
	if b.T.lookup("MarshalText") != nil {
		if f, ok := b.Method("MarshalText").Interface().(func() ([]byte, error)); ok {
			text, err := f()
			if err != nil {
				return nil, true, err
			}
			out, err = json.Marshal(string(text))
			return out, true, err
		}
	}
	return nil, false, nil
}

func (e *Engine) marshalList(elem types.Type, v reflect.Value) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		x, err := e.marshal(elem, v.Index(i))
		if err != nil {
			return nil, err
		}
		b.Write(x)
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

func (e *Engine) marshalMap(u *types.Map, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return []byte("null"), nil
	}
	type pair struct {
		key string
		val reflect.Value
	}
	var all []pair
	for it := v.MapRange(); it.Next(); {
		k, err := e.keyText(u.Key(), it.Key())
		if err != nil {
			return nil, err
		}
		all = append(all, pair{k, it.Value()})
	}
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.marshalPair(&b, p.key, u.Elem(), p.val); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (e *Engine) marshalPair(b *bytes.Buffer, key string, t types.Type, v reflect.Value) error {
	k, err := json.Marshal(key)
	if err != nil {
		return err
	}
	x, err := e.marshal(t, v)
	if err != nil {
		return err
	}
	b.Write(k)
	b.WriteByte(':')
	b.Write(x)
	return nil
}

// keyText is a map's key as JSON has it.
func (e *Engine) keyText(t types.Type, v reflect.Value) (string, error) {
	if v.Kind() == reflect.String {
		return v.String(), nil
	}
	if m, ok := e.Box(t, v.Interface()).(encoding.TextMarshaler); ok {
		b, err := m.MarshalText()
		return string(b), err
	}
	if out, done, err := e.marshalByMethod(t, v); done && err == nil {
		if s, err := strconv.Unquote(string(out)); err == nil {
			return s, nil
		}
	}
	if v.CanInt() || v.CanUint() {
		return fmt.Sprint(v.Interface()), nil
	}
	return "", fmt.Errorf("json: unsupported type: map with key %s", byReflection(t))
}

// jsonField is a field as encoding/json sees it.
type jsonField struct {
	name                        string
	path                        []int
	typ                         types.Type
	omitEmpty, omitZero, quoted bool
	tagged                      bool
}

// jsonFields are the fields of t, those of embedded structs among them.
func jsonFields(t *types.Struct, path []int, seen map[types.Type]bool) (out []jsonField) {
	for i := range t.NumFields() {
		f := t.Field(i)
		tag := reflect.StructTag(t.Tag(i)).Get("json")
		name, opts, _ := strings.Cut(tag, ",")
		at := append(slices.Clone(path), i)
		if tag == "-" {
			continue
		}
		if f.Embedded() && name == "" {
			et := f.Type()
			if p, ok := et.Underlying().(*types.Pointer); ok {
				et = p.Elem()
			}
			if st, ok := et.Underlying().(*types.Struct); ok && !seen[et] {
				seen[et] = true
				for _, inner := range jsonFields(st, at, seen) {
					out = withField(out, inner)
				}
				continue
			}
		}
		if !f.Exported() {
			continue
		}
		j := jsonField{name: f.Name(), path: at, typ: f.Type(), tagged: name != ""}
		if name != "" {
			j.name = name
		}
		for _, o := range strings.Split(opts, ",") {
			j.omitEmpty = j.omitEmpty || o == "omitempty"
			j.omitZero = j.omitZero || o == "omitzero"
			j.quoted = j.quoted || o == "string"
		}
		out = withField(out, j)
	}
	return out
}

// withField is fields and f; of two with one name the less deep stays, then the one whose tag names it.
func withField(fields []jsonField, f jsonField) []jsonField {
	for i, o := range fields {
		if o.name != f.name {
			continue
		}
		if len(f.path) < len(o.path) || len(f.path) == len(o.path) && f.tagged && !o.tagged {
			fields[i] = f
		}
		return fields
	}
	return append(fields, f)
}

// fieldAt is a field by its path; not valid behind a nil pointer, unless make is set: then what is missing is
// made.
func fieldAt(v reflect.Value, path []int, create bool) reflect.Value {
	for k, i := range path {
		if v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if k > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !create {
					return reflect.Value{}
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		if !v.IsValid() {
			return v
		}
		v = v.Field(i)
	}
	return v
}

func (e *Engine) marshalStruct(u *types.Struct, v reflect.Value) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	first := true
	for _, f := range jsonFields(u, nil, map[types.Type]bool{}) {
		x := fieldAt(v, f.path, false)
		if !x.IsValid() || f.omitEmpty && empty(x) || f.omitZero && x.IsZero() {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		if !f.quoted {
			if err := e.marshalPair(&b, f.name, f.typ, x); err != nil {
				return nil, err
			}
			continue
		}
		raw, err := e.marshal(f.typ, x)
		if err != nil {
			return nil, err
		}
		k, _ := json.Marshal(f.name)
		q, _ := json.Marshal(string(raw))
		b.Write(k)
		b.WriteByte(':')
		b.Write(q)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// empty is what omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// Unmarshaler takes JSON into a value of a cell's type that a pointer leads to.
type unmarshaler struct{ b Boxed }

// forDecoding is x as encoding/json's reading functions take it.
func forDecoding(x any) any {
	b, ok := unshim(x).(Boxed)
	if !ok {
		return x
	}
	if _, ok := b.T.Go.Underlying().(*types.Pointer); !ok || b.V == nil {
		return Plain(x)
	}
	return &unmarshaler{b}
}

// UnmarshalJSON reads the value.
func (u *unmarshaler) UnmarshalJSON(data []byte) error {
	p := u.b.T.Go.Underlying().(*types.Pointer)
	return u.b.T.e.unmarshal(p.Elem(), u.b.value().Elem(), data)
}

// unmarshal reads JSON into v, which can be set.
func (e *Engine) unmarshal(t types.Type, v reflect.Value, data []byte) error {
	isNull := string(bytes.TrimSpace(data)) == "null"
	if n, ok := types.Unalias(t).(*types.Named); ok && isCell(n) && !types.IsInterface(t) && v.CanAddr() && !isNull {
		if did, err := unmarshalOwn(Boxed{e.typ(types.NewPointer(t)), v.Addr().Interface()}, data); did {
			return err
		}
	}
	if !e.reps.lossy(t) && !e.reps.cut(t) || isNull && v.Kind() == reflect.Interface {
		if isNull && v.Kind() == reflect.Interface {
			v.SetZero()
			return nil
		}
		return json.Unmarshal(data, v.Addr().Interface())
	}
	rt := e.reps.open(t.Underlying())
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		if isNull {
			v.SetZero()
			return nil
		}
		x := reflect.New(rt.Elem())
		v.Set(x)
		return e.unmarshal(u.Elem(), x.Elem(), data)
	case *types.Struct:
		return e.unmarshalStruct(t, u, v, data, isNull)
	case *types.Slice:
		return e.unmarshalSlice(u, v, rt, data, isNull)
	case *types.Array:
		return e.unmarshalArray(u, v, data)
	case *types.Map:
		return e.unmarshalMap(u, v, rt, data, isNull)
	case *types.Basic:
		return json.Unmarshal(data, v.Addr().Interface())
	case *types.Interface:
		return json.Unmarshal(data, v.Addr().Interface())
	}
	return fmt.Errorf("json: cannot unmarshal into Go value of type %s", byReflection(t))
}

// unmarshalOwn reads by the method of the pointer b, if its type has one.
func unmarshalOwn(b Boxed, data []byte) (did bool, err error) {
	if b.T.lookup("UnmarshalJSON") != nil {
		if f, ok := b.Method("UnmarshalJSON").Interface().(func([]byte) error); ok {
			return true, f(data)
		}
	}
	if b.T.lookup("UnmarshalText") != nil {
		if f, ok := b.Method("UnmarshalText").Interface().(func([]byte) error); ok {
			var s string
			if err := json.Unmarshal(data, &s); err != nil {
				return true, err
			}
			return true, f([]byte(s))
		}
	}
	return false, nil
}

func (e *Engine) unmarshalArray(u *types.Array, v reflect.Value, data []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	for i := range min(len(raw), v.Len()) {
		if err := e.unmarshal(u.Elem(), v.Index(i), raw[i]); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) unmarshalStruct(t types.Type, u *types.Struct, v reflect.Value, data []byte, isNull bool) error {
	if isNull {
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("%w (into Go value of type %s)", err, byReflection(t))
	}
	fields := jsonFields(u, nil, map[types.Type]bool{})
	for name, x := range raw {
		i := slices.IndexFunc(fields, func(f jsonField) bool { return f.name == name })
		if i < 0 {
			i = slices.IndexFunc(fields, func(f jsonField) bool { return strings.EqualFold(f.name, name) })
		}
		if i < 0 {
			continue
		}
		f := fields[i]
		if f.quoted {
			var s string
			if json.Unmarshal(x, &s) == nil {
				x = json.RawMessage(s)
			}
		}
		if err := e.unmarshal(f.typ, fieldAt(v, f.path, true), x); err != nil {
			var wrong *json.UnmarshalTypeError
			if errors.As(err, &wrong) && wrong.Struct == "" {
				wrong.Struct, wrong.Field = strings.TrimPrefix(byReflection(t), cellPath+"."), f.name
			}
			return err
		}
	}
	return nil
}

func (e *Engine) unmarshalSlice(u *types.Slice, v reflect.Value, rt reflect.Type, data []byte, isNull bool) error {
	if isNull {
		v.SetZero()
		return nil
	}
	if b, ok := u.Elem().Underlying().(*types.Basic); ok && b.Kind() == types.Byte {
		return json.Unmarshal(data, v.Addr().Interface())
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	out := reflect.MakeSlice(rt, len(raw), len(raw))
	for i, x := range raw {
		if err := e.unmarshal(u.Elem(), out.Index(i), x); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func (e *Engine) unmarshalMap(u *types.Map, v reflect.Value, rt reflect.Type, data []byte, isNull bool) error {
	if isNull {
		v.SetZero()
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	out := v
	if v.Kind() == reflect.Interface {
		out = v.Elem()
	}
	if !out.IsValid() || out.IsNil() {
		out = reflect.MakeMap(rt)
		v.Set(out)
	}
	for k, x := range raw {
		key := reflect.New(rt.Key()).Elem()
		if done, err := e.keyByMethod(u.Key(), key, k); done {
			if err != nil {
				return err
			}
		} else if key.Kind() == reflect.String {
			key.SetString(k)
		} else if err := json.Unmarshal([]byte(k), key.Addr().Interface()); err != nil {
			return fmt.Errorf("json: cannot unmarshal object key %q into %s", k, byReflection(u.Key()))
		}
		val := reflect.New(rt.Elem()).Elem()
		if err := e.unmarshal(u.Elem(), val, x); err != nil {
			return err
		}
		out.SetMapIndex(key, val)
	}
	return nil
}

// keyByMethod reads a map's key that knows how itself.
func (e *Engine) keyByMethod(t types.Type, key reflect.Value, text string) (done bool, err error) {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || !isCell(n) || types.IsInterface(t) {
		return false, nil
	}
	b := Boxed{e.typ(types.NewPointer(t)), key.Addr().Interface()}
	if b.T.lookup("UnmarshalText") == nil {
		return false, nil
	}
	f, ok := b.Method("UnmarshalText").Interface().(func([]byte) error)
	if !ok {
		return false, nil
	}
	return true, f([]byte(text))
}

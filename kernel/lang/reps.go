package lang

import (
	"fmt"
	"go/types"
	"reflect"
	"regexp"
	"strconv"

	"github.com/cosmos72/gomacro/imports"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/fastnb/go/kernel/bind"
)

// What cells' types become. The interpreter keeps types with names and methods badly, so it gets none: a type
// that a cell declares is represented by what it is made of, its methods are functions, and an interface is any.
// A type of a compiled package stands for itself.

// cellPath is the path of the package that cells are.
const cellPath = "main"

// mark is at the end of each name of ours in lowered code: a letter that nobody types.
const mark = "\u02b9"

// reps gives types of go/types their representation.
type reps struct {
	world  *bind.World
	known  typeutil.Map // types.Type to reflect.Type
	cuts   map[*types.Named][]types.Type
	bound  map[string]reflect.Type // compiled types by path and name
	taught map[string]bool         // packages whose objects have been searched for types without an exported name
}

func newReps(world *bind.World) *reps {
	return &reps{world: world, cuts: map[*types.Named][]types.Type{}, bound: map[string]reflect.Type{}, taught: map[string]bool{}}
}

// unfit is why a type has no representation.
type unfit struct{ reason string }

func (u unfit) Error() string { return u.reason }

// isCell reports whether a cell declared n.
func isCell(n *types.Named) bool { p := n.Obj().Pkg(); return p != nil && p.Path() == cellPath }

// erased reports whether n stands for what it is made of: a type of a cell, or an instance of a generic type
// of a compiled package, of which no compiled form is at hand.
func (r *reps) erased(n *types.Named) bool {
	if isCell(n) {
		return true
	}
	if n.TypeArgs().Len() == 0 {
		return false
	}
	_, ok := r.instance(n)
	return !ok
}

var basics = [...]reflect.Type{
	types.Bool: reflect.TypeFor[bool](), types.Int: reflect.TypeFor[int](), types.Int8: reflect.TypeFor[int8](), types.Int16: reflect.TypeFor[int16](),
	types.Int32: reflect.TypeFor[int32](), types.Int64: reflect.TypeFor[int64](), types.Uint: reflect.TypeFor[uint](), types.Uint8: reflect.TypeFor[uint8](),
	types.Uint16: reflect.TypeFor[uint16](), types.Uint32: reflect.TypeFor[uint32](), types.Uint64: reflect.TypeFor[uint64](), types.Uintptr: reflect.TypeFor[uintptr](),
	types.Float32: reflect.TypeFor[float32](), types.Float64: reflect.TypeFor[float64](), types.Complex64: reflect.TypeFor[complex64](),
	types.Complex128: reflect.TypeFor[complex128](), types.String: reflect.TypeFor[string](),
	types.UntypedBool: reflect.TypeFor[bool](), types.UntypedInt: reflect.TypeFor[int](), types.UntypedRune: reflect.TypeFor[rune](),
	types.UntypedFloat: reflect.TypeFor[float64](), types.UntypedComplex: reflect.TypeFor[complex128](), types.UntypedString: reflect.TypeFor[string](),
	types.UntypedNil: anyType,
}

var (
	anyType   = reflect.TypeFor[any]()
	errorType = reflect.TypeFor[error]()
	boolType  = reflect.TypeFor[bool]()
)

// of is the representation of t. It panics with an unfit where there is none.
func (r *reps) of(t types.Type) reflect.Type {
	t = types.Unalias(t)
	if rt, ok := r.known.At(t).(reflect.Type); ok {
		return rt
	}
	var rt reflect.Type
	if r.cut(t) {
		rt = anyType
	} else {
		rt = r.open(t)
	}
	r.known.Set(t, rt)
	return rt
}

// open is the representation of t without the cut through types that refer to themselves.
func (r *reps) open(t types.Type) reflect.Type {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			panic(unfit{"unsafe.Pointer cannot be used in cells"})
		}
		return basics[t.Kind()]
	case *types.Named:
		return r.named(t)
	case *types.Pointer:
		return reflect.PointerTo(r.of(t.Elem()))
	case *types.Slice:
		return reflect.SliceOf(r.of(t.Elem()))
	case *types.Array:
		if t.Len() < 0 || t.Len() > 1<<30 {
			panic(unfit{fmt.Sprintf("an array of %d elements is too large", t.Len())})
		}
		return reflect.ArrayOf(int(t.Len()), r.of(t.Elem()))
	case *types.Map:
		return reflect.MapOf(r.of(t.Key()), r.of(t.Elem()))
	case *types.Chan:
		dir := map[types.ChanDir]reflect.ChanDir{types.SendRecv: reflect.BothDir, types.SendOnly: reflect.SendDir, types.RecvOnly: reflect.RecvDir}
		return reflect.ChanOf(dir[t.Dir()], r.of(t.Elem()))
	case *types.Signature:
		return r.signature(t, nil)
	case *types.Struct:
		return r.structure(t)
	case *types.Interface:
		return anyType
	case *types.TypeParam:
		panic(unfit{"type parameter " + t.String() + " has no type here"})
	}
	panic(unfit{fmt.Sprintf("%v cannot be used in cells", t)})
}

// signature is a function's type; first, if not nil, comes before its parameters.
func (r *reps) signature(s *types.Signature, first reflect.Type) reflect.Type {
	var in, out []reflect.Type
	if first != nil {
		in = append(in, first)
	}
	for v := range s.Params().Variables() {
		in = append(in, r.of(v.Type()))
	}
	for v := range s.Results().Variables() {
		out = append(out, r.of(v.Type()))
	}
	if s.Variadic() && in[len(in)-1].Kind() != reflect.Slice { // append([]byte, string...)
		panic(unfit{"a variadic parameter of this type cannot be used in cells"})
	}
	return reflect.FuncOf(in, out, s.Variadic())
}

// hidden reports whether a struct has fields that reflection would not let us set, or promote.
func hidden(t *types.Struct) bool {
	for f := range t.Fields() {
		if !f.Exported() || f.Embedded() {
			return true
		}
	}
	return false
}

// fieldName is what field i of t is called in the representation: hidden fields get names that reflection
// lets us set.
func fieldName(t *types.Struct, i int) string {
	f := t.Field(i)
	switch {
	case f.Name() == "_":
		return "X" + mark + strconv.Itoa(i)
	case !f.Exported():
		return "X" + mark + f.Name()
	}
	return f.Name()
}

func (r *reps) structure(t *types.Struct) reflect.Type {
	fields := make([]reflect.StructField, t.NumFields())
	for i := range fields {
		f := t.Field(i)
		fields[i] = reflect.StructField{Name: fieldName(t, i), Type: r.of(f.Type()), Tag: reflect.StructTag(t.Tag(i))}
		if !f.Exported() {
			fields[i].Tag = `json:"-" xml:"-"`
		}
	}
	return reflect.StructOf(fields)
}

// named is the representation of a type with a name.
func (r *reps) named(t *types.Named) reflect.Type {
	if t.Obj().Pkg() == nil && t.Obj().Name() == "error" {
		return errorType
	}
	if isCell(t) {
		return r.of(t.Underlying())
	}
	if t.TypeArgs().Len() > 0 {
		if rt, ok := r.instance(t); ok {
			return rt
		}
		if t.NumMethods() > 0 {
			panic(unfit{fmt.Sprintf("%s cannot be instantiated in cells: it is compiled without these type arguments", t.Obj().Name())})
		}
		return r.of(t.Underlying())
	}
	if rt := r.compiled(t.Obj()); rt != nil {
		return rt
	}
	if types.IsInterface(t) {
		return anyType
	}
	panic(unfit{fmt.Sprintf("the type %s.%s is not compiled into this kernel", t.Obj().Pkg().Path(), t.Obj().Name())})
}

// instance is a compiled instance of a generic type.
func (r *reps) instance(t *types.Named) (reflect.Type, bool) {
	key := types.TypeString(t, nil)
	if rt, ok := r.bound[key]; ok {
		return rt, rt != nil
	}
	for p := range r.mentioning() {
		r.teach(p)
		if rt, ok := r.bound[key]; ok {
			return rt, true
		}
	}
	r.bound[key] = nil
	return nil, false
}

// compiled is the type of a compiled package; nil if it is not known.
func (r *reps) compiled(o *types.TypeName) reflect.Type {
	key := o.Pkg().Path() + "." + o.Name()
	if rt, ok := r.bound[key]; ok {
		return rt
	}
	if p, ok := imports.Packages[o.Pkg().Path()]; ok {
		if rt := p.Types[o.Name()]; rt != nil {
			r.bound[key] = rt
			return rt
		}
		r.teach(o.Pkg().Path())
	}
	if rt := r.bound[key]; rt != nil {
		return rt
	}
	for p := range r.mentioning() {
		r.teach(p)
		if rt := r.bound[key]; rt != nil {
			return rt
		}
	}
	return nil
}

// mentioning are the bound packages.
func (r *reps) mentioning() map[string]bool {
	out := map[string]bool{}
	for p := range imports.Packages {
		if bind.Has(p) {
			out[p] = true
		}
	}
	return out
}

// teach looks through what a package binds for types that are not exported there.
func (r *reps) teach(path string) {
	if r.taught[path] {
		return
	}
	r.taught[path] = true
	pkg, bound := r.world.Package(path), imports.Packages[path]
	if pkg == nil {
		return
	}
	w := teacher{r: r, seen: map[types.Type]bool{}}
	for _, name := range pkg.Scope().Names() {
		o := pkg.Scope().Lookup(name)
		if rt, ok := bound.Types[name]; ok {
			w.pair(o.Type(), rt)
		} else if v, ok := bound.Binds[name]; ok && v.IsValid() {
			if _, isConst := o.(*types.Const); !isConst {
				w.pair(o.Type(), v.Type())
			}
		}
	}
}

// teacher walks through a type as go/types and as reflection have it and remembers the types with names.
type teacher struct {
	r    *reps
	seen map[types.Type]bool
}

func (w *teacher) pair(t types.Type, rt reflect.Type) {
	t = types.Unalias(t)
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	if n, ok := t.(*types.Named); ok && n.Obj().Pkg() != nil {
		key := n.Obj().Pkg().Path() + "." + n.Obj().Name()
		if n.TypeArgs().Len() > 0 {
			key = types.TypeString(n, nil)
		} else if n.TypeParams().Len() > 0 {
			return
		}
		if rt.Name() == "" {
			return
		}
		if w.r.bound[key] == nil {
			w.r.bound[key] = rt
		}
		w.methods(n, rt)
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		if rt.Kind() == reflect.Pointer {
			w.pair(u.Elem(), rt.Elem())
		}
	case *types.Slice:
		if rt.Kind() == reflect.Slice {
			w.pair(u.Elem(), rt.Elem())
		}
	case *types.Array:
		if rt.Kind() == reflect.Array {
			w.pair(u.Elem(), rt.Elem())
		}
	case *types.Chan:
		if rt.Kind() == reflect.Chan {
			w.pair(u.Elem(), rt.Elem())
		}
	case *types.Map:
		if rt.Kind() == reflect.Map {
			w.pair(u.Key(), rt.Key())
			w.pair(u.Elem(), rt.Elem())
		}
	case *types.Struct:
		if rt.Kind() == reflect.Struct && rt.NumField() == u.NumFields() {
			for i := range u.NumFields() {
				w.pair(u.Field(i).Type(), rt.Field(i).Type)
			}
		}
	case *types.Signature:
		w.signature(u, rt, 0)
	}
}

func (w *teacher) signature(s *types.Signature, rt reflect.Type, skip int) {
	if rt.Kind() != reflect.Func || rt.NumIn() != s.Params().Len()+skip || rt.NumOut() != s.Results().Len() {
		return
	}
	for i := range s.Params().Len() {
		w.pair(s.Params().At(i).Type(), rt.In(i+skip))
	}
	for i := range s.Results().Len() {
		w.pair(s.Results().At(i).Type(), rt.Out(i))
	}
}

func (w *teacher) methods(n *types.Named, rt reflect.Type) {
	skip := 1
	if rt.Kind() == reflect.Interface {
		skip = 0
	} else {
		rt = reflect.PointerTo(rt)
	}
	set := types.NewMethodSet(types.NewPointer(n))
	if skip == 0 {
		set = types.NewMethodSet(n)
	}
	for m := range set.Methods() {
		if rm, ok := rt.MethodByName(m.Obj().Name()); ok && m.Obj().Exported() {
			w.signature(m.Obj().Type().(*types.Signature), rm.Type, skip)
		}
	}
}

// directs are the cells' types that t holds by value: those in arrays and structs, not behind pointers and the
// like.
func directs(t types.Type) (out []*types.Named) {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if isCell(t) {
			out = append(out, t)
		}
	case *types.Array:
		out = directs(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			out = append(out, directs(f.Type())...)
		}
	}
	return out
}

// behind are the types that a pointer, slice, map, channel or function refers to; nil for other types.
func behind(t types.Type) (out []types.Type) {
	switch t := t.(type) {
	case *types.Pointer:
		out = append(out, t.Elem())
	case *types.Slice:
		out = append(out, t.Elem())
	case *types.Chan:
		out = append(out, t.Elem())
	case *types.Map:
		out = append(out, t.Key(), t.Elem())
	case *types.Signature:
		for v := range t.Params().Variables() {
			out = append(out, v.Type())
		}
		for v := range t.Results().Variables() {
			out = append(out, v.Type())
		}
	}
	return out
}

// cut reports whether values of t are kept in an any: t is a pointer, slice, map, channel or function through
// which a type of a cell refers to itself. That breaks the circle: what is left of the type has a representation
// that ends, and it is the same wherever it is looked at from.
func (r *reps) cut(t types.Type) bool {
	t = types.Unalias(t)
	if n, ok := t.(*types.Named); ok {
		return isCell(n) && r.cut(n.Underlying())
	}
	for _, b := range behind(t) {
		for _, n := range directs(b) {
			for _, c := range r.cutsOf(n) {
				if types.Identical(c, t) {
					return true
				}
			}
		}
	}
	return false
}

// edge is a reference from one type of a cell to another, via is the pointer or the like it goes through.
type edge struct {
	to  *types.Named
	via types.Type
}

// cutsOf are the types through which n refers to itself, or types of its circle to each other.
func (r *reps) cutsOf(n *types.Named) []types.Type {
	if c, ok := r.cuts[n]; ok {
		return c
	}
	edges := map[*types.Named][]edge{}
	var visit func(n *types.Named)
	visit = func(n *types.Named) {
		if _, ok := edges[n]; ok {
			return
		}
		edges[n] = nil
		edges[n] = edgesOf(n.Underlying(), nil, map[types.Type]bool{})
		for _, e := range edges[n] {
			visit(e.to)
		}
	}
	visit(n)
	reaches := func(from, to *types.Named) bool {
		seen := map[*types.Named]bool{}
		var walk func(n *types.Named) bool
		walk = func(n *types.Named) bool {
			for _, e := range edges[n] {
				if same(e.to, to) {
					return true
				}
				if !seen[e.to] {
					seen[e.to] = true
					if walk(e.to) {
						return true
					}
				}
			}
			return false
		}
		return walk(from)
	}
	var out []types.Type
	for k, es := range edges {
		for _, e := range es {
			if e.via != nil && reaches(n, k) && reaches(e.to, n) {
				out = append(out, e.via)
			}
		}
	}
	r.cuts[n] = out
	return out
}

func same(a, b *types.Named) bool { return a == b || types.Identical(a, b) }

func edgesOf(t, via types.Type, seen map[types.Type]bool) (out []edge) {
	t = types.Unalias(t)
	if seen[t] {
		return nil
	}
	switch t := t.(type) {
	case *types.Named:
		if isCell(t) {
			return []edge{{t, via}}
		}
		for a := range t.TypeArgs().Types() {
			out = append(out, edgesOf(a, t.Underlying(), seen)...)
		}
		return out
	case *types.Array:
		return edgesOf(t.Elem(), via, seen)
	case *types.Struct:
		for f := range t.Fields() {
			out = append(out, edgesOf(f.Type(), via, seen)...)
		}
		return out
	}
	for _, b := range behind(t) {
		out = append(out, edgesOf(b, t, seen)...)
	}
	return out
}

// lossy reports whether a value of t in an any would lose its type: t is, or is made of, types that cells
// declared.
func (r *reps) lossy(t types.Type) bool { return lossy(t, map[types.Type]bool{}) }

func lossy(t types.Type, seen map[types.Type]bool) bool {
	t = types.Unalias(t)
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		if isCell(t) {
			return true
		}
		for a := range t.TypeArgs().Types() {
			if lossy(a, seen) {
				return true
			}
		}
		return false
	case *types.Array:
		return lossy(t.Elem(), seen)
	case *types.Struct:
		if hidden(t) {
			return true
		}
		for f := range t.Fields() {
			if lossy(f.Type(), seen) {
				return true
			}
		}
	case *types.Interface:
		return t.NumMethods() > 0
	}
	for _, b := range behind(t) {
		if lossy(b, seen) {
			return true
		}
	}
	return false
}

// bySpelling is t as cells write it.
func bySpelling(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p.Path() == cellPath {
			return ""
		}
		return p.Name()
	})
}

var otherNames = regexp.MustCompile(`\b(any|byte|rune)\b`)

// byReflection is t as %T prints it.
func byReflection(t types.Type) string {
	s := types.TypeString(t, func(p *types.Package) string { return p.Name() })
	return otherNames.ReplaceAllStringFunc(s, func(n string) string {
		return map[string]string{"any": "interface {}", "byte": "uint8", "rune": "int32"}[n]
	})
}

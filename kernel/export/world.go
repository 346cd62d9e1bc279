package export

import (
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"strings"

	"github.com/cosmos72/gomacro/imports"

	"github.com/fastnb/go/kernel/bind"
)

// world gives go/types the packages that are compiled in, as far as reflection shows them: without
// generic functions, parameter names and unexported methods.
type world struct {
	pkgs  map[string]*types.Package
	types map[reflect.Type]types.Type
	extra map[string]imports.Package // packages that cells do not see, by path
}

func newWorld() *world {
	return &world{pkgs: map[string]*types.Package{}, types: map[reflect.Type]types.Type{}, extra: map[string]imports.Package{}}
}

const displayPath = "github.com/fastnb/go/cell/display"

// path is the real import path of a package that a cell may import under other names too.
func path(p string) string {
	if p == "display" || p == "github.com/gopherdata/gophernotes" {
		return displayPath
	}
	for _, full := range bind.Available() {
		if strings.HasPrefix(full, "github.com/fastnb/go/") && full[strings.LastIndexByte(full, '/')+1:] == p {
			return full
		}
	}
	return p
}

// Import is types.Importer's.
func (w *world) Import(p string) (*types.Package, error) {
	if pkg := w.pkgs[p]; pkg != nil && pkg.Complete() {
		return pkg, nil
	}
	bound, ok := w.extra[p]
	if !ok {
		name := p
		if p == displayPath {
			name = "display"
		}
		if bound, ok = imports.Packages[name]; !ok {
			return nil, fmt.Errorf("package %q is not compiled into this kernel", p)
		}
	}
	pkg := w.pkg(p, bound.Name)
	pkg.MarkComplete()
	for name, t := range bound.Types {
		w.declareType(pkg, name, t)
	}
	for name, v := range bound.Binds {
		w.declare(pkg, name, v, bound.Untypeds[name])
	}
	for name, lit := range bound.Untypeds { // those too large for any Go type
		if pkg.Scope().Lookup(name) == nil {
			w.declare(pkg, name, reflect.Value{}, lit)
		}
	}
	return pkg, nil
}

func (w *world) pkg(p, name string) *types.Package {
	pkg := w.pkgs[p]
	if pkg == nil {
		pkg = types.NewPackage(p, name)
		w.pkgs[p] = pkg
	}
	return pkg
}

func (w *world) declareType(pkg *types.Package, name string, rt reflect.Type) {
	t := w.typ(rt)
	if n, ok := t.(*types.Named); ok && rt.Name() == name && rt.PkgPath() == pkg.Path() {
		pkg.Scope().Insert(n.Obj())
		return
	}
	obj := types.NewTypeName(token.NoPos, pkg, name, nil)
	types.NewAlias(obj, t)
	pkg.Scope().Insert(obj)
}

func (w *world) declare(pkg *types.Package, name string, v reflect.Value, untyped string) {
	var o types.Object
	switch {
	case untyped != "":
		t, val := untypedConst(untyped)
		o = types.NewConst(token.NoPos, pkg, name, t, val)
	case v.CanAddr():
		o = types.NewVar(token.NoPos, pkg, name, w.typ(v.Type()))
	case v.Kind() == reflect.Func:
		o = types.NewFunc(token.NoPos, pkg, name, w.typ(v.Type()).Underlying().(*types.Signature))
	default:
		if val := constOf(v); val.Kind() != constant.Unknown {
			o = types.NewConst(token.NoPos, pkg, name, w.typ(v.Type()), val)
		} else {
			o = types.NewVar(token.NoPos, pkg, name, w.typ(v.Type()))
		}
	}
	pkg.Scope().Insert(o)
}

// untypedConst reads gomacro's text of an untyped constant, "float:1/3".
func untypedConst(s string) (types.Type, constant.Value) {
	kind, lit, _ := strings.Cut(s, ":")
	switch kind {
	case "bool":
		return types.Typ[types.UntypedBool], constant.MakeBool(lit == "true")
	case "string":
		return types.Typ[types.UntypedString], constant.MakeString(lit)
	case "rune":
		return types.Typ[types.UntypedRune], constant.MakeFromLiteral(lit, token.INT, 0)
	case "int":
		neg := strings.HasPrefix(lit, "-")
		v := constant.MakeFromLiteral(strings.TrimPrefix(lit, "-"), token.INT, 0)
		if neg {
			v = constant.UnaryOp(token.SUB, v, 0)
		}
		return types.Typ[types.UntypedInt], v
	}
	num, den, ok := strings.Cut(lit, "/")
	v := constant.MakeFromLiteral(num, token.FLOAT, 0)
	if ok {
		v = constant.BinaryOp(constant.ToFloat(v), token.QUO, constant.MakeFromLiteral(den, token.FLOAT, 0))
	}
	return types.Typ[types.UntypedFloat], v
}

// constOf is a typed constant's value.
func constOf(v reflect.Value) constant.Value {
	switch {
	case v.Kind() == reflect.Bool:
		return constant.MakeBool(v.Bool())
	case v.Kind() == reflect.String:
		return constant.MakeString(v.String())
	case v.CanInt():
		return constant.MakeInt64(v.Int())
	case v.CanUint():
		return constant.MakeUint64(v.Uint())
	case v.CanFloat():
		return constant.MakeFloat64(v.Float())
	}
	return constant.MakeUnknown()
}

// typ is the type that reflection shows as rt.
func (w *world) typ(rt reflect.Type) types.Type {
	if t, ok := w.types[rt]; ok {
		return t
	}
	if rt.Name() != "" {
		return w.named(rt)
	}
	var t types.Type
	switch rt.Kind() {
	case reflect.Pointer:
		t = types.NewPointer(w.typ(rt.Elem()))
	case reflect.Slice:
		t = types.NewSlice(w.typ(rt.Elem()))
	case reflect.Array:
		t = types.NewArray(w.typ(rt.Elem()), int64(rt.Len()))
	case reflect.Map:
		t = types.NewMap(w.typ(rt.Key()), w.typ(rt.Elem()))
	case reflect.Chan:
		dir := map[reflect.ChanDir]types.ChanDir{reflect.BothDir: types.SendRecv, reflect.SendDir: types.SendOnly, reflect.RecvDir: types.RecvOnly}
		t = types.NewChan(dir[rt.ChanDir()], w.typ(rt.Elem()))
	default:
		t = w.underlying(rt)
	}
	w.types[rt] = t
	return t
}

// named is a predeclared or a defined type with its exported methods.
func (w *world) named(rt reflect.Type) types.Type {
	if rt.PkgPath() == "" || rt.Kind() == reflect.UnsafePointer {
		t := types.Universe.Lookup(rt.Name())
		if t == nil {
			w.types[rt] = types.Typ[types.UnsafePointer]
		} else {
			w.types[rt] = t.Type()
		}
		return w.types[rt]
	}
	short, _, _ := strings.Cut(rt.String(), ".")
	pkg := w.pkg(rt.PkgPath(), short)
	n := types.NewNamed(types.NewTypeName(token.NoPos, pkg, rt.Name(), nil), nil, nil)
	w.types[rt] = n
	n.SetUnderlying(w.underlying(rt))
	if rt.Kind() == reflect.Interface {
		return n
	}
	ptr := reflect.PointerTo(rt)
	for m := range ptr.Methods() {
		recv := types.Type(types.NewPointer(n))
		if _, byValue := rt.MethodByName(m.Name); byValue {
			recv = n
		}
		sig := w.signature(m.Type, 1, types.NewVar(token.NoPos, pkg, "", recv))
		n.AddMethod(types.NewFunc(token.NoPos, pkg, m.Name, sig))
	}
	return n
}

func (w *world) underlying(rt reflect.Type) types.Type {
	switch rt.Kind() {
	case reflect.Struct:
		var fields []*types.Var
		var tags []string
		for i := range rt.NumField() {
			f := rt.Field(i)
			var pkg *types.Package
			if f.PkgPath != "" {
				pkg = w.pkg(f.PkgPath, f.PkgPath[strings.LastIndexByte(f.PkgPath, '/')+1:])
			}
			fields = append(fields, types.NewField(token.NoPos, pkg, f.Name, w.typ(f.Type), f.Anonymous))
			tags = append(tags, string(f.Tag))
		}
		return types.NewStruct(fields, tags)
	case reflect.Interface:
		var methods []*types.Func
		for m := range rt.Methods() {
			if m.PkgPath == "" { // reflection shows no unexported method of those who implement it
				methods = append(methods, types.NewFunc(token.NoPos, nil, m.Name, w.signature(m.Type, 0, nil)))
			}
		}
		return types.NewInterfaceType(methods, nil).Complete()
	case reflect.Func:
		return w.signature(rt, 0, nil)
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Chan:
		return w.typ(unnamed(rt))
	}
	return types.Universe.Lookup(rt.Kind().String()).Type()
}

// unnamed is the type literal of a defined type.
func unnamed(rt reflect.Type) reflect.Type {
	switch rt.Kind() {
	case reflect.Pointer:
		return reflect.PointerTo(rt.Elem())
	case reflect.Slice:
		return reflect.SliceOf(rt.Elem())
	case reflect.Array:
		return reflect.ArrayOf(rt.Len(), rt.Elem())
	case reflect.Map:
		return reflect.MapOf(rt.Key(), rt.Elem())
	}
	return reflect.ChanOf(rt.ChanDir(), rt.Elem())
}

func (w *world) signature(rt reflect.Type, skip int, recv *types.Var) *types.Signature {
	var in, out []*types.Var
	for i := skip; i < rt.NumIn(); i++ {
		in = append(in, types.NewParam(token.NoPos, nil, "", w.typ(rt.In(i))))
	}
	for t := range rt.Outs() {
		out = append(out, types.NewParam(token.NoPos, nil, "", w.typ(t)))
	}
	return types.NewSignatureType(recv, nil, nil, types.NewTuple(in...), types.NewTuple(out...), rt.IsVariadic())
}

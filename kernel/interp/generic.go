package interp

import (
	"go/ast"
	"reflect"
	"sort"
	"strings"

	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"
)

// generic is a function of slices, maps or cmp for the types of one call. The interpreter knows no
// generic functions; types gives the results' types from the arguments', run does the work by
// reflection.
type generic struct {
	args  int // how many at least; those after the first take its element's type if they are constants
	types func(u *xr.Universe, in []xr.Type) []xr.Type
	run   func(in []reflect.Value) []reflect.Value
}

// dotted is the builtin that stands for a function of a package: "slices.Sort" is slicesʹSort.
func dotted(pkg, name string) string { return pkg + "\u02b9" + name }

func (g generic) compile(name string) compiler {
	name = strings.Replace(name, "\u02b9", ".", 1)
	return func(c *fast.Comp, node *ast.CallExpr, args []*fast.Expr) *fast.Call {
		if len(args) < g.args || node.Ellipsis.IsValid() {
			c.Errorf("not enough arguments in call to %s, or ... which cells cannot use with it: %v", name, node)
		}
		if args[0].Untyped() {
			settle(c, node, args)
		}
		for i, a := range args {
			switch {
			case a.Type == nil:
				c.Errorf("a nil argument gives %s no type: %v", name, node)
			case a.Untyped() && i > 0 && elem(args[0].Type) != nil && !strings.HasSuffix(name, "Insert") && !strings.HasSuffix(name, "Delete") && !strings.HasSuffix(name, "Repeat"):
				a.ConstTo(elem(args[0].Type))
			case a.Untyped() && i > 1 && elem(args[0].Type) != nil:
				a.ConstTo(elem(args[0].Type))
			case a.Untyped():
				a.ConstTo(a.DefaultType())
			}
		}
		in := make([]xr.Type, len(args))
		for i, a := range args {
			in[i] = a.Type
		}
		var outs []xr.Type
		func() {
			defer func() {
				if recover() != nil {
					c.Errorf("cannot use arguments of types %v in call to %s", in, name)
				}
			}()
			outs = g.types(c.Universe, in)
		}()
		return callOf(c, args, outs, g.run)
	}
}

// elem is the element type of a slice or map, or nil.
func elem(t xr.Type) xr.Type {
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
		return t.Elem()
	}
	return nil
}

// seqOf is func(yield func(a, b) bool).
func seqOf(u *xr.Universe, of ...xr.Type) xr.Type {
	yield := u.FuncOf(of, []xr.Type{u.BasicTypes[reflect.Bool]}, false)
	return u.FuncOf([]xr.Type{yield}, nil, false)
}

// yields makes the value of an iterator of the type that each gives values to until one is refused.
func yields(t reflect.Type, each func(yield func(...reflect.Value) bool)) reflect.Value {
	return reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
		each(func(v ...reflect.Value) bool { return in[0].Call(v)[0].Bool() })
		return nil
	})
}

// collect calls an iterator.
func collect(seq reflect.Value, f func(v []reflect.Value)) {
	yield := reflect.MakeFunc(seq.Type().In(0), func(in []reflect.Value) []reflect.Value {
		f(in)
		return []reflect.Value{reflect.ValueOf(true)}
	})
	seq.Call([]reflect.Value{yield})
}

func seqElem(t xr.Type, i int) xr.Type { return t.In(0).In(i) }

func one(v any) []reflect.Value { return []reflect.Value{reflect.ValueOf(v)} }

func same(_ *xr.Universe, in []xr.Type) []xr.Type { return in[:1] }
func none(_ *xr.Universe, in []xr.Type) []xr.Type {
	_ = elem(in[0]).Kind()
	return nil
}

func kind(k reflect.Kind) func(*xr.Universe, []xr.Type) []xr.Type {
	return func(u *xr.Universe, _ []xr.Type) []xr.Type { return []xr.Type{u.BasicTypes[k]} }
}
func element(_ *xr.Universe, in []xr.Type) []xr.Type { return []xr.Type{elem(in[0])} }

// order compares with the function in[1] if there is one.
func order(in []reflect.Value) func(a, b reflect.Value) int {
	if len(in) > 1 && in[1].Kind() == reflect.Func {
		return func(a, b reflect.Value) int { return int(in[1].Call([]reflect.Value{a, b})[0].Int()) }
	}
	return func(a, b reflect.Value) int {
		o, ok := compare(a, b)
		if !ok {
			panic("values of type " + a.Type().String() + " have no order")
		}
		return o
	}
}

func clone(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	return reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v)
}

func sorted(v reflect.Value, cmp func(a, b reflect.Value) int) {
	c := clone(v)
	idx := make([]int, v.Len())
	for i := range idx {
		idx[i] = i
	}
	sort.SliceStable(idx, func(i, j int) bool { return cmp(c.Index(idx[i]), c.Index(idx[j])) < 0 })
	for i, k := range idx {
		v.Index(i).Set(c.Index(k))
	}
}

func best(in []reflect.Value, keep func(o int) bool) []reflect.Value {
	if in[0].Len() == 0 {
		panic("the extreme of an empty slice")
	}
	cmp, b := order(in), in[0].Index(0)
	for i := 1; i < in[0].Len(); i++ {
		if v := in[0].Index(i); keep(cmp(v, b)) {
			b = v
		}
	}
	return []reflect.Value{b}
}

// find is the index of the first element that in[1], a value or a test, fits; or -1.
func find(in []reflect.Value) int {
	for i := range in[0].Len() {
		v := in[0].Index(i)
		if in[1].Kind() == reflect.Func && in[1].Type() != v.Type() {
			if in[1].Call([]reflect.Value{v})[0].Bool() {
				return i
			}
		} else if v.Equal(in[1]) {
			return i
		}
	}
	return -1
}

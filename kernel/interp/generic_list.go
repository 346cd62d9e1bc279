package interp

import (
	"reflect"

	xr "github.com/cosmos72/gomacro/xreflect"
)

// generics are the functions of slices, maps and cmp that cells can call, by the builtin's name.
var generics = map[string]generic{}

func init() {
	add := func(pkg, name string, args int, types func(*xr.Universe, []xr.Type) []xr.Type, run func([]reflect.Value) []reflect.Value) {
		generics[dotted(pkg, name)] = generic{args, types, run}
	}
	sortIn := func(in []reflect.Value) []reflect.Value { sorted(in[0], order(in)); return nil }
	add("slices", "Sort", 1, none, sortIn)
	add("slices", "SortFunc", 2, none, sortIn)
	add("slices", "SortStableFunc", 2, none, sortIn)
	isSorted := func(in []reflect.Value) []reflect.Value {
		cmp := order(in)
		for i := 1; i < in[0].Len(); i++ {
			if cmp(in[0].Index(i-1), in[0].Index(i)) > 0 {
				return one(false)
			}
		}
		return one(true)
	}
	add("slices", "IsSorted", 1, kind(reflect.Bool), isSorted)
	add("slices", "IsSortedFunc", 2, kind(reflect.Bool), isSorted)
	least := func(in []reflect.Value) []reflect.Value { return best(in, func(o int) bool { return o < 0 }) }
	most := func(in []reflect.Value) []reflect.Value { return best(in, func(o int) bool { return o > 0 }) }
	add("slices", "Min", 1, element, least)
	add("slices", "MinFunc", 2, element, least)
	add("slices", "Max", 1, element, most)
	add("slices", "MaxFunc", 2, element, most)
	for _, f := range []string{"", "Func"} {
		add("slices", "Index"+f, 2, kind(reflect.Int), func(in []reflect.Value) []reflect.Value { return one(find(in)) })
		add("slices", "Contains"+f, 2, kind(reflect.Bool), func(in []reflect.Value) []reflect.Value { return one(find(in) >= 0) })
	}
	changes(add)
	iterators(add)
	mapFunctions(add)
	add("cmp", "Compare", 2, kind(reflect.Int), func(in []reflect.Value) []reflect.Value { return one(order(nil)(in[0], in[1])) })
	add("cmp", "Less", 2, kind(reflect.Bool), func(in []reflect.Value) []reflect.Value { return one(order(nil)(in[0], in[1]) < 0) })
	add("cmp", "Or", 1, same, func(in []reflect.Value) []reflect.Value {
		for _, v := range in {
			if !v.IsZero() {
				return []reflect.Value{v}
			}
		}
		return []reflect.Value{reflect.Zero(in[0].Type())}
	})
}

type adder = func(pkg, name string, args int, types func(*xr.Universe, []xr.Type) []xr.Type, run func([]reflect.Value) []reflect.Value)

// changes are the functions that give a changed slice.
func changes(add adder) {
	add("slices", "Reverse", 1, none, func(in []reflect.Value) []reflect.Value {
		swap := reflect.Swapper(in[0].Interface())
		for i, j := 0, in[0].Len()-1; i < j; i, j = i+1, j-1 {
			swap(i, j)
		}
		return nil
	})
	add("slices", "Clone", 1, same, func(in []reflect.Value) []reflect.Value { return []reflect.Value{clone(in[0])} })
	add("slices", "Equal", 2, kind(reflect.Bool), func(in []reflect.Value) []reflect.Value {
		if in[0].Len() != in[1].Len() {
			return one(false)
		}
		for i := range in[0].Len() {
			if !in[0].Index(i).Equal(in[1].Index(i)) {
				return one(false)
			}
		}
		return one(true)
	})
	add("slices", "Concat", 1, same, func(in []reflect.Value) []reflect.Value {
		out := reflect.MakeSlice(in[0].Type(), 0, 0)
		for _, v := range in {
			out = reflect.AppendSlice(out, v)
		}
		return []reflect.Value{out}
	})
	add("slices", "Insert", 2, same, func(in []reflect.Value) []reflect.Value {
		i := int(in[1].Int())
		out := reflect.Append(clone(in[0].Slice(0, i)), in[2:]...)
		return []reflect.Value{reflect.AppendSlice(out, in[0].Slice(i, in[0].Len()))}
	})
	add("slices", "Delete", 3, same, func(in []reflect.Value) []reflect.Value {
		i, j := int(in[1].Int()), int(in[2].Int())
		_ = in[0].Slice(i, j) // a wrong range panics here
		n := reflect.Copy(in[0].Slice(i, in[0].Len()), in[0].Slice(j, in[0].Len()))
		in[0].Slice(i+n, in[0].Len()).Clear()
		return []reflect.Value{in[0].Slice(0, i+n)}
	})
	add("slices", "Compact", 1, same, func(in []reflect.Value) []reflect.Value {
		n := 0
		for i := range in[0].Len() {
			if i == 0 || !in[0].Index(i).Equal(in[0].Index(n-1)) {
				in[0].Index(n).Set(in[0].Index(i))
				n++
			}
		}
		in[0].Slice(n, in[0].Len()).Clear()
		return []reflect.Value{in[0].Slice(0, n)}
	})
	add("slices", "Repeat", 2, same, func(in []reflect.Value) []reflect.Value {
		out := reflect.MakeSlice(in[0].Type(), 0, 0)
		for range in[1].Int() {
			out = reflect.AppendSlice(out, in[0])
		}
		return []reflect.Value{out}
	})
	add("slices", "BinarySearch", 2, func(u *xr.Universe, _ []xr.Type) []xr.Type {
		return []xr.Type{u.BasicTypes[reflect.Int], u.BasicTypes[reflect.Bool]}
	}, func(in []reflect.Value) []reflect.Value {
		a, b := 0, in[0].Len()
		for a < b {
			if m := (a + b) / 2; order(nil)(in[0].Index(m), in[1]) < 0 {
				a = m + 1
			} else {
				b = m
			}
		}
		return append(one(a), one(a < in[0].Len() && in[0].Index(a).Equal(in[1]))...)
	})
}

// iterators are the functions of slices that make iterators and gather them.
func iterators(add adder) {
	add("slices", "Values", 1, func(u *xr.Universe, in []xr.Type) []xr.Type { return []xr.Type{seqOf(u, elem(in[0]))} }, func(in []reflect.Value) []reflect.Value {
		yield := reflect.FuncOf([]reflect.Type{in[0].Type().Elem()}, []reflect.Type{reflect.TypeFor[bool]()}, false)
		return []reflect.Value{yields(reflect.FuncOf([]reflect.Type{yield}, nil, false), func(yield func(...reflect.Value) bool) {
			for i := range in[0].Len() {
				if !yield(in[0].Index(i)) {
					return
				}
			}
		})}
	})
	indexed := func(at func(i, n int) int) func([]reflect.Value) []reflect.Value {
		return func(in []reflect.Value) []reflect.Value {
			yield := reflect.FuncOf([]reflect.Type{reflect.TypeFor[int](), in[0].Type().Elem()}, []reflect.Type{reflect.TypeFor[bool]()}, false)
			return []reflect.Value{yields(reflect.FuncOf([]reflect.Type{yield}, nil, false), func(yield func(...reflect.Value) bool) {
				for i := range in[0].Len() {
					if k := at(i, in[0].Len()); !yield(reflect.ValueOf(k), in[0].Index(k)) {
						return
					}
				}
			})}
		}
	}
	pairs := func(u *xr.Universe, in []xr.Type) []xr.Type {
		return []xr.Type{seqOf(u, u.BasicTypes[reflect.Int], elem(in[0]))}
	}
	add("slices", "All", 1, pairs, indexed(func(i, _ int) int { return i }))
	add("slices", "Backward", 1, pairs, indexed(func(i, n int) int { return n - 1 - i }))
	gathered := func(u *xr.Universe, in []xr.Type) []xr.Type { return []xr.Type{u.SliceOf(seqElem(in[0], 0))} }
	gather := func(in []reflect.Value) reflect.Value {
		out := reflect.Zero(reflect.SliceOf(in[0].Type().In(0).In(0)))
		collect(in[0], func(v []reflect.Value) { out = reflect.Append(out, v[0]) })
		return out
	}
	add("slices", "Collect", 1, gathered, func(in []reflect.Value) []reflect.Value { return []reflect.Value{gather(in)} })
	inOrder := func(in []reflect.Value) []reflect.Value {
		out := gather(in)
		sorted(out, order(in))
		return []reflect.Value{out}
	}
	add("slices", "Sorted", 1, gathered, inOrder)
	add("slices", "SortedFunc", 2, gathered, inOrder)
}

func mapFunctions(add adder) {
	iterate := func(types func(m reflect.Type) []reflect.Type, pick func(it *reflect.MapIter) []reflect.Value) func([]reflect.Value) []reflect.Value {
		return func(in []reflect.Value) []reflect.Value {
			yield := reflect.FuncOf(types(in[0].Type()), []reflect.Type{reflect.TypeFor[bool]()}, false)
			return []reflect.Value{yields(reflect.FuncOf([]reflect.Type{yield}, nil, false), func(yield func(...reflect.Value) bool) {
				for it := in[0].MapRange(); it.Next(); {
					if !yield(pick(it)...) {
						return
					}
				}
			})}
		}
	}
	add("maps", "Keys", 1, func(u *xr.Universe, in []xr.Type) []xr.Type { return []xr.Type{seqOf(u, in[0].Key())} },
		iterate(func(m reflect.Type) []reflect.Type { return []reflect.Type{m.Key()} }, func(it *reflect.MapIter) []reflect.Value { return []reflect.Value{it.Key()} }))
	add("maps", "Values", 1, func(u *xr.Universe, in []xr.Type) []xr.Type { return []xr.Type{seqOf(u, in[0].Elem())} },
		iterate(func(m reflect.Type) []reflect.Type { return []reflect.Type{m.Elem()} }, func(it *reflect.MapIter) []reflect.Value { return []reflect.Value{it.Value()} }))
	add("maps", "All", 1, func(u *xr.Universe, in []xr.Type) []xr.Type { return []xr.Type{seqOf(u, in[0].Key(), in[0].Elem())} },
		iterate(func(m reflect.Type) []reflect.Type { return []reflect.Type{m.Key(), m.Elem()} }, func(it *reflect.MapIter) []reflect.Value { return []reflect.Value{it.Key(), it.Value()} }))
	add("maps", "Collect", 1, func(u *xr.Universe, in []xr.Type) []xr.Type {
		return []xr.Type{u.MapOf(seqElem(in[0], 0), seqElem(in[0], 1))}
	}, func(in []reflect.Value) []reflect.Value {
		y := in[0].Type().In(0)
		out := reflect.MakeMap(reflect.MapOf(y.In(0), y.In(1)))
		collect(in[0], func(v []reflect.Value) { out.SetMapIndex(v[0], v[1]) })
		return []reflect.Value{out}
	})
	put := func(dst, src reflect.Value) {
		for it := src.MapRange(); it.Next(); {
			dst.SetMapIndex(it.Key(), it.Value())
		}
	}
	add("maps", "Clone", 1, same, func(in []reflect.Value) []reflect.Value {
		out := reflect.MakeMap(in[0].Type())
		put(out, in[0])
		return []reflect.Value{out}
	})
	add("maps", "Copy", 2, none, func(in []reflect.Value) []reflect.Value { put(in[0], in[1]); return nil })
	add("maps", "DeleteFunc", 2, none, func(in []reflect.Value) []reflect.Value {
		for it := in[0].MapRange(); it.Next(); {
			if in[1].Call([]reflect.Value{it.Key(), it.Value()})[0].Bool() {
				in[0].SetMapIndex(it.Key(), reflect.Value{})
			}
		}
		return nil
	})
	add("maps", "Equal", 2, kind(reflect.Bool), func(in []reflect.Value) []reflect.Value {
		if in[0].Len() != in[1].Len() {
			return one(false)
		}
		for it := in[0].MapRange(); it.Next(); {
			if v := in[1].MapIndex(it.Key()); !v.IsValid() || !v.Equal(it.Value()) {
				return one(false)
			}
		}
		return one(true)
	})
}

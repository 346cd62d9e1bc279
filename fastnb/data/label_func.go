package data

import (
	"fmt"
	"reflect"

	"github.com/fastnb/go/datasets"
)

// LabelFromFunc labels each item with f(item). f is a func of a Path (or string) that gives a string or
// Path (a class, or a mask's file), a []string (several classes), a number or []float64, or a type that
// the list's kind of label knows, such as points; a second result may be an error. It is called once for
// each item, in order, on the caller's goroutine; a panic becomes an error that names the item. Options:
// Classes, LabelAs.
func (s *SplitList) LabelFromFunc(f any, opts ...LabelOption) *LabelLists {
	if s.err != nil {
		return &LabelLists{err: s.err}
	}
	call, err := labelCall(f)
	if err != nil {
		return s.fail("from func: %w", err)
	}
	return s.label("from func", labelOptions(opts), func(l *ItemList, i int) (v any, err error) {
		defer func() {
			if r := recover(); r != nil {
				v, err = nil, fmt.Errorf("%v", r)
			}
		}()
		return call(l.refs[i])
	})
}

var (
	pathType   = reflect.TypeFor[datasets.Path]()
	stringType = reflect.TypeFor[string]()
	errorType  = reflect.TypeFor[error]()
)

// labelCall makes one form of all that LabelFromFunc takes.
func labelCall(f any) (func(ref string) (any, error), error) {
	v := reflect.ValueOf(f)
	if !v.IsValid() || v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("%T is not a function (try func(p Path) string)", f)
	}
	t := v.Type()
	in := t.NumIn() == 1 && !t.IsVariadic() && (t.In(0) == pathType || t.In(0) == stringType)
	out := t.NumOut() == 1 && t.Out(0) != errorType || t.NumOut() == 2 && t.Out(1) == errorType
	if !in || !out {
		return nil, fmt.Errorf("%s is not one of func(Path) T and func(Path) (T, error), where T is string, Path, []string, int, float64, []float64, or a kind of label such as Points", t)
	}
	return func(ref string) (any, error) {
		arg := reflect.ValueOf(ref)
		if t.In(0) == pathType {
			arg = reflect.ValueOf(datasets.NewPath(ref))
		}
		res := v.Call([]reflect.Value{arg})
		if len(res) == 2 && !res[1].IsNil() {
			return nil, res[1].Interface().(error)
		}
		return res[0].Interface(), nil
	}, nil
}

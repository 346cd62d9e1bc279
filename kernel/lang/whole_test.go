package lang

import (
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/bind"
)

// TestTypesAreWhole: whatever order the interpreter meets the types of a package in, elements of slices and the like
// have their methods. In one of twenty sessions they had not.
func TestTypesAreWhole(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 25
	}
	if n, err := strconv.Atoi(os.Getenv("FASTNB_TEST_ROUNDS")); err == nil {
		rounds = n
	}
	const gallery = `gallery := func(rows [][]Transform, opts ...TransformOption) (names []string) {
	return func(i int) []string {
		for _, t := range rows[i] { names = append(names, t.String()) }
		_ = func(o ...ShowOption) (*Figure, error) { return (&Image{}).Show(o...), nil }
		return names
	}(0)
}
shown := func(o ...ShowOption) int { return len(o) }
fmt.Sprint(len(gallery([][]Transform{{}})), len(gallery([][]Transform{{}}, Size(3))), shown(), shown(FigSize(1, 2)))`
	for i := range rounds {
		e, err := New(Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range []string{
			"Seed(1)",
			"var path Path\nvar files []Path\nvar img *Image\nvar points Points\nat := func(r, c float64) Point { return Point{Y: r * float64(img.Height()), X: c * float64(img.Width())} }\nfmt.Sprint(img == nil, points, at != nil)",
			gallery,
		} {
			if out, err := runCell(e, code); err != nil {
				t.Fatalf("session %d: %s\ngives %v, %v", i, code, out, err)
			}
		}
	}
}

// TestAllTypesAreWhole goes through every type that cells can name: by itself and in a slice, in a pointer, as what a
// function gives, it is the type, with its methods.
func TestAllTypesAreWhole(t *testing.T) {
	e, err := New(Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range bind.Available() {
		_, typs := bind.Symbols(p)
		pkg := e.Package(p)
		if pkg == nil || strings.HasPrefix(p, "gorgonia.org/") && testing.Short() {
			continue
		}
		e.imported(pkg)
		for name, rt := range typs {
			if rt.Name() == "" {
				continue // another name for a type without one
			}
			for _, made := range []reflect.Type{reflect.SliceOf(rt), reflect.PointerTo(rt), reflect.MapOf(reflect.TypeFor[string](), reflect.PointerTo(rt)), reflect.FuncOf(nil, []reflect.Type{rt}, false)} {
				x, of := e.xtype(made), made
				for of.Name() == "" {
					if of.Kind() == reflect.Func {
						x, of = x.Out(0), of.Out(0)
					} else {
						x, of = x.Elem(), of.Elem()
					}
					if x.ReflectType() != of {
						t.Fatalf("%s.%s in %v is %v", p, name, made, x.ReflectType())
					}
				}
				for i := range rt.NumMethod() {
					m, count := x.MethodByName(rt.Method(i).Name, cellPath)
					if count == 1 && m.Type == nil {
						t.Errorf("%s.%s in %v: method %s has no type", p, name, made, m.Name)
					}
				}
				n++
			}
		}
	}
	t.Log(n, "types")
}

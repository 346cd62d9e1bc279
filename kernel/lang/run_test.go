package lang

import (
	"fmt"
	"go/types"
	"runtime"
	"strings"
	"testing"
)

// runCell runs a cell and gives what its last statement gives.
func runCell(e *Engine, code string) (out []Value, err error) {
	c, bad := e.Check(code, false)
	if bad != nil {
		return nil, fmt.Errorf("%d:%d: %s", bad.Line, bad.Column, bad.Msg)
	}
	steps, bad := c.Lower()
	if bad != nil {
		return nil, fmt.Errorf("%d:%d: %s", bad.Line, bad.Column, bad.Msg)
	}
	if err := c.Define(); err != nil {
		return nil, err
	}
	e.Start()
	for _, s := range steps {
		if out, err = s.Run(); err != nil {
			break
		}
	}
	return out, e.Finish(err)
}

func engine(t testing.TB) *Engine {
	t.Helper()
	runtime.LockOSThread()
	e, err := New(Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestACellThatFailsChangesNothing: names, types and methods stay what they were.
func TestACellThatFailsChangesNothing(t *testing.T) {
	e := engine(t)
	if _, err := runCell(e, "type T struct{ n int }\nfunc (t T) Get() int { return t.n }\nx := T{3}"); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"func (t T) Get() string { return nowhere }",
		"func (t T) More() int { return 1 }\ny := nowhere",
		"type T int\nx := T(nowhere)",
		"x := \"text\"\nnowhere()",
		"import \"no/such\"\nx := 5",
		"type R struct{ r R }",
		"type A struct{ b B }\ntype B struct{ a A }",
		"func f() { for range func(yield func(int) bool) {} { defer fmt.Println() } }\nx := 1",
		"x := 1 +",
		"}",
	} {
		if _, err := runCell(e, bad); err == nil {
			t.Errorf("%q did not fail", bad)
		}
		out, err := runCell(e, "x.Get()")
		if err != nil || fmt.Sprint(out[0].V) != "3" {
			t.Fatalf("after %q: %v, %v", bad, out, err)
		}
		if _, err := runCell(e, "x.More()"); err == nil {
			t.Errorf("%q left a method behind", bad)
		}
		if e.Lookup("R") != nil || e.Lookup("y") != nil {
			t.Errorf("%q left a name behind", bad)
		}
	}
}

// TestRedefinition: types that cells declare again, each in terms of the other.
func TestRedefinition(t *testing.T) {
	e := engine(t)
	for _, c := range []struct{ code, want string }{
		{"type A struct{ b *B }\ntype B struct{ a *A; n int }\nv := A{&B{nil, 1}}\nv.b.n", "1"},
		{"type A struct{ b *B; s string }\nw := A{&B{nil, 2}, \"s\"}\nw.b.n", "2"},
		{"type B struct{ a *A }\nv.b.n + w.b.n", "3"},
		{"func f() int { return 1 }\nfunc g() int { return f() }\ng()", "1"},
		{"func f() int { return 2 }\ng()", "2"},
		{"func f() string { return \"x\" }\nfmt.Sprint(g(), f())", "2x"},
		{"n := 1\nh := func() int { return n }\nn := 5\nh()", "5"},
		{"n := \"text\"\nfmt.Sprint(n, h())", "text5"},
	} {
		out, err := runCell(e, c.code)
		if err != nil || len(out) == 0 || fmt.Sprint(out[0].V) != c.want {
			t.Errorf("%s\ngives %v, %v, want %s", c.code, out, err, c.want)
		}
	}
}

// TestLongCell: 10,000 lines.
func TestLongCell(t *testing.T) {
	e := engine(t)
	var b strings.Builder
	b.WriteString("total := 0\n")
	for i := range 10000 {
		fmt.Fprintf(&b, "total += %d\n", i%7)
	}
	b.WriteString("total")
	out, err := runCell(e, b.String())
	if err != nil || fmt.Sprint(out[0].V) != "29994" {
		t.Errorf("%v, %v", out, err)
	}
}

// TestBackdoors holds what this package does behind the backs of go/types and the interpreter.
func TestBackdoors(t *testing.T) {
	e := engine(t)
	o := types.NewTypeName(0, e.pkg, "N", nil)
	n := types.NewNamed(o, types.Typ[types.Int], nil)
	m := types.NewFunc(0, e.pkg, "M", types.NewSignatureType(types.NewVar(0, e.pkg, "", n), nil, nil, nil, nil, false))
	setMethods(n, []*types.Func{m})
	if n.NumMethods() != 1 || n.Method(0) != m {
		t.Error("methods are not set")
	}
	e.pkg.Scope().Insert(o)
	freshScope(e.pkg)
	if e.pkg.Scope().Lookup("N") != nil {
		t.Error("the scope is not empty")
	}
	e.freeze()
	if len(e.frozen) == 0 {
		t.Error("no type of the interpreter is frozen")
	}
}

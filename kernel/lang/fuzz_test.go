package lang

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzCheck checks and lowers cells: none takes the engine down, none takes long, and one that is refused changes
// nothing. Nothing of them runs.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"x := 1", "type T[P any] struct{ n *T[P] }\nfunc (t *T[P]) M() P { panic(0) }", "for i := range 3 { defer func() { recover() }() }",
		"func f(a ...int) (x, y int) { return }\nf(f())", "goto a\na:", "select {}", "\xff", "`", "type L []L\ntype F func(F) F\nvar l L = L{L{}}",
		"import . \"strings\"\nToUpper(\"x\")", "x + 1", "y := t.Get()", "type T struct{ a []T }\nfunc (t T) Get() int { return len(t.a) }", "func (t T) Get() string { return \"\" }",
		"func g[A, B any](a A, f func(A) B) B { return f(a) }\ng(1, func(int) string { return \"\" })", "for i := range 3 { defer fmt.Println(i); goto end }\nend:",
		"import \"slices\"\nslices.SortFunc(xs, func(a, b int) int { return b - a })", "var (\n\ta = b\n\tb = f()\n)\nfunc f() int { return xs[x] }",
		"switch v := any(t).(type) { case T: v.n++; case error, nil: }", "select { case v, ok := <-ch: _ = v; default: }", "xs[x], t.n = t.n, xs[len(xs)-1:][0]",
		"const c = 1 << 100\nvar z complex64 = c", "type A = B\ntype B struct{ *A }", "x := \"a\"\nx, err := strconv.Atoi(x)", "for k, v := range maps.All(m) { }",
	} {
		f.Add(s)
	}
	if a, err := txtar.ParseFile("../cellcheck/testdata/flow.txtar"); err == nil {
		for _, p := range a.Files {
			if len(p.Data) < 2000 {
				f.Add(string(p.Data))
			}
		}
	}
	const before = "x := 1\nxs := []int{1, 2}\nvar ch chan int\nm := map[string]int{}\ntype T struct{ n int }\nfunc (t T) Get() int { return t.n + x }\nt := T{2}\nfunc id[A any](a A) A { return a }"
	var e *Engine
	n := 0
	f.Fuzz(func(t *testing.T, code string) {
		if len(code) > 4000 {
			return
		}
		if n++; e == nil || n%200 == 0 {
			var err error
			if e, err = New(Hooks{}); err != nil {
				t.Fatal(err)
			}
			if _, err := runCell(e, before); err != nil {
				t.Fatal(err)
			}
		}
		scope := maps.Clone(e.scope)
		start := time.Now()
		c, bad := e.Check(code, false)
		if bad == nil {
			_, bad = c.Lower()
			if bad == nil {
				c.rollback()
			}
		}
		if bad != nil && (bad.Msg == "" || strings.Contains(bad.Msg, "the check of this cell failed")) {
			t.Errorf("refused with %q", bad.Msg)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("took %v", d)
		}
		if !maps.Equal(scope, e.scope) {
			t.Error("the scope has changed")
		}
		if n%20 == 0 {
			if out, err := runCell(e, "id(t.Get() + T{3}.Get() + xs[1])"); err != nil || len(out) != 1 || fmt.Sprint(out[0].V) != "9" {
				t.Errorf("afterwards: %v, %v", out, err)
			}
		}
	})
}

package interp

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestGoroutinesBesideTheCompiler: goroutines of a cell that allocate, convert and print go on while cells with new
// types are compiled; Go would end the process if they shared a map with the compiler.
func TestGoroutinesBesideTheCompiler(t *testing.T) {
	cellsToCompile := 100 // 500 by hand
	if testing.Short() {
		cellsToCompile = 20
	}
	s := printing(t)
	cells(t, s, `type Shape interface{ Area() float64 }
type Sq struct{ s float64; tags map[string][]int }
func (q Sq) Area() float64 { return q.s * q.s }
func (q Sq) String() string { return fmt.Sprintf("sq %v", q.s) }
stop, turns := make(chan bool), make(chan int, 100)
for g := range 4 {
	go func() {
		n := 0
		defer func() { turns <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			var xs []string
			m := map[string]Sq{}
			q := Sq{float64(g), map[string][]int{"a": {n}}}
			m[fmt.Sprint(q)] = q
			var sh Shape = m["sq "+fmt.Sprint(g)]
			xs = append(xs, fmt.Sprint(any(q), sh.Area(), []any{1, "a", q}))
			if _, ok := any(sh).(fmt.Stringer); !ok || len(xs) != 1 {
				panic("wrong")
			}
			if n++; n%500 == 0 {
				fmt.Println(g, n, xs)
			}
		}
	}()
}`)
	start := time.Now()
	for i := range cellsToCompile {
		code := fmt.Sprintf("type T%[1]d struct { A int; B []string; C map[string]*T%[1]d }\nfunc (t *T%[1]d) Get() int { return t.A }\nfunc f%[1]d(x T%[1]d) map[int]T%[1]d { return map[int]T%[1]d{1: x} }\nv%[1]d := f%[1]d(T%[1]d{A: %[1]d})\nx%[1]d := v%[1]d[1]\nfmt.Sprint(x%[1]d.A, any(x%[1]d) != nil, (&x%[1]d).Get())", i)
		r := s.Run(context.Background(), code, RunOptions{}, &recorder{})
		if want := fmt.Sprint(i, true, i); r.Err != nil || r.Data["text/plain"] != want {
			t.Fatalf("cell %d: %v %v, want %s", i, r.Err, r.Data, want)
		}
	}
	t.Logf("%d cells in %v", cellsToCompile, time.Since(start))
	if got := cells(t, s, "close(stop)\nsum := 0\nfor range 4 { sum += <-turns }\nsum > 0"); got != "true" {
		t.Errorf("the goroutines did nothing: %s", got)
	}
}

package lang

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

// TestBesideGoroutines compiles cells with new types while goroutines of cells allocate, convert and print. Go
// ends a process that reads and writes a map at once: so the work is done by a process of its own.
func TestBesideGoroutines(t *testing.T) {
	if os.Getenv("LANG_STRESS") != "" {
		stress(t)
		return
	}
	runs := 2
	if testing.Short() {
		runs = 1
	}
	for i := range runs {
		c := exec.Command(os.Args[0], "-test.run=^TestBesideGoroutines$")
		kind := "1"
		if testing.Short() {
			kind = "short"
		}
		c.Env = append(os.Environ(), "LANG_STRESS="+kind)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("run %d: %v\n%.4000s", i, err, out)
		}
	}
}

func stress(t *testing.T) {
	runtime.LockOSThread()
	e, err := New(Hooks{Panicked: func(r *PanicError, _ Place) { panic(r) }})
	if err != nil {
		t.Fatal(err)
	}
	must := func(code string) {
		if _, err := runCell(e, code); err != nil {
			t.Fatalf("%s: %v", code, err)
		}
	}
	must("import \"io\"\nstop := make(chan bool)\nwork := make(chan int)\ntype Named int\nfunc (n Named) String() string { return \"n\" }\ntype Shape interface { Area() float64 }\ntype Box struct { a float64; m map[string][]int }\nfunc (b Box) Area() float64 { return b.a }")
	must("go func() { for i := 0; ; i++ { select { case <-stop: return; case work <- i: } } }()")
	must("go func() { for { select { case <-stop: return; case v := <-work: var s []int; s = append(s, v); m := map[string]int{}; m[\"a\"] = v; type L struct { A int; B []string }; l := L{v, nil}; var x any = l; _ = x.(L); fmt.Fprint(io.Discard, l, Named(v), m) } } }()")
	must("go func() { for { select { case <-stop: return; default: }; var s []string; s = append(s, \"x\"); f := func(x []string) int { return len(x) }; _ = f(s); var sh Shape = Box{2, nil}; _ = sh.Area(); _ = make([]Box, 3); _ = new(Box); fmt.Fprintf(io.Discard, \"%v %T\", sh, sh) } }()")
	slowest := time.Duration(0)
	cells := 500
	if testing.Short() || os.Getenv("LANG_STRESS") == "short" {
		cells = 100
	}
	for i := range cells {
		start := time.Now()
		must(fmt.Sprintf("type T%d struct { A int; B []string; C map[string]int; d *T%d }\nfunc (t T%d) String() string { return fmt.Sprint(t.A) }\nfunc f%d(x T%d, y []T%d) map[int]T%d { var z []T%d; z = append(z, x); return map[int]T%d{1: x} }\nm%d := f%d(T%d{}, nil)\nfmt.Fprint(io.Discard, m%d)", i, i, i, i, i, i, i, i, i, i, i, i, i))
		slowest = max(slowest, time.Since(start))
	}
	must("close(stop)")
	t.Logf("slowest cell %v", slowest)
}

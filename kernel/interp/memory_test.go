package interp

import (
	"context"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func TestCellThatAllocatesWithoutEndIsStopped(t *testing.T) {
	debug.FreeOSMemory()
	s, err := New(Options{MemoryLimit: resident() + 256<<20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run := func(code string) *CellError { return s.Run(context.Background(), code, RunOptions{}, &recorder{}).Err }
	e := run("var hoard [][]byte\nfor {\n\tb := make([]byte, 1<<20)\n\tfor i := 0; i < len(b); i += 4096 { b[i] = 1 }\n\thoard = append(hoard, b)\n}")
	if e == nil || e.Name != "out of memory" || !strings.Contains(e.Value, "stopped before memory ran out") || !strings.Contains(e.Hint, "%reset") {
		t.Fatalf("error %+v", e)
	}
	if e := run("len(hoard) > 10"); e != nil {
		t.Errorf("the session does not go on: %v", e)
	}
	// Garbage is no reason to stop.
	if e := run("hoard = nil\nfor i := 0; i < 600; i++ {\n\tb := make([]byte, 1<<20)\n\tb[i] = 1\n}"); e != nil {
		t.Errorf("a cell that holds nothing: %v", e)
	}
}

func TestCellThatCallsItselfWithoutEndIsStopped(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		r := s.Run(context.Background(), "func deep(n int) int {\n\treturn 1 + deep(n+1)\n}\ndeep(1)", RunOptions{}, &recorder{})
		if r.Err == nil || !strings.Contains(r.Err.Value, "stack overflow") || r.Err.Line != 4 || r.Err.Interrupted {
			t.Fatalf("error %v, line %d, interrupted %t", r.Err, r.Err.Line, r.Err.Interrupted)
		}
	}
	if r := s.Run(context.Background(), "func down(n int) int { if n == 0 { return 0 }; return 1 + down(n-1) }\ndown(50000)", RunOptions{}, &recorder{}); r.Err != nil || r.Data["text/plain"] != "50000" {
		t.Errorf("calls that end: %v %v", r.Data, r.Err)
	}
}

// TestGrowthWithoutEndFailsTheCell: what doubles, and what piles up, is stopped within seconds, before the process holds
// far more than it may (a compiled buffer has doubled once too often by then), and the session goes on.
func TestGrowthWithoutEndFailsTheCell(t *testing.T) {
	const room = 300 << 20
	codes := []string{
		"b := []byte{1}\nfor { b = append(b, b...) }",
		"func twice() { b := []int{1}\nfor { b = append(b, b...) } }\ntwice()",
		"s := \"x\"\nfor { s += s }",
		"func twice() { s := \"x\"\nfor { s = s + s } }\ntwice()",
		"type T struct{ s string }\nt := T{\"x\"}\nfor { t.s += t.s }",
		"s := \"x\"\nfor { s = fmt.Sprint(s, s) }",
		"s := \"x\"\nfor { s = strings.Join([]string{s, s}, \"\") }",
		"import \"bytes\"\nvar buf bytes.Buffer\nbuf.WriteString(\"x\")\nfor { buf.Write(buf.Bytes()) }",
		"m := map[int][64]int{}\nfor i := 0; ; i++ { m[i] = [64]int{} }",
		"type L struct{ next *L; a [512]int }\nvar l *L\nfor { l = &L{next: l} }",
		"for { go func() { var a [4096]int; <-make(chan int); _ = a }() }",
		"var fs []func() int\nfor i := 0; ; i++ { fs = append(fs, func() int { return i }) }",
	}
	if testing.Short() {
		codes = codes[:3]
	}
	for _, code := range codes {
		debug.FreeOSMemory()
		before := resident()
		s, err := New(Options{MemoryLimit: before + room})
		if err != nil {
			t.Fatal(err)
		}
		most, done := int64(0), make(chan bool)
		go func() {
			for {
				select {
				case <-done:
					done <- true
					return
				case <-time.After(10 * time.Millisecond):
					most = max(most, resident())
				}
			}
		}()
		start := time.Now()
		e := s.Run(context.Background(), code, RunOptions{}, &recorder{}).Err
		done <- true
		<-done
		if e == nil || !strings.Contains(e.Name+e.Value, "out of memory") || time.Since(start) > 60*time.Second {
			t.Errorf("%s\nends after %v with %+v", code, time.Since(start), e)
		}
		if most > before+4*room {
			t.Errorf("%s\nheld %d MB, %d MB more than before", code, most>>20, (most-before)>>20)
		}
		t.Logf("%.1f s, %d MB more: %.60q", time.Since(start).Seconds(), (most-before)>>20, code)
		if r := s.Run(context.Background(), "1+1", RunOptions{}, &recorder{}); r.Err != nil {
			t.Errorf("%s\nafterwards: %v", code, r.Err)
		}
		s.Close()
	}
}

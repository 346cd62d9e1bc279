package interp

import (
	"context"
	"runtime/debug"
	"strings"
	"testing"
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

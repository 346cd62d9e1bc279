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

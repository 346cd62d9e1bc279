package interp

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fastnb/go/cell"
)

// gauge counts what it is shown, and may be slow about it.
type gauge struct {
	recorder
	mu      sync.Mutex
	bytes   int
	last    string
	longest int
	slow    time.Duration
}

func (g *gauge) Stream(_, s string) {
	time.Sleep(g.slow)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bytes += len(s)
	g.longest = max(g.longest, len(s))
	g.last = s
}

func (g *gauge) Display(cell.Bundle, cell.Bundle, string, bool) error { return nil }

// A hundred megabytes in one call arrive whole, in pieces of some size, in seconds.
func TestPrintMuch(t *testing.T) {
	s := printing(t)
	const n = 100 << 20
	g := &gauge{}
	start := time.Now()
	r := s.Run(context.Background(), "import \"strings\"\nn, err := os.Stdout.WriteString(strings.Repeat(\"0123456789abcde\\n\", 100<<16))", RunOptions{}, g)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	d := time.Since(start)
	t.Logf("%d MB in %v, longest piece %d KB", g.bytes>>20, d, g.longest>>10)
	if g.bytes != n || g.longest > 2<<20 {
		t.Errorf("%d bytes came, the longest piece had %d", g.bytes, g.longest)
	}
	if d > 20*time.Second { // a second on a quiet machine
		t.Errorf("took %v", d)
	}
}

// One call that prints much into a front end that is slow is interrupted, says so, and the next cell's
// output is all there.
func TestPrintMuchInterrupted(t *testing.T) {
	s := printing(t)
	g := &gauge{slow: 200 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(300*time.Millisecond, cancel)
	start := time.Now()
	r := s.Run(ctx, "import \"strings\"\nn, err := os.Stdout.WriteString(strings.Repeat(\"0123456789abcde\\n\", 400<<16))\nfor { }", RunOptions{}, g)
	if r.Err == nil || !r.Err.Interrupted {
		t.Errorf("error %v", r.Err)
	}
	if d := time.Since(start); d > 15*time.Second {
		t.Errorf("stopped after %v, with %d bytes shown", d, g.bytes)
	}
	if !strings.Contains(g.last, "more were printed") {
		t.Errorf("the last words are %q", g.last[:min(len(g.last), 100)])
	}
	h := &gauge{}
	if r := s.Run(context.Background(), `fmt.Println("still here")`, RunOptions{}, h); r.Err != nil || !strings.Contains(h.last, "still here") {
		t.Errorf("the next cell: %v, %q", r.Err, h.last)
	}
}

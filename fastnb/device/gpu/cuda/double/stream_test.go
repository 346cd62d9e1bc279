//go:build linux

package double_test

import (
	"testing"
	"unsafe"
)

func (c *card) stream() uintptr {
	c.t.Helper()
	var s uintptr
	c.must("cuStreamCreate", ptr(&s), 1)
	return s
}

func (c *card) event() uintptr {
	c.t.Helper()
	var e uintptr
	c.must("cuEventCreate", ptr(&e), 0)
	return e
}

// pinned gives page-locked memory of the host.
func (c *card) pinned(n int) []float32 {
	c.t.Helper()
	var p unsafe.Pointer
	c.must("cuMemHostAlloc", ptr(&p), uintptr(n)*4, 0)
	return unsafe.Slice((*float32)(p), n)
}

// upThenAdd uploads in one stream and adds in another, with an event between them or without.
func upThenAdd(c *card, waits bool) float32 {
	const n = 64
	o, a := up(c, make([]float32, n)), up(c, make([]float32, n))
	copies, work, e := c.stream(), c.stream(), c.event()
	h := c.pinned(n)
	for i := range h {
		h[i] = 5
	}
	c.must("cuMemcpyHtoDAsync_v2", uintptr(a), ptr(&h[0]), n*4, copies)
	c.must("cuEventRecord", e, copies)
	if waits {
		c.must("cuStreamWaitEvent", work, e, 0)
	}
	c.launch(work, "faults.add", 1, n, 0, o, a, n)
	back := c.pinned(n)
	c.must("cuMemcpyDtoHAsync_v2", ptr(&back[0]), uintptr(o), n*4, work)
	if back[0] == back[0] {
		c.t.Error("a download shows something before anybody has waited")
	}
	c.must("cuStreamSynchronize", work)
	return back[n-1]
}

func TestMissingWait(t *testing.T) {
	ofDouble(t)
	for _, seed := range []string{"seed=0", "seed=5"} {
		if v := upThenAdd(open(t, seed), true); v != 5 {
			t.Errorf("%s: with the wait: %g, want 5", seed, v)
		}
	}
	if v := upThenAdd(open(t), false); v == 5 {
		t.Error("without the wait the result is right")
	}
}

// A page-locked source is read when its turn comes: changed too early, the change is seen.
func TestSourceChangedTooEarly(t *testing.T) {
	ofDouble(t)
	c := open(t)
	a, s, h := up(c, make([]float32, 4)), c.stream(), c.pinned(4)
	h[0] = 1
	c.must("cuMemcpyHtoDAsync_v2", uintptr(a), ptr(&h[0]), 16, s)
	h[0] = 2
	c.must("cuStreamSynchronize", s)
	if v := down[float32](c, a, 1)[0]; v != 2 {
		t.Errorf("%g, want 2", v)
	}
	pageable := []float32{3, 0, 0, 0}
	c.must("cuMemcpyHtoDAsync_v2", uintptr(a), ptr(&pageable[0]), 16, s)
	pageable[0] = 4
	c.must("cuStreamSynchronize", s)
	if v := down[float32](c, a, 1)[0]; v != 3 {
		t.Errorf("pageable memory: %g, want 3", v)
	}
}

func TestEvents(t *testing.T) {
	ofDouble(t)
	c := open(t)
	o, s := up(c, make([]float32, 64)), c.stream()
	e0, e1 := c.event(), c.event()
	c.must("cuEventQuery", e0)
	c.must("cuEventRecord", e0, s)
	c.launch(s, "faults.fill", 1, 64, 0, o, float32(1), 64)
	c.must("cuEventRecord", e1, s)
	var ms float32
	if r := c.call("cuEventElapsedTime", ptr(&ms), e0, e1); r != 600 {
		t.Errorf("time between events that have not happened: error %d, want 600", r)
	}
	asked := 0
	for c.call("cuEventQuery", e1) == 600 {
		if asked++; asked > 10 {
			t.Fatal("asking does not come to an end")
		}
	}
	if asked == 0 {
		t.Error("what was queued is done at once")
	}
	c.must("cuEventElapsedTime", ptr(&ms), e0, e1)
	if ms <= 0 || ms > 60000 {
		t.Errorf("%g ms", ms)
	}
	c.must("cuStreamQuery", s)
	c.must("cuEventDestroy_v2", e0)
	if r := c.call("cuEventRecord", e0, s); r != 400 {
		t.Errorf("a destroyed event: error %d, want 400", r)
	}
	c.must("cuStreamDestroy_v2", s)
	if r := c.call("cuStreamQuery", s); r != 400 {
		t.Errorf("a destroyed stream: error %d, want 400", r)
	}
}

// The default stream waits for streams that are blocking, and they for it; not for others.
func TestDefaultStream(t *testing.T) {
	ofDouble(t)
	for flags, want := range []float32{7, 1} {
		c := open(t)
		o := up(c, make([]float32, 64))
		var s uintptr
		c.must("cuStreamCreate", ptr(&s), uintptr(flags))
		c.launch(s, "faults.fill", 1, 64, 0, o, float32(7), 64)
		c.must("cuMemsetD32Async", uintptr(o)+4, 0x3f800000, 1, 0)
		got := down[float32](c, o, 2)
		if got[1] != 1 || (want == 7) != (got[0] == 7) {
			t.Errorf("flags %d: %v", flags, got)
		}
	}
}

func TestMemset(t *testing.T) {
	c := open(t)
	o, s := up(c, make([]uint32, 8)), c.stream()
	c.must("cuMemsetD8Async", uintptr(o)+1, 0xab, 6, s)
	c.must("cuMemsetD32Async", uintptr(o)+16, 0x12345678, 2, s)
	c.must("cuMemcpyDtoDAsync_v2", uintptr(o)+24, uintptr(o), 8, s)
	c.must("cuStreamSynchronize", s)
	check(t, "memset", down[uint32](c, o, 8), []uint32{0xababab00, 0x00ababab, 0, 0, 0x12345678, 0x12345678, 0xababab00, 0x00ababab})
	if r := c.call("cuMemsetD8Async", uintptr(o), 0, 33, s); r != 1 {
		t.Errorf("beyond the end: error %d, want 1", r)
	}
	if r := c.call("cuMemcpyDtoDAsync_v2", uintptr(o), uintptr(o)+16, 20, s); r != 1 {
		t.Errorf("from beyond the end: error %d, want 1", r)
	}
}

// capture records: fill in one stream, in another add to something else, and both joined, or not.
func capture(c *card, o, p uint64, forks, joins bool) (graph uintptr, result int) {
	main, side := c.stream(), c.stream()
	e0, e1 := c.event(), c.event()
	c.must("cuStreamBeginCapture_v2", main, 0)
	c.launch(main, "faults.fill", 1, 64, 0, o, float32(3), 64)
	if forks {
		c.must("cuEventRecord", e0, main)
		c.must("cuStreamWaitEvent", side, e0, 0)
		c.launch(side, "faults.fill", 1, 64, 0, p, float32(4), 64)
		c.must("cuEventRecord", e1, side)
	} else {
		c.launch(main, "faults.fill", 1, 64, 0, p, float32(4), 64)
	}
	if joins {
		c.must("cuStreamWaitEvent", main, e1, 0)
	}
	c.launch(main, "faults.add", 1, 64, 0, o, p, 64)
	return graph, c.call("cuStreamEndCapture", main, ptr(&graph))
}

func TestGraphs(t *testing.T) {
	for _, forks := range []bool{false, true} {
		c := open(t, "seed=3")
		o, p := up(c, make([]float32, 64)), up(c, make([]float32, 64))
		g, r := capture(c, o, p, forks, forks)
		if r != 0 {
			t.Fatalf("capture: error %d: %s", r, c.said())
		}
		if v := down[float32](c, o, 1)[0]; v != 0 {
			t.Errorf("a capture computes: %g", v)
		}
		var exec uintptr
		var n uint64
		c.must("cuGraphGetNodes", g, 0, ptr(&n))
		if n != 3 {
			t.Errorf("%d nodes, want 3", n)
		}
		c.must("cuGraphInstantiateWithFlags", ptr(&exec), g, 0)
		c.must("cuGraphDestroy", g)
		s := c.stream()
		for range 3 {
			c.must("cuGraphLaunch", exec, s)
		}
		c.launch(s, "faults.add", 1, 64, 0, o, p, 64)
		c.must("cuStreamSynchronize", s)
		if v := down[float32](c, o, 1)[0]; v != 11 {
			t.Errorf("forks %t: %g, want 11", forks, v)
		}
		c.must("cuGraphExecDestroy", exec)
		if r := c.call("cuGraphLaunch", exec, s); r != 1 {
			t.Errorf("a destroyed graph: error %d, want 1", r)
		}
	}
	c := open(t)
	o, p := up(c, make([]float32, 64)), up(c, make([]float32, 64))
	if _, r := capture(c, o, p, true, false); r != 904 {
		t.Errorf("a stream that does not come back: error %d, want 904", r)
	}
}

// A wait that is missing in a capture is an edge that is missing in the graph, and a wrong result.
func TestMissingEdge(t *testing.T) {
	ofDouble(t)
	c := open(t)
	const n = 64
	o, a := up(c, make([]float32, n)), up(c, make([]float32, n))
	main, side := c.stream(), c.stream()
	e0, e1 := c.event(), c.event()
	c.must("cuStreamBeginCapture_v2", main, 0)
	c.must("cuEventRecord", e0, main)
	c.must("cuStreamWaitEvent", side, e0, 0)
	c.launch(side, "faults.fill", 1, n, 0, a, float32(5), n)
	c.must("cuEventRecord", e1, side)
	c.launch(main, "faults.add", 1, n, 0, o, a, n) // before the wait
	c.must("cuStreamWaitEvent", main, e1, 0)
	var g, exec uintptr
	c.launch(main, "faults.fill", 1, 1, 0, o+4, float32(1), 1)
	c.must("cuStreamEndCapture", main, ptr(&g))
	c.must("cuGraphInstantiateWithFlags", ptr(&exec), g, 0)
	c.must("cuGraphLaunch", exec, main)
	c.must("cuStreamSynchronize", main)
	if v := down[float32](c, o, 1)[0]; v == 5 {
		t.Error("the graph runs in the order in which it was told")
	}
}

func TestWhatACaptureForbids(t *testing.T) {
	c := open(t)
	o := up(c, make([]float32, 64))
	var p uint64
	var g uintptr
	for _, f := range []struct {
		name string
		call func(s uintptr) int
		want int
	}{
		{"memory", func(uintptr) int { return c.call("cuMemAlloc_v2", ptr(&p), 4) }, 900},
		{"synchronize", func(s uintptr) int { return c.call("cuStreamSynchronize", s) }, 900},
		{"context", func(uintptr) int { return c.call("cuCtxSynchronize") }, 900},
		{"isolation", func(s uintptr) int {
			e := c.event()
			c.must("cuEventRecord", e, c.stream())
			return c.call("cuStreamWaitEvent", s, e, 0)
		}, 905},
		{"event", func(s uintptr) int {
			e := c.event()
			c.must("cuEventRecord", e, s)
			return c.call("cuEventSynchronize", e)
		}, 907},
	} {
		s := c.stream()
		c.must("cuStreamBeginCapture_v2", s, 0)
		if r := f.call(s); r != f.want {
			t.Errorf("%s: error %d, want %d", f.name, r, f.want)
		}
		if r := c.launch(s, "faults.fill", 1, 64, 0, o, float32(3), 64); r != 901 {
			t.Errorf("%s: a launch after it: error %d, want 901", f.name, r)
		}
		if r := c.call("cuStreamEndCapture", s, ptr(&g)); r != 901 {
			t.Errorf("%s: the end: error %d, want 901", f.name, r)
		}
	}
	c.must("cuCtxSynchronize")
}

// An error is told when the work is done, by whatever is called then.
func TestErrorsComeLate(t *testing.T) {
	ofDouble(t)
	c := open(t)
	s := c.stream()
	o := up(c, make([]float32, 16))
	if r := c.launch(s, "faults.fill", 1, 32, 0, o, float32(1), 17); r != 0 {
		t.Fatalf("the launch itself: error %d", r)
	}
	var p uint64
	c.must("cuMemAlloc_v2", ptr(&p), 64)
	if r := c.call("cuStreamSynchronize", s); r != 700 {
		t.Errorf("error %d, want 700", r)
	}
	if r := c.call("cuMemcpyDtoH_v2", ptr(&p), uintptr(o), 8); r != 700 {
		t.Errorf("a later copy: error %d, want 700", r)
	}
	var name, words uintptr
	c.must("cuGetErrorName", 700, ptr(&name))
	c.must("cuGetErrorString", 700, ptr(&words))
	if name == 0 || words == 0 {
		t.Error("the error has no name")
	}
	if r := c.call("cuGetErrorName", 12345, ptr(&name)); r != 1 || name != 0 {
		t.Errorf("an error that is none: %d", r)
	}
}

package interp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/fastnb/go/fastnb/device/cpu"
)

// memoryPeriod is how often the memory is looked at while a cell runs.
const memoryPeriod = 50 * time.Millisecond

// memory is what a session's cells may take before one is stopped: a cell that allocates without end
// would otherwise take the machine down, or have the system kill the kernel with all its variables.
type memory struct {
	limit int64 // bytes that the process may have, fixed by the caller; 0 where the system's free memory decides
	total int64 // bytes that the process could have when the session began
}

func newMemory(limit int64) memory {
	if strconv.IntSize == 64 {
		limit := int64(maxStack)
		debug.SetMaxStack(int(limit))
	}
	m := memory{limit: limit, total: limit}
	if limit == 0 {
		m.total = resident() + m.free()
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(m.total / 100 * 85) // the collector works harder before a cell is stopped
	}
	return m
}

// free is how many bytes more the process can have.
func (m memory) free() int64 {
	if m.limit > 0 {
		return m.limit - resident()
	}
	return new(cpu.Device).FreeMemory()
}

// reserve is how much is left alone: a tenth.
func (m memory) reserve() int64 { return m.total / 10 }

// outOfMemoryError is why a cell was stopped.
type outOfMemoryError struct{ held, total int64 }

func (e *outOfMemoryError) Error() string {
	const gb = 1 << 30
	return fmt.Sprintf("the cell was stopped before memory ran out: the kernel holds %.1f GB, and %.1f GB were free when it started", float64(e.held)/gb, float64(e.total)/gb)
}

const memoryHint = "What the cell put into variables is still held: set them to nil, run %reset, or restart the kernel."

// deepest is how many bytes of stack a cell may grow by: some hundred thousand calls inside each other. Go
// would end the process at the limit of one stack, which start puts far behind it.
const (
	deepest  = 256 << 20
	maxStack = 4 << 30
)

// errTooDeep is why a cell was stopped whose calls do not end.
var errTooDeep = errors.New("stack overflow: the cell was stopped with too many calls inside each other")

const deepHint = "A function seems to call itself without end: what ends the recursion?"

// stacks is how many bytes the stacks of all goroutines take.
func stacks() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s[0].Value.Uint64())
}

// watch calls stop when a cell has eaten into the reserve, after a collection has not helped, and when its
// calls go too deep. A machine that others have filled is no fault of the cell: it is stopped only if it
// has grown too.
func (m memory) watch(finished <-chan struct{}, stop context.CancelCauseFunc) {
	atStart, stack, goroutines := resident(), stacks(), runtime.NumGoroutine()
	tick := time.NewTicker(memoryPeriod)
	defer tick.Stop()
	low := func() bool { return m.free() < m.reserve() && resident()-atStart > m.reserve()/2 }
	for {
		select {
		case <-finished:
			return
		case <-tick.C:
		}
		if stacks()-stack > deepest {
			if runtime.NumGoroutine()-goroutines > 1000 { // their stacks are what there is most of
				stop(&outOfMemoryError{resident(), m.total})
				return
			}
			stop(errTooDeep)
			return
		}
		if !low() {
			continue
		}
		if !m.collect(finished, tick.C) {
			return
		}
		if low() {
			stop(&outOfMemoryError{resident(), m.total})
			return
		}
	}
}

// collect gives garbage back to the system, as long as there is room: a compiled function that doubles what it
// holds goes on meanwhile, and is not waited for. It is false if the cell finished first.
func (m memory) collect(finished <-chan struct{}, tick <-chan time.Time) bool {
	done := make(chan struct{})
	if m.free() <= m.reserve()/4 {
		return true
	}
	go func() {
		debug.FreeOSMemory()
		close(done)
	}()
	for {
		select {
		case <-finished:
			return false
		case <-done:
			return true
		case <-tick:
			if m.free() <= m.reserve()/4 {
				return true
			}
		}
	}
}

// resident is how many bytes of the machine's memory the process holds.
func resident() int64 {
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, pages int64
		if _, err := fmt.Sscan(string(b), &size, &pages); err == nil {
			return pages * int64(os.Getpagesize())
		}
	}
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.Sys - s.HeapReleased)
}

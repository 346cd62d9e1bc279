package gpu

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// The heap hands out stretches of a card's memory. What is given back is kept: asking the driver for memory
// makes the whole card wait. Small arrays share segments of 2 MB, large ones are cut from segments of their
// own size and those that were freed, best fit first.

const (
	smallest    = 256      // all stretches are multiples of it
	segmentSize = 2 << 20  // what the driver is asked for is a multiple of it
	smallLimit  = 1 << 20  // what is smaller comes from shared segments
	wasteLimit  = 32 << 20 // the most that stays unused behind an array in a large segment that is not split
)

// segment is memory of the driver's.
type segment struct {
	mem   Mem
	size  int64
	small bool
	first *block
}

// block is a stretch of a segment.
type block struct {
	seg        *segment
	off, size  int64
	free       bool
	prev, next *block
}

// use says that a queue's work up to a piece needs a block, and which of its programs wrote it last.
type use struct {
	q        *queue
	n, wrote int64
	before   int64 // what n was
}

// waiting is a block that was given back while work was queued that uses it.
type waiting struct {
	b    *block
	uses []use
}

type heap struct {
	drv   Driver
	limit int64 // bytes to take from the driver; 0: no limit

	mu       sync.Mutex
	taken    int64 // from the driver
	used     int64 // handed out
	segments []*segment
	waiting  []waiting
	closed   bool
}

func round(n, to int64) int64 { return (max(n, 1) + to - 1) / to * to }

// take gives a block of at least so many bytes. Where there is no room it gives back what it keeps, waits for
// freed memory that is still in use, lets the collector find what was forgotten, and then says what is missing.
func (h *heap) take(bytes int64) (*block, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := round(bytes, smallest)
	var err error
	for _, help := range []func(){nil, h.settle, h.release, h.collect} {
		if help != nil {
			help()
		}
		h.sweep()
		if b := h.fit(n); b != nil {
			return b, nil
		}
		var b *block
		if b, err = h.grow(n); err == nil || !errors.Is(err, ErrNoMemory) {
			return b, err
		}
	}
	return nil, err
}

// sweep gives back what the card is done with.
func (h *heap) sweep() {
	h.waiting = slices.DeleteFunc(h.waiting, func(w waiting) bool {
		for _, u := range w.uses {
			if !u.q.passed(u.n) {
				return false
			}
		}
		h.putBack(w.b)
		return true
	})
}

// settle waits for the work that uses freed memory, but not for ever: whoever queues that work may be waiting
// for memory.
func (h *heap) settle() {
	all := slices.Clone(h.waiting)
	h.mu.Unlock()
	defer h.mu.Lock()
	end := time.Now().Add(30 * time.Second)
	for _, w := range all {
		for _, u := range w.uses {
			for !u.q.passed(u.n) && time.Now().Before(end) {
				time.Sleep(50 * time.Microsecond)
			}
		}
	}
}

// collect lets the collector find forgotten buffers.
func (h *heap) collect() {
	h.mu.Unlock()
	runtime.GC()
	time.Sleep(5 * time.Millisecond) // clean-ups run behind the collector
	runtime.GC()
	time.Sleep(5 * time.Millisecond)
	h.mu.Lock()
	h.settle()
	h.sweep()
	h.release()
}

// release gives segments back to the driver that nothing uses.
func (h *heap) release() {
	h.sweep()
	h.segments = slices.DeleteFunc(h.segments, func(s *segment) bool {
		if !s.first.free || s.first.next != nil {
			return false
		}
		h.drv.Release(s.mem)
		h.taken -= s.size
		return true
	})
}

// fit is the smallest free block that is large enough, cut to size.
func (h *heap) fit(n int64) *block {
	var best *block
	for _, s := range h.segments {
		if s.small != (n < smallLimit) {
			continue
		}
		for b := s.first; b != nil; b = b.next {
			if b.free && b.size >= n && (best == nil || b.size < best.size) {
				best = b
			}
		}
	}
	if best == nil {
		return nil
	}
	h.cut(best, n)
	return best
}

// cut takes the first n bytes of a free block.
func (h *heap) cut(b *block, n int64) {
	if rest := b.size - n; rest >= smallest && (b.seg.small || rest >= segmentSize || b.size > wasteLimit) {
		r := &block{seg: b.seg, off: b.off + n, size: rest, free: true, prev: b, next: b.next}
		if b.next != nil {
			b.next.prev = r
		}
		b.next, b.size = r, n
	}
	b.free = false
	h.used += b.size
}

// grow asks the driver.
func (h *heap) grow(n int64) (*block, error) {
	size := round(n, segmentSize)
	if h.limit > 0 && h.taken+size > h.limit {
		return nil, fmt.Errorf("%w: %s more, %s in use, FASTNB_GPU_MEMORY allows %s", ErrNoMemory, megabytes(size), megabytes(h.used), megabytes(h.limit))
	}
	mem, err := h.drv.Alloc(size)
	if err != nil {
		if errors.Is(err, ErrNoMemory) {
			err = fmt.Errorf("%w: %s more, %s in use here, %s free on the card", ErrNoMemory, megabytes(size), megabytes(h.used), megabytes(h.drv.FreeMemory()))
		}
		return nil, err
	}
	h.taken += size
	s := &segment{mem: mem, size: size, small: n < smallLimit}
	s.first = &block{seg: s, size: size, free: true}
	h.segments = append(h.segments, s)
	h.cut(s.first, n)
	return s.first, nil
}

// give takes a block back, once the work that uses it is done.
func (h *heap) give(b *block, uses []use) {
	if b == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	uses = slices.DeleteFunc(slices.Clone(uses), func(u use) bool { return u.q.passed(u.n) })
	if len(uses) > 0 {
		h.waiting = append(h.waiting, waiting{b, uses})
		return
	}
	h.putBack(b)
}

// putBack frees a block and joins it with its free neighbours.
func (h *heap) putBack(b *block) {
	b.free = true
	h.used -= b.size
	if n := b.next; n != nil && n.free {
		b.size += n.size
		if b.next = n.next; b.next != nil {
			b.next.prev = b
		}
	}
	if p := b.prev; p != nil && p.free {
		p.size += b.size
		if p.next = b.next; p.next != nil {
			p.next.prev = p
		}
	}
}

// free is what can still be had: what the card has left and what lies here unused.
func (h *heap) free() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sweep()
	free := h.drv.FreeMemory()
	if h.limit > 0 {
		free = min(free, h.limit-h.taken)
	}
	return max(free+h.taken-h.used, 0)
}

// close gives all segments back; nothing is queued any more.
func (h *heap) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.segments {
		h.drv.Release(s.mem)
	}
	h.segments, h.waiting, h.taken, h.used, h.closed = nil, nil, 0, 0, true
}

func megabytes(n int64) string {
	if n < 10<<20 {
		return fmt.Sprintf("%d KB", max(n>>10, 0))
	}
	return fmt.Sprintf("%d MB", n>>20)
}

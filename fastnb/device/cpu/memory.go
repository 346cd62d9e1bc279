package cpu

import (
	"runtime"
	"unsafe"
)

// align is the alignment of all float memory, in bytes: a cache line and a full vector.
const align = 64

// outside is from how many bytes on memory is taken from the system and not from the garbage-collected heap. There it
// would count twice: the collector lets garbage grow to the size of what lives, and a network's weights live.
const outside = 1 << 18

// memory is a stretch of zeroed, aligned floats. Whoever uses its floats must keep it reachable.
type memory struct {
	f       []float32
	mapped  []byte // nil: on the heap
	cleanup runtime.Cleanup
}

// newMemory gives n aligned zeros.
func newMemory(n int) *memory {
	if n*4 >= outside {
		if raw := mapMemory(n*4 + align); raw != nil {
			m := &memory{f: aligned(unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/4), n), mapped: raw}
			m.cleanup = runtime.AddCleanup(m, unmapMemory, raw)
			return m
		}
	}
	return &memory{f: floats(n)}
}

// free gives the memory back at once. It may be called more than once, and on nil.
func (m *memory) free() {
	if m == nil || m.f == nil {
		return
	}
	if m.f = nil; m.mapped != nil {
		m.cleanup.Stop()
		unmapMemory(m.mapped)
		m.mapped = nil
	}
}

// floats gives n aligned zeros on the heap.
func floats(n int) []float32 { return aligned(make([]float32, n+align/4), n) }

// aligned is the first stretch of n floats in raw that begins at a multiple of align.
func aligned(raw []float32, n int) []float32 {
	off := 0
	if a := uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % align; a != 0 {
		off = int(align-a) / 4
	}
	return raw[off : off+n : off+n]
}

// place is the device's arena, at least n floats long.
func (d *Device) place(n int) []float32 {
	if d.arena == nil || len(d.arena.f) < n {
		d.arena.free() // let the old one go before the new one comes
		d.arena = newMemory(n)
	}
	return d.arena.f
}

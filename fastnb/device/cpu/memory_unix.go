//go:build unix

package cpu

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mapMemory takes zeroed memory from the system, or gives nil.
func mapMemory(bytes int) []byte {
	b, err := syscall.Mmap(-1, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	adviseHuge(b)
	return b
}

func unmapMemory(b []byte) { _ = syscall.Munmap(b) } // nothing could be done about it

// processorTime is what the process has used of all processors.
func processorTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) // 0 then
	return time.Duration(t.Nano())
}

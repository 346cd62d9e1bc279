//go:build unix

package cpu

import "syscall"

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

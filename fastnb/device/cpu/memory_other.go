//go:build !unix

package cpu

// mapMemory gives nil: the heap has to do.
func mapMemory(int) []byte { return nil }

func unmapMemory([]byte) {}

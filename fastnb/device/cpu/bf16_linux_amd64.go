//go:build !noasm

package cpu

import (
	"sync"
	"syscall"
	"unsafe"
)

// arch_prctl's requests for registers that a process must ask for (Linux 5.16), and AMX's among them.
const (
	archHasRegisters = 0x1021
	archMayUse       = 0x1022
	archAskFor       = 0x1023
	tileRegisters    = 18
)

func registers(request uintptr) uint64 {
	var mask uint64
	if _, _, e := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, request, uintptr(unsafe.Pointer(&mask)), 0); e != 0 {
		return 0
	}
	return mask
}

// tilesKept reports whether the system keeps AMX's tiles for threads.
func tilesKept() bool { return registers(archHasRegisters)>>tileRegisters&1 == 1 }

// tilesAllowed asks for the tiles, for all threads of the process. The system refuses where a thread has a stack for
// signals that their eight kilobytes do not fit on; Go's have 32.
var tilesAllowed = sync.OnceValue(func() bool {
	_, _, e := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, archAskFor, tileRegisters, 0)
	return e == 0 && registers(archMayUse)>>tileRegisters&1 == 1
})

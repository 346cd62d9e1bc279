package cpu

import "syscall"

// adviseHuge asks for large pages where they pay: fewer misses of the address cache.
func adviseHuge(b []byte) {
	const madvHugepage = 14
	if len(b) >= 4<<20 {
		_ = syscall.Madvise(b, madvHugepage) // a wish
	}
}

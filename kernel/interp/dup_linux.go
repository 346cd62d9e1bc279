package interp

import "golang.org/x/sys/unix"

func dupTo(from, to int) error { return unix.Dup3(from, to, 0) }

// roomy makes a pipe hold a megabyte: the trace of a crash, which nobody reads any more, must not keep the
// process from ending. (What the system refuses changes nothing.)
func roomy(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) }

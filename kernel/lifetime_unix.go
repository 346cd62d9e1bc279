//go:build unix

package kernel

import (
	"context"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// parentGone tells whether the process that Jupyter named is gone. It is our parent itself, whose place
// another then takes, or, behind a wrapper such as conda run, one further up. nil is a process that cannot be
// seen from here, as from inside a container.
func parentGone(pid int64) func() bool {
	first := os.Getppid()
	if int64(first) == pid {
		return func() bool { return os.Getppid() != first }
	}
	there := func() bool {
		err := unix.Kill(int(pid), 0)
		return err == nil || errors.Is(err, unix.EPERM)
	}
	if !there() {
		if first == 1 {
			return nil
		}
		return func() bool { return os.Getppid() == 1 }
	}
	return func() bool { return !there() }
}

// mine reports whether the user owns a file.
func mine(st os.FileInfo) bool {
	s, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}

// watchInterrupt has nothing to do: there are signals.
func watchInterrupt(context.Context, func()) {}

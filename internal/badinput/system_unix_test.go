//go:build unix

package badinput

import (
	"os/signal"
	"runtime"
	"syscall"
	"testing"
)

func here(system string) bool { return system == "" || system == "unix" || system == runtime.GOOS }

// withoutRoom runs f while no file may grow beyond n bytes: as on a full disk a write in the middle of a file fails,
// for root too.
func withoutRoom(t *testing.T, n uint64, f func() error) error {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	return f()
}

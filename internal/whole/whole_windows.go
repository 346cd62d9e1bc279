package whole

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// sweepAge keeps a file that its writer has just closed, to rename it, from being swept.
const sweepAge = time.Minute

// TryLock takes the lock of f, which ends when f is closed or the process dies, and reports whether it
// could.
func TryLock(f *os.File) (bool, error) {
	// The lock lies far behind the content: on this system it would keep others from reading it.
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

func hasLocks(*os.File) bool { return true }

// place renames f after closing it: an open file cannot be renamed here.
func place(f *os.File, path string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func removeLocked(f *os.File, name string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Remove(name)
}

// syncDir has nothing to do: the system keeps names with its journal.
func syncDir(*os.File) error { return nil }

// Full reports whether the disk or a quota left no room.
func Full(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

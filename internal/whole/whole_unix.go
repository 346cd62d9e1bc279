//go:build unix

package whole

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// sweepAge is how old a file must be at least to be swept: a lock tells all here.
const sweepAge = 0

// TryLock takes the lock of f, which ends when f is closed or the process dies, and reports whether it
// could. Where the file system has no locks it is always taken.
func TryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if noLocks(err) {
		return true, nil // some network file systems have no locks: go on without
	}
	return err == nil, err
}

func noLocks(err error) bool { return errors.Is(err, unix.ENOLCK) || errors.Is(err, unix.ENOTSUP) }

// hasLocks reports whether a lock on f, which the caller holds, means anything.
func hasLocks(f *os.File) bool { return !noLocks(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)) }

// place renames f while its lock is held, so that nobody takes it for left behind.
func place(f *os.File, path string) error { return os.Rename(f.Name(), path) }

func removeLocked(_ *os.File, name string) error { return os.Remove(name) }

// syncDir syncs a folder; file systems that cannot say so by EINVAL or ENOTSUP.
func syncDir(d *os.File) error {
	err := d.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}

// Full reports whether the disk, a quota or a limit on files left no room.
func Full(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

//go:build !unix && !windows

package whole

import (
	"os"
	"time"
)

// sweepAge stands for the locks that this system does not have.
const sweepAge = 24 * time.Hour

// TryLock has no lock to take on this system.
func TryLock(*os.File) (bool, error) { return true, nil }

func hasLocks(*os.File) bool { return false }

func place(f *os.File, path string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func removeLocked(_ *os.File, name string) error { return os.Remove(name) }

func syncDir(*os.File) error { return nil }

// Full cannot be told on this system.
func Full(error) bool { return false }

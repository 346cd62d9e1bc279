//go:build !unix && !windows

package datasets

import "os"

// tryLock has no lock to take on this system.
func tryLock(*os.File) (bool, error) { return true, nil }

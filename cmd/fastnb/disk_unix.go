//go:build linux || darwin

package main

import "golang.org/x/sys/unix"

// freeDisk is how many bytes a user can still write to the file system of a folder.
func freeDisk(dir string) (uint64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true //nolint:gosec // a block's size is positive
}

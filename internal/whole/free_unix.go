//go:build linux || darwin || freebsd

package whole

import "golang.org/x/sys/unix"

// Free is the number of bytes that the caller may still write on the disk of dir; ok is false where it
// cannot be told.
func Free(dir string) (n int64, ok bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	n = int64(s.Bavail) * int64(s.Bsize) //nolint:unconvert // the types differ between systems
	return n, n >= 0 && s.Blocks > 0
}

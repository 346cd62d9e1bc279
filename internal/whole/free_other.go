//go:build !linux && !darwin && !freebsd && !windows

package whole

// Free cannot be told on this system.
func Free(string) (n int64, ok bool) { return 0, false }

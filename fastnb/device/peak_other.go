//go:build !linux

package device

func forgetPeak() {}

// peakMemory is not known here.
func peakMemory() int64 { return 0 }

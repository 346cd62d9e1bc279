//go:build unix

package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

func usage() (u unix.Rusage) {
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return u
}

// usedCPU is the processor time of this process in seconds.
func usedCPU() float64 {
	u := usage()
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peakMB is the largest resident size so far.
func peakMB() int64 {
	kb := int64(usage().Maxrss) //nolint:unconvert // 32 bits on some systems
	if runtime.GOOS == "darwin" {
		kb >>= 10 // bytes there
	}
	return kb >> 10
}

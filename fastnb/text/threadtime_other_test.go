//go:build !linux

package text

import "time"

var began = time.Now()

// threadTime is the time that has passed: other work on the machine adds to it.
func threadTime() time.Duration { return time.Since(began) }

//go:build !linux

package main

import "fmt"

// compile needs the library, which is had for Linux.
func compile(name, _, _ string) (string, error) {
	return "", fmt.Errorf("genptx: %s: NVRTC %s runs on Linux only (try it there, or in a container)", name, nvrtcVersion)
}

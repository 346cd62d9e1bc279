//go:build !linux

package serve

import "os/exec"

func inRoot(*exec.Cmd, string) {}

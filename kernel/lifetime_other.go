//go:build !unix && !windows

package kernel

import (
	"context"
	"os"
)

func mine(os.FileInfo) bool { return true }

func parentGone(int64) func() bool { return nil }

func watchInterrupt(context.Context, func()) {}

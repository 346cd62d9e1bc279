//go:build !nogpu

package fastnb

// A program with cards loads the C library, which finds theirs; one that is to run where there is none, as in an
// image from nothing, is built with the tag nogpu.
import (
	_ "github.com/fastnb/go/fastnb/device/gpu/cuda"   // NVIDIA's
	_ "github.com/fastnb/go/fastnb/device/gpu/opencl" // and others
)

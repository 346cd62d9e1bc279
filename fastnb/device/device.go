// Package device is the border between what is computed and where: plans, buffers and the interface
// that every device implements.
//
// It stands below graph, which produces plans, and above nothing but tensor; device/cpu and
// device/gpu implement it.
package device

import (
	"context"

	"github.com/fastnb/go/fastnb/tensor"
)

// Buffer is memory on a device.
type Buffer interface {
	Shape() []int
	DType() tensor.DType
}

// Device runs plans. Its methods may be called from any one goroutine at a time.
type Device interface {
	// Name is "cpu", "cuda:0", "opencl:0 ...".
	Name() string
	// Alloc gives zeroed memory that stays until Free.
	Alloc(t tensor.DType, shape ...int) (Buffer, error)
	Free(Buffer)
	// Upload copies src into dst; kinds and counts must agree.
	Upload(dst Buffer, src *tensor.Tensor) error
	// Download copies src into dst; kinds and counts must agree.
	Download(dst *tensor.Tensor, src Buffer) error
	// Compile makes a plan runnable: it chooses kernels, layouts and temporaries' places.
	Compile(*Plan) (Program, error)
	// FreeMemory is the number of bytes that can still be allocated.
	FreeMemory() int64
}

// Program is a compiled plan. It is not safe for concurrent use.
type Program interface {
	// Run binds args to the plan's Args, in order, and runs all steps. It returns ctx's error if
	// ctx ends first (checked between steps).
	Run(ctx context.Context, args ...Buffer) error
	// Memory is the number of bytes its temporaries take.
	Memory() int64
	// Close frees the temporaries.
	Close()
}

// Package gputest opens the devices that tests of cards' kernels run on: a processor's OpenCL, or a card's, and the
// library that executes PTX on the processor.
//
// It stands beside gpu's drivers, for tests alone, and imports them.
package gputest

import (
	"errors"
	"os"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/cuda"
	"github.com/fastnb/go/fastnb/device/gpu/cuda/double"
	"github.com/fastnb/go/fastnb/device/gpu/opencl"
	"github.com/fastnb/go/fastnb/tensor"
)

// OpenCL is a device over OpenCL, a processor's if there is no card.
func OpenCL(t testing.TB, activations tensor.DType) *gpu.Device {
	t.Helper()
	drv, err := opencl.Open(0, false)
	return Over(t, drv, err, activations)
}

// Double is a device over the CUDA driver and the library that stands in for libcuda.
func Double(t testing.TB, activations tensor.DType) *gpu.Device {
	t.Helper()
	t.Setenv("FASTNB_LIBCUDA", double.Build(t))
	drv, err := cuda.Open(0)
	return Over(t, drv, err, activations)
}

// Over is a device over a driver, which the test closes at its end. Where there is none the test is left out, but
// not in CI, which installs one.
func Over(t testing.TB, drv gpu.Driver, err error, activations tensor.DType) *gpu.Device {
	t.Helper()
	if errors.Is(err, device.ErrNotFound) && os.Getenv("FASTNB_CI") == "" {
		t.Skip("no such device on this machine: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	dev, err := gpu.New(drv, activations)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	return dev
}

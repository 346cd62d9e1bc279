package opencl_test

import (
	"errors"
	"os"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/devicetest"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/opencl"
	"github.com/fastnb/go/fastnb/tensor"
)

// open gives a device, a processor's if there is no card. Where none is there the test is left out, but not in
// CI, which installs one.
func open(t testing.TB, activations tensor.DType) *gpu.Device {
	t.Helper()
	drv, err := opencl.Open(0, false)
	if errors.Is(err, device.ErrNotFound) && os.Getenv("FASTNB_CI") == "" {
		t.Skip("no OpenCL on this machine: ", err)
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

// The suite of all devices passes, however activations are kept.
func TestDevice(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
		t.Run(d.String(), func(t *testing.T) { devicetest.Run(t, open(t, d)) })
	}
}

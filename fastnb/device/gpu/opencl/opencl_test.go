package opencl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/devicetest"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/gputest"
	"github.com/fastnb/go/fastnb/device/gpu/opencl"
	"github.com/fastnb/go/fastnb/tensor"
)

// open gives a device, a processor's if there is no card. Every call goes by a checker of OpenCL's objects.
func open(t testing.TB, activations tensor.DType) *gpu.Device {
	t.Helper()
	drv, done, err := opencl.OpenChecked(0, false)
	if err == nil {
		t.Cleanup(func() { done(t) }) // behind the device's end
	}
	return gputest.Over(t, drv, err, activations)
}

// The suite of all devices passes, however activations are kept, and no op of it runs on the host.
func TestDevice(t *testing.T) {
	kinds := []tensor.DType{tensor.Float16, tensor.Float32, tensor.BFloat16}
	if testing.Short() {
		kinds = kinds[:1]
	}
	for _, d := range kinds {
		t.Run(d.String(), func(t *testing.T) {
			t.Setenv("FASTNB_GPU_POISON", poison[d])
			dev := open(t, d)
			devicetest.Run(t, dev)
			if n := dev.OnHost(); n > 0 {
				t.Errorf("%d steps ran on the host", n)
			}
		})
	}
}

// poison makes mistakes show that nobody would see: memory that is read and was not written, and what is written
// past an end.
var poison = map[tensor.DType]string{tensor.Float16: "2", tensor.Float32: "1", tensor.BFloat16: "1"}

// Under auto a processor's OpenCL is not found, and a number beyond the last card neither.
func TestNoCard(t *testing.T) {
	_ = open(t, tensor.Float32).Close()
	if d, err := opencl.Open(0, true); err == nil {
		_ = d.Close()
		t.Skip("this machine has a card")
	} else if !errors.Is(err, device.ErrNotFound) || !strings.Contains(err.Error(), "no card") {
		t.Error(err)
	}
	if _, err := opencl.Open(99, false); !errors.Is(err, device.ErrNotFound) || !strings.Contains(err.Error(), "card 99") {
		t.Error(err)
	}
}

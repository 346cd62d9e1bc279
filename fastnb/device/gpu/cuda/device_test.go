package cuda_test

import (
	"os"
	"testing"

	"github.com/fastnb/go/fastnb/device/devicetest"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/cuda"
	"github.com/fastnb/go/fastnb/device/gpu/gputest"
	"github.com/fastnb/go/fastnb/tensor"
)

// open gives the machine's card where FASTNB_TEST_CARD asks for it, else the double.
func open(t *testing.T, activations tensor.DType) *gpu.Device {
	t.Helper()
	if os.Getenv("FASTNB_TEST_CARD") == "" {
		t.Setenv("FASTNB_GPU_TUNE", "0")
		return gputest.Double(t, activations)
	}
	drv, err := cuda.Open(0)
	return gputest.Over(t, drv, err, activations)
}

// The suite of all devices passes, however activations are kept, and no op of it runs on the host.
func TestDevice(t *testing.T) {
	if testing.Short() && os.Getenv("FASTNB_TEST_CARD") == "" {
		t.Skip("on the double it takes minutes")
	}
	kinds := []tensor.DType{tensor.Float16, tensor.Float32, tensor.BFloat16}
	if os.Getenv("FASTNB_TEST_CARD") == "" && os.Getenv("FASTNB_TEST_GPU") != "all" {
		kinds = kinds[:1] // make test-gpu runs them all
	}
	for _, d := range kinds {
		t.Run(d.String(), func(t *testing.T) {
			t.Setenv("FASTNB_GPU_POISON", map[tensor.DType]string{tensor.Float16: "2", tensor.Float32: "2", tensor.BFloat16: "1"}[d])
			dev := open(t, d)
			devicetest.Run(t, dev)
			if n := dev.OnHost(); n > 0 {
				t.Errorf("%d steps ran on the host", n)
			}
		})
	}
}

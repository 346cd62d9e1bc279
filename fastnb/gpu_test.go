package fastnb

import (
	"errors"
	"os"
	"testing"

	"github.com/fastnb/go/fastnb/device"
)

// gpuDevices are the GPU devices that tests run on: "opencl", which PoCL gives on any machine, or what
// FASTNB_TEST_DEVICE names, as a machine with a card may. Where there is none the rest of the test runs without,
// except where FASTNB_CI says that there has to be one.
func gpuDevices(t testing.TB) []string {
	t.Helper()
	name := os.Getenv("FASTNB_TEST_DEVICE")
	asked := name != ""
	if !asked {
		name = "opencl"
	}
	dev, err := device.Open(name)
	if err != nil {
		if asked || os.Getenv("FASTNB_CI") != "" {
			t.Fatal(err)
		}
		t.Logf("not run on a GPU device: %v (pocl-opencl-icd and ocl-icd-libopencl1 give one)", err)
		if !errors.Is(err, device.ErrNotFound) {
			t.Log("this is no machine without a device: the driver said no")
		}
		return nil
	}
	_ = dev.Close()
	return []string{name}
}

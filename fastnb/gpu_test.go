package fastnb

import (
	"os"
	"sync"
	"testing"

	"github.com/fastnb/go/fastnb/device"
)

// gpuDevices are the GPU devices that tests run on: "opencl", which PoCL gives on any machine, or what
// FASTNB_TEST_DEVICE names, as a machine with a card may; with -short, that alone. Where there is none the rest of
// the test runs without, except where FASTNB_CI says that there has to be one.
func gpuDevices(t testing.TB) []string {
	t.Helper()
	name := os.Getenv("FASTNB_TEST_DEVICE")
	asked := name != ""
	if !asked {
		if testing.Short() {
			return nil
		}
		name = "opencl"
	}
	dev, err := device.Open(name)
	if err != nil {
		if asked || os.Getenv("FASTNB_CI") != "" {
			t.Fatal(err)
		}
		t.Logf("not run on a GPU device: %v (the packages pocl-opencl-icd and ocl-icd-libopencl1 give one)", err)
		return nil
	}
	kept.Do(func() { keep = dev })
	if keep != dev {
		_ = dev.Close()
	}
	return []string{name}
}

// keep is a share of the device that no test gives up: its kernels are loaded once.
var (
	kept sync.Once
	keep device.Device
)

package cuda_test

import (
	"errors"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu/cuda"
)

// A machine without the library says what was looked for, and auto goes on.
func TestNoLibrary(t *testing.T) {
	t.Setenv("FASTNB_LIBCUDA", "/nowhere/libcuda.so.1")
	if _, err := cuda.Open(0); !errors.Is(err, device.ErrNotFound) {
		t.Fatal(err)
	}
}

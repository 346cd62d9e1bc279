package devicetest

import (
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// The suite is passed by a device without the host's comforts, in full and in half precision.
func TestFake(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
		t.Run(d.String(), func(t *testing.T) { Run(t, NewFake(d)) })
		if d.Half() {
			t.Run("mixed "+d.String(), func(t *testing.T) { Run(t, device.Mixed(NewFake(tensor.Float32), d)) })
		}
	}
}

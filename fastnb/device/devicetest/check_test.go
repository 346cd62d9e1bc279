package devicetest

import (
	"context"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/fastnb/tensor"
)

// wrong is a device that is off by one in the first number of what it reads.
type wrong struct{ device.Device }

func (w wrong) NewQueue() device.Queue { return wrongQueue{w.Device.NewQueue()} }

type wrongQueue struct{ device.Queue }

func (q wrongQueue) Read(dst *tensor.Tensor, src device.Buffer) device.Event {
	e := q.Queue.Read(dst, src)
	_ = e.Wait(context.Background())
	if f := dst.Float32s(); len(f) > 0 {
		f[0]++
	}
	return e
}

// TestCheck: outside of tests the suite finds nothing wrong with the processor, and much with one that is.
func TestCheck(t *testing.T) {
	count := func(dev device.Device, most int) (cases, bad int) {
		Check(dev, func(r Result) bool {
			cases++
			if len(r.Errors) > 0 {
				bad++
				if r.Name == "" || strings.HasPrefix(r.Errors[0], "panic") {
					t.Errorf("%+v", r)
				}
			}
			return cases < most
		})
		return cases, bad
	}
	if cases, bad := count(cpu.New(2), 1000); cases < 80 || bad != 0 {
		t.Errorf("processor: %d cases, %d bad", cases, bad)
	}
	if cases, bad := count(wrong{cpu.New(2)}, 1000); bad < cases/2 {
		t.Errorf("wrong device: %d cases, %d bad", cases, bad)
	}
	if cases, _ := count(cpu.New(2), 3); cases != 3 {
		t.Errorf("%d cases, told to stop after 3", cases)
	}
}

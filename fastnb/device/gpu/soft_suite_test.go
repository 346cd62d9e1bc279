package gpu

import (
	"testing"

	"github.com/fastnb/go/fastnb/device/devicetest"
	"github.com/fastnb/go/fastnb/tensor"
)

// withOps replaces the lowerings for a test.
func withOps(t *testing.T, with map[string]lowering) {
	t.Helper()
	was := ops
	ops = with
	t.Cleanup(func() { ops = was })
}

func newTestDevice(t *testing.T, s *soft, act tensor.DType) *Device {
	t.Helper()
	t.Setenv("FASTNB_QUIET", "1")
	d, err := New(s, act)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The suite passes on a card that is late, with every step on the host, and leaves nothing behind.
func TestSuiteOnLateCard(t *testing.T) {
	if testing.Short() {
		t.Skip("the definitions of all ops take some seconds")
	}
	withOps(t, nil)
	for _, act := range []tensor.DType{tensor.Float16} {
		s := newSoft(1 << 30)
		d := newTestDevice(t, s, act)
		t.Run(act.String(), func(t *testing.T) { devicetest.Run(t, d) })
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if len(s.mems) != 0 || s.taken != 0 || len(s.pinned) != 0 || s.marks != 0 || s.streams != 0 || !s.closed {
			t.Errorf("left behind: %d memories, %d bytes, %d pinned, %d marks, %d streams", len(s.mems), s.taken, len(s.pinned), s.marks, s.streams)
		}
	}
}

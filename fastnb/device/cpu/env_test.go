package cpu

import (
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
)

// What the environment asks for is had, or said.
func TestEnvironment(t *testing.T) {
	for _, c := range []struct{ name, value, says string }{
		{"FASTNB_THREADS", "2", ""},
		{"FASTNB_THREADS", "two", "FASTNB_THREADS=two"},
		{"FASTNB_THREADS", "0", "FASTNB_THREADS=0"},
		{"FASTNB_THREADS", "-1", "(try "},
		{"FASTNB_THREADS", "99999", "4096"},
		{"FASTNB_THREADS", "2.5", "FASTNB_THREADS"},
		{"FASTNB_ISA", "generic", ""},
		{"FASTNB_ISA", "avx1024", "generic"},
		{"FASTNB_ISA", "AVX2", "(try "},
		{"FASTNB_DEVICE", "cpu", ""},
		{"FASTNB_DEVICE", "auto", ""},
		{"FASTNB_DEVICE", "tpu", `"tpu"`},
		{"FASTNB_DEVICE", "cuda", "auto, cpu"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			for _, n := range []string{"FASTNB_THREADS", "FASTNB_ISA", "FASTNB_DEVICE"} {
				t.Setenv(n, "")
			}
			t.Setenv(c.name, c.value)
			_, err := device.Open("")
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

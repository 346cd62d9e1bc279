package devicetest

import (
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device/cpu"
)

func TestCPU(t *testing.T) {
	for _, isa := range cpu.ISAs() {
		t.Run(isa, func(t *testing.T) {
			if strings.Contains(isa, "-") {
				t.Skip("its kernels in single precision are those without products in bfloat16")
			}
			t.Setenv("FASTNB_ISA", isa)
			for _, threads := range []int{1, 3} {
				Run(t, cpu.New(threads))
			}
		})
	}
}

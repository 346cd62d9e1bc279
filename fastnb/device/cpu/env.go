package cpu

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/fastnb/go/fastnb/device"
)

// mostThreads is far above any machine's cores: a larger number is a slip of the finger.
const mostThreads = 4096

// open is New for whoever asks for a device by name: what the environment asks for is had or an error.
func open() (device.Device, error) {
	if err := CheckEnv(); err != nil {
		return nil, err
	}
	return New(0), nil
}

// CheckEnv is the error of FASTNB_THREADS or FASTNB_ISA with a value that cannot be had, or nil.
func CheckEnv() error {
	if v := os.Getenv("FASTNB_THREADS"); v != "" {
		if n, err := strconv.Atoi(v); err != nil || n < 1 || n > mostThreads {
			return fmt.Errorf("FASTNB_THREADS=%s: is no whole number from 1 to %d (try unset FASTNB_THREADS, which means as many as there are cores)", v, mostThreads)
		}
	}
	if v := os.Getenv("FASTNB_ISA"); v != "" && !slices.Contains(ISAs(), v) {
		return fmt.Errorf("FASTNB_ISA=%s: this machine has %s (try one of these, or unset FASTNB_ISA)", v, strings.Join(ISAs(), ", "))
	}
	return nil
}

package fastnb

import (
	"os"
	"testing"
)

// Without a wish of the caller's, tests run on the reference device, which is always there.
func TestMain(m *testing.M) {
	if os.Getenv("FASTNB_DEVICE") == "" {
		_ = os.Setenv("FASTNB_DEVICE", testDevice)
	}
	os.Exit(m.Run())
}

// testDevice is the definition of every op, in plain Go.
const testDevice = "host"

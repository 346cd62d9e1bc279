package interp

import (
	"errors"
	"fmt"
	"os"

	"github.com/fastnb/go/fastnb/device"
)

// deviceVariable is what learners read where no option names their device.
const deviceVariable = "FASTNB_DEVICE"

// chooseDevice is %device. A device that cannot be opened is an error, and what was chosen before stays.
func chooseDevice(c *cellLines) error {
	if len(c.args) > 1 {
		return errors.New("%device wants one name, or none (try auto, cpu, cuda, opencl)")
	}
	if len(c.args) == 0 {
		for _, f := range device.List() {
			fmt.Println(f)
		}
	} else {
		was, had := os.LookupEnv(deviceVariable)
		if err := os.Setenv(deviceVariable, c.args[0]); err != nil {
			return err
		}
		defer func() {
			if dev, err := device.Open(""); err == nil {
				_ = dev.Close() // it was opened to see that it can be
			} else if had {
				_ = os.Setenv(deviceVariable, was)
			} else {
				_ = os.Unsetenv(deviceVariable)
			}
		}()
	}
	dev, err := device.Open("")
	if err != nil {
		return err
	}
	defer func() { _ = dev.Close() }() // a learner opens it again
	fmt.Printf("Learners made from now on compute on %s.\n", device.Describe(dev))
	return nil
}

package cpu

import "github.com/fastnb/go/fastnb/device"

// Profile switches the measuring of each step of all programs on or off, and forgets what was measured.
func (d *Device) Profile(on bool) {
	d.prof = nil
	if on {
		d.prof = device.NewTimes(true)
	}
}

// ProfileTable tells where the time since Profile(true) went: ops and the forty dearest steps, each with its
// share, its calls, its time, the processor time of the process meanwhile and how many gigabytes a second its arrays came to. It is empty without a profile.
func (d *Device) ProfileTable() string {
	if d.prof == nil {
		return ""
	}
	return d.prof.Table()
}

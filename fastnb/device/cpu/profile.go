package cpu

import "github.com/fastnb/go/fastnb/device"

// Profile switches the measuring of each step of all programs on or off, and forgets what was measured. A program
// that runs meanwhile goes on as it began.
func (d *Device) Profile(on bool) {
	if !on {
		d.prof.Store(nil)
		return
	}
	d.prof.Store(device.NewTimes(true))
}

// Times is what was measured since Profile(true), nil without a profile.
func (d *Device) Times() *device.Times { return d.prof.Load() }

// ProfileTable tells where the time since Profile(true) went: ops and the forty dearest steps, each with its
// share, its calls, its time, the processor time of the process meanwhile and how many gigabytes a second its arrays came to. It is empty without a profile.
func (d *Device) ProfileTable() string {
	if p := d.Times(); p != nil {
		return p.Table()
	}
	return ""
}

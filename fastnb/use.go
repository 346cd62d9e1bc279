package fastnb

import (
	"sync"

	"github.com/fastnb/go/fastnb/device"
)

// announced are the lines that announce has said.
var announced sync.Map

// announce says in a line, once for each choice, where a learner computes and why there.
func (l *Learner) announce(dev device.Device) {
	if l.Silent || device.Why(dev) == "" {
		return
	}
	line := "Computing on " + device.Describe(dev) + "."
	if _, said := announced.LoadOrStore(line, true); !said {
		l.say("%s", line)
	}
}

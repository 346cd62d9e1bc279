package device

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
)

// ErrNotFound is what a driver's open function returns (wrapped, with what it looked for and where)
// when the machine lacks its device.
var ErrNotFound = errors.New("device not found")

type driver struct {
	name     string
	priority int
	open     func() (Device, error)
}

var (
	driversMu sync.Mutex
	drivers   []driver
)

// Register makes a kind of device known, usually from a package's init. Open tries drivers with
// higher priority first.
func Register(name string, priority int, open func() (Device, error)) {
	driversMu.Lock()
	defer driversMu.Unlock()
	drivers = append(drivers, driver{name, priority, open})
	sort.SliceStable(drivers, func(i, j int) bool { return drivers[i].priority > drivers[j].priority })
}

// Open gives a device by its driver's name. The empty name stands for the environment's
// FASTNB_DEVICE, and "auto" for the best one found; a device with negative priority is never found
// automatically.
func Open(name string) (Device, error) {
	if name == "" {
		name = os.Getenv("FASTNB_DEVICE")
	}
	driversMu.Lock()
	known := append([]driver{}, drivers...)
	driversMu.Unlock()
	auto := name == "" || name == "auto"
	var names []string
	var last error
	for _, d := range known {
		names = append(names, d.name)
		if d.name != name && (!auto || d.priority < 0) {
			continue
		}
		dev, err := d.open()
		if err == nil {
			return dev, nil
		}
		if !auto || !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("fastnb: opening device %s: %w", d.name, err)
		}
		last = err
	}
	if last != nil {
		return nil, fmt.Errorf("fastnb: opening a device: %w", last)
	}
	return nil, fmt.Errorf("fastnb: opening device %q: unknown (FASTNB_DEVICE may be auto, %s)", name, strings.Join(names, ", "))
}

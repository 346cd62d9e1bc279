package device

import (
	"errors"
	"fmt"
	"os"
	"runtime"
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
	shared   map[string]*shared // what is open, by the settings it was opened with
}

var (
	driversMu sync.Mutex
	drivers   []*driver
)

// Register makes a kind of device known, usually from a package's init. Open tries drivers with
// higher priority first.
func Register(name string, priority int, open func() (Device, error)) {
	driversMu.Lock()
	defer driversMu.Unlock()
	drivers = append(drivers, &driver{name, priority, open, map[string]*shared{}})
	sort.SliceStable(drivers, func(i, j int) bool { return drivers[i].priority > drivers[j].priority })
}

// shared is a device that all who open it use together.
type shared struct {
	Device
	users int
	of    map[string]*shared
	key   string
}

// share is one user's part of a shared device.
type share struct {
	*shared
	release func()
}

// Close gives the share up; with the last, the device is closed. It may be called more than once.
func (s *share) Close() error {
	s.release()
	return nil
}

// settings are what of the environment a driver may read when it opens a device: one that was opened with
// others is another.
func settings() string { return os.Getenv("FASTNB_THREADS") + "\x00" + os.Getenv("FASTNB_ISA") }

// Open gives a device by its driver's name. The empty name stands for the environment's
// FASTNB_DEVICE, and "auto" for the best one found; a device with negative priority is never found
// automatically. A device that is open already is shared: the last Close closes it, and what is forgotten
// without Close counts as closed.
func Open(name string) (Device, error) {
	if name == "" {
		name = os.Getenv("FASTNB_DEVICE")
	}
	driversMu.Lock()
	defer driversMu.Unlock()
	auto := name == "" || name == "auto"
	var names []string
	var last error
	for _, d := range drivers {
		names = append(names, d.name)
		if d.name != name && (!auto || d.priority < 0) {
			continue
		}
		dev, err := d.share()
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
	return nil, fmt.Errorf("fastnb: opening device %q: unknown (try auto, %s, in FASTNB_DEVICE or OnDevice)", name, strings.Join(names, ", "))
}

// share opens the device or takes part in the one that is open.
func (d *driver) share() (Device, error) {
	key := settings()
	s := d.shared[key]
	if s == nil {
		dev, err := d.open()
		if err != nil {
			return nil, err
		}
		s = &shared{Device: dev, of: d.shared, key: key}
		d.shared[key] = s
	}
	s.users++
	part := &share{shared: s, release: sync.OnceFunc(s.drop)}
	runtime.AddCleanup(part, func(release func()) { release() }, part.release)
	return part, nil
}

func (s *shared) drop() {
	driversMu.Lock()
	defer driversMu.Unlock()
	if s.users--; s.users == 0 {
		delete(s.of, s.key)
		_ = s.Device.Close() // nobody is left to tell
	}
}

package device

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// ErrNotFound is what a driver's open function returns (wrapped, with what it looked for and where)
// when the machine lacks its device.
var ErrNotFound = errors.New("device not found")

// Choice says which device of its kind a driver is to open.
type Choice struct {
	Card int // from 0
	// Auto: nobody named this kind. What is no better than the processor is then not found.
	Auto bool
}

type driver struct {
	name     string
	priority int
	cards    bool // "name:1" names one of several
	open     func(Choice) (Device, error)
	shared   map[string]*shared // what is open, by card and the settings it was opened with
}

var (
	driversMu sync.Mutex
	drivers   []*driver
)

// Register makes a kind of device known, usually from a package's init. Open tries drivers with
// higher priority first.
func Register(name string, priority int, open func() (Device, error)) {
	register(&driver{name: name, priority: priority, open: func(Choice) (Device, error) { return open() }})
}

// RegisterCards is Register for a kind of which a machine may have several: "name:1" is the second.
func RegisterCards(name string, priority int, open func(Choice) (Device, error)) {
	register(&driver{name: name, priority: priority, cards: true, open: open})
}

func register(d *driver) {
	driversMu.Lock()
	defer driversMu.Unlock()
	d.shared = map[string]*shared{}
	drivers = append(drivers, d)
	sort.SliceStable(drivers, func(i, j int) bool { return drivers[i].priority > drivers[j].priority })
}

// shared is a device that all who open it use together.
type shared struct {
	Device
	users int
	found bool // "auto" finds it
	of    map[string]*shared
	key   string
}

// share is one user's part of a shared device.
type share struct {
	*shared
	release func()
	why     string
}

// Close gives the share up; with the last, the device is closed. It may be called more than once.
func (s *share) Close() error {
	s.release()
	return nil
}

// Base is the device itself behind what Open gives, which all its users have in common.
func Base(d Device) Device {
	switch d := d.(type) {
	case *share:
		return d.Device
	case mixed:
		return Base(d.Device)
	}
	return d
}

// Why says why Open gave this device; empty for one that it did not give.
func Why(d Device) string {
	if s, ok := d.(*share); ok {
		return s.why
	}
	return ""
}

// settings are what of the environment a driver may read when it opens a device: one that was opened with
// others is another.
func settings() string {
	var all []string
	for _, name := range []string{"FASTNB_THREADS", "FASTNB_ISA", "FASTNB_GPU_MEMORY", "FASTNB_GPU_GRAPHS", "FASTNB_GPU_TUNE", "FASTNB_GPU_TF32", "FASTNB_GPU_OVERLAP"} {
		all = append(all, os.Getenv(name))
	}
	return strings.Join(all, "\x00")
}

// Open gives a device by its driver's name, "cuda" or "cuda:1" for the second card. The empty name stands for
// the environment's FASTNB_DEVICE, and "auto" for the best one found; a device with negative priority is never
// found automatically. What cannot be opened is passed over by "auto", and Why tells of it. A device that is
// open already is shared: the last Close closes it, and what is forgotten without Close counts as closed.
func Open(name string) (Device, error) {
	why := "asked for by name"
	if name == "" {
		name = os.Getenv("FASTNB_DEVICE")
		why = "FASTNB_DEVICE=" + name
	}
	driversMu.Lock()
	defer driversMu.Unlock()
	if name == "" || name == "auto" {
		return openBest()
	}
	kind, number, numbered := strings.Cut(name, ":")
	var names []string
	for _, d := range drivers {
		names = append(names, d.name)
		if d.name != kind || numbered && !d.cards {
			continue
		}
		card, err := strconv.Atoi(number)
		if numbered && (err != nil || card < 0) {
			return nil, fmt.Errorf("fastnb: opening device %q: %q is no card's number (try %s:0)", name, number, kind)
		}
		dev, err := d.share(Choice{Card: card}, why)
		if err != nil {
			return nil, fmt.Errorf("fastnb: opening device %s: %w", name, err)
		}
		return dev, nil
	}
	return nil, fmt.Errorf("fastnb: opening device %q: unknown (try auto, %s, in FASTNB_DEVICE or OnDevice)", name, strings.Join(names, ", "))
}

// openBest opens the first that can be opened. Why says what became of those before it.
func openBest() (Device, error) {
	var none, broken []string
	var last error
	for _, d := range drivers {
		if d.priority < 0 {
			continue
		}
		why := strings.Join(broken, "; ")
		switch {
		case why == "" && len(none) > 0 && d.priority == 0:
			why = "no " + strings.Join(none, " and no ") + " card was found"
		case why == "":
			why = "the best one found"
		}
		dev, err := d.share(Choice{Auto: true}, why)
		if err == nil {
			return dev, nil
		}
		if errors.Is(err, ErrNotFound) {
			none = append(none, d.name)
		} else {
			first, _, _ := strings.Cut(err.Error(), "\n")
			broken = append(broken, d.name+" cannot be used: "+first)
		}
		if last == nil || !errors.Is(err, ErrNotFound) {
			last = fmt.Errorf("fastnb: opening device %s: %w", d.name, err)
		}
	}
	if last == nil {
		last = fmt.Errorf("fastnb: opening a device: there is none (import fastnb/device/cpu)")
	}
	return nil, last
}

// share opens the device or takes part in the one that is open.
func (d *driver) share(c Choice, why string) (Device, error) {
	key := strconv.Itoa(c.Card) + "\x00" + settings()
	s := d.shared[key]
	if s == nil || c.Auto && !s.found {
		// One that was opened by name may be one that nobody who does not name it should get: the driver says so.
		dev, err := d.open(c)
		if err != nil {
			return nil, err
		}
		if s == nil {
			profiling.Load().watch(dev)
			s = &shared{Device: dev, of: d.shared, key: key}
			d.shared[key] = s
		} else if err := dev.Close(); err != nil {
			return nil, err
		}
		s.found = s.found || c.Auto
	}
	s.users++
	part := &share{shared: s, release: sync.OnceFunc(s.drop), why: why}
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

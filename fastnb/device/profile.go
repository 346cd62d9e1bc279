package device

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Profile is a measurement of all devices together, of those that are open and those that are opened while it
// lasts, and of the batches that they wait for.
type Profile struct {
	start time.Time
	mu    sync.Mutex
	on    []measured

	waited, loading atomic.Int64 // nanoseconds
	batches, items  atomic.Int64
}

// measured is a device under measurement.
type measured struct {
	dev   Device
	p     Profiler
	times *Times
	was   bool // measured by FASTNB_PROFILE before
}

// ProfileOf is what a device did.
type ProfileOf struct {
	Info  Info
	Times *Times
}

// Profiled is what a Profile measured.
type Profiled struct {
	Wall    time.Duration
	Devices []ProfileOf   // those that did something
	Waited  time.Duration // that somebody waited for a batch
	Loading time.Duration // of all loaders' workers together
	Batches int
	Items   int   // that workers opened
	Peak    int64 // the largest resident size of the process meanwhile in bytes; 0 where that is not known
}

// profiling is the Profile that is on.
var profiling atomic.Pointer[Profile]

// StartProfile begins a measurement; there can be one at a time.
func StartProfile() (*Profile, error) {
	driversMu.Lock()
	defer driversMu.Unlock()
	p := &Profile{start: time.Now()}
	if !profiling.CompareAndSwap(nil, p) {
		return nil, errors.New("fastnb: profile: another one is being made (try again when it is done)")
	}
	forgetPeak()
	for _, d := range drivers {
		for _, s := range d.shared {
			p.watch(s.Device)
		}
	}
	return p, nil
}

// watch lets a device measure its steps, if it can.
func (p *Profile) watch(dev Device) {
	d, ok := dev.(Profiler)
	if p == nil || !ok {
		return
	}
	was := d.Times() != nil
	if !was {
		d.Profile(true)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = append(p.on, measured{dev, d, d.Times(), was})
}

// Stop ends the measurement and tells it.
func (p *Profile) Stop() Profiled {
	out := Profiled{
		Wall: time.Since(p.start), Waited: time.Duration(p.waited.Load()), Loading: time.Duration(p.loading.Load()),
		Batches: int(p.batches.Load()), Items: int(p.items.Load()), Peak: peakMemory(),
	}
	driversMu.Lock()
	defer driversMu.Unlock()
	profiling.CompareAndSwap(p, nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.on {
		if !m.was {
			m.p.Profile(false)
		}
		if len(m.times.All()) > 0 {
			out.Devices = append(out.Devices, ProfileOf{m.dev.Info(), m.times})
		}
	}
	p.on = nil
	return out
}

// NoteWait tells the Profile that is on, if any, how long somebody waited for a batch.
func NoteWait(t time.Duration) {
	if p := profiling.Load(); p != nil {
		p.waited.Add(int64(t))
		p.batches.Add(1)
	}
}

// NoteLoad tells the Profile that is on, if any, how long the making of so many items took.
func NoteLoad(items int, t time.Duration) {
	if p := profiling.Load(); p != nil {
		p.loading.Add(int64(t))
		p.items.Add(int64(items))
	}
}

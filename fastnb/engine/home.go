package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/nn"
)

// ErrGone is in the chain of errors about networks whose weights are on no device any more.
var ErrGone = errors.New("its weights went with the learner that was destroyed")

// place is a device that engines have in common: the last one to leave closes it.
type place struct {
	dev device.Device

	mu    sync.Mutex
	users int
	// values is held for reading by who wants several looks at the weights to see the same ones (Hold), and for
	// writing by who changes them, from the host or by a program.
	values sync.RWMutex
	// order is held while work that looks at the weights is put into a queue, for writing where it changes them. It
	// is taken behind values.
	order sync.RWMutex
	uses  map[*Engine]lastUse // under mu
}

// lastUse is where an engine's queue has come to with weights that others have too.
type lastUse struct{ looked, changed device.Event }

// settled waits for what other engines do with the weights: for their changes, and before a change of one's own
// for all. What went wrong in it they are told themselves.
func (a *place) settled(ctx context.Context, e *Engine, changes bool) error {
	a.mu.Lock()
	var ahead []device.Event
	for other, u := range a.uses {
		if other == e {
			continue
		}
		if u.changed != nil {
			ahead = append(ahead, u.changed)
		}
		if changes && u.looked != nil {
			ahead = append(ahead, u.looked)
		}
	}
	a.mu.Unlock()
	for _, ev := range ahead {
		if err := ev.Passed(ctx); err != nil {
			return err
		}
	}
	return nil
}

// note keeps the event of an engine's last work with the weights.
func (a *place) note(e *Engine, ev device.Event, changes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.uses[e]
	if changes {
		u.changed = ev
	} else {
		u.looked = ev
	}
	a.uses[e] = u
}

// home is where a parameter's value is, for all engines that use it.
type home struct {
	at    *place
	buf   device.Buffer // nil: freed
	users int           // engines; at.mu
}

// building lets one graph be built at a time: layers keep nodes for the time, and several engines may be
// made of one network.
var building sync.Mutex

// HomeOf is the device on which a network's parameters are; nil where they are on none yet.
func HomeOf(net nn.Layer) device.Device {
	for _, p := range nn.AllParams(net) {
		if h, ok := p.Home.(*home); ok && h.buf != nil {
			return h.at.dev
		}
	}
	return nil
}

// settle is the place of an engine on dev: that of a parameter which is on dev already, or a new one.
func settle(dev device.Device, net nn.Layer) *place {
	for _, p := range nn.AllParams(net) {
		if h, ok := p.Home.(*home); ok && h.buf != nil && h.at.dev == dev {
			h.at.mu.Lock()
			defer h.at.mu.Unlock()
			h.at.users++
			return h.at
		}
	}
	return &place{dev: dev, users: 1, uses: map[*Engine]lastUse{}}
}

// leave ends an engine's use of the device and closes it where nobody else uses it.
func (a *place) leave(e *Engine) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.uses, e)
	if a.users--; a.users == 0 {
		_ = a.dev.Close() // nobody waits for what it still does
	}
}

// move gives a parameter its buffer: the one it has on this device, or a new one with its start value.
func (e *Engine) move(p *nn.Param) (*home, error) {
	h, _ := p.Home.(*home)
	e.at.mu.Lock()
	defer e.at.mu.Unlock()
	switch {
	case h != nil && h.buf == nil && p.Value == nil:
		return nil, ErrGone
	case h != nil && h.buf != nil && h.at != e.at && p.Value == nil:
		return nil, fmt.Errorf("it is on another device, %s", h.at.dev.Info().Name)
	case h != nil && h.buf != nil && h.at == e.at && p.Value == nil:
		h.users++
		return h, nil
	}
	buf, err := e.alloc(p.DeviceShape()...)
	if err != nil {
		return nil, err
	}
	if err := e.queue.Write(buf, p.Layout.ToDevice(p.Value)).Wait(context.Background()); err != nil {
		e.dev.Free(buf)
		return nil, err
	}
	p.Value = nil // the device has it; twice the weights is too much to keep
	h = &home{at: e.at, buf: buf, users: 1}
	p.Home = h
	return h, nil
}

// letGo ends the engine's use of a parameter; the last one frees it.
func (e *Engine) letGo(p *param) {
	e.at.mu.Lock()
	defer e.at.mu.Unlock()
	h := p.home
	if h.users--; h.users == 0 {
		e.dev.Free(h.buf)
		h.buf = nil
	}
}

// look puts work into the queue that looks at parameters or running statistics, behind what other engines have
// changed.
func (e *Engine) look(ctx context.Context, work func() device.Event) error {
	e.at.order.RLock()
	defer e.at.order.RUnlock()
	if err := e.at.settled(ctx, e, false); err != nil {
		return err
	}
	e.at.note(e, work(), false)
	return nil
}

// change puts work into the queue that changes parameters or running statistics, behind what other engines do with
// them, and while nobody holds them. It waits for others, not for the work.
func (e *Engine) change(ctx context.Context, work func() device.Event) error {
	e.at.values.Lock()
	defer e.at.values.Unlock()
	e.at.order.Lock()
	defer e.at.order.Unlock()
	if err := e.at.settled(ctx, e, true); err != nil {
		return err
	}
	e.at.note(e, work(), true)
	return nil
}

// Hold keeps others from loading weights into the network, and from training it, whatever engine they have, until
// release: what looks at the weights more than once sees the same ones. What the engine itself does with the weights
// in the meantime may be looks only.
func (e *Engine) Hold() (release func()) {
	at := e.at
	at.values.RLock()
	return at.values.RUnlock
}

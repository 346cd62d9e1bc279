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
	// values guards weights that are written, from the host or by a program, while programs of other engines run.
	values sync.RWMutex
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
	return &place{dev: dev, users: 1}
}

// leave closes the device where nobody else uses it.
func (a *place) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
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

// change puts work into the queue that changes parameters or running statistics. Where other engines have them
// too, whose queues know nothing of this one, none of them computes until it is done.
func (e *Engine) change(ctx context.Context, work func()) error {
	e.at.mu.Lock()
	alone := e.at.users == 1
	e.at.mu.Unlock()
	if alone {
		work()
		return nil
	}
	e.at.values.Lock()
	defer e.at.values.Unlock()
	work()
	return e.queue.Wait(ctx)
}

// Hold keeps others from loading weights into the network, and from training it, whatever engine they have, until
// release.
func (e *Engine) Hold() (release func()) {
	at := e.at
	at.values.RLock()
	return at.values.RUnlock
}

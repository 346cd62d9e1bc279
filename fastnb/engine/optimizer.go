package engine

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// optimizer is the optimizer's state on the device: for each layer group two hyper arrays, one for
// the parameters that decay and one for those that BNWD leaves alone.
type optimizer struct {
	prog   device.Program
	args   []device.Buffer
	hypers []device.Buffer
	params []*param
	t      int
}

func (e *Engine) trained() []*param {
	var out []*param
	for _, p := range e.params {
		if p.trainable {
			out = append(out, p)
		}
	}
	return out
}

func (e *Engine) makeOptimizer() (err error) {
	if e.opt != nil {
		return nil
	}
	o := &optimizer{params: e.trained()}
	n := 2 * max(e.groups, 1)
	for range n {
		h, err := e.dev.Alloc(tensor.Float32, 8)
		if err != nil {
			return fmt.Errorf("fastnb: optimizer: %w", err)
		}
		o.hypers = append(o.hypers, h)
		o.args = append(o.args, h)
	}
	var targets []optim.Target
	for _, p := range o.params {
		h := 2 * p.group
		if p.Kind != nn.Weight {
			h++
		}
		targets = append(targets, optim.Target{Name: p.Name, Shape: p.DeviceShape(), Hyper: h})
		p.state = nil
		for range e.cfg.Slots() {
			s, err := e.dev.Alloc(tensor.Float32, p.DeviceShape()...)
			if err != nil {
				return fmt.Errorf("fastnb: optimizer: state of %s: %w", p.Name, err)
			}
			p.state = append(p.state, s)
		}
		if p.grad == nil {
			if p.grad, err = e.dev.Alloc(tensor.Float32, p.DeviceShape()...); err != nil {
				return fmt.Errorf("fastnb: optimizer: gradient of %s: %w", p.Name, err)
			}
		}
		o.args = append(o.args, p.buf, p.grad)
		o.args = append(o.args, p.state...)
	}
	if o.prog, err = e.dev.Compile(e.cfg.Plan(targets, n)); err != nil {
		return err
	}
	e.opt = o
	return nil
}

// Step changes the trainable parameters by the gradients of the last TrainBatch: one Hyper for each
// layer group (one alone serves all).
func (e *Engine) Step(h []Hyper) error {
	if len(h) != e.groups && len(h) != 1 {
		return fmt.Errorf("fastnb: optimizer: %d sets of hyper-parameters for %d layer groups", len(h), e.groups)
	}
	if err := e.makeOptimizer(); err != nil {
		return err
	}
	e.opt.t++
	for i, buf := range e.opt.hypers {
		hy := h[min(i/2, len(h)-1)]
		if i%2 == 1 && !e.cfg.BNWD {
			hy.WD = 0
		}
		v := e.cfg.Pack(hy, e.opt.t, e.clip/e.scaled)
		if err := e.dev.Upload(buf, tensor.FromFloat32(v, 8)); err != nil {
			return err
		}
	}
	e.clip = 1
	return e.opt.prog.Run(context.Background(), e.opt.args...)
}

// HasOptimizer reports whether a step has been made since the optimizer was new.
func (e *Engine) HasOptimizer() bool { return e.opt != nil }

// ZeroOptimizer forgets the optimizer's state.
func (e *Engine) ZeroOptimizer() {
	if e.opt == nil {
		return
	}
	e.opt.prog.Close()
	for _, h := range e.opt.hypers {
		e.dev.Free(h)
	}
	for _, p := range e.opt.params {
		for _, s := range p.state {
			e.dev.Free(s)
		}
		p.state = nil
	}
	e.opt = nil
}

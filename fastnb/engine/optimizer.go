package engine

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// optimizer is the optimizer's state on the device: for each layer group two rows of hyper-parameters, one
// for the parameters that decay and one for those that BNWD leaves alone.
type optimizer struct {
	prog   device.Program
	args   []device.Buffer
	hypers device.Buffer // [2 groups, 8], written at once
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
	if o.hypers, err = e.alloc(n, 8); err != nil {
		return fmt.Errorf("fastnb: optimizer: %w", err)
	}
	o.args = append(o.args, o.hypers)
	var targets []optim.Target
	for _, p := range o.params {
		h := 2 * p.group
		if p.Kind != nn.Weight {
			h++
		}
		targets = append(targets, optim.Target{Name: p.Name, Shape: p.DeviceShape(), Hyper: h})
		p.state = nil
		for range e.cfg.Slots() {
			s, err := e.alloc(p.DeviceShape()...)
			if err != nil {
				return fmt.Errorf("fastnb: optimizer: state of %s: %w", p.Name, err)
			}
			p.state = append(p.state, s)
		}
		if p.grad == nil {
			if p.grad, err = e.alloc(p.DeviceShape()...); err != nil {
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
// layer group (one alone serves all). It waits for what other engines with the same weights do, not for the step: what
// goes wrong is told by what is read next, or by Wait.
func (e *Engine) Step(h []Hyper) error {
	if len(h) != e.groups && len(h) != 1 {
		return fmt.Errorf("fastnb: optimizer: %d sets of hyper-parameters for %d layer groups", len(h), e.groups)
	}
	if err := e.makeOptimizer(); err != nil {
		return err
	}
	e.opt.t++
	var rows []float32
	n := 2 * max(e.groups, 1)
	for i := range n {
		hy := h[min(i/2, len(h)-1)]
		if i%2 == 1 && !e.cfg.BNWD {
			hy.WD = 0
		}
		rows = append(rows, e.cfg.Pack(hy, e.opt.t, e.clip/e.scaled)...)
	}
	e.clip = 1
	e.queue.Write(e.opt.hypers, tensor.FromFloat32(rows, n, 8))
	return e.change(context.Background(), func() device.Event {
		return e.queue.Run(context.Background(), e.opt.prog, e.opt.args...)
	})
}

// HasOptimizer reports whether a step has been made since the optimizer was new.
func (e *Engine) HasOptimizer() bool { return e.opt != nil }

// ZeroOptimizer forgets the optimizer's state.
func (e *Engine) ZeroOptimizer() {
	if e.opt == nil {
		return
	}
	e.opt.prog.Close()
	e.dev.Free(e.opt.hypers)
	for _, p := range e.opt.params {
		for _, s := range p.state {
			e.dev.Free(s)
		}
		p.state = nil
	}
	e.opt = nil
}

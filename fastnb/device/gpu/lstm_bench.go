package gpu

import (
	"fmt"
	"io"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// recurrent times the steps of AWD-LSTM's layers, forward and back, by each number of units that a block may have
// and of shares that a sum may be cut into; the chosen one has a star.
func (b *bench) recurrent(kind tensor.DType, budget float64, w io.Writer) error {
	const steps = 20
	b.record = true
	if b.dev.card.Driver != "cuda" {
		return nil
	}
	for _, h := range []int{1152, 400} {
		a := device.LSTM{T: steps, N: 64, I: h, H: h, Keep: true}
		chosen := &lstmWork{LSTM: a}
		c := b.layer(kind)
		cores := chosen.tensor(c)
		cols := 64
		if cores {
			cols = backColumns
		}
		groups, shares := chosen.groups(c), 0
		shares, _ = chosen.shares(c, cols)
		line := fmt.Sprintf("awd-lstm steps 64x%d: forward", h)
		for n := 1; n <= 3 && (cores || n == 1); n++ {
			s, err := b.forward(a, n, kind, budget)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %s%d:%.2f us", star(n == groups), n, s/steps*1e6)
		}
		line += ", back"
		for _, n := range []int{1, 2, 3, 4, 5, 6, 8, 11, 14} {
			s, err := b.backward(a, n, kind, budget)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %s%d:%.2f us", star(n == shares), n, s/(steps-1)*1e6)
		}
		fmt.Fprintln(w, line)
	}
	return nil
}

func star(on bool) string {
	if on {
		return "*"
	}
	return ""
}

// layer is a compiler for a layer's launches.
func (b *bench) layer(kind tensor.DType) *compiler {
	return &compiler{dev: b.dev, plan: &device.Plan{Name: "measurement"}, act: kind, step: &device.Step{Op: "lstm"}, casts: map[castOf]ref{}}
}

// memory makes what a layer's steps work on.
func (l *lstmWork) memory(c *compiler) {
	n := l.N * l.H
	l.h = c.temp(c.act, (l.T+1)*n)
	l.y, l.h0 = window(l.h, n, l.T*n), window(l.h, 0, n)
	l.gates, l.cells = c.temp(c.act, l.T*4*n), c.temp(tensor.Float32, (l.T+1)*n)
}

// forward is the time of all steps.
func (b *bench) forward(a device.LSTM, groups int, kind tensor.DType, budget float64) (float64, error) {
	c, l := b.layer(kind), &lstmWork{LSTM: a}
	l.force.groups = groups
	l.memory(c)
	wh, bias := c.temp(kind, 4*a.H*a.H), c.temp(tensor.Float32, 4*a.H)
	for t := range a.T {
		l.step(c, t, t, wh, bias)
	}
	return b.time(c, budget)
}

// backward is the time of all steps but the last.
func (b *bench) backward(a device.LSTM, shares int, kind tensor.DType, budget float64) (float64, error) {
	c, l := b.layer(kind), &lstmWork{LSTM: a}
	l.force.shares = shares
	l.memory(c)
	back := l.back(c)
	back.dy = c.temp(kind, a.T*a.N*a.H)
	for t := a.T - 1; t > 0; t-- {
		back.step(c, t)
	}
	return b.time(c, budget)
}

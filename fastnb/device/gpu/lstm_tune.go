package gpu

import (
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// How a layer's steps are done on tensor cores is measured as products are (tune.go), or guessed: with their
// operands straight from the cache or by way of shared memory, and in how many parts.

// stepChoice is a way of doing steps.
type stepChoice struct {
	piped bool
	parts int // forward: groups of four units that a block has; back: sums that a product is cut into
}

// stepVersion changes with the kernels, for what was measured of others is not true any more.
const stepVersion = 1

// pipeBytes is the shared memory that piped kernels of n groups take: PARTS_ times 64+16n rows of 256 bytes.
func pipeBytes(n int) int { return 3 * (64 + 16*n) * 256 }

// stepsAhead is how the steps forward are best done.
func (c *compiler) stepsAhead(l *lstmWork) stepChoice {
	guess := stepChoice{l.H >= 64, 1}
	for guess.parts < 3 && (l.H+4*guess.parts-1)/(4*guess.parts)*((l.N+63)/64) > c.dev.card.Units {
		guess.parts++
	}
	var all []stepChoice
	for n := 1; n <= 3; n++ {
		all = append(all, stepChoice{false, n}, stepChoice{true, n})
	}
	return c.measured("ahead", l.LSTM, guess, all, (*bench).forward)
}

// stepsBehind is how the steps back are best done.
func (c *compiler) stepsBehind(l *lstmWork) stepChoice {
	tiles := (l.H + backColumns - 1) / backColumns * ((l.N + 63) / 64)
	guess := stepChoice{l.H >= 64, max(1, min(c.dev.card.Units/tiles, 8, 4*l.H/64))}
	var all []stepChoice
	for _, n := range []int{1, 2, 3, 4, 5, 6, 8, 11} {
		if n == 1 || n <= 4*l.H/64 {
			all = append(all, stepChoice{false, n}, stepChoice{true, n})
		}
	}
	return c.measured("behind", l.LSTM, guess, all, (*bench).backward)
}

// measured is the fastest of all choices, where that can be measured and pays, else the guess.
func (c *compiler) measured(what string, a device.LSTM, guess stepChoice, all []stepChoice, time func(*bench, device.LSTM, stepChoice, tensor.DType, float64) (float64, error)) stepChoice {
	t := c.dev.tuning()
	if t == nil || 8*float64(a.N)*float64(a.H)*float64(a.H) < t.from {
		return guess
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pick != nil {
		return all[t.pick(len(all))]
	}
	key := fmt.Sprint("steps ", stepVersion, " ", what, " ", c.act, " ", a.N, " ", a.H)
	names := map[bool]string{true: "piped", false: "direct"}
	if k, ok := t.known[key]; ok {
		if x := (stepChoice{k.Tile == names[true], k.Splits}); slices.Contains(all, x) {
			return x
		}
	}
	b, err := newBench(t.dev)
	if err != nil {
		return guess
	}
	defer b.close() //nolint:errcheck // what was measured is measured
	b.record = true
	best, least := guess, 0.0
	for _, x := range all {
		if s, err := time(b, layerOf(a.N, a.H), x, c.act, t.budget); err == nil && (least == 0 || s < least) {
			best, least = x, s
		}
	}
	if least > 0 {
		t.known[key], t.fresh = kept{names[best.piped], best.parts, least / measuredSteps}, true
	}
	return best
}

// measuredSteps is how many steps are timed.
const measuredSteps = 20

// layerOf is the layer whose steps are timed.
func layerOf(n, h int) device.LSTM {
	return device.LSTM{T: measuredSteps, N: n, I: h, H: h, Keep: true}
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
func (b *bench) forward(a device.LSTM, x stepChoice, kind tensor.DType, budget float64) (float64, error) {
	c, l := b.layer(kind), &lstmWork{LSTM: a, ahead: x}
	l.memory(c)
	wh, bias := c.temp(kind, 4*a.H*a.H), c.temp(tensor.Float32, 4*a.H)
	for t := range a.T {
		l.step(c, t, t, wh, bias)
	}
	return b.time(c, budget)
}

// backward is the time of all steps but the last.
func (b *bench) backward(a device.LSTM, x stepChoice, kind tensor.DType, budget float64) (float64, error) {
	c, l := b.layer(kind), &lstmWork{LSTM: a, behind: x}
	l.memory(c)
	back := l.back(c)
	back.dy = c.temp(kind, a.T*a.N*a.H)
	for t := a.T - 1; t > 0; t-- {
		back.step(c, t)
	}
	return b.time(c, budget)
}

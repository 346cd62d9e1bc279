package fastnb

import (
	"fmt"
	"math"
)

// cyclicalConfig are the knobs of cyclical learning rates.
type cyclicalConfig struct {
	step  int     // batches of half a cycle; 0: twice the batches of an epoch
	mode  string  // "triangular", "triangular2" or "exp_range"
	gamma float64 // of exp_range
}

var defaultCyclical = cyclicalConfig{mode: "triangular", gamma: .99994}

// StepSize is the number of batches in which a cycle of FitCyclical goes up, and again down: that of two
// epochs by default. The paper advises two to ten epochs.
func StepSize(batches int) FitOption {
	return only("StepSize", func(c *fitConfig) { c.cycle.step = batches }, "FitCyclical")
}

// CycleMode says how FitCyclical's cycles change: "triangular" (the default) repeats the same, "triangular2" halves
// the height with each, "exp_range" multiplies the height by Gamma with each batch.
func CycleMode(name string) FitOption {
	return only("CycleMode", func(c *fitConfig) { c.cycle.mode = name }, "FitCyclical")
}

// Gamma is the factor of FitCyclical's "exp_range": 0.99994 by default.
func Gamma(g float64) FitOption {
	return only("Gamma", func(c *fitConfig) { c.cycle.gamma = g }, "FitCyclical")
}

func (c cyclicalConfig) check() error {
	switch {
	case c.step < 1:
		return fmt.Errorf("fastnb: fit cyclical: StepSize(%d): must be at least 1", c.step)
	case c.mode != "triangular" && c.mode != "triangular2" && c.mode != "exp_range":
		return fmt.Errorf("fastnb: fit cyclical: CycleMode(%q): there are triangular, triangular2, exp_range", c.mode)
	case !(c.gamma > 0 && c.gamma <= 1):
		return fmt.Errorf("fastnb: fit cyclical: Gamma(%g): must be above 0 and at most 1", c.gamma)
	}
	return nil
}

// height is where batch k stands between the lowest (0) and the highest rate (1): L. Smith 2015, Cyclical
// Learning Rates for Training Neural Networks (arXiv:1506.01186), section 3.1.
func (c cyclicalConfig) height(k int) float64 {
	cycle := math.Floor(1 + float64(k)/float64(2*c.step))
	x := math.Abs(float64(k)/float64(c.step) - 2*cycle + 1)
	h := math.Max(0, 1-x)
	switch c.mode {
	case "triangular2":
		return h / math.Pow(2, cycle-1)
	case "exp_range":
		return h * math.Pow(c.gamma, float64(k))
	}
	return h
}

// FitCyclical trains for epochs with learning rates that rise from base to max and fall again in straight
// lines, cycle after cycle. Options: StepSize (the batches of two epochs), CycleMode ("triangular"),
// Gamma (0.99994), Moms (if given, the momentum goes the opposite way), WD, Callbacks.
func (l *Learner) FitCyclical(epochs int, base, max LRs, o ...FitOption) error {
	c := l.fitConfig(o)
	if err := c.Refuse("fit cyclical", "FitCyclical"); err != nil {
		return err
	}
	if err := l.ready("fit cyclical", epochs, c); err != nil {
		return err
	}
	if !c.Has("StepSize") {
		c.cycle.step = 2 * l.TrainBatches()
	}
	if err := c.cycle.check(); err != nil {
		return err
	}
	lo, err := base.Groups(len(l.groups))
	if err != nil {
		return err
	}
	hi, err := max.Groups(len(l.groups))
	if err != nil {
		return err
	}
	momHi, momLo := l.mom, l.mom
	if c.Has("Moms") {
		if momHi, momLo = c.momHi, c.momLo; c.check() != nil {
			return c.check()
		}
	}
	return l.run(plan{verb: "fit cyclical", to: epochs, wd: *c.wd, hooks: newHooks(l.Callbacks, c.callbacks), validate: true, sched: func(k int) hypers {
		h, lr := c.cycle.height(k), make([]float64, len(lo))
		for g := range lr {
			lr[g] = lo[g] + (hi[g]-lo[g])*h
		}
		return hypers{lr: lr, mom: momHi + (momLo-momHi)*h}
	}})
}

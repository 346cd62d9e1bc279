package fastnb

import "fmt"

// Anneal goes from start (p = 0) to end (p = 1).
type anneal = func(start, end, p float64) float64

// TrainingPhase is a part of a fit: for some batches, hyper-parameters go each its own way. Make one
// with NewTrainingPhase. (fastai callbacks/general_sched.py)
type TrainingPhase struct {
	length int
	lr     *lrPath
	others map[string]path // "mom", "beta", "wd"
	err    error
}

type path struct {
	from, to float64
	by       anneal
}

type lrPath struct {
	from, to LRs
	by       anneal
}

// NewTrainingPhase is a phase of so many batches that changes nothing yet.
func NewTrainingPhase(batches int) TrainingPhase {
	t := TrainingPhase{length: batches, others: map[string]path{}}
	if batches < 1 {
		t.err = fmt.Errorf("fastnb: training phase: %d batches: must be at least 1", batches)
	}
	return t
}

// ScheduleLR moves the learning rates from the one to the other: by one of AnnealNo, AnnealLinear (also
// nil), AnnealExp and AnnealCos, or a function of your own.
func (t TrainingPhase) ScheduleLR(from, to LRs, by func(start, end, p float64) float64) TrainingPhase {
	t.lr = &lrPath{from, to, orLinear(by)}
	return t
}

// ScheduleHP moves a hyper-parameter of all layer groups: "mom" (Adam's first beta), "beta" (its second)
// or "wd". By is as for ScheduleLR.
func (t TrainingPhase) ScheduleHP(name string, from, to float64, by func(start, end, p float64) float64) TrainingPhase {
	others := map[string]path{name: {from, to, orLinear(by)}}
	for n, p := range t.others {
		if n != name {
			others[n] = p
		}
	}
	t.others = others
	switch {
	case name != "mom" && name != "beta" && name != "wd":
		t.err = fmt.Errorf("fastnb: training phase: no hyper-parameter %q (there are mom, beta, wd; ScheduleLR moves the learning rates)", name)
	case name != "wd" && !(from >= 0 && from < 1 && to >= 0 && to < 1):
		t.err = fmt.Errorf("fastnb: training phase: %s from %g to %g: must be at least 0 and below 1", name, from, to)
	case name == "wd" && !(from >= 0 && to >= 0):
		t.err = fmt.Errorf("fastnb: training phase: wd from %g to %g: must not be negative", from, to)
	}
	return t
}

func orLinear(f anneal) anneal {
	if f == nil {
		return AnnealLinear
	}
	return f
}

// GeneralScheduler makes Fit go through phases, one after the other; what a phase does not move stays
// where it was, at first at Fit's learning rates and the optimizer's defaults. The first batch of a
// phase still has the last values of the one before, as fastai's. If the phases are done before the
// epochs are, the fit ends there, in the middle of an epoch without validation.
func GeneralScheduler(phases ...TrainingPhase) FitOption {
	return only("GeneralScheduler", func(c *fitConfig) { c.phases = append(c.phases, phases...) }, "Fit")
}

// phase is a TrainingPhase with the learning rates of each layer group.
type phase struct {
	TrainingPhase
	lrFrom, lrTo []float64
}

func (l *Learner) phase(t TrainingPhase) (p phase, err error) {
	p.TrainingPhase = t
	switch {
	case t.err != nil:
		return p, t.err
	case t.length < 1:
		return p, fmt.Errorf("fastnb: training phase: it has no batches (try NewTrainingPhase)")
	case t.lr == nil:
		return p, nil
	}
	if p.lrFrom, err = t.lr.from.spread(len(l.groups), true); err != nil {
		return p, err
	}
	p.lrTo, err = t.lr.to.spread(len(l.groups), true)
	return p, err
}

// move sets what the phase moves, at a part of its length.
func (p phase) move(h *hypers, at float64) {
	if p.lr != nil {
		h.lr = make([]float64, len(p.lrFrom))
		for g := range h.lr {
			h.lr[g] = p.lr.by(p.lrFrom[g], p.lrTo[g], at)
		}
	}
	for name, v := range p.others {
		h.set(name, v.by(v.from, v.to, at))
	}
}

// follow makes a plan go by phases.
func (l *Learner) follow(p *plan, phases []TrainingPhase) error {
	var parts []phase
	total := 0
	for _, t := range phases {
		ph, err := l.phase(t)
		if err != nil {
			return err
		}
		parts, total = append(parts, ph), total+t.length
	}
	first := p.sched
	p.sched = func(k int) hypers {
		h, from := first(k), 0
		for i, ph := range parts {
			if i > 0 && k <= from {
				break
			}
			ph.move(&h, min(float64(k-from)/float64(ph.length), 1))
			from += ph.length
		}
		return h
	}
	if total < p.to*l.TrainBatches() {
		p.hooks = newHooks(p.hooks, []Callback{{Name: "GeneralScheduler", Blind: true, AfterBatch: func(l *Learner) error {
			if l.Training && l.Iteration+1 >= total {
				return ErrStopFit
			}
			return nil
		}}})
	}
	return nil
}

func (h *hypers) set(name string, v float64) {
	switch name {
	case "mom":
		h.mom = v
	case "beta":
		h.beta2 = v
	case "wd":
		h.wd = &v
	}
}

// StartPct is the part of FitFC's batches with constant rates: 0.72 by default.
func StartPct(x float64) FitOption {
	return only("StartPct", func(c *fitConfig) { c.startPct = x }, "FitFC")
}

// FitFC trains for epochs with constant learning rates for StartPct (0.72) of the batches, then down to
// 0 along a cosine; the momentum is the first of Moms (0.95, 0.85) in the one part, the second in the
// other. Other options: WD, Callbacks. (fastai train.py, fit_fc)
func (l *Learner) FitFC(epochs int, lrs LRs, o ...FitOption) error {
	c := l.fitConfig(o)
	if err := c.Refuse("fit flat cosine", "FitFC"); err != nil {
		return err
	}
	if err := l.ready("fit flat cosine", epochs, c); err != nil {
		return err
	}
	if !(c.startPct >= 0 && c.startPct <= 1) {
		return fmt.Errorf("fastnb: fit flat cosine: StartPct(%g): must be between 0 and 1", c.startPct)
	}
	rates, err := lrs.Groups(len(l.groups))
	if err != nil {
		return err
	}
	n := epochs * l.TrainBatches()
	flat := int(float64(n) * c.startPct)
	p := plan{verb: "fit flat cosine", to: epochs, sched: constant(rates, l.mom), wd: *c.wd, hooks: newHooks(l.Callbacks, c.callbacks), validate: true}
	err = l.follow(&p, []TrainingPhase{
		NewTrainingPhase(atLeast1(flat)).ScheduleLR(lrs, lrs, AnnealNo).ScheduleHP("mom", c.momHi, c.momHi, AnnealNo),
		NewTrainingPhase(atLeast1(n-flat)).ScheduleLR(lrs, LR(0), AnnealCos).ScheduleHP("mom", c.momLo, c.momLo, AnnealNo),
	})
	if err != nil {
		return err
	}
	return l.run(p)
}

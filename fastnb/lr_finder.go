package fastnb

import (
	"fmt"
	"math"
)

// LRFind is the method as a function, for those who know it so.
func LRFind(l *Learner, o ...FitOption) error { return l.LRFind(o...) }

// divergence is the factor over the best loss at which LRFind gives up (fastai: 4).
const divergence = 4

// LRFind tries learning rates from StartLR (1e-7) to EndLR (10), each a constant factor above the
// last, on NumIt (100) batches, and records the loss of each: Recorder.Plot shows them. It stops
// early where the smoothed loss exceeds four times its best or is not a number, unless StopDiv(false).
// Weights and optimizer are put back afterwards, and the learner's callbacks that write, save or stop are not
// called: but for the Recorder it leaves no trace. (L. Smith 2015; fastai callbacks/lr_finder.py)
func (l *Learner) LRFind(o ...FitOption) (err error) {
	c := l.fitConfig(o)
	if err := c.Refuse("lr find", "LRFind"); err != nil {
		return err
	}
	if c.numIt < 1 {
		return fmt.Errorf("fastnb: lr find: NumIt(%d): must be at least 1", c.numIt)
	}
	for _, k := range c.callbacks {
		if k.NotInLRFind {
			return fmt.Errorf("fastnb: lr find: callback: %s: there is nothing for it to do here (try leaving it out)", nameOr(k.Name, 0))
		}
	}
	if err := l.ready("lr find", 1, c); err != nil {
		return err
	}
	start, err := c.startLR.Groups(len(l.groups))
	if err != nil {
		return err
	}
	end, err := c.endLR.Groups(len(l.groups))
	if err != nil {
		return err
	}
	back, err := l.snapshot()
	if err != nil {
		return because("lr find: keep the weights", err)
	}
	defer func() {
		if e := back(); e != nil && err == nil {
			err = because("lr find: put the weights back", e)
		}
	}()
	epochs := (c.numIt + l.TrainBatches() - 1) / l.TrainBatches()
	err = l.run(plan{
		verb: "lr find", to: epochs, sched: finder(start, end, c.numIt, l.mom), wd: *c.wd,
		hooks: newHooks(newHooks(l.Callbacks).inLRFind(), c.callbacks, []Callback{stopper(c)}), nanOK: true, bare: true,
	})
	if err == nil && !l.Silent {
		fmt.Println("LRFind is complete: learn.Recorder.Plot() draws the loss over the learning rate.")
	}
	return err
}

// stopper ends the finder's run.
func stopper(c fitConfig) Callback {
	best := math.NaN()
	return Callback{Name: "LRFind", Blind: true, AfterBatch: func(l *Learner) error {
		if !l.Training {
			return nil
		}
		if l.Iteration == 0 || l.SmoothLoss < best {
			best = l.SmoothLoss
		}
		if l.Iteration+1 >= c.numIt || c.stopDiv && (l.SmoothLoss > divergence*best || isNaN(l.SmoothLoss)) {
			return ErrStopFit
		}
		return nil
	}}
}

// snapshot keeps weights, optimizer, momentum and loss scale, and gives the function that puts them back.
func (l *Learner) snapshot() (back func() error, err error) {
	state, err := l.eng.State()
	if err != nil {
		return nil, err
	}
	mom, seen := l.mom, l.seen
	var scale lossScale
	if l.scale != nil {
		scale = *l.scale
	}
	var opt map[string]*Tensor
	if l.eng.HasOptimizer() {
		if opt, err = l.eng.OptState(); err != nil {
			return nil, err
		}
	}
	return func() error {
		l.mom, l.seen = mom, seen
		if l.scale != nil {
			*l.scale = scale
			if err := l.eng.SetLossScale(scale.now); err != nil {
				return err
			}
		}
		if err := l.eng.LoadState(state, true); err != nil {
			return err
		}
		if opt == nil {
			l.eng.ZeroOptimizer()
			return nil
		}
		return l.eng.LoadOptState(opt)
	}, nil
}

package fastnb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/tensor"
)

// defaultMom is Adam's first beta where no schedule has set another (fastai: betas 0.9, 0.99).
const defaultMom, defaultBeta2 = .9, .99

// plan is one fit: what its public forms differ in.
type plan struct {
	verb     string // for errors: "fit", "fit one cycle"
	from, to int    // epochs
	sched    schedule
	offset   int // of the schedule at the first batch
	wd       float64
	hooks    hooks
	validate bool
	nanOK    bool // a NaN loss is a callback's affair
	bare     bool // show bars only
}

// Fit trains for epochs with constant learning rates, or by the phases of a GeneralScheduler. Options:
// WD, Callbacks, GeneralScheduler. The optimizer goes on
// from where the last fit left it. Interrupting the cell ends the fit at the next batch with
// cell.ErrInterrupted; the learner stays usable.
func (l *Learner) Fit(epochs int, lrs LRs, o ...FitOption) error {
	c := l.fitConfig(o)
	if err := c.Refuse("fit", "Fit"); err != nil {
		return err
	}
	if err := l.ready("fit", epochs, c); err != nil {
		return err
	}
	rates, err := lrs.Groups(len(l.groups))
	if err != nil {
		return err
	}
	p := plan{verb: "fit", to: epochs, sched: constant(rates, l.mom), wd: *c.wd, hooks: newHooks(l.Callbacks, c.callbacks), validate: true}
	if len(c.phases) > 0 {
		if err := l.follow(&p, c.phases); err != nil {
			return err
		}
	}
	return l.run(p)
}

// FitOneCycle trains for epochs with the one-cycle policy: learning rates rise to lrs and fall far
// below, the momentum does the opposite. Options: Moms (0.95, 0.85), DivFactor (25), PctStart (0.3),
// FinalDiv (DivFactor*1e4), WD, Callbacks, StartEpoch, TotEpochs. With StartEpoch(n) it goes on with
// epoch n of the schedule, as after Load of what was saved there. Interrupting the cell ends the fit
// at the next batch with cell.ErrInterrupted; the learner stays usable.
func (l *Learner) FitOneCycle(epochs int, lrs LRs, o ...FitOption) error {
	c := l.fitConfig(o)
	if err := c.Refuse("fit one cycle", "FitOneCycle"); err != nil {
		return err
	}
	if err := l.ready("fit one cycle", epochs, c); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.total == 0 {
		c.total = epochs
	}
	if c.start < 0 || c.start >= c.total {
		return fmt.Errorf("fastnb: fit one cycle: StartEpoch(%d) of %d epochs: nothing to do", c.start, c.total)
	}
	rates, err := lrs.Groups(len(l.groups))
	if err != nil {
		return err
	}
	n := l.TrainBatches()
	return l.run(plan{
		verb: "fit one cycle", from: c.start, to: min(c.start+epochs, c.total), offset: c.start * n,
		sched: c.schedule(rates, c.total*n), wd: *c.wd, hooks: newHooks(l.Callbacks, c.callbacks), validate: true,
	})
}

func (l *Learner) fitConfig(o []FitOption) fitConfig {
	wd := l.WD
	c := fitConfig{oneCycleConfig: defaultOneCycle, wd: &wd, numIt: 100, startLR: LR(1e-7), endLR: LR(10), stopDiv: true, startPct: .72, cycle: defaultCyclical}
	for _, o := range o {
		o.applyFit(&c)
	}
	return c
}

// ready checks what every fit needs.
func (l *Learner) ready(verb string, epochs int, c fitConfig) error {
	if err := l.alive(verb); err != nil {
		return err
	}
	if epochs < 1 {
		return fmt.Errorf("fastnb: %s: epochs must be at least 1, got %d", verb, epochs)
	}
	if l.feedOf(data.Train) == nil {
		return fmt.Errorf("fastnb: %s: there is no training set", verb)
	}
	if err := l.feedBy(verb, l.Callbacks, c.callbacks); err != nil {
		return err
	}
	f := l.trainFeed()
	if f.Items() == 0 {
		return fmt.Errorf("fastnb: %s: there is no training set", verb)
	}
	if f.Len() == 0 {
		return fmt.Errorf("fastnb: %s: the training set of %d items does not fill one batch of %d (try a smaller batch size, as in DataBunch(BS(%d)))",
			verb, f.Items(), f.BatchSize(), f.Items())
	}
	return nil
}

// run trains. AfterFit is called in any case, and the table keeps what there is.
func (l *Learner) run(p plan) (err error) {
	if err := l.fits(p.verb, p.hooks.seeInput()); err != nil {
		return err
	}
	ctx := cell.Context()
	l.Recorder, l.took = newRecorder(l.Metrics), durations{}
	l.FitErr, l.Overflow, l.Stepped = nil, false, false
	l.Epoch, l.Epochs, l.Iteration, l.Batch, l.LRScale = p.from, p.to, 0, 0, 1
	for _, c := range p.hooks {
		p.nanOK = p.nanOK || c.NaNOK
	}
	r := &runner{l: l, p: p, ctx: ctx, rec: l.Recorder, show: &progress{silent: l.Silent, bare: p.bare}}
	r.show.start(l.Recorder.Names, p.to-p.from)
	defer func() {
		// The last step is part of the fit: what went wrong in it too.
		if e := l.eng.Wait(context.Background()); e != nil && err == nil {
			err = e
		}
		l.FitErr = err
		if e := p.hooks.call(afterFit, l); e != nil && !isStop(e) && err == nil {
			err = e
		}
		r.show.stop()
		l.Training, l.fed = false, nil
	}()
	if err = p.hooks.call(beforeFit, l); err != nil {
		return unlessStop(err)
	}
	r.p.offset += (l.Epoch - p.from) * l.TrainBatches() // a callback may go on from a later epoch
	for ; l.Epoch < p.to; l.Epoch++ {
		if err = r.epoch(); err != nil {
			return unlessStop(err)
		}
	}
	return nil
}

// unlessStop drops the sentinels, which are not errors to the user.
func unlessStop(err error) error {
	if isStop(err) {
		return nil
	}
	return err
}

// runner is a fit under way.
type runner struct {
	l    *Learner
	p    plan
	ctx  context.Context
	rec  *Recorder
	show *progress
	avg  smoother
	walk *walk // through the training set
}

// epoch trains and validates once. It returns ErrStopFit where the fit is to end.
func (r *runner) epoch() error {
	l, began := r.l, time.Now()
	stop := r.p.hooks.call(beforeEpoch, l)
	if errors.Is(stop, ErrStopFit) || stop != nil && !isStop(stop) {
		return stop
	}
	l.Batch = 0
	if !errors.Is(stop, ErrStopEpoch) {
		stop = r.train()
	}
	if stop != nil && !isStop(stop) {
		return stop
	}
	r.rec.NBatches = append(r.rec.NBatches, l.Batch)
	if errors.Is(stop, ErrStopFit) && !r.p.validate {
		return stop
	}
	val, metrics := math.NaN(), []float64(nil)
	if err := l.handOver(); err != nil { // as fastai's validation goes on from training's state
		return err
	}
	if r.p.validate && l.validBatches() > 0 && !errors.Is(stop, ErrStopFit) {
		var err, end error
		if val, metrics, end, err = r.validation(); err != nil {
			return err
		}
		if errors.Is(end, ErrStopFit) {
			stop = end
		}
	}
	r.rec.ValLosses = append(r.rec.ValLosses, val)
	r.rec.Metrics = append(r.rec.Metrics, metrics)
	took := time.Since(began)
	r.rec.Times = append(r.rec.Times, took)
	r.rec.rows = append(r.rec.rows, r.row(val, metrics, took))
	r.show.row(r.rec.LastRow())
	if err := r.p.hooks.call(afterEpoch, l); err != nil && (!isStop(err) || errors.Is(err, ErrStopFit)) {
		return err
	}
	if errors.Is(stop, ErrStopFit) {
		return stop
	}
	return nil
}

// row formats an epoch for the table.
func (r *runner) row(val float64, metrics []float64, took time.Duration) []string {
	cells := []string{fmt.Sprint(r.l.Epoch), formatCell(r.l.SmoothLoss), missing}
	if metrics != nil {
		cells[2] = formatCell(val)
	}
	for k := range r.l.Metrics {
		if k < len(metrics) {
			cells = append(cells, formatCell(metrics[k]))
		} else {
			cells = append(cells, missing)
		}
	}
	return append(cells, formatTime(took))
}

// train goes once through the training set.
func (r *runner) train() error {
	l := r.l
	l.Batch, l.Training = 0, true
	l.eng.ResetState()
	r.show.phase(l.TrainBatches())
	// Dropout and data draw from streams of the seed and the epoch: a fit that goes on from a checkpoint
	// sees the numbers of one that never stopped.
	l.stream = data.CurrentSeed() + uint64(l.seen)*0x9e3779b97f4a7c15
	l.eng.Seed(l.stream)
	defer func() { l.seen++ }()
	r.walk = walkOf(r.ctx, rawFeed(l.trainFeed()), l.seen)
	defer r.walk.stop()
	for {
		b, err, ok := r.walk.take()
		if !ok {
			break
		}
		if err != nil {
			return r.failed(err)
		}
		seen := r.p.hooks.seeInput()
		if err := l.take(b, seen); err != nil {
			return r.failed(err)
		}
		switch err := r.batch(); {
		case errors.Is(err, ErrStopBatch):
		case err != nil:
			return r.failed(err)
		case !seen: // nobody can have kept it
			b.Recycle()
		}
		r.show.step(fmt.Sprintf("%.4f", l.SmoothLoss))
		l.Batch++
		l.Iteration++
		if r.ctx.Err() != nil {
			return r.failed(r.ctx.Err())
		}
	}
	return r.failed(r.ctx.Err())
}

// failed turns the end of the context into ErrInterrupted.
func (r *runner) failed(err error) error {
	if err != nil && (r.ctx.Err() != nil || errors.Is(err, context.Canceled)) {
		return cell.ErrInterrupted
	}
	return err
}

// batch trains on Input and Target.
func (r *runner) batch() error {
	l, h := r.l, r.p.sched(r.p.offset+r.l.Iteration)
	scaled := make([]float64, len(h.lr)) // the schedule may hand out the same slice again
	if err := r.p.hooks.call(beforeBatch, l); err != nil {
		return err
	}
	for g := range h.lr {
		scaled[g] = h.lr[g] * l.LRScale
	}
	h.lr = scaled
	if err := r.finite(h); err != nil {
		return err
	}
	r.rec.LRs = append(r.rec.LRs, h.lr[len(h.lr)-1])
	r.rec.Moms = append(r.rec.Moms, h.mom)
	began := time.Now()
	res, err := l.trainOn(r.ctx)
	if err != nil {
		return err
	}
	r.ahead(res)
	if err := l.read(r.ctx, res, r.p.hooks.seeOutput()); err != nil {
		return err
	}
	if (isNaN(l.BatchLoss) || math.IsInf(l.BatchLoss, 0)) && !r.p.nanOK {
		r.record()
		err := fmt.Errorf("fastnb: %s: epoch %d, batch %d of %d: the loss is %v; the batch's step was not taken (try learning rates below %.2g, or gradient clipping; LRFind shows where the loss grows)",
			r.p.verb, l.Epoch, l.Batch+1, l.TrainBatches(), l.BatchLoss, h.lr[len(h.lr)-1])
		if what := l.ruined(); what != "" {
			err = fmt.Errorf("%w; %s, by steps before this one: what was learnt is lost (try Load of a checkpoint, %s, or a new learner)", err, what, l.saved())
		}
		return err
	}
	so := r.avg
	l.SmoothLoss = so.add(l.BatchLoss)
	err = r.p.hooks.call(afterLoss, l)
	r.record()
	if err != nil {
		return err
	}
	if err := r.step(h); err != nil {
		return err
	}
	l.took.add(time.Since(began))
	return r.p.hooks.call(afterBatch, l)
}

// record keeps the batch's loss, which AfterLoss may have replaced.
func (r *runner) record() {
	l := r.l
	l.SmoothLoss = r.avg.add(l.BatchLoss)
	r.rec.BatchLosses = append(r.rec.BatchLosses, l.BatchLoss)
	r.rec.Losses = append(r.rec.Losses, l.SmoothLoss)
}

// finite refuses hyper-parameters that would ruin every weight in one step.
func (r *runner) finite(h hypers) error {
	bad := func(what string, v float64) error {
		if isNaN(v) || math.Abs(v) > math.MaxFloat32 {
			return fmt.Errorf("fastnb: %s: %s is %v, which is no number to train with (nothing was changed)", r.p.verb, what, v)
		}
		return nil
	}
	for _, lr := range h.lr {
		if err := bad("the learning rate", lr); err != nil {
			return err
		}
		if lr > maxLR {
			return fmt.Errorf("fastnb: %s: the learning rate is %v: one step would ruin the weights (try one below 10; LRFind shows where the loss grows; nothing was changed)", r.p.verb, lr)
		}
	}
	wd := r.p.wd
	if h.wd != nil {
		wd = *h.wd
	}
	if err := errors.Join(bad("the momentum", h.mom), bad("the weight decay", wd)); err != nil {
		return err
	}
	if !(h.beta2 >= 0 && h.beta2 < 1) {
		return fmt.Errorf("fastnb: %s: beta2 is %v (try one from 0 to below 1; nothing was changed)", r.p.verb, h.beta2)
	}
	if h.mom < 0 || h.mom >= 1 {
		return fmt.Errorf("fastnb: %s: the momentum is %v (try one from 0 to below 1; nothing was changed)", r.p.verb, h.mom)
	}
	if wd > maxLR {
		return fmt.Errorf("fastnb: %s: the weight decay is %v: one step would ruin the weights (try one below 1; nothing was changed)", r.p.verb, wd)
	}
	return nil
}

// maxLR is far above what anybody trains with, and LRFind goes to.
const maxLR = 1e6

// hugeWeight is what no weight of a network that learnt something is.
const hugeWeight = 1e12

// ruined says what is wrong with weights that no training can go on from, or "".
func (l *Learner) ruined() string {
	state, err := l.eng.State()
	if err != nil {
		return ""
	}
	nans, huge := 0, 0
	for _, t := range state {
		for _, v := range t.Float32s() {
			switch x := float64(v); {
			case isNaN(x) || math.IsInf(x, 0):
				nans++
			case math.Abs(x) > hugeWeight:
				huge++
			}
		}
	}
	switch {
	case nans > 0:
		return fmt.Sprintf("%d weights are no numbers", nans)
	case huge > 0:
		return fmt.Sprintf("%d weights have become larger than %g", huge, float64(hugeWeight))
	}
	return ""
}

// read waits for a batch's loss and, where somebody looks at it, for the model's output.
func (l *Learner) read(ctx context.Context, res engine.Result, output bool) error {
	loss, err := res.Loss(ctx)
	if err != nil {
		return err
	}
	l.Output, l.BatchLoss = nil, float64(loss)
	if output {
		l.Output, err = res.Output(ctx)
	}
	return err
}

// step moves the parameters, unless a callback says not to or their gradients overflowed.
func (r *runner) step(h hypers) error {
	l := r.l
	l.Stepped = false
	if err := r.rescale(h.lr[len(h.lr)-1]); err != nil {
		return err
	}
	err := r.p.hooks.call(afterBackward, l)
	if err != nil && !errors.Is(err, ErrStopBatch) {
		return err
	}
	l.mom = h.mom
	if err == nil && !l.Overflow {
		hs := make([]engine.Hyper, len(h.lr))
		for g := range hs {
			hs[g] = engine.Hyper{LR: h.lr[g], Mom: h.mom, Beta2: orDefault(h.beta2, defaultBeta2), WD: r.p.wd}
			if h.wd != nil {
				hs[g].WD = *h.wd
			}
		}
		if err := l.eng.Step(hs); err != nil {
			return err
		}
		l.Stepped = true
	}
	return r.p.hooks.call(afterStep, l)
}

// validation gives the loss and the metrics of the validation set, NaN and nil if callbacks let no batch
// count, and what they stopped it with.
func (r *runner) validation() (val float64, metrics []float64, stop, err error) {
	l := r.l
	r.show.phase(l.validBatches())
	v, stop, err := l.evaluate(r.ctx, rawFeed(l.feedOf(data.Valid)).Run(r.ctx, l.seen), l.Metrics, r.p.hooks, func() { r.show.step("") })
	switch {
	case err != nil:
		return nan, nil, nil, r.failed(err)
	case v == nil:
		return nan, nil, stop, nil
	}
	return v[0], v[1:], stop, nil
}

// evaluate gives the mean loss and the metrics over a set of batches: the loss comes first. The list is nil if
// callbacks let no batch count. stop is the strongest of the sentinels that ended it early.
func (l *Learner) evaluate(ctx context.Context, set batches, metrics []Metric, h hooks, tick func()) (values []float64, stop, err error) {
	training := l.Training
	l.Training = false
	defer func() { l.Training = training }()
	e := &evaluation{l: l, hooks: h}
	for _, m := range metrics {
		e.states = append(e.states, m.start())
	}
	for b, err := range set {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = e.batch(ctx, b)
		}
		if err != nil && !isStop(err) {
			return nil, nil, err
		}
		tick()
		if err != nil && !errors.Is(err, ErrStopBatch) {
			stop = err
			break
		}
		if err != nil {
			e.stopped = true
		}
	}
	if e.n == 0 && stop == nil && !e.stopped && ctx.Err() == nil {
		return nil, nil, errors.New("fastnb: validation: no item of the set could be opened (Data.Skipped names them)")
	}
	return e.values(), stop, ctx.Err()
}

// evaluation is what was seen of a set.
type evaluation struct {
	l       *Learner
	hooks   hooks
	states  []*metricState
	sum     float64 // of the losses, weighted by rows
	n       int     // rows
	stopped bool    // a callback left a batch out
}

// batch evaluates one batch. A stop before AfterBatch leaves it out.
func (e *evaluation) batch(ctx context.Context, b *data.Batch) error {
	l := e.l
	if err := l.take(b, e.hooks.seeInput()); err != nil {
		return err
	}
	if err := e.hooks.call(beforeBatch, l); err != nil {
		return err
	}
	var err error
	if l.BatchLoss, l.Output, err = l.forward(ctx, l.batch(), len(e.states) > 0 || e.hooks.seeOutput()); err != nil {
		return err
	}
	if len(e.states) > 0 && len(l.Target) > 0 && l.Target[0].DType() == tensor.Uint8 { // metrics see class numbers
		l.Target = (&data.Batch{Y: l.Target}).Targets()
	}
	if err := e.hooks.call(afterLoss, l); err != nil {
		return err
	}
	rows := firstSize(l.Target)
	e.sum += l.BatchLoss * float64(rows)
	e.n += rows
	for _, s := range e.states {
		if err := s.add(l.Output, l.Target[0]); err != nil {
			return err
		}
	}
	err = e.hooks.call(afterBatch, l)
	if errors.Is(err, ErrStopBatch) { // nothing of it is left to skip
		return nil
	}
	return err
}

func (e *evaluation) values() []float64 {
	if e.n == 0 {
		return nil
	}
	v := []float64{e.sum / float64(e.n)}
	for _, s := range e.states {
		v = append(v, s.value())
	}
	return v
}

func firstSize(ts []*Tensor) int {
	if len(ts) == 0 || len(ts[0].Shape()) == 0 {
		return 1
	}
	return ts[0].Shape()[0]
}

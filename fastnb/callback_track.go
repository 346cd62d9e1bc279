package fastnb

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/fastnb/go/fastnb/internal/opt"
)

// TrackOption changes a callback that watches a column of the epoch table.
type TrackOption interface{ applyTrack(*tracker) }

type trackOption func(*tracker)

func (o trackOption) applyTrack(t *tracker) { o(t) }

// Monitor names the column watched, such as "valid_loss" (the default), "train_loss" or a metric.
func Monitor(name string) TrackOption {
	return tracking("Monitor", func(t *tracker) { t.monitor = name }, "EarlyStopping", "ReduceLROnPlateau", "SaveModel")
}

// Lower says whether lower is better: by default it is if the name contains "loss" or "error".
func Lower(better bool) TrackOption {
	return tracking("Lower", func(t *tracker) { t.lower = &better }, "EarlyStopping", "ReduceLROnPlateau", "SaveModel")
}

// MinDelta is the improvement that counts: 0 by default.
func MinDelta(d float64) TrackOption {
	return tracking("MinDelta", func(t *tracker) { t.delta = d }, "EarlyStopping", "ReduceLROnPlateau", "SaveModel")
}

// Patience is the number of epochs without improvement that are borne: 0 by default.
func Patience(n int) TrackOption {
	return tracking("Patience", func(t *tracker) { t.patience = n }, "EarlyStopping", "ReduceLROnPlateau")
}

// Factor multiplies the learning rates in ReduceLROnPlateau: 0.2 by default.
func Factor(f float64) TrackOption {
	return tracking("Factor", func(t *tracker) { t.factor = f }, "ReduceLROnPlateau")
}

// MinLR is the rate below which ReduceLROnPlateau leaves the last group's: 0.001 by default.
func MinLR(lr float64) TrackOption {
	return tracking("MinLR", func(t *tracker) { t.minLR = lr }, "ReduceLROnPlateau")
}

// EveryEpoch makes SaveModel save each epoch as name_<epoch>, not only improvements.
func EveryEpoch(on bool) TrackOption {
	return tracking("EveryEpoch", func(t *tracker) { t.every = on }, "SaveModel", everyEpoch)
}

// everyEpoch is a SaveModel that watches no column.
const everyEpoch = "SaveModel with EveryEpoch(true)"

// tracking makes an option that the named callbacks take.
func tracking(name string, f func(*tracker), takers ...string) TrackOption {
	return trackOption(func(t *tracker) { f(t); t.Note(name, takers...) })
}

// tracker watches a column.
type tracker struct {
	opt.Given

	call     string // the callback's
	monitor  string
	lower    *bool
	delta    float64
	patience int
	factor   float64
	minLR    float64
	every    bool

	best   float64
	wait   int
	warned bool
}

func newTracker(call string, o []TrackOption) *tracker {
	t := &tracker{call: call, monitor: "valid_loss", factor: .2, minLR: .001}
	for _, o := range o {
		o.applyTrack(t)
	}
	return t
}

func (t *tracker) isLower() bool {
	if t.lower != nil {
		return *t.lower
	}
	return strings.Contains(t.monitor, "loss") || strings.Contains(t.monitor, "error")
}

// reset begins a fit. A column that the table does not have is a mistake that shows at once.
func (t *tracker) reset(l *Learner) error {
	if err := t.usable(); err != nil {
		return err
	}
	t.best, t.wait, t.warned = math.Inf(-1), 0, false
	if t.isLower() {
		t.best = math.Inf(1)
	}
	columns := l.Recorder.Names[1 : len(l.Recorder.Names)-1]
	if !slices.Contains(columns, t.monitor) {
		return fmt.Errorf("no column %q to watch (there are %s)", t.monitor, strings.Join(columns, ", "))
	}
	return nil
}

// usable is the error of an option that has no effect on the callback. A callback cannot be refused as it is
// made, since it is made within the list of a fit's options.
func (t *tracker) usable() error {
	err := t.Refuse(t.call, t.call)
	if err != nil {
		err = unnamed{err}
	}
	return err
}

// value is the column's last value. Where the epoch has none, a line says so once: it is neither better nor
// worse.
func (t *tracker) value(l *Learner) (v float64, ok bool) {
	v, ok = l.Recorder.Monitored(t.monitor)
	if !ok && !t.warned {
		t.warned = true
		l.say("Epoch %d has no value of %s to watch.", l.Epoch, t.monitor)
	}
	return v, ok
}

// improved says whether v is better than the best by more than delta, and keeps it if so.
func (t *tracker) improved(v float64) bool {
	if t.isLower() && v < t.best-t.delta || !t.isLower() && v > t.best+t.delta {
		t.best, t.wait = v, 0
		return true
	}
	t.wait++
	return false
}

// EarlyStopping ends the fit when the watched column has not improved for more than Patience epochs; epochs
// without a value, as where there is no validation set, do not count.
// Options: Monitor, Lower, MinDelta, Patience.
func EarlyStopping(o ...TrackOption) Callback {
	t := newTracker("EarlyStopping", o)
	return Callback{Name: "EarlyStopping", NotInLRFind: true, Blind: true, BeforeFit: t.reset, AfterEpoch: func(l *Learner) error {
		if v, ok := t.value(l); !ok || t.improved(v) || t.wait <= t.patience {
			return nil
		}
		l.say("Epoch %d: early stopping", l.Epoch)
		return ErrStopFit
	}}
}

// SaveModel saves the learner as name when the watched column improves, and loads the best back when
// the fit ends; with EveryEpoch(true) it saves name_<epoch> after each, and a fit that starts at a later
// epoch first loads what the epoch before left. Options: Monitor, Lower, MinDelta, EveryEpoch.
func SaveModel(name string, o ...TrackOption) Callback {
	t := newTracker("SaveModel", o)
	if t.every {
		t.call = everyEpoch
	}
	saved := false
	return Callback{
		Name: "SaveModel", Order: 10, NotInLRFind: true, Blind: true,
		BeforeFit: func(l *Learner) error {
			saved = false
			if err := t.usable(); err != nil {
				return err
			}
			if t.every && l.Epoch > 0 { // the fit goes on from a later epoch
				if last := fmt.Sprintf("%s_%d", name, l.Epoch-1); l.ModelFile(last).Exists() {
					l.say("Loaded %s.", last)
					return l.Load(last)
				}
			}
			return t.reset(l)
		},
		AfterEpoch: func(l *Learner) error {
			if t.every {
				return l.Save(fmt.Sprintf("%s_%d", name, l.Epoch))
			}
			v, ok := t.value(l)
			if !ok || !t.improved(v) {
				return nil
			}
			l.say("Better model found at epoch %d with %s value: %v.", l.Epoch, t.monitor, v)
			saved = true
			return l.Save(name)
		},
		AfterFit: func(l *Learner) error {
			if !saved {
				return nil
			}
			saved = false // the next fit may end before it begins
			return l.Load(name)
		},
	}
}

// ReduceLROnPlateau multiplies all learning rates by Factor when the watched column has not improved
// for more than Patience epochs. Options: Monitor, Lower, MinDelta, Patience, Factor, MinLR.
func ReduceLROnPlateau(o ...TrackOption) Callback {
	t := newTracker("ReduceLROnPlateau", o)
	return Callback{Name: "ReduceLROnPlateau", NotInLRFind: true, Blind: true, BeforeFit: t.reset, AfterEpoch: func(l *Learner) error {
		if v, ok := t.value(l); !ok || t.improved(v) || t.wait <= t.patience {
			return nil
		}
		if lr := last(l.Recorder.LRs); lr > t.minLR {
			l.LRScale *= t.factor
			t.wait = 0
			l.say("Epoch %d: reducing lr to %v", l.Epoch, lr*t.factor)
		}
		return nil
	}}
}

// TerminateOnNaN ends the fit quietly at a loss that is not a number or infinite, where otherwise it
// ends with an error.
func TerminateOnNaN() Callback {
	return Callback{Name: "TerminateOnNaN", NotInLRFind: true, Blind: true, NaNOK: true, AfterLoss: func(l *Learner) error {
		if l.Training && (isNaN(l.BatchLoss) || math.IsInf(l.BatchLoss, 0)) {
			l.say("Epoch/Batch (%d/%d): Invalid loss, terminating training.", l.Epoch, l.Batch)
			return ErrStopFit
		}
		return nil
	}}
}

// StopAfterNBatches ends the fit after n training batches, for a quick try.
func StopAfterNBatches(n int) Callback {
	return Callback{Name: "StopAfterNBatches", NotInLRFind: true, Blind: true, AfterBatch: func(l *Learner) error {
		if l.Training && l.Iteration+1 >= n {
			return ErrStopFit
		}
		return nil
	}}
}

// say prints a line, unless the learner is silent.
func (l *Learner) say(format string, a ...any) {
	if !l.Silent {
		fmt.Printf(format+"\n", a...)
	}
}

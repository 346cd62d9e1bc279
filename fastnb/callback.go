package fastnb

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/fastnb/go/fastnb/data"
)

// A callback's function returns one of these to cut the fit short without an error.
var (
	// ErrStopBatch skips the rest of the batch: after BeforeBatch its training, after AfterBackward
	// its optimizer step. In validation the batch does not count.
	ErrStopBatch = errors.New("stop batch")
	// ErrStopEpoch ends the epoch's training, or with BeforeEpoch leaves it out; validation follows. In validation it ends that: what was seen
	// before this batch counts (with AfterBatch, this batch too).
	ErrStopEpoch = errors.New("stop epoch")
	// ErrStopFit ends the fit: in the middle of an epoch at once, without validation; in validation as
	// ErrStopEpoch, and the fit ends with the epoch.
	ErrStopFit = errors.New("stop fit")
)

// Callback is called at the points of a fit whose functions are set. A function may read and change
// the learner's state (see [Learner]); an error ends the fit, but for the three above.
type Callback struct {
	// Name stands in error messages.
	Name string
	// Order decides who is called first, the lowest; of equal ones the first given.
	Order int
	// NotInLRFind leaves the callback out of LRFind: for those that write, save, stop or keep what they saw of
	// a fit. Others, such as those that change gradients, are called there as in any fit.
	NotInLRFind bool

	BeforeFit     func(*Learner) error // the recorder is new, nothing has run
	BeforeEpoch   func(*Learner) error
	BeforeBatch   func(*Learner) error // Input and Target are set and may be replaced; also in validation
	AfterLoss     func(*Learner) error // Output and BatchLoss are set, and may be replaced for table, recorder and metrics; also in validation
	AfterBackward func(*Learner) error // training: gradients are ready, the step is to come
	AfterStep     func(*Learner) error // training: parameters have moved, if Stepped
	AfterBatch    func(*Learner) error // also in validation
	AfterEpoch    func(*Learner) error // validation has run, the recorder has the row
	AfterFit      func(*Learner) error // always, also after an error or an interrupt

	// NaNOK lets a fit go on at a loss that is not a number or infinite, which otherwise ends it with an error: it
	// is this callback's affair.
	NaNOK bool
	// Blind says that the callback looks neither at what is in Input and Target, but for their number of rows, nor at
	// Output. If all of a fit are, inputs go to the device as they come from the files, outputs stay there, and the
	// learner's fields may hold the one in another form and not the other.
	Blind bool
	// Loader gives the batches that the fit trains on in the data's place, before BeforeFit; nil: the data's. Of
	// several the last one does.
	Loader func(*Learner) (*data.Loader, error)
}

// hooks are the callbacks of one fit, in order.
type hooks []Callback

func newHooks(cs ...[]Callback) hooks {
	var h hooks
	for _, c := range cs {
		h = append(h, c...)
	}
	sort.SliceStable(h, func(i, j int) bool { return h[i].Order < h[j].Order })
	return h
}

// inLRFind are the hooks that a search for learning rates calls.
func (h hooks) inLRFind() hooks {
	return slices.DeleteFunc(slices.Clone(h), func(c Callback) bool { return c.NotInLRFind })
}

// seeOutput reports whether a callback may look at the model's outputs.
func (h hooks) seeOutput() bool {
	return slices.ContainsFunc(h, func(c Callback) bool {
		return !c.Blind && (c.AfterLoss != nil || c.AfterBackward != nil || c.AfterStep != nil || c.AfterBatch != nil || c.AfterEpoch != nil || c.AfterFit != nil)
	})
}

// seeInput reports whether a callback may look at what the model is fed with.
func (h hooks) seeInput() bool {
	return h.seeOutput() || slices.ContainsFunc(h, func(c Callback) bool { return !c.Blind && c.BeforeBatch != nil })
}

// event picks one of a callback's functions.
type event struct {
	name string
	of   func(*Callback) func(*Learner) error
}

var (
	beforeFit     = event{"BeforeFit", func(c *Callback) func(*Learner) error { return c.BeforeFit }}
	beforeEpoch   = event{"BeforeEpoch", func(c *Callback) func(*Learner) error { return c.BeforeEpoch }}
	beforeBatch   = event{"BeforeBatch", func(c *Callback) func(*Learner) error { return c.BeforeBatch }}
	afterLoss     = event{"AfterLoss", func(c *Callback) func(*Learner) error { return c.AfterLoss }}
	afterBackward = event{"AfterBackward", func(c *Callback) func(*Learner) error { return c.AfterBackward }}
	afterStep     = event{"AfterStep", func(c *Callback) func(*Learner) error { return c.AfterStep }}
	afterBatch    = event{"AfterBatch", func(c *Callback) func(*Learner) error { return c.AfterBatch }}
	afterEpoch    = event{"AfterEpoch", func(c *Callback) func(*Learner) error { return c.AfterEpoch }}
	afterFit      = event{"AfterFit", func(c *Callback) func(*Learner) error { return c.AfterFit }}
)

// call runs e of every callback. All are called even if one says stop, so that none loses a batch;
// a real error ends the round.
func (h hooks) call(e event, l *Learner) (stop error) {
	for k := range h {
		f := e.of(&h[k])
		if f == nil {
			continue
		}
		switch err := guard(f, l); {
		case err == nil:
		case isStop(err):
			stop = strongerStop(stop, err)
		default:
			return fmt.Errorf("fastnb: callback: %s: %s: %w", nameOr(h[k].Name, k), e.name, err)
		}
	}
	return stop
}

// guard turns a panic of the user's function into an error.
func guard(f func(*Learner) error, l *Learner) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f(l)
}

func isStop(err error) bool {
	return errors.Is(err, ErrStopBatch) || errors.Is(err, ErrStopEpoch) || errors.Is(err, ErrStopFit)
}

// strongerStop is the one of two sentinels that stops more.
func strongerStop(a, b error) error {
	for _, s := range []error{ErrStopFit, ErrStopEpoch, ErrStopBatch} {
		if errors.Is(a, s) || errors.Is(b, s) {
			return s
		}
	}
	return nil
}

func nameOr(name string, k int) string {
	if name == "" {
		return fmt.Sprintf("number %d", k+1)
	}
	return name
}

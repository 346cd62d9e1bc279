package fastnb

import (
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/internal/opt"
	"github.com/fastnb/go/fastnb/nn"
)

// defaultOneCycle is fastai's one-cycle policy.
var defaultOneCycle = oneCycleConfig{momHi: .95, momLo: .85, div: 25, pctStart: .3}

// LearnerOption changes how a learner is made. Packages above implement it for their own options by
// adding to LearnerConfig.Extra.
type LearnerOption interface{ ApplyLearner(*LearnerConfig) }

type learnerOption func(*LearnerConfig)

// ApplyLearner makes the change.
func (o learnerOption) ApplyLearner(c *LearnerConfig) { o(c) }

// Metrics are computed on the validation set after each epoch, a column of the table each.
func Metrics(m ...Metric) LearnerOption {
	return learnerOption(func(c *LearnerConfig) { c.Metrics = append(c.Metrics, m...) })
}

// LossFunc replaces the loss that the data's labels suggest.
func LossFunc(f nn.Loss) LearnerOption { return learnerOption(func(c *LearnerConfig) { c.Loss = &f }) }

// OptFunc names the optimizer: "adam" (0.9, 0.99), "sgd" or "rmsprop".
func OptFunc(name string) LearnerOption {
	return learnerOption(func(c *LearnerConfig) { c.Optimizer = name })
}

// TrainBN says whether batch norm trains in frozen layer groups: true by default.
func TrainBN(on bool) LearnerOption { return learnerOption(func(c *LearnerConfig) { c.TrainBN = on }) }

// BNWD says whether weight decay touches batch norm and biases: true by default.
func BNWD(on bool) LearnerOption { return learnerOption(func(c *LearnerConfig) { c.BNWD = on }) }

// TrueWD says whether weights decay apart from the gradient (AdamW) or by way of it (L2): true by
// default.
func TrueWD(on bool) LearnerOption { return learnerOption(func(c *LearnerConfig) { c.TrueWD = on }) }

// ModelPath is the folder that holds ModelDir and exports, instead of the data's.
func ModelPath(p datasets.Path) LearnerOption {
	return learnerOption(func(c *LearnerConfig) { c.Path = &p })
}

// ModelDir is the folder of checkpoints under the learner's path: "models" by default.
func ModelDir(name string) LearnerOption {
	return learnerOption(func(c *LearnerConfig) { c.ModelDir = name })
}

// Silent makes fits show nothing.
func Silent(on bool) LearnerOption { return learnerOption(func(c *LearnerConfig) { c.Silent = on }) }

// OnDevice names the device instead of FASTNB_DEVICE or the best one: "cpu", "cuda", "cuda:1" for the second card,
// "opencl", or one that a package registered with device.Register.
func OnDevice(name string) LearnerOption {
	return learnerOption(func(c *LearnerConfig) { c.Device = name })
}

// FitOption changes one fit.
type FitOption interface{ applyFit(*fitConfig) }

type fitOption func(*fitConfig)

func (o fitOption) applyFit(c *fitConfig) { o(c) }

// fitConfig collects FitOptions; fields that an option does not set keep their defaults.
type fitConfig struct {
	oneCycleConfig
	wd        *float64
	callbacks []Callback
	start     int // first epoch
	total     int // epochs of the whole schedule, 0: those of the call
	numIt     int
	startLR   LRs
	endLR     LRs
	stopDiv   bool
	phases    []TrainingPhase
	startPct  float64
	cycle     cyclicalConfig
	opt.Given
}

// only marks an option as one that only the named fits take.
func only(option string, f func(*fitConfig), takers ...string) FitOption {
	return fitOption(func(c *fitConfig) { f(c); c.Note(option, takers...) })
}

// oneCycle marks an option as one of FitOneCycle's.
func oneCycle(name string, f func(*fitConfig)) FitOption { return only(name, f, "FitOneCycle") }

// find marks an option as one of LRFind's.
func find(name string, f func(*fitConfig)) FitOption { return only(name, f, "LRFind") }

// Moms are the momenta of FitOneCycle at its ends and at its peak, of FitFC's two parts, and
// of FitCyclical at the lowest and the highest rate: 0.95, 0.85 by default.
func Moms(hi, lo float64) FitOption {
	return only("Moms", func(c *fitConfig) { c.momHi, c.momLo = hi, lo }, "FitOneCycle", "FitFC", "FitCyclical")
}

// DivFactor divides FitOneCycle's top learning rate to give the first: 25 by default.
func DivFactor(x float64) FitOption {
	return oneCycle("DivFactor", func(c *fitConfig) { c.div = x })
}

// FinalDiv divides FitOneCycle's top learning rate to give the last: DivFactor * 10000 by default.
func FinalDiv(x float64) FitOption {
	return oneCycle("FinalDiv", func(c *fitConfig) { c.finalDiv = x })
}

// PctStart is the part of FitOneCycle's batches in which the learning rate rises: 0.3 by default.
func PctStart(x float64) FitOption {
	return oneCycle("PctStart", func(c *fitConfig) { c.pctStart = x })
}

// StartEpoch has FitOneCycle go on with a schedule at this epoch, as after a break.
func StartEpoch(n int) FitOption {
	return oneCycle("StartEpoch", func(c *fitConfig) { c.start = n })
}

// TotEpochs computes FitOneCycle's schedule for so many epochs, of which the call runs a part.
func TotEpochs(n int) FitOption {
	return oneCycle("TotEpochs", func(c *fitConfig) { c.total = n })
}

// NumIt is the number of batches LRFind tries: 100 by default.
func NumIt(n int) FitOption { return find("NumIt", func(c *fitConfig) { c.numIt = n }) }

// StartLR is the first learning rate of LRFind: 1e-7 by default.
func StartLR(x float64) FitOption { return find("StartLR", func(c *fitConfig) { c.startLR = LR(x) }) }

// EndLR is the last learning rate of LRFind: 10 by default.
func EndLR(x float64) FitOption { return find("EndLR", func(c *fitConfig) { c.endLR = LR(x) }) }

// StopDiv says whether LRFind stops when the loss has grown fourfold: true by default.
func StopDiv(on bool) FitOption { return find("StopDiv", func(c *fitConfig) { c.stopDiv = on }) }

// WDOption is weight decay, of a learner or of one fit.
type WDOption interface {
	LearnerOption
	FitOption
}

type wdOption float64

// ApplyLearner sets the learner's weight decay.
func (o wdOption) ApplyLearner(c *LearnerConfig) { c.WD = float64(o) }

func (o wdOption) applyFit(c *fitConfig) { wd := float64(o); c.wd = &wd }

// WD is the weight decay: 0.01 by default.
func WD(x float64) WDOption { return wdOption(x) }

// CallbackOption are callbacks, of a learner's every fit or of one.
type CallbackOption interface {
	LearnerOption
	FitOption
}

type callbackOption []Callback

// ApplyLearner adds callbacks to every fit of the learner.
func (o callbackOption) ApplyLearner(c *LearnerConfig) { c.Callbacks = append(c.Callbacks, o...) }

func (o callbackOption) applyFit(c *fitConfig) { c.callbacks = append(c.callbacks, o...) }

// Callbacks adds callbacks.
func Callbacks(c ...Callback) CallbackOption { return callbackOption(c) }

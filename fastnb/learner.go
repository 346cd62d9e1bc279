package fastnb

import (
	"context"
	"fmt"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
	_ "github.com/fastnb/go/fastnb/device/cpu" // the device that every machine has
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// Learner is a model with the data it learns from: what a notebook trains, saves and asks.
//
// The fields of the second block are the state of a running fit, for callbacks.
type Learner struct {
	Data      *data.DataBunch
	Model     *Model    // the network: what prints as PyTorch prints it, and any goroutine may ask
	Recorder  *Recorder // of the last fit
	Metrics   []Metric
	Loss      nn.Loss
	WD        float64       // weight decay where a fit names none: 0.01
	Path      datasets.Path // checkpoints go into Path/ModelDir
	ModelDir  string        // "models"
	Callbacks []Callback    // of every fit
	Silent    bool          // show no table

	Epoch      int       // from 0
	Epochs     int       // the epoch at which the fit ends
	Iteration  int       // training batches since the fit began
	Batch      int       // batch of the epoch, from 0
	Training   bool      // false in validation
	LRScale    float64   // multiplies the schedule's learning rates; 1 when a fit begins
	Input      []*Tensor // the batch, [N, ...] each; where no callback looks, pictures may be bytes or not normalised, and classes of pixels bytes
	Target     []*Tensor
	Output     *Tensor // of the model, before the activation; nil in batches where no callback and no metric looks
	BatchLoss  float64
	SmoothLoss float64 // bias-corrected moving average of the training loss, 0.98
	Overflow   bool    // the training batch's gradients are no numbers or too large: there will be no step. AfterBackward may change it
	Stepped    bool    // the optimizer has made the training batch's step
	FitErr     error   // for AfterFit: why the fit broke off; nil where it came to its end or a callback stopped it

	spec   *ArchSpec
	groups [][]*nn.Param
	eng    trainer
	asks   *dialogue            // what the learner evaluates, batch by batch
	feeds  map[data.DSType]feed // nil: the data's
	fed    feed                 // the training batches of the fit under way, where a callback makes them; else nil
	norm   device.Normalize     // how the device is to normalise Input
	mom    float64              // of the last step
	frozen int                  // the first layer group that trains
	scale  *lossScale           // nil: none, 1
	seen   int64                // training epochs begun since the learner was made: the random streams
	stream uint64               // of dropout in the last of them
	took   durations
	cfg    LearnerConfig
}

// trainer is what a learner asks of its engine, which trains; what evaluates is the Model's. Tests put a scripted one
// in its place.
type trainer interface {
	Train(ctx context.Context, b engine.Batch) (engine.Result, error)
	Ahead(b engine.Batch, behind engine.Result) bool
	Step(h []engine.Hyper) error
	SetTrainable(fn func(*nn.Param) bool) error
	ClipGrads(max float64) (norm float64, err error)
	ScaleGrads(factor float64) error
	SetLossScale(scale float64) error
	GradsOverflow() (bool, error)
	SetActivations(kind tensor.DType) error
	Activations() tensor.DType
	Memory() (programs, params int64)
	State() (map[string]*Tensor, error)
	LoadState(state map[string]*Tensor, strict bool) error
	OptState() (map[string]*Tensor, error)
	LoadOptState(state map[string]*Tensor) error
	ZeroOptimizer()
	HasOptimizer() bool
	Seed(seed uint64)
	AddGrads(weight float64) error
	TakeGrads() error
	DropGrads()
	FreezeNorm(on bool)
	Watch(layers []string) error
	Watched() ([]*Tensor, error)
	Prepare(x, y []engine.Spec, norm device.Normalize) error
	ResetState()
	PutAside() (*engine.Carried, error)
	Info() device.Info
	Wait(ctx context.Context) error
	DropPrograms()
	Purge()
	Close()
}

// LearnerConfig is what the options of a learner say. Its fields are for packages that make learners
// of their own kind, as vision does.
type LearnerConfig struct {
	Metrics   []Metric
	Loss      *nn.Loss // nil: the data's
	WD        float64
	TrainBN   bool // batch norm trains in frozen groups
	BNWD      bool // weight decay also for batch norm and biases
	TrueWD    bool // decay apart from the gradient
	Optimizer string
	Callbacks []Callback
	Path      *datasets.Path
	ModelDir  string
	Silent    bool
	Device    string
	Extra     []fmt.Stringer // options of packages above, for them to take out
}

// NewLearner makes a learner of data and a model. The Model of another learner is shared: it goes on where it is, and
// both train the same weights, each with an optimizer of its own. groups are the model's layer groups, first layers
// first, each the list of its parameters; nil makes one group of all. Options: Metrics, LossFunc, WD
// (0.01), OptFunc ("adam"), TrainBN (true), BNWD (true), TrueWD (true), Callbacks, ModelPath,
// ModelDir ("models"), Silent, OnDevice.
func NewLearner(d *data.DataBunch, model nn.Layer, groups [][]*nn.Param, o ...LearnerOption) (*Learner, error) {
	return NewConfigured(d, model, groups, nil, Configure(o...))
}

// Configure is the configuration that options make, defaults filled in.
func Configure(o ...LearnerOption) LearnerConfig {
	c := LearnerConfig{WD: 1e-2, TrainBN: true, BNWD: true, TrueWD: true, Optimizer: "adam", ModelDir: "models"}
	for _, o := range o {
		o.ApplyLearner(&c)
	}
	return c
}

// NewConfigured is NewLearner for packages that have read the options already. spec says how to build
// the model again, for Export; nil where nobody could.
func NewConfigured(d *data.DataBunch, model nn.Layer, groups [][]*nn.Param, spec *ArchSpec, c LearnerConfig) (*Learner, error) {
	switch {
	case d == nil || model == nil:
		return nil, fmt.Errorf("fastnb: learner: no data or no model given")
	case len(c.Extra) > 0:
		return nil, fmt.Errorf("fastnb: learner: option %s has no effect on this kind of learner (try it with the learners that name it among their options)", c.Extra[0])
	}
	if m, ok := model.(*Model); ok && spec == nil {
		spec = m.spec
	}
	model = network(model)
	for _, m := range c.Metrics {
		if m.err != nil {
			return nil, m.err
		}
	}
	metrics, err := columns(c.Metrics, d.Classes)
	if err != nil {
		return nil, err
	}
	c.Metrics = metrics
	l := &Learner{
		Data: d, Metrics: c.Metrics, Loss: d.Loss, WD: c.WD, Path: d.Path, ModelDir: c.ModelDir,
		Callbacks: c.Callbacks, Silent: c.Silent, Recorder: newRecorder(c.Metrics), spec: spec, cfg: c, mom: defaultMom,
	}
	if c.Loss != nil {
		l.Loss = *c.Loss
	}
	if c.Path != nil {
		l.Path = *c.Path
	}
	if groups == nil {
		groups = [][]*nn.Param{nn.AllParams(model)}
	}
	l.groups = groups
	dev, err := deviceFor(model, c.Device)
	if err != nil {
		return nil, because("learner", err)
	}
	l.announce(dev)
	eng, err := engine.New(dev, model, l.Loss, groups, optim.Config{Kind: c.Optimizer, TrueWD: c.TrueWD, BNWD: c.BNWD})
	if err != nil {
		return nil, because("learner", err)
	}
	l.eng, l.Model, l.asks = eng, newModel(model, d, l.Loss, spec), &dialogue{}
	return l, nil
}

// deviceFor is the device of a network that is on one already, or the one of this name.
func deviceFor(net nn.Layer, name string) (device.Device, error) {
	dev := engine.HomeOf(net)
	if dev == nil {
		return device.Open(name)
	}
	if have := dev.Info().Name; name != "" && name != "auto" && !strings.HasPrefix(have, name) {
		return nil, fmt.Errorf("the model is on device %s, where a learner has it, and cannot be on %s (try the same, or Save and Load)", have, name)
	}
	return dev, nil
}

// LayerGroups is the number of layer groups: learning rates and freezing go by them.
func (l *Learner) LayerGroups() int { return len(l.groups) }

// Freeze lets only the last layer group train (and batch norm everywhere, unless TrainBN(false)). The
// optimizer starts anew.
func (l *Learner) Freeze() error {
	if l.eng != nil && len(l.groups) < 2 {
		return fmt.Errorf("fastnb: freeze: the model has one layer group; nothing would be left to freeze")
	}
	return l.FreezeTo(-1)
}

// Unfreeze lets every layer group train. The optimizer starts anew.
func (l *Learner) Unfreeze() error { return l.FreezeTo(0) }

// FreezeTo lets layer groups from n on train, those before it not; a negative n counts from the end.
// Batch norm layers train in frozen groups too, unless TrainBN(false), and their running statistics
// move in any case. The optimizer starts anew.
func (l *Learner) FreezeTo(n int) error {
	if err := l.alive("freeze"); err != nil {
		return err
	}
	if n < 0 {
		n += len(l.groups)
	}
	if n < 0 || n >= len(l.groups) {
		return fmt.Errorf("fastnb: freeze: group %d of %d", n, len(l.groups))
	}
	l.frozen = n
	l.Model.begin(l.asks, nil)
	trains := l.trains()
	return l.eng.SetTrainable(func(p *nn.Param) bool { return trains[p] })
}

// trains says which parameters train.
func (l *Learner) trains() map[*nn.Param]bool {
	trains := map[*nn.Param]bool{}
	for g, ps := range l.groups {
		for _, p := range ps {
			norm := p.Kind == nn.NormWeight || p.Kind == nn.NormBias
			trains[p] = p.Kind.Trainable() && (trains[p] || g >= l.frozen || norm && l.cfg.TrainBN)
		}
	}
	return trains
}

// SetData gives the learner other data, such as the same items at another size; model, optimizer and
// layer groups stay.
func (l *Learner) SetData(d *data.DataBunch) error {
	if d == nil {
		return fmt.Errorf("fastnb: set data: no data given")
	}
	if l.Data != nil && l.Data.C != d.C && d.C != 0 {
		return fmt.Errorf("fastnb: set data: the model has %d outputs, the data %d classes", l.Data.C, d.C)
	}
	l.Data = d
	if l.Model != nil {
		l.Model.setData(d)
	}
	return nil
}

// String is a short description.
func (l *Learner) String() string {
	n, t := 0, 0
	trains := l.trains()
	for _, ps := range l.groups {
		for _, p := range ps {
			if k := tensor.Count(p.Shape); p.Kind.Trainable() {
				n += k
				if trains[p] {
					t += k
				}
			}
		}
	}
	return fmt.Sprintf("Learner: %d parameters in %d layer groups, %d trainable; loss %s", n, len(l.groups), t, l.Loss.Name)
}

// Spec says how the model can be built again, as an export keeps it; nil where nobody could.
func (l *Learner) Spec() *ArchSpec { return l.spec }

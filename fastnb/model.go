package fastnb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
)

// Model is a network with its weights on a device, and what is to be known to predict with it: how items are
// opened and transformed, and how its outputs are read. It is what a [Learner] trains, as learn.Model, and what
// an export holds ([LoadModel]).
//
// Any number of goroutines may ask a Model, while a learner trains it too. It is a layer, so that it can be given
// to NewLearner: that learner goes on where the first one is, and both train the same weights.
type Model struct {
	nn.Layer

	spec  *ArchSpec
	line  *line
	talk  chan struct{} // held while a sequence of batches carries a state
	mu    sync.Mutex    // of what follows
	about recipe
	eng   predictor    // of the model's own, nil until it is asked first
	turn  *dialogue    // whose state the engine has; nil: nobody's
	act   tensor.DType // how activations are kept, as engine.SetActivations takes it
	gone  bool

	examples []Example // that the export carries
	ruined   string    // what is wrong with the weights of the file
}

// recipe is how a model is asked: the way to its inputs and back from its outputs.
type recipe struct {
	data *data.DataBunch
	loss nn.Loss
}

// predictor is what a model asks of the engine.
type predictor interface {
	Hold() (release func())
	Forward(ctx context.Context, b engine.Batch) (engine.Result, error)
	Inspect(ctx context.Context, x *Tensor, layer string, weights *Tensor) (*engine.Activation, error)
	LayerShapes(x *Tensor) ([]engine.LayerShape, error)
	EvalWithDropout(ctx context.Context, x *Tensor, times int, seed uint64) ([]*Tensor, error)
	State() (map[string]*Tensor, error)
	Memory() (programs, params int64)
	SetActivations(kind tensor.DType) error
	ResetState()
	SelectState(rows []int) error
	PutAside() (*engine.Carried, error)
	TakeUp(c *engine.Carried) error
	DropPrograms()
	Purge()
	Close()
}

func newModel(net nn.Layer, d *data.DataBunch, loss nn.Loss, spec *ArchSpec) *Model {
	return &Model{Layer: net, about: recipe{d, loss}, spec: spec, line: newLine(), talk: make(chan struct{}, 1)}
}

// network is the layer itself of what may be a Model.
func network(l nn.Layer) nn.Layer {
	if m, ok := l.(*Model); ok {
		return m.Layer
	}
	return l
}

// LoadModel reads what Export wrote, for prediction alone: path is the file, or its folder. Options: File, and With
// the learner's options OnDevice and LossFunc; others have no effect on a model, which is an error.
func LoadModel(path datasets.Path, o ...LoadOption) (*Model, error) {
	c := loadConfig{file: exportFile}
	for _, o := range o {
		o.applyLoad(&c)
	}
	if idle := c.idleInModel(); idle != "" {
		return nil, fmt.Errorf("fastnb: load model: %s: option %s has no effect on a model, which only predicts (try LoadLearner)", path, idle)
	}
	file, dir, all, meta, err := c.read("load model", path)
	if err != nil {
		return nil, err
	}
	return c.model("load model: "+file.String(), dir, all, meta)
}

// LoadModelFrom is LoadModel of an export that is at hand; name is for messages.
func LoadModelFrom(name string, export []byte) (*Model, error) {
	all, m, err := safetensors.Decode(export)
	var meta checkpointMeta
	if err == nil {
		meta, err = readMeta(m)
	}
	if err != nil {
		return nil, because("load model: "+name, err)
	}
	return new(loadConfig).model("load model: "+name, datasets.NewPath("."), all, meta)
}

// model makes the model of what a file holds, with its weights on a device.
func (c *loadConfig) model(doing string, dir datasets.Path, all map[string]*Tensor, meta checkpointMeta) (*Model, error) {
	b, err := c.build(doing, dir, all, meta)
	if err != nil {
		return nil, err
	}
	loss := b.data.Loss
	if b.config.Loss != nil {
		loss = *b.config.Loss
	}
	m := newModel(b.net, b.data, loss, meta.Arch)
	m.examples, m.ruined = meta.Export.Examples, notNumbers(all)
	dev, err := deviceFor(b.net, b.config.Device)
	if err != nil {
		return nil, because(doing, err)
	}
	eng, err := m.engineOn(dev)
	if err != nil {
		return nil, because(doing, err)
	}
	if err := eng.LoadState(all, true); err != nil {
		m.Close()
		return nil, because(doing, err)
	}
	return m, nil
}

// idleInModel is the first option that a model does not look at, "" for none.
func (c *loadConfig) idleInModel() string {
	if c.test != nil {
		return "TestItems"
	}
	got, usual := Configure(c.opts...), Configure()
	for _, o := range []struct {
		name string
		idle bool
	}{
		{"Metrics", len(got.Metrics) > 0},
		{"Callbacks", len(got.Callbacks) > 0},
		{"ModelPath", got.Path != nil},
		{"ModelDir", got.ModelDir != usual.ModelDir},
		{"OptFunc", got.Optimizer != usual.Optimizer},
		{"WD", got.WD != usual.WD},
		{"TrainBN", got.TrainBN != usual.TrainBN},
		{"BNWD", got.BNWD != usual.BNWD},
		{"TrueWD", got.TrueWD != usual.TrueWD},
		{"Silent", got.Silent},
	} {
		if o.idle {
			return o.name
		}
	}
	if len(got.Extra) > 0 {
		return got.Extra[0].String()
	}
	return ""
}

// Close frees what the model has on its device; weights that a learner uses stay. It waits for the batch that is
// being computed. Who asks later gets an error.
func (m *Model) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone {
		return
	}
	m.gone = true
	if m.eng != nil {
		m.eng.Close()
	}
}

// setActivations is engine.SetActivations for the model's own engine.
func (m *Model) setActivations(kind tensor.DType) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.act = kind
	if m.eng != nil {
		return m.eng.SetActivations(kind)
	}
	return nil
}

// Ruined says of a model that was read from a file which of its weights are no numbers, after a training that went
// wrong; "" if all are. Its answers are worth nothing then.
func (m *Model) Ruined() string { return m.ruined }

// String is the network as PyTorch prints one.
func (m *Model) String() string { return nn.Describe(m.Layer) }

// Data is how the model's items are opened, transformed and decoded: a DataBunch that may have no items.
func (m *Model) Data() *data.DataBunch { return m.recipe().data }

// Arch says how the network can be built again: its kind, such as "cnn", and name; nil where nobody could.
func (m *Model) Arch() *ArchSpec { return m.spec }

// Loss is what the model was trained with; its Activation turns outputs into predictions.
func (m *Model) Loss() nn.Loss { return m.recipe().loss }

func (m *Model) recipe() recipe {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.about
}

// setData changes what items are opened and decoded by.
func (m *Model) setData(d *data.DataBunch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.about.data = d
}

// Predict tells what the model says about items, each an opened one such as a picture, or a path (or a string)
// that names one; of text models a string is the text itself. They go through the transforms of the validation
// set. Items of several callers are computed together where they come at the same time; the answers do not
// depend on that. Where ctx ends first the error is ctx's.
func (m *Model) Predict(ctx context.Context, items ...any) ([]Prediction, error) {
	return m.PredictWith(ctx, items)
}

// PredictWith is Predict with options: Thresh (0.5).
func (m *Model) PredictWith(ctx context.Context, items []any, o ...PredictOption) ([]Prediction, error) {
	ps, err := m.ask(ctx, m.recipe(), items, predictCfg(o))
	return ps, because("predict", err)
}

// ask predicts by a recipe.
func (m *Model) ask(ctx context.Context, r recipe, items []any, c PredictConfig) ([]Prediction, error) {
	if err := c.Refuse("predict", r.labels()); err != nil {
		return nil, err
	}
	if _, ok := r.data.LabelKind().(data.Batcher); ok {
		return nil, errors.New("a language model has no answer to one item (try text.Generate, or Predict of a LanguageLearner)")
	}
	jobs := make([]*job, len(items))
	for i, item := range items {
		x, err := r.open(item)
		if err == nil {
			x, err = r.data.PrepareItem(x)
		}
		if err != nil {
			if len(items) > 1 {
				err = fmt.Errorf("item %d: %w", i, err)
			}
			return nil, err
		}
		jobs[i] = newJob(ctx, r, x)
	}
	if err := m.line.wait(ctx, jobs, m.compute); err != nil {
		return nil, err
	}
	ps := make([]Prediction, len(jobs))
	for i, j := range jobs {
		var err error
		if ps[i], err = r.decode(r.activate(j.out).At(0), c.Thresh); err != nil {
			return nil, err
		}
	}
	return ps, nil
}

// severalLabels are models that tell any number of labels for an item: a threshold says which.
const severalLabels = "models of several labels"

// labels is what the model tells, for options.
func (r recipe) labels() string {
	_, drawn := r.data.LabelKind().(data.DrawnLabel)
	if r.data.LabelKind().Name() == "multi_category" || r.loss.Activation == "sigmoid" && !drawn {
		return severalLabels
	}
	return "a model of one answer"
}

// compute runs jobs of one kind and shape as a batch of so many rows.
func (m *Model) compute(ctx context.Context, jobs []*job, rows int) error {
	items := make([]data.Item, rows)
	for i := range items {
		items[i] = jobs[min(i, len(jobs)-1)].x
	}
	b, err := jobs[0].recipe.data.CollateItems(items)
	if err != nil {
		return err
	}
	_, out, err := m.forward(ctx, nil, engine.Batch{X: b.X}, true)
	if err != nil {
		return err
	}
	if s := out.Shape(); len(s) == 0 || s[0] != rows {
		return fmt.Errorf("the model gives %v for %d items", out.Shape(), rows)
	}
	for i, j := range jobs {
		j.out = out.Slice(i, i+1)
	}
	return nil
}

// engine is the model's own; mu is held.
func (m *Model) engine() (predictor, error) {
	if m.gone {
		return nil, errors.New("the model was closed (try LoadModel or LoadLearner again)")
	}
	if m.eng == nil {
		dev := engine.HomeOf(m.Layer)
		if dev == nil {
			return nil, engine.ErrGone
		}
		if _, err := m.engineOn(dev); err != nil {
			return nil, err
		}
	}
	return m.eng, nil
}

// engineOn makes the model's own engine; mu is held, or nobody has the model yet.
func (m *Model) engineOn(dev device.Device) (*engine.Engine, error) {
	e, err := engine.New(dev, m.Layer, m.about.loss, nil, optim.Config{Kind: "adam"})
	if err != nil {
		return nil, err
	}
	if err := e.SetActivations(m.act); err != nil {
		e.Close()
		return nil, err
	}
	m.eng = e
	return e, nil
}

func (r recipe) open(item any) (data.Item, error) {
	switch v := item.(type) {
	case data.Item:
		return v, nil
	case datasets.Path:
		return r.openFile(v.String())
	case string:
		if k, ok := r.data.Kind().(data.TextOpener); ok {
			return k.OpenText(v)
		}
		return r.openFile(v)
	}
	return nil, fmt.Errorf("cannot use %T (try a path, or an opened item such as OpenImage gives)", item)
}

func (r recipe) openFile(name string) (data.Item, error) {
	x, err := r.data.Kind().Open(name)
	if err != nil && !strings.Contains(err.Error(), name) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return x, err
}

// activate turns raw outputs into predictions as the loss asks: sigmoid, softmax over the classes (axis 1 of
// pictures, else the last), or nothing.
func (r recipe) activate(out *Tensor) *Tensor { return activation(r.loss.Activation, out) }

func activation(name string, out *Tensor) *Tensor {
	switch name {
	case "sigmoid":
		return out.Sigmoid()
	case "softmax":
		return out.Softmax(device.ClassAxis(device.SpecOf(out)))
	}
	return out
}

// decode reads the activated outputs of one item.
func (r recipe) decode(row *Tensor, thresh float64) (Prediction, error) {
	p := Prediction{Index: -1, Probs: row.Float64s(), Output: row}
	if err := row.Err(); err != nil {
		return p, err
	}
	y, err := r.data.LabelKind().Decode(row, data.DecodeArgs{Thresh: &thresh})
	if err != nil {
		return p, err
	}
	p.Target, p.Class = y, y.String()
	switch {
	case r.loss.Activation == "softmax" && len(row.Shape()) == 1:
		p.Index = int(row.ArgMax(0).Item())
		p.Classes = []string{p.Class}
	case r.loss.Activation == "sigmoid" && len(row.Shape()) == 1:
		p.Classes = []string{}
		if m, ok := y.(data.MultiCategory); ok {
			p.Classes = m.Labels
			break
		}
		for k, v := range p.Probs { // a kind of label of somebody's own
			if v >= thresh {
				p.Classes = append(p.Classes, className(r.data.Classes, k))
			}
		}
	}
	return p, nil
}

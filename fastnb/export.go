package fastnb

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// exportFile is where Export writes by default.
const exportFile = "export.fastnb"

// exported is what an export holds beside weights.
type exported struct {
	Data    data.State `json:"data"`
	WD      float64    `json:"wd"`
	TrainBN bool       `json:"train_bn"`
	BNWD    bool       `json:"bn_wd"`
	TrueWD  bool       `json:"true_wd"`
	// Activation goes with the loss, whose name the metadata has: nil in exports of before.
	Activation *string `json:"activation,omitempty"`
	// Examples are inputs to try.
	Examples []Example `json:"examples,omitempty"`
}

// loss is the loss of an exported learner, nil where it is the data's. One of somebody's own is known by its
// name and its activation only: it predicts, but cannot train.
func (e *exported) loss(name string, d *data.DataBunch) *nn.Loss {
	if e.Activation == nil || name == d.Loss.Name && *e.Activation == d.Loss.Activation {
		return nil
	}
	for _, l := range []nn.Loss{nn.CrossEntropyFlat, nn.BCEWithLogitsFlat, nn.MSELossFlat} {
		if l.Name == name {
			return &l
		}
	}
	l := d.Loss
	l.Name, l.Activation = name, *e.Activation
	l.Build = func(b *graph.Builder, _, _ *graph.Node) *graph.Node {
		return b.Failf("the loss %s is not kept in an export (try LoadLearner with With(LossFunc(…)))", name)
	}
	l.Host = func(_, _ *Tensor) ([]float32, error) {
		return nil, fmt.Errorf("the loss %s is not kept in an export (try LoadLearner with With(LossFunc(…)))", name)
	}
	return &l
}

// ArchSpec says how to build a model again: the name of a builder that [RegisterArch] knows, and what
// to tell it.
type ArchSpec struct {
	Kind   string          `json:"kind"` // "cnn"
	Name   string          `json:"name"` // "resnet34", for messages
	Config json.RawMessage `json:"config"`
}

func (s *ArchSpec) name() string { return s.Kind + " " + s.Name }

// ArchBuilder builds a model and its layer groups for data with fresh weights.
type ArchBuilder func(config json.RawMessage, d *data.DataBunch) (nn.Layer, [][]*nn.Param, error)

var (
	archMu sync.Mutex
	archs  = map[string]ArchBuilder{}
)

// RegisterArch makes a kind of model known to LoadLearner. Packages that make learners call it in
// their init.
func RegisterArch(kind string, b ArchBuilder) {
	archMu.Lock()
	defer archMu.Unlock()
	archs[kind] = b
}

// Export writes all that prediction needs into one file, Path/export.fastnb or the name given:
// architecture, weights, classes, transforms and normalisation of the validation set. LoadLearner
// reads it.
func (l *Learner) Export(name ...string) error {
	return l.export(exportConfig{file: append(name, exportFile)[0]})
}

func (l *Learner) export(c exportConfig) error {
	file := l.Path.Join(c.file)
	if err := l.alive("export"); err != nil {
		return err
	}
	if l.spec == nil {
		return fmt.Errorf("fastnb: export: %s: it has no description to build it again from, as those of CNNLearner have unless with a CustomHead (try Save)", file)
	}
	state, err := l.Data.State()
	if err != nil {
		return because("export: "+file.String(), err)
	}
	all, err := l.Model.state()
	if err != nil {
		return because("export: "+file.String(), err)
	}
	meta := l.meta("export")
	meta.Export = &exported{Data: state, WD: l.WD, TrainBN: l.cfg.TrainBN, BNWD: l.cfg.BNWD, TrueWD: l.cfg.TrueWD, Activation: &l.Loss.Activation, Examples: c.examples}
	return l.writeModel("export", file, all, meta)
}

// LoadOption changes LoadLearner.
type LoadOption interface{ applyLoad(*loadConfig) }

type loadConfig struct {
	test  *data.ItemList
	file  string
	named bool // by File
	opts  []LearnerOption
}

type loadOption func(*loadConfig)

func (o loadOption) applyLoad(c *loadConfig) { o(c) }

// TestItems gives a loaded learner a test set: GetPreds(On(Test)) predicts it.
func TestItems(items *data.ItemList) LoadOption {
	return loadOption(func(c *loadConfig) { c.test = items })
}

// With passes options to the learner that is loaded, such as Metrics.
func With(o ...LearnerOption) LoadOption {
	return loadOption(func(c *loadConfig) { c.opts = append(c.opts, o...) })
}

// LoadLearner reads what Export wrote: path is the folder, or the file itself. The learner has no
// training and validation items; it predicts single items, and with TestItems a test set. Options:
// TestItems, File, With.
func LoadLearner(path datasets.Path, o ...LoadOption) (*Learner, error) {
	c := loadConfig{file: exportFile}
	for _, o := range o {
		o.applyLoad(&c)
	}
	file, dir, all, meta, err := c.read("load learner", path)
	if err != nil {
		return nil, err
	}
	b, err := c.build("load learner: "+file.String(), dir, all, meta)
	if err != nil {
		return nil, err
	}
	l, err := NewConfigured(b.data, b.net, b.groups, meta.Arch, b.config)
	if err != nil {
		return nil, err
	}
	if err := l.eng.LoadState(all, true); err != nil {
		l.Destroy()
		return nil, because("load learner: "+file.String(), err)
	}
	l.Model.examples = meta.Export.Examples
	l.tellUnsummed(meta, file)
	l.tellNaN("load learner: "+file.Name(), all)
	l.Model.ruined = notNumbers(all)
	return l, nil
}

// read reads an export; dir is the folder that its learner works in.
func (c *loadConfig) read(doing string, path datasets.Path) (file, dir datasets.Path, all map[string]*Tensor, meta checkpointMeta, err error) {
	file, dir = path, path.Parent()
	if path.Exists() && !path.IsDir() && c.named {
		return file, dir, nil, meta, fmt.Errorf("fastnb: %s: %s: option File has no effect on a path that is a file itself (try the folder %s)", doing, path, dir)
	}
	if !path.Exists() || path.IsDir() {
		file, dir = path.Join(c.file), path
	}
	if !file.Exists() && path.IsDir() && path.Join("export.pkl").Exists() && !c.named {
		file = path.Join("export.pkl")
	}
	if err := notPickle(doing, file); err != nil {
		return file, dir, nil, meta, err
	}
	all, meta, err = readModel(doing, file)
	return file, dir, all, meta, err
}

// built is what an export makes: a network whose parameters have their values, on no device yet.
type built struct {
	data   *data.DataBunch
	net    nn.Layer
	groups [][]*nn.Param
	config LearnerConfig
}

// build makes what a file holds; doing is for messages.
func (c *loadConfig) build(doing string, dir datasets.Path, all map[string]*Tensor, meta checkpointMeta) (built, error) {
	if meta.Export == nil || meta.Arch == nil {
		return built{}, fmt.Errorf("fastnb: %s: not an export (try learn.Export, or Load for a checkpoint)", doing)
	}
	archMu.Lock()
	build := archs[meta.Arch.Kind]
	archMu.Unlock()
	if build == nil {
		return built{}, fmt.Errorf("fastnb: %s: nothing here builds a model of kind %q, only %s (try importing the package that made it)", doing, meta.Arch.Kind, kinds())
	}
	d, err := data.LoadState(meta.Export.Data, dir)
	if err != nil {
		return built{}, because(doing, err)
	}
	if c.test != nil {
		if err := d.AddTest(c.test); err != nil {
			return built{}, because(doing, err)
		}
	}
	net, groups, err := build(meta.Arch.Config, d)
	if err != nil {
		return built{}, because(doing, err)
	}
	if err := take(net, all); err != nil {
		return built{}, because(doing, err)
	}
	if f := meta.Export.loss(meta.Loss, d); f != nil {
		c.opts = append([]LearnerOption{LossFunc(*f)}, c.opts...)
	}
	opts := append([]LearnerOption{WD(meta.Export.WD), TrainBN(meta.Export.TrainBN), BNWD(meta.Export.BNWD), TrueWD(meta.Export.TrueWD), OptFunc(meta.Optimizer)}, c.opts...)
	return built{d, net, groups, Configure(opts...)}, nil
}

// take gives a model's parameters, which have no values yet, those of the file, after their shapes were
// compared: so the description in a file cannot ask for more memory than its weights take.
func take(model nn.Layer, all map[string]*Tensor) error {
	nn.NamePaths(model, "")
	params := nn.AllParams(model)
	for _, p := range params {
		t, ok := all[p.Name]
		if !ok {
			return fmt.Errorf("loading weights: %s is missing", p.Name)
		}
		if t.DType() != tensor.Float32 || !slices.Equal(t.Shape(), p.Shape) {
			return fmt.Errorf("loading weights: %s has shape %v, the model's is %v (weights of another architecture?)", p.Name, t.Shape(), p.Shape)
		}
	}
	for _, p := range params {
		p.Value = all[p.Name]
	}
	return nil
}

func kinds() string {
	archMu.Lock()
	defer archMu.Unlock()
	var names []string
	for k := range archs {
		names = append(names, k)
	}
	sort.Strings(names)
	return strings.Join(append(names, "none other"), ", ")
}

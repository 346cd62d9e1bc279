package fastnb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/internal/opt"
	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/whole"
)

// The parts of a checkpoint: weights by their names in the model, the optimizer's state behind a
// prefix, and one metadata entry.
const (
	checkpointExt = ".safetensors"
	optPrefix     = "optimizer/"
	metaKey       = "fastnb"
)

// Version 1 had no checksum.
const metaVersion = 2

// checkpointMeta is the metadata of a checkpoint.
type checkpointMeta struct {
	Format    string    `json:"format"` // "checkpoint" or "export"
	Version   int       `json:"version"`
	Arch      *ArchSpec `json:"arch,omitempty"`
	Classes   []string  `json:"classes,omitempty"`
	Loss      string    `json:"loss,omitempty"`
	Optimizer string    `json:"optimizer,omitempty"`
	Mom       float64   `json:"mom,omitempty"`
	Frozen    int       `json:"frozen,omitempty"`
	Epochs    int64     `json:"epochs"` // training epochs begun: where the data's random stream stands
	Export    *exported `json:"export,omitempty"`

	unsummed bool // the file is ours and has no checksum
}

// tellUnsummed says that a file could not be checked.
func (l *Learner) tellUnsummed(meta checkpointMeta, file datasets.Path) {
	if meta.unsummed {
		l.say("%s was written before files had checksums: damage to it would not be seen (try saving it again).", file)
	}
}

// SaveOption changes Save or Load.
type SaveOption interface{ applySave(*saveConfig) }

type saveConfig struct {
	opt.Given
	withOpt, strict bool
}

type saveOption func(*saveConfig)

func (o saveOption) applySave(c *saveConfig) { o(c) }

// WithOpt says whether the optimizer's state is saved or loaded too: true by default.
func WithOpt(on bool) SaveOption {
	return saveOption(func(c *saveConfig) { c.withOpt = on; c.Note("WithOpt", "Save", "Load") })
}

// Strict says whether Load insists that names and shapes of all weights agree: true by default.
func Strict(on bool) SaveOption {
	return saveOption(func(c *saveConfig) { c.strict = on; c.Note("Strict", "Load") })
}

func saveCfg(o []SaveOption) saveConfig {
	c := saveConfig{withOpt: true, strict: true}
	for _, o := range o {
		o.applySave(&c)
	}
	return c
}

// ModelFile is where Save puts the checkpoint of this name.
func (l *Learner) ModelFile(name string) datasets.Path {
	if !strings.HasSuffix(name, checkpointExt) {
		name += checkpointExt
	}
	return l.Path.Join(l.ModelDir, name)
}

// Save writes weights and, unless WithOpt(false), the optimizer's state to Path/ModelDir/name.safetensors.
// The file is replaced as a whole: when writing fails, an older one stays as it was.
func (l *Learner) Save(name string, o ...SaveOption) error {
	if err := l.alive("save"); err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("fastnb: save: no name given")
	}
	c := saveCfg(o)
	if err := c.Refuse("save", "Save"); err != nil {
		return err
	}
	all, err := l.eng.State()
	if err != nil {
		return fmt.Errorf("fastnb: save: %s: %w", name, err)
	}
	meta := l.meta("checkpoint")
	if c.withOpt && l.eng.HasOptimizer() {
		opt, err := l.eng.OptState()
		if err != nil {
			return fmt.Errorf("fastnb: save: %s: optimizer: %w", name, err)
		}
		for k, t := range opt {
			all[optPrefix+k] = t
		}
	}
	return l.writeModel("save", l.ModelFile(name), all, meta)
}

func (l *Learner) meta(format string) checkpointMeta {
	return checkpointMeta{
		Format: format, Version: metaVersion, Arch: l.spec, Classes: l.Data.Classes, Loss: l.Loss.Name,
		Optimizer: l.cfg.Optimizer, Mom: l.mom, Frozen: l.frozen, Epochs: l.seen,
	}
}

// Place makes the folder of a file that is to be written, and fails when a link leads from below the
// learner's Path out of it, as a hostile archive can lay one: what is named below a folder is written there.
func (l *Learner) Place(file datasets.Path) error {
	rel, err := filepath.Rel(l.Path.String(), file.String())
	if err != nil {
		rel = file.String()
	}
	_, err = whole.Inside(l.Path.String(), rel)
	return err
}

// tellNaN says that weights are not numbers.
func (l *Learner) tellNaN(verb string, all map[string]*Tensor) {
	if what := notNumbers(all); what != "" {
		l.say("%s: %s: a training went wrong before.", verb, what)
	}
}

// notNumbers says which arrays hold NaN or infinities, "" if none does.
func notNumbers(all map[string]*Tensor) string {
	names, first := 0, ""
	for name, t := range all {
		if t.DType() != tensor.Float32 {
			continue
		}
		if !finite(t.Float32s()) {
			if names++; first == "" || name < first {
				first = name
			}
		}
	}
	if names == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d arrays hold values that are no numbers, such as %s", names, len(all), first)
}

// finite reports whether all are numbers, neither NaN nor infinite: those less themselves are not 0.
func finite(x []float32) bool {
	var a, b, c, d float32
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d = a+(x[0]-x[0]), b+(x[1]-x[1]), c+(x[2]-x[2]), d+(x[3]-x[3])
	}
	for _, v := range x {
		a += v - v
	}
	return a+b+c+d == 0
}

// writeModel writes tensors and metadata, making the folder if need be.
func (l *Learner) writeModel(verb string, file datasets.Path, all map[string]*Tensor, meta checkpointMeta) error {
	js, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("fastnb: %s: %s: metadata: %w", verb, file, err)
	}
	l.tellNaN(verb, all)
	if err := l.Place(file); err != nil {
		return fmt.Errorf("fastnb: %s: %w (try ModelPath with a folder that can be written)", verb, err)
	}
	err = safetensors.Write(file.String(), all, map[string]string{"format": "pt", metaKey: string(js)})
	if whole.Full(err) {
		err = fmt.Errorf("%w (what was there under this name is as it was; try freeing %s, or ModelPath with a folder on another disk)", err, cell.SizeText(sizeOf(all)))
	}
	return because(verb, err)
}

// sizeOf is what the tensors take, in bytes.
func sizeOf(ts map[string]*Tensor) int64 {
	n := int64(0)
	for _, t := range ts {
		n += int64(t.Len()) * int64(t.DType().Size())
	}
	return n
}

// Load reads the checkpoint that Save wrote under this name. Weights must fit the model, name by name
// and shape by shape, unless Strict(false); when they do not, nothing is changed. The optimizer's
// state is read too, unless WithOpt(false); where it does not fit, as after a change of layers frozen,
// the optimizer starts anew, and a line says so. A .safetensors file of other origin serves too, if the names
// agree, and so does what fastai's learn.save wrote, name.pth, with or without the optimizer.
func (l *Learner) Load(name string, o ...SaveOption) error {
	c, file := saveCfg(o), l.ModelFile(name)
	if err := l.alive("load"); err != nil {
		return err
	}
	if torch, ok := l.torchFile(name); ok {
		return l.loadTorch(torch, c)
	}
	if err := notPickle("load", l.Path.Join(l.ModelDir, name)); err != nil {
		return err
	}
	all, meta, err := readModel("load", file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w (%s)", err, l.saved())
		}
		return err
	}
	weights, opt := map[string]*Tensor{}, map[string]*Tensor{}
	for k, t := range all {
		if rest, ok := strings.CutPrefix(k, optPrefix); ok {
			opt[rest] = t
		} else {
			weights[k] = t
		}
	}
	if meta.Arch != nil && l.spec != nil && c.strict && meta.Arch.name() != l.spec.name() {
		return fmt.Errorf("fastnb: load: %s: holds a %s, the learner is a %s", file, meta.Arch.name(), l.spec.name())
	}
	if err := l.eng.LoadState(weights, c.strict); err != nil {
		return because("load: "+file.String(), err)
	}
	if len(meta.Classes) > 0 && len(l.Data.Classes) > 0 && !slices.Equal(meta.Classes, l.Data.Classes) {
		l.say("%s was trained for the classes %s, the data has %s.", file.Name(), strings.Join(meta.Classes, ", "), strings.Join(l.Data.Classes, ", "))
	}
	l.tellUnsummed(meta, file)
	l.tellNaN("load: "+file.Name(), weights)
	l.seen = meta.Epochs
	if meta.Mom > 0 {
		l.mom = meta.Mom
	}
	if !c.withOpt || len(opt) == 0 {
		l.eng.ZeroOptimizer()
		return nil
	}
	l.loadOptimizer(file, opt, nil)
	return nil
}

// notPickle refuses a learner that fastai exported.
func notPickle(verb string, file datasets.Path) error {
	if file.Ext() != ".pkl" || !file.Exists() {
		return nil
	}
	return fmt.Errorf("fastnb: %s: %s: is a pickle, as fastai's learn.export writes it: Python's own objects, which only Python can make again (try learn.save(\"name\") there, whose .pth Load reads, or learn.Export here)", verb, file)
}

// saved lists the checkpoints there are.
func (l *Learner) saved() string {
	dir := l.Path.Join(l.ModelDir)
	es, _ := os.ReadDir(dir.String())
	var names []string
	for _, e := range es {
		for _, ext := range []string{checkpointExt, torchExt} {
			if n, ok := strings.CutSuffix(e.Name(), ext); ok {
				names = append(names, n)
			}
		}
	}
	if len(names) == 0 {
		return "no checkpoints in " + dir.String()
	}
	sort.Strings(names)
	names = slices.Compact(names)
	return "there are " + strings.Join(names, ", ")
}

// readModel reads tensors and, where the file is ours, the metadata.
func readModel(verb string, file datasets.Path) (map[string]*Tensor, checkpointMeta, error) {
	all, m, err := safetensors.Read(file.String())
	if err != nil {
		return nil, checkpointMeta{}, because(verb, err)
	}
	meta, err := readMeta(m)
	if err != nil {
		return nil, meta, fmt.Errorf("fastnb: %s: %s: %w", verb, file, err)
	}
	return all, meta, nil
}

// readMeta reads what a file of ours says of itself; one of another program says nothing.
func readMeta(m map[string]string) (meta checkpointMeta, err error) {
	js, ok := m[metaKey]
	if !ok {
		return meta, nil
	}
	if err := json.Unmarshal([]byte(js), &meta); err != nil {
		return meta, fmt.Errorf("metadata: %w", err)
	}
	if meta.Version < 1 || meta.Version > metaVersion {
		return meta, fmt.Errorf("it has version %d, this program reads versions up to %d (try a newer fastnb)", meta.Version, metaVersion)
	}
	meta.unsummed = m[safetensors.SumKey] == ""
	if meta.unsummed && meta.Version > 1 {
		return meta, fmt.Errorf("its checksum is missing (try saving it again)")
	}
	return meta, nil
}

// because says what failed in front of err, whose own "fastnb: " is dropped so that it stands once. It
// is nil for nil.
func because(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("fastnb: %s: %w", doing, unnamed{err})
}

// unnamed is an error without the library's name in front.
type unnamed struct{ error }

// Error is the message without the library's name.
func (u unnamed) Error() string { return strings.TrimPrefix(u.error.Error(), "fastnb: ") }

// Unwrap is the error itself.
func (u unnamed) Unwrap() error { return u.error }

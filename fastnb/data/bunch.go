package data

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/internal/opt"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// DataBunch is data ready for training: data sets with their transforms, and loaders of batches.
type DataBunch struct {
	TrainDS, ValidDS *Dataset
	FixDS            *Dataset // training items with validation transforms
	TestDS           *Dataset // nil without AddTest

	Path    datasets.Path // where a learner saves
	Classes []string      // in the order of the model's outputs, nil if there are none
	C       int           // model outputs per item (or pixel)
	Loss    nn.Loss       // that goes with the kind of label
	BS      int           // items in a training batch
	ValBS   int           // items in any other batch
	Workers int           // goroutines that open items

	Vocab     *Vocab // of texts, else nil
	BPTT      int    // tokens in a row of a language model's batch
	Backwards bool   // texts are read from their end
	PadFirst  bool   // texts shorter than the longest of a batch are filled up in front, not behind

	SkipBroken bool // leave out items that cannot be opened

	cache *itemCache
	kind  LabelKind
	pipe  *pipeline
	mu    sync.Mutex
	broke map[string]bool
	given opt.Given // options, as the data is made
}

// BunchOption is an option of DataBunch.
type BunchOption interface {
	FactoryOption
	applyBunch(*DataBunch)
}

type bunchFunc func(*DataBunch)

func (f bunchFunc) applyBunch(d *DataBunch) { f(d) }

// BS is the number of items in a training batch (default 64).
func BS(n int) BunchOption { return bunchFunc(func(d *DataBunch) { d.BS = n }) }

// ValBS is the number of items in a batch that is not for training (default as BS).
func ValBS(n int) BunchOption { return bunchFunc(func(d *DataBunch) { d.ValBS = n }) }

// Workers is the number of goroutines that open items (default the number of cores, at most 16). Results
// do not depend on it. 0, which is fastai's word for opening them one after the other in the caller, is 1.
func Workers(n int) BunchOption {
	if n == 0 {
		n = 1
	}
	return bunchFunc(func(d *DataBunch) { d.Workers = n })
}

// SkipBroken leaves out items that cannot be opened, and says so, instead of failing (default false).
func SkipBroken(on bool) BunchOption { return bunchFunc(func(d *DataBunch) { d.SkipBroken = on }) }

// BPTT is the number of tokens in a row of a language model's batch (default 70): how far derivatives
// reach back through time.
func BPTT(n int) BunchOption {
	return textual("BPTT", func(d *DataBunch) { d.BPTT = n }, forLM)
}

// Backwards has texts read from their end (default false).
func Backwards(on bool) BunchOption {
	return textual("Backwards", func(d *DataBunch) { d.Backwards = on }, forTexts, forLM)
}

// PadFirst says whether texts are filled up in front (default true) or behind.
func PadFirst(on bool) BunchOption {
	return textual("PadFirst", func(d *DataBunch) { d.PadFirst = on }, forTexts)
}

// What takes the options about texts.
const (
	forTexts = "texts with labels"
	forLM    = "data for language models"
)

// textual makes an option that some kinds of data take.
func textual(name string, f func(*DataBunch), takers ...string) BunchOption {
	return bunchFunc(func(d *DataBunch) { f(d); d.given.Note(name, takers...) })
}

// refuse is the error of an option that has no effect on the data's kind.
func (d *DataBunch) refuse(items Kind) error {
	_, texts := items.(VocabKind)
	kind := "data of kind " + items.Name()
	switch {
	case isBatcher(d.kind):
		kind = forLM
	case texts:
		kind = forTexts
	}
	return d.given.Refuse("data bunch", kind)
}

// InPath is where a learner saves (default the list's path).
func InPath(p datasets.Path) BunchOption { return bunchFunc(func(d *DataBunch) { d.Path = p }) }

const (
	maxWorkers  = 16 // fastai's bound on loader workers
	defaultBPTT = 70 // fastai's
)

// DataBunch ends the chain. Options: BS (64), ValBS (BS), Workers (cores, at most 16), SkipBroken
// (false), CacheMB (0), InPath (the list's path). A batch size above the number of training items is an error, since
// the last, smaller batch of an epoch is dropped.
func (l *LabelLists) DataBunch(opts ...BunchOption) (*DataBunch, error) {
	if l.err != nil {
		return nil, l.err
	}
	d := &DataBunch{
		Path: l.Train.Path, Classes: slices.Clone(l.kind.Classes()), C: l.kind.C(), Loss: l.kind.Loss(), BS: 64,
		Workers: min(maxWorkers, runtime.NumCPU()), kind: l.kind, broke: map[string]bool{},
		BPTT: defaultBPTT, PadFirst: true,
	}
	if v, ok := l.Train.kind.(VocabKind); ok {
		d.Vocab = v.Vocabulary()
	}
	var err error
	if d.cache, err = cacheOfEnv(); err != nil {
		return nil, err
	}
	for _, o := range opts {
		o.applyBunch(d)
	}
	if c := d.cache; c != nil && c.budget < 0 {
		return nil, fmt.Errorf("fastnb: data bunch: option CacheMB: %d MB (try CacheMB(500))", c.budget/1e6)
	}
	if err := d.refuse(l.Train.kind); err != nil {
		return nil, err
	}
	if d.ValBS == 0 {
		d.ValBS = d.BS
	}
	if d.BS < 1 || d.ValBS < 1 || d.Workers < 1 || d.BPTT < 1 {
		return nil, fmt.Errorf("fastnb: data bunch: batch sizes %d and %d, %d workers, bptt %d: each must be positive", d.BS, d.ValBS, d.Workers, d.BPTT)
	}
	pipe := l.pipe
	d.pipe = &pipe
	d.TrainDS = &Dataset{list: l.Train, kind: l.kind, pipe: d.pipe, train: true, cache: d.cache}
	d.FixDS = &Dataset{list: l.Train, kind: l.kind, pipe: d.pipe, train: false, cache: d.cache}
	d.ValidDS = &Dataset{list: l.Valid, kind: l.kind, pipe: d.pipe, train: false, cache: d.cache}
	if l.Test != nil {
		d.setTest(l.Test)
	}
	if n := l.Train.Len(); n > 0 && d.BS > n && !isBatcher(l.kind) {
		return nil, fmt.Errorf("fastnb: data bunch: batch size %d is above the %d training items: an epoch has no full batch (try BS(%d))", d.BS, n, n)
	}
	return d, d.measureStats()
}

// setTest sets the test items. Their targets are empty, and there is nothing of them to transform.
func (d *DataBunch) setTest(l *LabelList) {
	p := *d.pipe
	p.args.TfmY, p.target = false, nil
	kind := EmptyKind()
	if isBatcher(d.kind) {
		kind = d.kind // its targets are made of the items
	}
	d.TestDS = &Dataset{list: l, kind: kind, pipe: &p, train: false}
}

func isBatcher(k LabelKind) bool { _, ok := k.(Batcher); return ok }

// AddTest sets the items without targets, to be predicted. They get the validation transforms.
func (d *DataBunch) AddTest(items *ItemList) error {
	l := (&LabelLists{Train: d.TrainDS.list}).AddTest(items)
	if l.err != nil {
		return l.err
	}
	d.setTest(l.Test)
	return nil
}

// measureStats fills in the statistics of a Normalize without any.
func (d *DataBunch) measureStats() error {
	norm := d.pipe.norm
	if norm == nil || norm.Mean != nil {
		return nil
	}
	if d.TrainDS.Len() == 0 {
		return fmt.Errorf("fastnb: normalize: there are no training items to take statistics of (try Stats)")
	}
	p := *d.pipe
	p.norm = nil
	raw := &DataBunch{Workers: d.Workers, SkipBroken: d.SkipBroken, BS: d.BS, ValBS: d.ValBS, kind: d.kind, pipe: &p, broke: d.broke}
	raw.TrainDS = &Dataset{list: d.TrainDS.list, kind: d.kind, pipe: &p, train: true, cache: d.cache}
	b, err := raw.OneBatch()
	if err != nil {
		return err
	}
	st, err := measure(b.X[0])
	if err != nil {
		return fmt.Errorf("fastnb: %w", err)
	}
	n := *norm
	n.Stats = st
	d.pipe.norm = &n
	if d.TestDS != nil {
		d.TestDS.pipe.norm = &n
	}
	return nil
}

// Dataset is one of the data sets; nil if there is none (no test items, or none for validation).
func (d *DataBunch) Dataset(t DSType) *Dataset {
	ds := map[DSType]*Dataset{Train: d.TrainDS, Valid: d.ValidDS, Test: d.TestDS, Single: d.ValidDS, Fix: d.FixDS}[t]
	if ds == nil || ds.Len() == 0 {
		return nil
	}
	return ds
}

// HasTest reports whether there are test items.
func (d *DataBunch) HasTest() bool { return d.Dataset(Test) != nil }

// HasValid reports whether there are validation items.
func (d *DataBunch) HasValid() bool { return d.Dataset(Valid) != nil }

// TrainLoader gives the training batches: shuffled, of BS items, the smaller rest dropped.
func (d *DataBunch) TrainLoader() (*Loader, error) { return d.Loader(Train) }

// Loader gives batches of one data set. Train is shuffled and drops the last, smaller batch; Valid, Test
// and Fix are in order and complete, ValBS items a batch; Single is Valid with one item a batch.
func (d *DataBunch) Loader(t DSType) (*Loader, error) {
	ds := d.Dataset(t)
	if ds == nil {
		hint := ""
		if t == Test {
			hint = " (try AddTest)"
		}
		return nil, fmt.Errorf("fastnb: loader: there are no %s items%s", t, hint)
	}
	l := &Loader{bunch: d, ds: ds, bs: d.ValBS, sampled: t == Train || t == Valid || t == Test}
	switch t {
	case Train:
		l.bs, l.shuffle, l.dropLast = d.BS, true, true
	case Single:
		l.bs = 1
	}
	return l, nil
}

// OneBatch is a batch as the model gets it: normalised, of the training set unless On says another. It
// does not change the batches of a later training.
func (d *DataBunch) OneBatch(opts ...PredsOption) (*Batch, error) {
	c := NewPredsConfig(Train, opts...)
	if err := c.Refuse("one batch", "OneBatch"); err != nil {
		return nil, err
	}
	l, err := d.Loader(c.On)
	if err != nil {
		return nil, err
	}
	it := l.start(cell.Context(), streamShow, streamShow, nextShow())
	defer it.Close()
	if !it.Next() {
		if it.Err() == nil {
			return nil, fmt.Errorf("fastnb: one batch: no item of the batch could be opened")
		}
		return nil, it.Err()
	}
	return it.Batch(), nil
}

// OneItem is a batch of one item that is in no data set, transformed and normalised as validation items
// are. Its target is empty.
func (d *DataBunch) OneItem(x Item) (*Batch, error) {
	_, b, err := d.ShownItem(x)
	return b, err
}

// ShownItem is OneItem, and the item as it is then, transformed but not normalised.
func (d *DataBunch) ShownItem(x Item) (Item, *Batch, error) {
	x, err := d.PrepareItem(x)
	if err != nil {
		return nil, nil, fmt.Errorf("fastnb: one item: %w", err)
	}
	b, err := d.CollateItems([]Item{x})
	if err != nil {
		return nil, nil, fmt.Errorf("fastnb: one item: %w", err)
	}
	return x, b, nil
}

// PrepareItem transforms an item that is in no data set as validation items are. Any goroutine may call it.
func (d *DataBunch) PrepareItem(x Item) (y Item, err error) {
	defer func() {
		if r := recover(); r != nil {
			y, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	p := *d.pipe
	p.args.TfmY, p.target = false, nil
	x, _, err = p.apply(x, nil, false, stream(0))
	return x, err
}

// CollateItems is a batch of items that PrepareItem gave, normalised, with empty targets. Any goroutine may call
// it.
func (d *DataBunch) CollateItems(items []Item) (*Batch, error) {
	ys := make([]Item, len(items))
	for i := range ys {
		ys[i] = EmptyLabel{}
	}
	return d.collate(d.TrainDS.list.kind, EmptyKind(), items, ys, d.pipe.norm)
}

// DenormalizeX is a copy of a batch of inputs [N, C, H, W] as it was before normalisation.
func (d *DataBunch) DenormalizeX(x *tensor.Tensor) (*tensor.Tensor, error) {
	n := d.pipe.norm
	if n == nil || !n.DoX {
		return x, nil
	}
	c := x.Clone()
	if err := n.undo(c); err != nil {
		return nil, fmt.Errorf("fastnb: %w", err)
	}
	return c, nil
}

// Decode makes a target of each prediction [N, ...] after the activation. Option: fastnb's Thresh (0.5).
func (d *DataBunch) Decode(preds *tensor.Tensor, opts ...DecodeOption) ([]Item, error) {
	var a DecodeArgs
	for _, o := range opts {
		o.ApplyDecode(&a)
	}
	s := preds.Shape()
	if len(s) == 0 {
		return nil, fmt.Errorf("fastnb: decode: predictions without axes")
	}
	ys := make([]Item, s[0])
	for i := range ys {
		y, err := d.kind.Decode(preds.At(i), a)
		if err != nil {
			return nil, err
		}
		ys[i] = y
	}
	return ys, nil
}

// LabelKind is the kind of target.
func (d *DataBunch) LabelKind() LabelKind { return d.kind }

// Kind is the kind of item.
func (d *DataBunch) Kind() Kind { return d.TrainDS.list.kind }

// ShowBatch shows items of a batch with their targets, as training sees them but not normalised. Options:
// Rows (5; pictures show rows² items), FigSize, On (Train).
func (d *DataBunch) ShowBatch(opts ...ShowOption) (*plotting.Figure, error) {
	c := NewShowConfig(Train, opts...)
	if err := c.Refuse("show batch", "ShowBatch"); err != nil {
		return nil, err
	}
	if c.Rows == 0 {
		c.Rows = 5
	}
	if c.Rows < 1 {
		return nil, fmt.Errorf("fastnb: show batch: %d rows", c.Rows)
	}
	l, err := d.Loader(c.On)
	if err != nil {
		return nil, err
	}
	if b, ok := l.ds.kind.(Batcher); ok {
		return l.showWhole(b, c)
	}
	// A batch's worth of items is opened without collating: what is shown is not normalised.
	n := min(c.Rows*c.Rows, l.bs, l.ds.Len())
	draw := nextShow()
	order := l.order(streamShow, draw)[:n]
	l.keepItems, l.bs, l.dropLast = true, n, false
	it := l.begin(cell.Context(), order, nil, streamShow, draw)
	defer it.Close()
	if !it.Next() {
		if it.Err() == nil {
			return nil, fmt.Errorf("fastnb: show batch: no item of the batch could be opened")
		}
		return nil, it.Err()
	}
	return d.Kind().Show(it.cur.x, it.cur.y, c), nil
}

// Skipped are the items that SkipBroken left out so far.
func (d *DataBunch) Skipped() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sortClasses(d.broke)
}

// skipped notes a broken item and tells of it the first time.
func (d *DataBunch) skipped(e *ItemError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.broke[e.Ref] {
		d.broke[e.Ref] = true
		warn("left out: %s: %v", e.Ref, e.Err)
	}
}

// facts are what String and Render tell, name and value.
func (d *DataBunch) facts() [][]string {
	f := [][]string{{"items", d.Kind().Name() + " → " + d.kind.Name()}}
	for _, t := range []DSType{Train, Valid, Test} {
		if ds := d.Dataset(t); ds != nil {
			l, err := d.Loader(t)
			if err != nil {
				continue
			}
			f = append(f, []string{t.String(), fmt.Sprintf("%d items, %d batches of %d", ds.Len(), l.Len(), l.bs)})
		}
	}
	if a := d.pipe.args; a.Height > 0 {
		f = append(f, []string{"size", fmt.Sprintf("%dx%d", a.Height, a.Width)})
	}
	if d.Classes != nil {
		const most = 20
		names := strings.Join(d.Classes[:min(len(d.Classes), most)], ", ")
		if len(d.Classes) > most {
			names += ", …"
		}
		f = append(f, []string{"classes", fmt.Sprintf("%d: %s", d.C, names)})
	}
	return append(f, []string{"path", d.Path.String()})
}

// String describes the data.
func (d *DataBunch) String() string {
	var b strings.Builder
	b.WriteString("DataBunch")
	for _, f := range d.facts() {
		fmt.Fprintf(&b, "\n%s: %s", f[0], f[1])
	}
	return b.String()
}

// Render gives the description's forms for a notebook (gophernotes' Renderer).
func (d *DataBunch) Render() struct{ Data, Metadata, Transient map[string]any } {
	b := plotting.HTMLTable([]string{"DataBunch", ""}, d.facts()).Render()
	b.Data["text/plain"] = d.String()
	return b
}

// Batches walks through a data set without training: f gets each batch in order.
func (d *DataBunch) Batches(ctx context.Context, t DSType, f func(*Batch) error) error {
	l, err := d.Loader(t)
	if err != nil {
		return err
	}
	it := l.Iter(ctx, 0)
	defer it.Close()
	for it.Next() {
		if err := f(it.Batch()); err != nil {
			return err
		}
	}
	return it.Err()
}

package data

import "github.com/fastnb/go/fastnb/internal/opt"

// Factory is what the options of a one-line factory say, such as TextDataBunchFromCSV: those of each
// stage of the chain, and where the parts of the data are.
type Factory struct {
	opt.Given

	From   []FromOption
	Label  []LabelOption
	Bunch  []BunchOption
	Sample []SampleOption

	Aug       Augmenter         // of DSTfms; nil: none
	Transform []TransformOption // of Transform

	ValidPct     float64 // part of the items for validation, where nothing else says which
	PctGiven     bool    // ValidPct was an option
	Train, Valid string  // folders
	Test         string  // folder or table of items without labels; "" for none
	Table        string  // of items and labels
}

// FactoryOption is an option of a one-line factory. The options of lists, labels, random choices and
// DataBunch are such, too.
type FactoryOption interface{ applyFactory(*Factory) }

type factoryFunc func(*Factory)

func (f factoryFunc) applyFactory(c *Factory) { f(c) }

func (f bunchFunc) applyFactory(c *Factory) { c.Bunch = append(c.Bunch, f) }

func (o CSVFormatOption) applyFactory(c *Factory) {
	c.From = append(c.From, o)
	c.Note(o.name, FactoryOfCSV)
}

func (f fromFunc) applyFactory(c *Factory) {
	c.From = append(c.From, f)
	var set fromConfig
	f(&set)
	c.noteAll(set.given, FactoryOfLists)
}

func (o SeedOption) applyFactory(c *Factory) {
	c.Sample = append(c.Sample, o)
	c.Note("SplitSeed", FactoryOfRandom)
}

func (f transformFunc) applyFactory(c *Factory) {
	c.Transform = append(c.Transform, f)
	var set TransformArgs
	f(&set)
	c.noteAll(set.given, FactoryOfPictures)
}

func (o labelSet) applyFactory(c *Factory) {
	c.Label = append(c.Label, o)
	c.Note(o.name, FactoryOfLabels)
}

// noteAll notes the first of the options that something was given: an option that is put together of others
// comes first.
func (f *Factory) noteAll(g opt.Given, taker string) {
	for _, name := range g.Names() {
		f.Note(name, taker)
		return
	}
}

// What the options of a factory are for, and what a factory is made of.
const (
	FactoryOfCSV      = "data from CSV files"
	FactoryOfTables   = "data from tables"
	FactoryOfFolders  = "data from folders"
	FactoryOfLists    = "data from CSV files, tables and folders"
	FactoryOfLabels   = "data with labels"
	FactoryOfRandom   = "data split at random"
	FactoryOfPictures = "data of pictures"
)

// DSTfms are the transforms of a factory's items, as GetTransforms gives them (default none; fastai's
// ds_tfms).
func DSTfms(aug Augmenter) FactoryOption {
	return factoryFunc(func(f *Factory) { f.Aug = aug; f.Note("DSTfms", FactoryOfPictures) })
}

// NewFactory gathers options over fastai's defaults: a fifth of the items, or the folders "train" and
// "valid".
func NewFactory(opts ...FactoryOption) *Factory {
	f := &Factory{ValidPct: .2, Train: "train", Valid: "valid", Table: "labels.csv"}
	for _, o := range opts {
		o.applyFactory(f)
	}
	return f
}

// KindOf is what the options of lists make of a kind of item, for factories that are given the items themselves.
func (f *Factory) KindOf(k Kind) (Kind, error) { return fromOptions(f.From).kindOf(k) }

// ValidPct is the part of the items, 0 to 1, that a factory takes for validation (default 0.2).
func ValidPct(p float64) FactoryOption {
	return factoryFunc(func(f *Factory) { f.ValidPct, f.PctGiven = p, true; f.Note("ValidPct", FactoryOfRandom) })
}

// TrainFolder is where a factory looks for training items (default "train").
func TrainFolder(name string) FactoryOption {
	return factoryFunc(func(f *Factory) { f.Train = name; f.Note("TrainFolder", FactoryOfFolders) })
}

// ValidFolder is where a factory looks for validation items (default "valid").
func ValidFolder(name string) FactoryOption {
	return factoryFunc(func(f *Factory) { f.Valid = name; f.Note("ValidFolder", FactoryOfFolders) })
}

// TestName is the folder, or the table, of items without labels (default none).
func TestName(name string) FactoryOption { return factoryFunc(func(f *Factory) { f.Test = name }) }

// CSVLabels is the table of items and labels (default "labels.csv").
func CSVLabels(name string) FactoryOption {
	return factoryFunc(func(f *Factory) { f.Table = name; f.Note("CSVLabels", "ImageDataBunchFromCSV") })
}

// SplitShuffled splits as fastai's factories for tables do: all items in a random order, the first
// int(pct·n)+1 for validation. The order is NumPy's for the same seed. Option: SplitSeed.
func (l *ItemList) SplitShuffled(pct float64, opts ...SampleOption) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	if !(pct >= 0 && pct < 1) {
		return l.failSplit("shuffled: %v is not in [0, 1)", pct)
	}
	var perm []int
	withNumpy(sampleSeed(opts), func(g *mt19937) { perm = g.permutation(len(l.refs)) })
	cut := min(int(pct*float64(len(perm)))+1, len(perm))
	return l.split(perm[cut:], perm[:cut], false)
}

// SplitLists takes two lists for training and validation.
func SplitLists(train, valid *ItemList) *SplitList {
	switch {
	case train == nil || valid == nil:
		none := &ItemList{}
		return none.failSplit("lists: there must be two")
	case train.err != nil:
		return &SplitList{Train: train, Valid: valid, err: train.err}
	case valid.err != nil:
		return &SplitList{Train: train, Valid: valid, err: valid.err}
	case train.kind.Name() != valid.kind.Name():
		return train.failSplit("lists: one of %s, one of %s", train.kind.Name(), valid.kind.Name())
	case train.Len() == 0 || valid.Len() == 0:
		return train.failSplit("lists: %d items for training and %d for validation", train.Len(), valid.Len())
	}
	return &SplitList{Train: train, Valid: valid}
}

package data

import (
	"fmt"

	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// Preparer is a Kind whose items are made ready all at once when they have their labels, and stay in
// memory: texts, which become numbers of a vocabulary that the training texts make.
type Preparer interface {
	Kind
	// Prepare opens all items that refs name. With fit it learns from them first (the vocabulary, unless
	// it has one). The kind it gives knows what was learned; it prepares validation and test items.
	Prepare(refs []string, fit bool) (Preparer, []Item, error)
}

// VocabKind is a Kind with a vocabulary, nil before its items were prepared.
type VocabKind interface{ Vocabulary() *Vocab }

// TextOpener is a Kind whose items can be made of a text itself: what predicting a string does.
type TextOpener interface {
	OpenText(s string) (Item, error)
}

// BytesOpener is a Kind whose items can be made of a file's bytes, as a server gets them.
type BytesOpener interface {
	OpenBytes(b []byte) (Item, error)
}

// LanguageKind is a Kind whose items can be their own targets: LabelForLM.
type LanguageKind interface{ LMKind() LabelKind }

// Plan is what is to be known for the order or the batches of one walk through a data set.
type Plan struct {
	BS        int
	Train     bool // the training set, in a random order
	BPTT      int  // tokens in a row of a batch of a language model
	Backwards bool
	// Perm gives random permutations of 0..n-1; only a training walk calls it.
	Perm func(n int) []int
}

// Sampler is a Kind that chooses the order of items, as texts come sorted by length to waste little
// padding. It is asked for the items of a Preparer.
type Sampler interface {
	Order(items []Item, p Plan) []int
}

// Batcher is a LabelKind that makes the batches of an epoch itself, where they are not so many items
// each, as for a language model, which reads windows of one long text.
type Batcher interface {
	// Batches plans a walk. An error says why there can be none.
	Batches(items []Item, p Plan) (BatchSource, error)
	// ShowBatch shows the first rows of a batch.
	ShowBatch(k Kind, b *Batch, c ShowConfig) *plotting.Figure
}

// BatchSource makes the batches of one walk. Goroutines ask it for different batches at once.
type BatchSource interface {
	Len() int
	Batch(i int) (*Batch, error)
}

// BunchCollater is a Kind whose way to collate depends on options of the DataBunch.
type BunchCollater interface {
	CollateFor(items []Item, d *DataBunch) ([]*tensor.Tensor, error)
}

// prepare makes the items ready if their kind needs it. Validation items are prepared by the kind that
// the training items gave.
func (l *LabelLists) prepare() error {
	p, ok := l.Train.kind.(Preparer)
	if !ok {
		return nil
	}
	k, err := l.Train.prepare(p, true)
	if err == nil {
		_, err = l.Valid.prepare(k, false)
	}
	return err
}

// prepare replaces the list by a ready one of the fitted kind.
func (l *LabelList) prepare(p Preparer, fit bool) (Preparer, error) {
	k, items, err := p.Prepare(l.refs, fit)
	if err != nil {
		return nil, err
	}
	if len(items) != len(l.refs) {
		return nil, fmt.Errorf("%s made %d items of %d", p.Name(), len(items), len(l.refs))
	}
	n := *l.ItemList
	n.kind, n.ready = k, items
	l.ItemList = &n
	return k, nil
}

// LabelForLM makes the items their own targets: a language model learns to tell the next token. Their
// kind must be a LanguageKind, such as texts.
func (s *SplitList) LabelForLM() *LabelLists {
	if s.err != nil {
		return &LabelLists{err: s.err}
	}
	if _, ok := s.Train.kind.(LanguageKind); !ok {
		return s.fail("for lm: a list of %s has no language to model", s.Train.kind.Name())
	}
	l := s.LabelEmpty()
	if l.err == nil {
		l.kind = l.Train.kind.(LanguageKind).LMKind()
	}
	return l
}

// plan describes a walk of a loader.
func (l *Loader) plan(use, n uint64) Plan {
	p := Plan{BS: l.bs, Train: l.shuffle, BPTT: l.bunch.BPTT, Backwards: l.bunch.Backwards}
	rng := stream(CurrentSeed(), use, n)
	p.Perm = rng.Perm
	return p
}

// source is what makes the batches of a walk, nil where they are made of items.
func (l *Loader) source(use, n uint64) (BatchSource, error) {
	b, ok := l.ds.kind.(Batcher)
	if !ok || l.keepItems {
		return nil, nil
	}
	return b.Batches(l.ds.list.ready, l.plan(use, n))
}

// showWhole shows the first rows of a batch that is made as a whole: of the second one of an epoch, if
// there is one, since there fastai's first look at the data ends up (its check has taken the first).
func (l *Loader) showWhole(b Batcher, c ShowConfig) (*plotting.Figure, error) {
	s, err := l.source(streamShow, nextShow())
	if err != nil {
		return nil, err
	}
	batch, err := wholeBatch(s, min(1, s.Len()-1))
	if err != nil {
		return nil, err
	}
	return b.ShowBatch(l.ds.list.kind, batch, c), nil
}

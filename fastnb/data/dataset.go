package data

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"github.com/fastnb/go/datasets"
)

// Dataset is items with targets and transforms, opened one at a time.
type Dataset struct {
	list  *LabelList
	kind  LabelKind
	pipe  *pipeline
	train bool // training transforms
	cache *itemCache

	computed atomic.Bool // a transform has computed with an item: batches are float32 from then on
}

// Len is the number of items.
func (d *Dataset) Len() int { return d.list.Len() }

// String says how many items there are, and shows the first ones and their targets.
func (d *Dataset) String() string { return d.list.describe(d.kind) }

// Items are the references of the items as paths.
func (d *Dataset) Items() []datasets.Path { return d.list.Items() }

// List is the items.
func (d *Dataset) List() *ItemList { return d.list.ItemList }

// Table is the table the items came from, a row for each, or nil.
func (d *Dataset) Table() *Table { return d.list.table }

// Y is the target of item i, not transformed.
func (d *Dataset) Y(i int) (Item, error) {
	if i < 0 || i >= d.Len() {
		return nil, fmt.Errorf("fastnb: data set: item %d of %d", i, d.Len())
	}
	y, err := d.kind.Open(d.list.y[i])
	if err != nil {
		return nil, &ItemError{Ref: d.list.refs[i], Index: i, Err: err}
	}
	return y, nil
}

// At opens item i and its target and transforms them; each call of a training set draws the random
// values anew. Normalisation is not applied.
func (d *Dataset) At(i int) (x, y Item, err error) {
	if i < 0 || i >= d.Len() {
		return nil, nil, fmt.Errorf("fastnb: data set: item %d of %d", i, d.Len())
	}
	return d.get(i, stream(CurrentSeed(), streamShow, nextShow(), uint64(i)))
}

// ItemError is what went wrong with one item.
type ItemError struct {
	Ref   string // what it is opened from
	Index int    // in its data set
	Err   error
}

// Error names the item and the reason. Leaving items out is advised only where nothing else is.
func (e *ItemError) Error() string {
	hint := ""
	if !strings.Contains(e.Err.Error(), "try ") {
		hint = " (try SkipBroken(true) to leave such items out)"
	}
	return fmt.Sprintf("fastnb: load item: %s: %v%s", e.Ref, e.Err, hint)
}

// Unwrap is the reason.
func (e *ItemError) Unwrap() error { return e.Err }

// get opens, transforms, and turns panics of decoders and transforms into errors.
func (d *Dataset) get(i int, rng *rand.Rand) (x, y Item, err error) {
	ref := d.list.refs[i]
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			x, y, err = nil, nil, &ItemError{Ref: ref, Index: i, Err: err}
		}
	}()
	if d.list.ready != nil {
		x = d.list.ready[i]
	} else if x, err = d.cache.open(cacheKey{d.list, i, false}, func() (Item, error) { return d.list.kind.Open(ref) }); err != nil {
		return nil, nil, err
	}
	if y, err = d.cache.open(cacheKey{d.list, i, true}, func() (Item, error) { return d.kind.Open(d.list.y[i]) }); err != nil {
		return nil, nil, fmt.Errorf("its target: %w", err)
	}
	return d.pipe.apply(x, y, d.train, rng)
}

// apply transforms x, and y with the same random values if targets are transformed.
func (p *pipeline) apply(x, y Item, train bool, rng *rand.Rand) (Item, Item, error) {
	if p.target != nil {
		return p.applyApart(x, y, train, rng)
	}
	if p.aug == nil {
		return x, y, nil
	}
	if !p.args.TfmY {
		x, _, err := p.aug.Augment(x, nil, train, rng, p.args)
		return x, y, err
	}
	return p.aug.Augment(x, y, train, rng, p.args)
}

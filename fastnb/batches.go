package fastnb

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
)

// batches is a run through a set.
type batches = iter.Seq2[*data.Batch, error]

// feed is where batches come from; tests give a learner one of their own.
type feed interface {
	// Len is the number of batches, Items of items, BatchSize of items in a full batch.
	Len() int
	Items() int
	BatchSize() int
	// Run goes through the set once. The epoch picks the random stream of order and augmentation.
	Run(ctx context.Context, epoch int64) batches
}

// feedOf is the feed of a part of the data, nil where there is none.
func (l *Learner) feedOf(t data.DSType) feed {
	if l.feeds != nil {
		return l.feeds[t]
	}
	if l.Data == nil {
		return nil
	}
	return loaderFeed(l.Data, t)
}

// TrainBatches is the number of batches of an epoch's training: in a fit of that fit's, where a callback may give
// others than the data.
func (l *Learner) TrainBatches() int { return lenOf(l.trainFeed()) }

func (l *Learner) validBatches() int { return lenOf(l.feedOf(data.Valid)) }

func lenOf(f feed) int {
	if f == nil {
		return 0
	}
	return f.Len()
}

// trainFeed is what a fit trains on.
func (l *Learner) trainFeed() feed {
	if l.fed != nil {
		return l.fed
	}
	return l.feedOf(data.Train)
}

// feedBy takes the training batches of a fit from the callback that makes them, the last of several.
func (l *Learner) feedBy(verb string, callbacks ...[]Callback) error {
	l.fed = nil
	for _, c := range newHooks(callbacks...) {
		if c.Loader == nil {
			continue
		}
		var f *data.Loader
		err := guard(func(l *Learner) (err error) { f, err = c.Loader(l); return err }, l)
		if err == nil && f == nil {
			err = errors.New("its Loader gives none")
		}
		if err != nil {
			return fmt.Errorf("fastnb: %s: callback: %s: %w", verb, c.Name, err)
		}
		l.fed = bunchFeed{f}
	}
	return nil
}

// set is a part of the data and its number of batches.
func (l *Learner) set(verb string, t data.DSType) (func(context.Context) batches, int, error) {
	if err := l.alive(verb); err != nil {
		return nil, 0, err
	}
	f := l.feedOf(t)
	if f == nil {
		return nil, 0, fmt.Errorf("fastnb: %s: the data has no %s set (try AddTest, or LoadLearner with TestItems)", verb, t)
	}
	if b, ok := f.(bunchFeed); ok && t == data.Train { // all items, each in its place
		f = bunchFeed{b.InOrder()}
	}
	return func(ctx context.Context) batches { return f.Run(ctx, l.seen) }, f.Len(), nil
}

// first is the first n batches of a run, all for 0.
func first(n int, set batches) batches {
	if n < 1 {
		return set
	}
	return func(yield func(*data.Batch, error) bool) {
		k := 0
		for b, err := range set {
			if k++; !yield(b, err) || k == n {
				return
			}
		}
	}
}

// loaderFeed is a feed of a DataBunch, nil where it has no such set.
func loaderFeed(d *data.DataBunch, t data.DSType) feed {
	l, err := d.Loader(t)
	if err != nil {
		return nil
	}
	return bunchFeed{l}
}

// rawFeed is a feed whose pictures the device normalises, where it can be had so.
func rawFeed(f feed) feed {
	if b, ok := f.(bunchFeed); ok {
		return bunchFeed{b.Raw()}
	}
	return f
}

// take makes a batch the one at work: as it came, or where a callback may look at it, with its inputs
// normalised on the host.
func (l *Learner) take(b *data.Batch, seen bool) error {
	if seen {
		n, err := b.Normalised()
		if err != nil {
			return err
		}
		b = n
	}
	l.Input, l.Target, l.norm = b.X, b.Y, normOf(b)
	return nil
}

// normOf says how a device is to normalise a batch.
func normOf(b *data.Batch) device.Normalize {
	if b.Norm == nil {
		return device.Normalize{}
	}
	return device.Normalize{Mean: b.Norm.Mean, Std: b.Norm.Std}
}

// batch is the batch at work as the engine takes it.
func (l *Learner) batch() engine.Batch { return engine.Batch{X: l.Input, Y: l.Target, Norm: l.norm} }

// bunchFeed is a data.Loader as a feed.
type bunchFeed struct{ *data.Loader }

// Run goes through the loader's batches of the epoch.
func (f bunchFeed) Run(ctx context.Context, epoch int64) batches {
	return func(yield func(*data.Batch, error) bool) {
		it := f.Iter(ctx, epoch)
		defer it.Close()
		for it.Next() {
			if !yield(it.Batch(), nil) {
				return
			}
		}
		if err := it.Err(); err != nil {
			yield(nil, err)
		}
	}
}

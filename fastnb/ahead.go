package fastnb

import (
	"context"
	"iter"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/engine"
)

// walk is a run through a set whose next batch can be had before its turn.
type walk struct {
	next  func() (*data.Batch, error, bool)
	ready func() bool // whether next would not wait
	stop  func()
	peek  *peeked
}

// peeked is what next gave before its turn.
type peeked struct {
	b   *data.Batch
	err error
	ok  bool
}

// walked is a feed that knows whether its next batch is made.
type walked interface {
	walk(ctx context.Context, epoch int64) *walk
}

// walkOf begins a run through a feed.
func walkOf(ctx context.Context, f feed, epoch int64) *walk {
	if w, ok := f.(walked); ok {
		return w.walk(ctx, epoch)
	}
	next, stop := iter.Pull2(f.Run(ctx, epoch))
	return &walk{next: next, stop: stop, ready: func() bool { return true }}
}

// walk goes through the loader's batches of the epoch.
func (f bunchFeed) walk(ctx context.Context, epoch int64) *walk {
	it := f.Iter(ctx, epoch)
	return &walk{ready: it.Ready, stop: it.Close, next: func() (*data.Batch, error, bool) {
		if it.Next() {
			return it.Batch(), nil, true
		}
		err := it.Err()
		return nil, err, err != nil
	}}
}

// take gives the next batch, or false at the end.
func (w *walk) take() (*data.Batch, error, bool) {
	if p := w.peek; p != nil {
		w.peek = nil
		return p.b, p.err, p.ok
	}
	return w.next()
}

// ahead lets the next batch go to the device while that computes, where it is made by now and no callback may
// change it before its turn.
func (r *runner) ahead(res engine.Result) {
	if w := r.walk; !r.p.hooks.seeInput() && w.peek == nil && w.ready() {
		p := &peeked{}
		p.b, p.err, p.ok = w.next()
		w.peek = p
		if p.ok && p.err == nil {
			r.l.eng.Ahead(engine.Batch{X: p.b.X, Y: p.b.Y, Norm: normOf(p.b)}, res)
		}
	}
}

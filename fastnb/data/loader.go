package data

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Batch is a few items together, on the host.
type Batch struct {
	X, Y  []*tensor.Tensor // inputs and targets, each with a leading axis of N
	N     int              // items
	Index []int            // which items of the data set they are
	Norm  *Stats           // how X is still to be normalised, nil: it is; see [Loader.Raw]
	// Skipped are the items that SkipBroken left out of this batch, and of batches before it of which nothing
	// was left.
	Skipped []int

	free func() // gives the inputs' memory back, or nil
}

// BatchRecycler is a Kind that can use the memory of a batch's inputs again.
type BatchRecycler interface{ RecycleBatch(x []*tensor.Tensor) }

// Recycle gives the memory of the batch's inputs back, for a later batch. Their shapes stay, their numbers must not
// be looked at any more. Who does not call it leaves the memory to the collector.
func (b *Batch) Recycle() {
	if b.free != nil {
		b.free()
		b.free = nil
	}
}

// Loader makes batches of a data set. Its batches depend only on the seed and the epoch's number.
type Loader struct {
	bunch             *DataBunch
	ds                *Dataset
	bs                int
	shuffle, dropLast bool
	sampled           bool // the kind of items may choose their order
	keepItems         bool // do not collate: for showing
	raw               bool // pictures as they are, not normalised
	draws             int  // items of an epoch drawn by weight; 0: each comes once
	sums              []float64
}

// Len is the number of batches of an epoch.
func (l *Loader) Len() int {
	if s, err := l.source(streamShow, 0); s != nil || err != nil {
		if err != nil {
			return 0 // Iter tells the reason
		}
		return s.Len()
	}
	n := l.ds.Len()
	if l.draws > 0 {
		n = l.draws
	}
	if l.dropLast {
		return n / l.bs
	}
	return (n + l.bs - 1) / l.bs
}

// InOrder is the same loader, but that its items come in the order of the set (or that of their kind, such as
// texts by their length) and none is dropped at the end.
func (l *Loader) InOrder() *Loader {
	c := *l
	c.shuffle, c.dropLast, c.draws, c.sums = false, false, 0, nil
	return &c
}

// BatchSize is the number of items in a full batch.
func (l *Loader) BatchSize() int { return l.bs }

// Items is the number of items of the data set.
func (l *Loader) Items() int { return l.ds.Len() }

// Dataset is what the batches are made of.
func (l *Loader) Dataset() *Dataset { return l.ds }

// order is the items of an epoch in the order they come.
func (l *Loader) order(use, n uint64) []int {
	if l.draws > 0 {
		return l.draw(stream(CurrentSeed(), use, n))
	}
	if s, ok := l.ds.list.kind.(Sampler); ok && l.sampled {
		return s.Order(l.ds.list.ready, l.plan(use, n))
	}
	if !l.shuffle {
		return rest(l.ds.Len(), nil)
	}
	return stream(CurrentSeed(), use, n).Perm(l.ds.Len())
}

// Iter starts the batches of an epoch. Numbers of different epochs give different orders and
// augmentations; the same number gives the same batches again. The workers stop when ctx is done, when the
// user interrupts the cell, or when the iteration is closed.
func (l *Loader) Iter(ctx context.Context, epoch int64) *Iter {
	return l.start(ctx, streamShuffle, streamItem, uint64(epoch))
}

// start begins a walk: the order and the items draw from different streams.
func (l *Loader) start(ctx context.Context, orderUse, itemUse, n uint64) *Iter {
	whole, err := l.source(orderUse, n)
	if err != nil {
		it := l.begin(ctx, nil, nil, itemUse, n)
		it.err = err
		return it
	}
	if whole != nil {
		return l.begin(ctx, nil, whole, itemUse, n)
	}
	return l.begin(ctx, l.order(orderUse, n), nil, itemUse, n)
}

// ahead is how many batches are made or kept ready beyond the one in use: enough to hide the time of a
// slow item, few enough that memory stays bounded.
const ahead = 2

// Iter is one walk through a loader's batches: for it.Next() { it.Batch() }, then it.Err(). Close ends it
// early; calling it always is right.
type Iter struct {
	l         *Loader
	ctx       context.Context
	order     []int
	whole     BatchSource // makes the batches, or nil: they are made of items
	seed      uint64
	use, draw uint64 // of the items' random streams
	batches   int

	mu      sync.Mutex
	change  *sync.Cond // progress: a batch is ready, taken, or all stops
	work    []*pending // batches begun and not taken, first first
	first   int        // number of work[0]
	next    [2]int     // batch and place in it of the next item to open
	stopped bool
	done    sync.WaitGroup
	user    context.Context // of the running cell, which ctx need not come from
	release [2]func() bool  // of the callbacks of ctx and user

	cur  *pending
	lost []int // items of batches of which nothing was left
	err  error
}

// pending is a batch in the making.
type pending struct {
	index []int
	x, y  []Item
	errs  []error
	left  int // items not opened yet
	ready bool
	lost  []int // items that were left out
	batch *Batch
	err   error
}

func (l *Loader) begin(ctx context.Context, order []int, whole BatchSource, use, draw uint64) *Iter {
	it := &Iter{l: l, ctx: ctx, order: order, whole: whole, seed: CurrentSeed(), use: use, draw: draw, batches: (len(order) + l.bs - 1) / l.bs}
	if l.dropLast {
		it.batches = len(order) / l.bs
	}
	work := len(order)
	if whole != nil {
		it.batches = whole.Len()
		work = it.batches
	}
	it.change = sync.NewCond(&it.mu)
	it.user = cell.Context()
	it.release = [2]func() bool{context.AfterFunc(ctx, it.stop), context.AfterFunc(it.user, it.stop)}
	n := min(l.bunch.Workers, work)
	it.done.Add(n)
	for range n {
		go it.worker()
	}
	return it
}

func (it *Iter) stop() {
	it.mu.Lock()
	it.stopped = true
	it.mu.Unlock()
	it.change.Broadcast()
}

// worker opens items, one after the other, until there are none.
func (it *Iter) worker() {
	defer it.done.Done()
	for {
		p, k := it.claim()
		if p == nil {
			return
		}
		start := time.Now()
		if it.whole != nil {
			p.batch, p.err = wholeBatch(it.whole, k)
			if p.err == nil {
				device.NoteLoad(p.batch.N, time.Since(start))
			}
			it.tell(p)
			continue
		}
		i := p.index[k]
		x, y, err := it.l.ds.get(i, stream(it.seed, it.use, it.draw, uint64(i)))
		device.NoteLoad(1, time.Since(start))
		it.mu.Lock()
		p.x[k], p.y[k], p.errs[k] = x, y, err
		p.left--
		last := p.left == 0
		it.mu.Unlock()
		if last {
			start := time.Now()
			it.finish(p)
			device.NoteLoad(0, time.Since(start))
			it.tell(p)
		}
	}
}

// tell says that a batch is made.
func (it *Iter) tell(p *pending) {
	it.mu.Lock()
	p.ready = true
	it.mu.Unlock()
	it.change.Broadcast()
}

// wholeBatch asks a source for a batch; a panic becomes an error.
func wholeBatch(s BatchSource, i int) (b *Batch, err error) {
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("fastnb: make batch: %v", r)
		}
	}()
	return s.Batch(i)
}

// claim gives the next item to open, a batch and the item's place in it, waiting while enough batches
// are under way. Where a source makes whole batches, the number is the batch's. It gives nil at the end.
func (it *Iter) claim() (*pending, int) {
	it.mu.Lock()
	defer it.mu.Unlock()
	for !it.stopped && it.next[0] < it.batches && it.next[0] > it.first+ahead {
		it.change.Wait()
	}
	if it.stopped || it.next[0] >= it.batches {
		return nil, 0
	}
	b, k := it.next[0], it.next[1]
	if it.whole != nil {
		p := &pending{}
		it.work, it.next[0] = append(it.work, p), b+1
		return p, b
	}
	if k == 0 {
		index := it.order[b*it.l.bs : min((b+1)*it.l.bs, len(it.order))]
		n := len(index)
		it.work = append(it.work, &pending{index: index, x: make([]Item, n), y: make([]Item, n), errs: make([]error, n), left: n})
	}
	p := it.work[b-it.first]
	if it.next[1]++; it.next[1] == len(p.index) {
		it.next = [2]int{b + 1, 0}
	}
	return p, k
}

// finish makes the batch of its items; the first broken one is the batch's error, or all are left out.
func (it *Iter) finish(p *pending) {
	defer func() {
		if r := recover(); r != nil {
			p.err = fmt.Errorf("fastnb: make batch: %v", r)
		}
	}()
	var index []int
	var x, y []Item
	for k, err := range p.errs {
		if err == nil {
			index, x, y = append(index, p.index[k]), append(x, p.x[k]), append(y, p.y[k])
			continue
		}
		var broken *ItemError
		if !it.l.bunch.SkipBroken || !errors.As(err, &broken) {
			p.err = err
			return
		}
		it.l.bunch.skipped(broken)
		p.lost = append(p.lost, p.index[k])
	}
	p.index, p.x, p.y = index, x, y
	if it.l.keepItems || len(index) == 0 {
		return
	}
	ds := it.l.ds
	b, err := it.l.collate(x, y, ds.pipe.norm)
	if err != nil {
		p.err = fmt.Errorf("fastnb: make batch: %s: %w", it.odd(index, x), err)
		return
	}
	b.Index = index
	if r, ok := ds.list.kind.(BatchRecycler); ok {
		x := b.X
		b.free = func() { r.RecycleBatch(x) }
	}
	p.batch = b
	for k := range x {
		recycle(x[k])
		recycle(y[k])
	}
	p.x, p.y = nil, nil
}

func recycle(i Item) {
	if r, ok := i.(Recycler); ok {
		r.Recycle()
	}
}

// odd names what a batch could not be made of: the first item whose shape is not that of the first one,
// and that one.
func (it *Iter) odd(index []int, x []Item) string {
	refs := it.l.ds.list.refs
	first := x[0].Tensor().Shape()
	for k := range x {
		if s := x[k].Tensor().Shape(); !slices.Equal(s, first) {
			return fmt.Sprintf("%s %v beside %s %v", refs[index[k]], s, refs[index[0]], first)
		}
	}
	return fmt.Sprintf("%d items from %s on", len(index), refs[index[0]])
}

// Ready reports whether Next would give its answer at once.
func (it *Iter) Ready() bool {
	it.mu.Lock()
	defer it.mu.Unlock()
	return it.err != nil || it.first == it.batches || it.stopped || len(it.work) > 0 && it.work[0].ready
}

// Next waits for the next batch; false at the end, on an error and when the context is done.
func (it *Iter) Next() bool {
	start := time.Now()
	defer func() { device.NoteWait(time.Since(start)) }()
	it.mu.Lock()
	defer it.mu.Unlock()
	for {
		it.cur = nil
		if it.err != nil || it.first == it.batches {
			return false
		}
		for !it.stopped && (len(it.work) == 0 || !it.work[0].ready) {
			it.change.Wait()
		}
		if it.stopped || it.interrupted() { // whose callback may be late
			if it.interrupted() {
				it.err = fmt.Errorf("fastnb: load batch: %w", cell.ErrInterrupted)
			}
			return false
		}
		p := it.work[0]
		it.work, it.first = it.work[1:], it.first+1
		it.change.Broadcast()
		if p.err != nil {
			it.err = p.err
			return false
		}
		if p.batch != nil {
			p.batch.Skipped, it.lost = append(it.lost, p.lost...), nil
		}
		if p.batch != nil || len(p.index) > 0 {
			it.cur = p
			return true
		}
		it.lost = append(it.lost, p.lost...) // all its items were left out
	}
}

// Batch is the batch that Next found.
func (it *Iter) Batch() *Batch {
	if it.cur == nil {
		return nil
	}
	return it.cur.batch
}

// Err is why the iteration ended early, or nil.
func (it *Iter) Err() error { return it.err }

func (it *Iter) interrupted() bool { return it.ctx.Err() != nil || it.user.Err() != nil }

// Close ends the iteration and its workers. It may be called more than once. After an interrupt it does not
// wait for the items that are being opened: a file on a disk that does not answer would keep the user.
func (it *Iter) Close() {
	for _, release := range it.release {
		release()
	}
	it.stop()
	if !it.interrupted() {
		it.done.Wait()
	}
}

// Sample is a batch of the loader's first item alone: what its batches look like, but for their number of
// items. It draws nothing from the streams of training.
func (l *Loader) Sample() (*Batch, error) {
	if l.ds.Len() == 0 {
		return nil, errors.New("fastnb: sample batch: there are no items")
	}
	x, y, err := l.ds.get(0, stream(CurrentSeed(), streamShow, 0))
	if err != nil {
		return nil, err
	}
	if l.raw {
		return l.collate([]Item{x}, []Item{y}, l.ds.pipe.norm)
	}
	return l.collate([]Item{x}, []Item{y}, nil)
}

// collate makes a batch of items and targets, normalised.
func (d *DataBunch) collate(k Kind, lk LabelKind, x, y []Item, norm *normalizer) (*Batch, error) {
	xs, err := d.stack(k, x)
	if err != nil {
		return nil, err
	}
	ys, err := d.stack(lk, y)
	if err != nil {
		return nil, fmt.Errorf("targets: %w", err)
	}
	if norm != nil && norm.DoX {
		if err := norm.apply(xs[0]); err != nil {
			return nil, err
		}
	}
	if err := norm.targets(ys); err != nil {
		return nil, err
	}
	return &Batch{X: xs, Y: ys, N: len(x)}, nil
}

// stack makes the tensors of a batch in the way of their kind.
func (d *DataBunch) stack(kind any, items []Item) ([]*tensor.Tensor, error) {
	if c, ok := kind.(BunchCollater); ok {
		return c.CollateFor(items, d)
	}
	if c, ok := kind.(Collater); ok {
		return c.Collate(items)
	}
	t, err := Stack(items)
	if err != nil {
		return nil, err
	}
	return []*tensor.Tensor{t}, nil
}

// Stack copies the tensors of items, which must agree in kind and shape, into one with a leading axis.
func Stack(items []Item) (*tensor.Tensor, error) {
	if len(items) == 0 {
		return nil, errors.New("nothing to stack")
	}
	first := items[0].Tensor()
	shape := first.Shape()
	out := tensor.New(first.DType(), append([]int{len(items)}, shape...)...)
	n := first.Len()
	for k, item := range items {
		t := item.Tensor()
		if t.DType() != out.DType() || !slices.Equal(t.Shape(), shape) {
			return nil, fmt.Errorf("item %d of the batch is %s %v, the first %s %v (try Size, or another ResizeMethod)",
				k, t.DType(), t.Shape(), first.DType(), shape)
		}
		switch out.DType() {
		case tensor.Float32:
			copy(out.Float32s()[k*n:], t.Float32s())
		case tensor.Int64:
			copy(out.Int64s()[k*n:], t.Int64s())
		case tensor.Uint8:
			copy(out.Uint8s()[k*n:], t.Uint8s())
		default:
			copy(out.Bits()[k*n:], t.Bits())
		}
	}
	return out, nil
}

package gpu

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// userQueue is what a user has of a queue; a queue whose user forgot it is closed.
type userQueue struct{ *queue }

// queue is a stream and what is to be done on the host when the card has come to a piece of its work.
type queue struct {
	dev    *Device
	stream Stream
	work   sync.Mutex // one goroutine at a time may use a queue; the device's Close is another

	n     int64 // pieces so far
	err   error // not given yet
	at    int64 // the piece it arose in
	deaf  int64 // flags of pieces up to this one were told
	stats device.Stats
	over  bool

	reads    []pendingRead
	staged   []stagedBlock // page-locked memory in use
	small    stagedBlock   // what small pieces are cut from
	rest     []byte        // of small
	arena    *memory       // the temporaries of whichever program runs
	programs []*program    // that ran in it
	flags    flags
	tapes    tapes
	ups      uploads
	clocks   []clocks // marks of the profile

	last   atomic.Int64 // the last piece that is known to be done
	marked sync.Mutex   // guards marks
	marks  []markAt
	gone   bool // under marked: nothing is queued any more
}

// markAt is the end of piece n, in the queue's stream or in that of its uploads. A piece has one.
type markAt struct {
	n int64
	Mark
	up bool
}

// pendingRead is a result that is in page-locked memory when the card has come to piece n.
type pendingRead struct {
	n    int64
	to   []byte
	from []byte
	keep *tensor.Tensor
}

type stagedBlock struct {
	n   int64
	mem []byte
}

// mostInFlight is how much page-locked memory a queue's work may wait in.
const mostInFlight = 256 << 20

// NewQueue gives a line of work of one's own.
func (d *Device) NewQueue() device.Queue {
	q := &queue{dev: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	if d.closed {
		err = fmt.Errorf("%s: the device was closed", d.card.Driver)
	} else if q.stream, err = d.drv.NewStream(); err == nil {
		d.queues[q] = true
	}
	if err != nil { // told by the first wait
		q.err, q.over, q.gone = d.sawLocked(err), true, true
	}
	u := &userQueue{q}
	runtime.AddCleanup(u, func(q *queue) {
		go func() { _ = q.close() }() // nobody is left to tell
	}, q)
	return u
}

// passed reports whether the card has done all pieces up to n. Any goroutine may ask.
func (q *queue) passed(n int64) bool {
	if q.last.Load() >= n {
		return true
	}
	q.marked.Lock()
	defer q.marked.Unlock()
	if q.gone {
		return true
	}
	for _, m := range q.marks {
		if m.n > q.last.Load() {
			if done, err := m.Done(); err != nil || !done {
				return err != nil // a lost card does no more work
			}
			q.last.Store(m.n)
		}
		if m.n >= n {
			return true
		}
	}
	return q.last.Load() >= n
}

// follow lets what is queued from now on wait, on the card, for another queue's pieces up to n.
func (q *queue) follow(other *queue, n int64) error {
	if other.last.Load() >= n {
		return nil
	}
	other.marked.Lock()
	defer other.marked.Unlock()
	for _, m := range other.marks {
		if m.n >= n && !other.gone {
			return q.stream.Follow(m.Mark)
		}
	}
	return nil
}

// begin is the number of a new piece of work over buffers, or an error that is the queue's now.
func (q *queue) begin(bs ...device.Buffer) ([]*buffer, error) {
	q.n++
	if q.over {
		q.dev.mu.Lock()
		defer q.dev.mu.Unlock()
		if q.dev.lost != nil {
			return nil, q.dev.lost
		}
		return nil, fmt.Errorf("%s: the queue was closed", q.dev.card.Driver)
	}
	own := make([]*buffer, len(bs))
	for i, b := range bs {
		o, ok := b.(*buffer)
		if !ok || o.dev != q.dev {
			return nil, fmt.Errorf("%s: a buffer of another device (%T)", q.dev.card.Driver, b)
		}
		if !o.usedBy(q, q.n) {
			return nil, fmt.Errorf("%s: a buffer %v that was freed", q.dev.card.Driver, o.spec.Shape)
		}
		own[i] = o
	}
	return own, nil
}

// end marks the piece of work that began last, and gives its event.
func (q *queue) end(err error) device.Event {
	if !q.over {
		q.mark(&err)
	}
	q.fail(err, q.n)
	q.tidy()
	return event{q, q.n}
}

// mark notes the place in the stream. Where it cannot, passed would never be true: the work is waited for.
func (q *queue) mark(err *error) {
	s, up := q.stream, q.ups.at == q.n && q.n > 0
	if up {
		s = q.ups.stream
	}
	m, bad := s.Record()
	q.marked.Lock()
	defer q.marked.Unlock()
	if bad == nil {
		q.marks = append(q.marks, markAt{q.n, m, up})
		return
	}
	_ = q.drain() // the first error says more
	q.last.Store(q.n)
	if *err == nil {
		*err = bad
	}
}

// fail keeps the earliest error that was not given yet.
func (q *queue) fail(err error, n int64) {
	if err == nil {
		return
	}
	if err = q.dev.saw(err); q.err == nil || n < q.at {
		q.err, q.at = err, n
	}
}

// event is the end of piece n.
type event struct {
	q *queue
	n int64
}

// Wait waits until the card is past the piece.
func (e event) Wait(ctx context.Context) error { return e.q.waitFor(ctx, e.n) }

// Passed waits until the card is past the piece. It looks again and again, as only the queue's user may wait inside
// the driver.
func (e event) Passed(ctx context.Context) error {
	for begin := time.Now(); !e.q.passed(e.n); {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Since(begin) < e.q.dev.eager {
			runtime.Gosched()
		} else {
			time.Sleep(20 * time.Microsecond)
		}
	}
	return ctx.Err()
}

// Wait waits until all is done.
func (q *queue) Wait(ctx context.Context) error { return q.waitFor(ctx, q.n) }

func (q *queue) waitFor(ctx context.Context, n int64) error {
	q.work.Lock()
	defer q.work.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if !q.over {
		if err := q.until(ctx, n); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return err
			}
			q.fail(err, n)
		}
	}
	if q.err == nil || q.at > n {
		return nil
	}
	err := q.err
	q.err, q.deaf = nil, q.n
	if q.flags.up && !q.over {
		q.flags.up = false
		q.fail(q.stream.Fill(q.flags.mem.at(), 0, flagBytes), q.n)
	}
	return err
}

// until waits for the card to be past piece n and does what is left for the host to do.
func (q *queue) until(ctx context.Context, n int64) error {
	q.marked.Lock()
	i := slices.IndexFunc(q.marks, func(m markAt) bool { return m.n >= n })
	var ends []markAt // the last of either stream
	for _, up := range []bool{false, true} {
		for k := i; k >= 0; k-- {
			if q.marks[k].up == up {
				ends = append(ends, q.marks[k])
				break
			}
		}
	}
	var end int64
	if i >= 0 {
		end = q.marks[i].n
	}
	q.marked.Unlock()
	for _, m := range ends {
		if err := q.waitMark(ctx, m); err != nil {
			return err
		}
	}
	if end > q.last.Load() {
		q.last.Store(end)
	}
	q.tidy()
	return nil
}

// drain waits for all that is queued.
func (q *queue) drain() error {
	err := q.stream.Wait()
	if q.ups.stream != nil {
		err = errors.Join(err, q.ups.stream.Wait())
	}
	return err
}

// waitMark waits for a mark, or for ctx to end. A wait inside the driver cannot be ended: it is asked again and
// again where somebody may lose patience, at first as fast as other goroutines let it, then now and then.
func (q *queue) waitMark(ctx context.Context, m Mark) error {
	if ctx.Done() == nil {
		return m.Wait()
	}
	for begin := time.Now(); ; {
		if done, err := m.Done(); done || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Since(begin) < q.dev.eager {
			runtime.Gosched()
		} else {
			time.Sleep(20 * time.Microsecond)
		}
	}
}

// eagerness is how long a wait asks as fast as it can: about a step of training where there are cores to spare,
// as a sleep is too long by a tenth of a millisecond.
func eagerness(c Card) time.Duration {
	if c.Compute > 0 && runtime.NumCPU() >= 4 {
		return 20 * time.Millisecond
	}
	return 100 * time.Microsecond
}

// tidy does what is left to do for pieces that are done: results are put where they are expected, page-locked
// memory is free again, flags are looked at.
func (q *queue) tidy() {
	if q.over {
		return
	}
	q.marked.Lock()
	for len(q.marks) > 0 {
		m := q.marks[0]
		if m.n > q.last.Load() {
			done, err := m.Done()
			if err != nil || !done {
				break
			}
			q.last.Store(m.n)
		}
		m.Close()
		q.marks = q.marks[1:]
	}
	q.marked.Unlock()
	last := q.last.Load()
	for len(q.reads) > 0 && q.reads[0].n <= last {
		copyBytes(q.reads[0].to, q.reads[0].from)
		q.reads = q.reads[1:]
	}
	q.staged = slices.DeleteFunc(q.staged, func(s stagedBlock) bool {
		if s.n <= last {
			q.dev.host.give(s.mem)
		}
		return s.n <= last
	})
	if q.small.n <= last {
		q.rest = q.small.mem
	}
	q.flags.look(q, last)
	q.readClocks(last)
	q.tapes.sweep(last)
}

// stage gives page-locked memory for the piece of work that began last.
func (q *queue) stage(bytes int) ([]byte, error) {
	if bytes > leastStaged/4 {
		mem, err := q.lease(bytes)
		if err != nil {
			return nil, err
		}
		q.staged = append(q.staged, stagedBlock{q.n, mem})
		return mem[:bytes:bytes], nil
	}
	if bytes > len(q.rest) {
		if q.small.mem != nil {
			q.staged = append(q.staged, q.small)
			q.small, q.rest = stagedBlock{}, nil
		}
		mem, err := q.lease(leastStaged)
		if err != nil {
			return nil, err
		}
		q.small.mem, q.rest = mem, mem
	}
	out := q.rest[:bytes:bytes]
	q.rest = q.rest[min((bytes+63)/64*64, len(q.rest)):]
	q.small.n = q.n
	return out, nil
}

// lease takes page-locked memory, after earlier work where very much of it is in use.
func (q *queue) lease(bytes int) ([]byte, error) {
	flight := 0
	for _, s := range q.staged {
		flight += len(s.mem)
	}
	if flight > mostInFlight {
		if q.staged[0].n == q.n { // one huge array: its own beginning is in the way, and has no mark yet
			if err := q.drain(); err != nil {
				return nil, err
			}
			q.land()
		} else if err := q.until(context.Background(), q.staged[0].n); err != nil {
			return nil, err
		}
	}
	return q.dev.host.take(bytes)
}

// land finishes what is in page-locked memory after a wait for the whole stream.
func (q *queue) land() {
	for _, r := range q.reads {
		copy(r.to, r.from)
	}
	for _, s := range q.staged {
		q.dev.host.give(s.mem)
	}
	q.reads, q.staged = nil, nil
}

// Stats counts what the queue was given.
func (q *queue) Stats() device.Stats { return q.stats }

// Close frees the queue when its work is done. It gives the error that was not told yet.
func (q *queue) Close() error { return q.close() }

func (q *queue) close() error {
	q.work.Lock()
	defer q.work.Unlock()
	if q.over {
		return nil
	}
	err := q.drain()
	q.last.Store(q.n)
	q.tidy()
	q.fail(err, q.n)
	q.over = true
	q.tapes.retire(0, len(q.tapes.list))
	q.tapes.sweep(q.n)
	q.land()
	if q.small.mem != nil {
		q.dev.host.give(q.small.mem)
	}
	if q.arena != nil {
		q.arena.free()
	}
	q.flags.close(q.dev)
	q.marked.Lock()
	q.gone = true
	for _, m := range q.marks {
		m.Close()
	}
	q.marks = nil
	q.marked.Unlock()
	q.small, q.rest, q.arena = stagedBlock{}, nil, nil
	defer func() { // the device waits for those it knows before it closes the driver
		q.dev.mu.Lock()
		delete(q.dev.queues, q)
		q.dev.mu.Unlock()
	}()
	if q.ups.stream != nil {
		_ = q.ups.stream.Close() // it was waited for
	}
	if err := q.stream.Close(); err != nil {
		return err
	}
	err = q.err
	q.err = nil
	return err
}

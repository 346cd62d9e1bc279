package device

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/tensor"
)

// Queue is a user's line of work for a device. What is put into it is done in the order it came, at once or
// later; two queues have no order between them: who needs another queue's result waits for its event. One
// goroutine at a time may use a queue.
//
// Mistakes (a buffer that was freed, arrays that do not fit) and what a kernel found in its data are the
// queue's error. It is given once: by the next Wait on the queue, or on the event that has it or one behind
// it. Until it was given, programs queued behind it are not run, or run so that what they would have
// changed (Both) stays as it was.
type Queue interface {
	// Write copies src into dst; kinds and counts must agree. src must stay as it is until the event is done.
	Write(dst Buffer, src *tensor.Tensor) Event
	// Read copies src into dst; kinds and counts must agree. dst must not be looked at until the event is done.
	Read(dst *tensor.Tensor, src Buffer) Event
	// Copy copies n elements within the device, from element from of src to element at of dst, which are of
	// one kind. Within one buffer the two stretches must not meet.
	Copy(dst Buffer, at int, src Buffer, from, n int) Event
	// Clear zeroes a buffer.
	Clear(Buffer) Event
	// Run binds args to the plan's Args, in order, and runs all steps. Where ctx ends first the rest of the
	// steps is left out, if the device can, and ctx's error is the queue's.
	Run(ctx context.Context, p Program, args ...Buffer) Event
	// Wait waits until all is done, or ctx ends, and gives the queue's error. Where ctx ends first the work
	// goes on.
	Wait(ctx context.Context) error
	// Stats counts what the queue was given so far.
	Stats() Stats
	// Close frees the queue when its work is done.
	Close() error
}

// Sharing is a Queue whose programs, which run one after the other, have one place for their temporaries in
// common. Place is how many bytes it has now: a program of the queue needs no others.
type Sharing interface{ Place() int64 }

// Overlapping is a Queue that copies arrays of so many bytes to the device beside the work that came before, as
// long as that has nothing to do with them.
type Overlapping interface{ Overlaps(bytes int64) bool }

// Event is the end of one piece of a queue's work.
type Event interface {
	// Wait waits until it and all before it is done, or ctx ends, and gives the queue's error if it arose in
	// it or before it.
	Wait(ctx context.Context) error
	// Passed waits until it is done, or ctx ends, and leaves the queue's error to the queue's user. Any goroutine
	// may call it: so work of one queue comes behind another's.
	Passed(ctx context.Context) error
}

// Stats counts the work given to a queue.
type Stats struct {
	Up, Down       int64 // bytes to the device and back
	Within         int64 // bytes copied on the device, by Copy
	Writes, Reads  int64
	Copies, Clears int64
	Runs           int64
}

// Sub is s without what was there before.
func (s Stats) Sub(before Stats) Stats {
	return Stats{
		Up: s.Up - before.Up, Down: s.Down - before.Down, Within: s.Within - before.Within,
		Writes: s.Writes - before.Writes, Reads: s.Reads - before.Reads,
		Copies: s.Copies - before.Copies, Clears: s.Clears - before.Clears, Runs: s.Runs - before.Runs,
	}
}

// Count adds a Write, Read or Copy of so many bytes.
func (s *Stats) countWrite(n int64) { s.Writes++; s.Up += n }
func (s *Stats) countRead(n int64)  { s.Reads++; s.Down += n }
func (s *Stats) countCopy(n int64)  { s.Copies++; s.Within += n }

// Worker is what a device does for a Queue: the work itself, with errors as they arise.
type Worker interface {
	Write(dst Buffer, src *tensor.Tensor) error
	Read(dst *tensor.Tensor, src Buffer) error
	Copy(dst Buffer, at int, src Buffer, from, n int) error
	Clear(Buffer) error
	Run(ctx context.Context, p Program, args []Buffer) error
}

// Immediate is a Queue that does everything when it is told to, for devices whose memory is the host's.
func Immediate(w Worker) Queue { return &immediate{w: w} }

type immediate struct {
	w     Worker
	n     int64 // pieces of work so far
	err   error // not given yet
	at    int64 // which piece it arose in
	stats Stats
}

// done is the event of piece n.
type done struct {
	q *immediate
	n int64
}

// Wait gives the queue's error if it is this event's or an earlier one's.
func (d done) Wait(context.Context) error {
	if d.q.err == nil || d.q.at > d.n {
		return nil
	}
	return d.q.take()
}

// Passed has nothing to wait for.
func (d done) Passed(ctx context.Context) error { return ctx.Err() }

func (q *immediate) take() error {
	err := q.err
	q.err = nil
	return err
}

func (q *immediate) end(err error) Event {
	q.n++
	if err != nil && q.err == nil {
		q.err, q.at = err, q.n
	}
	return done{q, q.n}
}

func (q *immediate) Write(dst Buffer, src *tensor.Tensor) Event {
	q.stats.countWrite(SpecOf(src).Bytes())
	return q.end(q.w.Write(dst, src))
}

func (q *immediate) Read(dst *tensor.Tensor, src Buffer) Event {
	q.stats.countRead(SpecOf(dst).Bytes())
	return q.end(q.w.Read(dst, src))
}

func (q *immediate) Copy(dst Buffer, at int, src Buffer, from, n int) Event {
	q.stats.countCopy(int64(n * src.Spec().DType.Size()))
	return q.end(q.w.Copy(dst, at, src, from, n))
}

func (q *immediate) Clear(b Buffer) Event {
	q.stats.Clears++
	return q.end(q.w.Clear(b))
}

func (q *immediate) Run(ctx context.Context, p Program, args ...Buffer) Event {
	q.stats.Runs++
	if q.err != nil {
		return q.end(nil)
	}
	return q.end(q.w.Run(ctx, p, args))
}

func (q *immediate) Wait(context.Context) error { return q.take() }
func (q *immediate) Stats() Stats               { return q.stats }
func (q *immediate) Close() error               { return nil }

// CheckCopy is an error where a stretch of n elements does not lie in both arrays.
func CheckCopy(dst Spec, at int, src Spec, from, n int) error {
	if dst.DType != src.DType || n < 0 || at < 0 || from < 0 || at+n > dst.Count() || from+n > src.Count() {
		return fmt.Errorf("copy of %d elements: from %d of %v %v to %d of %v %v", n, from, src.DType, src.Shape, at, dst.DType, dst.Shape)
	}
	return nil
}

package gpu

// Large arrays go up in a stream of their own, so that the card copies the next batch while it computes: behind
// what is queued that uses the same memory, and beside everything else, the optimizer of the step before above all.
// The queue's own stream waits for them, on the card, before its next piece of other work.

// leastAside is the size in bytes from which an array is worth it: smaller ones are there sooner than a second
// stream is told.
const leastAside = 64 << 10

// uploads are a queue's copies beside its work.
type uploads struct {
	stream Stream // nil until it is needed
	at     int64  // the last piece that went that way
	behind bool   // the queue's stream was not told yet to wait for it
}

// Overlaps reports whether an array of so many bytes goes up beside the work that is queued.
func (q *queue) Overlaps(bytes int64) bool { return bytes >= leastAside && q.dev.aside }

// upAside queues the copy of bytes to a buffer in the stream of uploads. The piece's mark is that stream's.
func (q *queue) upAside(b *buffer, from []byte) (err error) {
	if q.ups.stream == nil {
		if q.ups.stream, err = q.dev.drv.NewStream(); err != nil {
			q.ups.stream = nil
			return err
		}
	}
	q.ups.at, q.ups.behind = q.n, true
	if n := b.before(q); n > q.last.Load() {
		q.marked.Lock()
		for _, m := range q.marks {
			if m.n >= n {
				if !m.up {
					err = q.ups.stream.Follow(m.Mark)
				}
				break
			}
		}
		q.marked.Unlock()
		if err != nil {
			return err
		}
	}
	return q.upBy(q.ups.stream, b.at(), from)
}

// gather lets the queue's stream wait for all uploads so far.
func (q *queue) gather() error {
	if !q.ups.behind {
		return nil
	}
	q.ups.behind = false
	if q.last.Load() >= q.ups.at {
		return nil
	}
	q.marked.Lock()
	defer q.marked.Unlock()
	for _, m := range q.marks {
		if m.n == q.ups.at {
			return q.stream.Follow(m.Mark)
		}
	}
	return nil // it was waited for
}

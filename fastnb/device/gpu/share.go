package gpu

import (
	"maps"
	"slices"
)

// The place for temporaries belongs to a queue and is as large as the largest program that runs in it needs.
// When that program is closed, the place goes with it; the next run takes what it needs.

// users notes that a program runs in the queue.
func (q *queue) users(p *program) {
	if !slices.Contains(q.programs, p) {
		q.programs = append(q.programs, p)
	}
}

// Place is how many bytes the queue's place for temporaries has now.
func (q *queue) Place() int64 {
	q.work.Lock()
	defer q.work.Unlock()
	if q.arena == nil {
		return 0
	}
	return q.arena.bytes
}

// most is the largest place for temporaries that a queue has: a program that runs there needs no other.
func (d *Device) most() int64 {
	most := int64(0)
	for _, q := range d.all() {
		most = max(most, q.Place())
	}
	return most
}

func (d *Device) all() []*queue {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.queues))
}

// forget takes a closed program out of all queues.
func (d *Device) forget(p *program) {
	for _, q := range d.all() {
		q.drop(p)
	}
}

// drop forgets a program and gives the place for temporaries back where the others need a smaller one.
func (q *queue) drop(p *program) {
	q.work.Lock()
	defer q.work.Unlock()
	i := slices.Index(q.programs, p)
	if i < 0 || q.over {
		return
	}
	q.programs = slices.Delete(q.programs, i, i+1)
	q.tapes.forget(p.id)
	most := int64(0)
	for _, o := range q.programs {
		most = max(most, o.size)
	}
	if q.arena != nil && q.arena.bytes > most {
		q.arena.free()
		q.arena = nil
		q.tapes.retire(0, len(q.tapes.list))
	}
}

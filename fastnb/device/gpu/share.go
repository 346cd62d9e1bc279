package gpu

import "slices"

// The place for temporaries belongs to a queue and is as large as the largest program that runs in it needs.
// When that program is closed, the place goes with it; the next run takes what it needs.

// users notes that a program runs in the queue.
func (q *queue) users(p *program) {
	if !slices.Contains(q.programs, p) {
		q.programs = append(q.programs, p)
	}
}

// forget takes a closed program out of all queues.
func (d *Device) forget(p *program) {
	d.mu.Lock()
	var all []*queue
	for q := range d.queues {
		all = append(all, q)
	}
	d.mu.Unlock()
	for _, q := range all {
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

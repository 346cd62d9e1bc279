package cpu

import (
	"sync"
	"sync/atomic"
)

// team is a fixed number of workers that share out the parts of an op. The caller is the first; the
// others wait on their channels, so an idle team costs nothing.
type team struct {
	n    int
	jobs []chan *job
}

type job struct {
	next  atomic.Int64
	parts int64
	fn    func(worker, part int)
	wg    sync.WaitGroup
	bad   atomic.Pointer[any]
}

func newTeam(n int) *team {
	t := &team{n: n}
	for w := 1; w < n; w++ {
		c := make(chan *job)
		t.jobs = append(t.jobs, c)
		go func() {
			for j := range c {
				j.work(w)
				j.wg.Done()
			}
		}()
	}
	return t
}

func (j *job) work(w int) {
	defer func() {
		if r := recover(); r != nil {
			j.bad.CompareAndSwap(nil, &r)
		}
	}()
	for {
		p := j.next.Add(1) - 1
		if p >= j.parts {
			return
		}
		j.fn(w, int(p))
	}
}

// each calls fn for every part in [0, parts), shared out as workers get free. worker is in [0, n).
// A part must not depend on who computes it. A panic in any part is raised again here.
func (t *team) each(parts int, fn func(worker, part int)) {
	if parts <= 1 || t.n == 1 {
		for p := range parts {
			fn(0, p)
		}
		return
	}
	j := &job{parts: int64(parts), fn: fn}
	helpers := min(t.n, parts) - 1
	j.wg.Add(helpers)
	for _, c := range t.jobs[:helpers] {
		c <- j
	}
	j.work(0)
	j.wg.Wait()
	if r := j.bad.Load(); r != nil {
		panic(*r)
	}
}

// grain is the least number of elements worth a worker's while.
const grain = 1 << 13

// maxParts is into how many parts an op is cut at most. It does not depend on the number of workers, so
// that sums over parts do not either.
const maxParts = 16

// ranges calls fn for consecutive ranges that cover [0, n), each a multiple of unit but the last.
func (t *team) ranges(n, unit, cost int, fn func(worker, from, to int)) {
	units := (n + unit - 1) / unit
	parts := min(units, maxParts, max(1, n*cost/grain))
	t.each(parts, func(w, p int) {
		from, to := units*p/parts*unit, min(units*(p+1)/parts*unit, n)
		if from < to {
			fn(w, from, to)
		}
	})
}

package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// team is a fixed number of workers that share out the parts of an op. The caller is the first; the
// others begin with the first job and wait on their channels, so an idle team costs nothing.
type team struct {
	n     int
	start sync.Mutex
	jobs  []chan *job
}

type job struct {
	next  atomic.Int64
	parts int64
	fn    func(worker, part int)
	wg    sync.WaitGroup
	bad   atomic.Pointer[any]
}

func newTeam(n int) *team { return &team{n: n} }

// helpers are the channels of the others.
func (t *team) helpers() []chan *job {
	t.start.Lock()
	defer t.start.Unlock()
	for w := len(t.jobs) + 1; w < t.n; w++ {
		c := make(chan *job)
		t.jobs = append(t.jobs, c)
		go func() {
			for j := range c {
				j.work(w)
				j.wg.Done()
			}
		}()
	}
	return t.jobs
}

// end lets the others go. A later job would call new ones.
func (t *team) end() {
	t.start.Lock()
	defer t.start.Unlock()
	for _, c := range t.jobs {
		close(c)
	}
	t.jobs = nil
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
	for _, c := range t.helpers()[:helpers] {
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

// together runs fn once on every worker at the same time. wait, called by all, lets none go on before the
// last has come: many short phases with less delay than as many calls of each. fn must call wait equally
// often on every worker.
func (t *team) together(fn func(worker int, wait func())) {
	if t.n == 1 {
		fn(0, func() {})
		return
	}
	var arrived, phase atomic.Int64
	var broken atomic.Bool
	wait := func() {
		now := phase.Load()
		if arrived.Add(1) == int64(t.n) {
			arrived.Store(0)
			phase.Add(1)
			return
		}
		for i := 0; phase.Load() == now && !broken.Load(); i++ {
			if i > spins {
				runtime.Gosched()
			}
		}
	}
	// Each worker takes one part and stays in it until all are done, so every worker gets one.
	t.each(t.n, func(_, part int) {
		done := false
		defer func() {
			if !done { // a panic on its way up: let the others go
				broken.Store(true)
			}
		}()
		fn(part, wait)
		wait()
		done = true
	})
}

// spins is how often a worker looks whether the others have come before it lets other work run.
const spins = 4000

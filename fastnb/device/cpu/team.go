package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// team is a fixed number of workers that share out the parts of an op. The caller is the first; the
// others begin with the first job. Who waits for another first looks for a while, resting as a processor can
// (pause): ops follow each other within microseconds, and to be put to sleep and woken takes as long as a small
// op, several times that for a caller who is locked to its thread, as cells of a notebook are. Then it
// sleeps, so an idle team costs nothing.
type team struct {
	n       int
	start   sync.Mutex
	helpers []chan *job
}

// job is an op's parts. It is open until whoever posted it closes it, which is when nobody is inside and all parts
// are done. A helper that comes too late finds it closed and leaves it.
type job struct {
	next   atomic.Int64
	parts  int64
	fn     func(worker, part int)
	inside atomic.Int64                  // helpers at work, or closed
	asleep atomic.Pointer[chan struct{}] // what to tell when the last leaves, if anything
	bad    atomic.Pointer[any]
}

const closed = -1 << 32

// How long is looked for what is to come before sleep.
const (
	lookForJob   = 20 * time.Microsecond
	lookForLast  = 60 * time.Microsecond // parts take that long
	lookForPhase = 60 * time.Microsecond
)

func newTeam(n int) *team { return &team{n: n} }

// look waits until done says so, for a while: it reports whether it did. Where workers must share processors it
// looks once only.
func (t *team) look(while time.Duration, done func() bool) bool {
	if done() {
		return true
	}
	if runtime.GOMAXPROCS(0) < t.n {
		return false
	}
	start := time.Now()
	for {
		for range 16 {
			pause(2)
			if done() {
				return true
			}
		}
		if time.Since(start) > while {
			return false
		}
	}
}

// others are the channels of the helpers. They hold one job, so that who posts it need not wait.
func (t *team) others() []chan *job {
	t.start.Lock()
	defer t.start.Unlock()
	for w := len(t.helpers) + 1; w < t.n; w++ {
		c := make(chan *job, 1)
		t.helpers = append(t.helpers, c)
		go t.help(w, c)
	}
	return t.helpers
}

// help is what a helper does until its channel is closed.
func (t *team) help(w int, c chan *job) {
	for {
		t.look(lookForJob, func() bool { return len(c) > 0 })
		j, ok := <-c
		if !ok {
			return
		}
		if j.enter() {
			j.work(w)
			j.leave()
		}
	}
}

// end lets the others go. A later job would call new ones.
func (t *team) end() {
	t.start.Lock()
	defer t.start.Unlock()
	for _, c := range t.helpers {
		close(c)
	}
	t.helpers = nil
}

// enter lets a helper in unless the job is closed.
func (j *job) enter() bool {
	for {
		n := j.inside.Load()
		if n < 0 {
			return false
		}
		if j.inside.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave lets a helper out, and wakes who waits for the last.
func (j *job) leave() {
	if j.inside.Add(-1) != 0 {
		return
	}
	if c := j.asleep.Load(); c != nil {
		select {
		case *c <- struct{}{}:
		default:
		}
	}
}

// shut closes the job if nobody is inside.
func (j *job) shut() bool { return j.inside.CompareAndSwap(0, closed) }

// finish waits until nobody is inside, and closes the job.
func (j *job) finish(t *team) {
	if t.look(lookForLast, j.shut) {
		return
	}
	c := make(chan struct{}, 1)
	j.asleep.Store(&c)
	for !j.shut() {
		<-c // who left before asleep was set is seen by shut, who leaves after it tells
	}
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
func (t *team) each(parts int, fn func(worker, part int)) { t.share(parts, fn, false) }

// share is each. all waits for helpers that have not come to their last job yet; without it they are passed over.
func (t *team) share(parts int, fn func(worker, part int), all bool) {
	if parts <= 1 || t.n == 1 {
		for p := range parts {
			fn(0, p)
		}
		return
	}
	j := &job{parts: int64(parts), fn: fn}
	for _, c := range t.others()[:min(t.n, parts)-1] {
		if all {
			c <- j
			continue
		}
		select {
		case c <- j:
		default:
		}
	}
	j.work(0)
	j.finish(t)
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
		passed := func() bool { return phase.Load() != now || broken.Load() }
		for looks := 0; !t.look(lookForPhase, passed); looks++ {
			// Another was kept from its processor. Who is ready to run gets ours: others of this process
			// first, then, where that does not help, other processes.
			if looks < patience {
				runtime.Gosched()
			} else {
				time.Sleep(restForPhase)
			}
		}
	}
	// Each worker takes one part and stays in it until all are done, so every worker gets one.
	t.share(t.n, func(_, part int) {
		done := false
		defer func() {
			if !done { // a panic on its way up: let the others go
				broken.Store(true)
			}
		}()
		fn(part, wait)
		wait()
		done = true
	}, true)
}

// How often who waits for a phase looks for it before it sleeps between looks, and for how long.
const (
	patience     = 4
	restForPhase = 50 * time.Microsecond
)

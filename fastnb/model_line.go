package fastnb

import (
	"context"
	"fmt"
	"sync"

	"github.com/fastnb/go/fastnb/data"
)

// mostRows is how many items a model computes together.
const mostRows = 32

// line is where items wait for a model. There is no goroutine behind it: of those who wait, whoever gets the
// turn computes a batch of what waits then, for itself and others. While it does, more come.
type line struct {
	turn chan struct{} // one token
	mu   sync.Mutex
	jobs []*job // in the order they came
}

// job is an item that waits for its outputs.
type job struct {
	ctx    context.Context
	recipe recipe
	x      data.Item
	key    string // jobs of one key can be computed together
	done   chan struct{}
	out    *Tensor // [1, ...]
	err    error
}

func newLine() *line { return &line{turn: make(chan struct{}, 1)} }

func newJob(ctx context.Context, r recipe, x data.Item) *job {
	t := x.Tensor()
	return &job{ctx: ctx, recipe: r, x: x, key: fmt.Sprintf("%p %s %v", r.data, t.DType(), t.Shape()), done: make(chan struct{})}
}

// wait gets in line and comes back when all jobs are computed, or with the first error. compute runs jobs of one
// key as a batch of rows.
func (l *line) wait(ctx context.Context, jobs []*job, compute func(ctx context.Context, jobs []*job, rows int) error) error {
	l.mu.Lock()
	l.jobs = append(l.jobs, jobs...)
	l.mu.Unlock()
	for _, j := range jobs {
		for waiting := true; waiting; {
			select {
			case <-j.done:
				waiting = false
			case <-ctx.Done():
				return ctx.Err()
			case l.turn <- struct{}{}:
				l.batch(compute)
				<-l.turn
			}
		}
		if j.err != nil {
			return j.err
		}
	}
	return nil
}

// batch computes the oldest jobs that can be computed together.
func (l *line) batch(compute func(ctx context.Context, jobs []*job, rows int) error) {
	jobs := l.take()
	if len(jobs) == 0 {
		return
	}
	ctx := context.Background() // one who stops waiting must not stop the others
	if len(jobs) == 1 {
		ctx = jobs[0].ctx
	}
	err := safely(func() error { return compute(ctx, jobs, rowsFor(len(jobs))) })
	for _, j := range jobs {
		j.err = err
		close(j.done)
	}
}

// safely turns a panic of a kind of item of somebody's own into an error: others wait for the same batch.
func safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

// take takes the oldest job and those like it out of the line; jobs that nobody waits for any more go too.
func (l *line) take() []*job {
	l.mu.Lock()
	defer l.mu.Unlock()
	var batch []*job
	rest := l.jobs[:0]
	for _, j := range l.jobs {
		switch {
		case j.ctx.Err() != nil: // its owner has gone
		case len(batch) == 0, len(batch) < mostRows && j.key == batch[0].key:
			batch = append(batch, j)
		default:
			rest = append(rest, j)
		}
	}
	clear(l.jobs[len(rest):])
	l.jobs = rest
	return batch
}

// rowsFor is the size of the batch for n items: few sizes, so that few programs are compiled.
func rowsFor(n int) int {
	rows := 1
	for rows < n {
		rows *= 2
	}
	return rows
}

// waiting is the number of items in line.
func (l *line) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.jobs)
}

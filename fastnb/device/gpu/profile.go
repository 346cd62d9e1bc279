package gpu

import (
	"context"
	"time"

	"github.com/fastnb/go/fastnb/device"
)

// clocks are marks around the steps of a run.
type clocks struct {
	n     int64
	plan  *device.Plan
	prof  *device.Times
	marks []Mark // one more than steps
	steps []*device.Step
}

// Profile switches the measuring of each step of all programs on or off, and forgets what was measured. While
// it is on, steps are launched one by one and not from recordings.
func (d *Device) Profile(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.prof = nil
	if on {
		d.prof = device.NewTimes(false)
	}
}

// Times is what was measured since Profile(true), nil without a profile.
func (d *Device) Times() *device.Times { return d.profile() }

func (d *Device) profile() *device.Times {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.prof
}

// timed queues the launches with a mark behind each step.
func (r *running) timed(ctx context.Context, prof *device.Times) (err error) {
	c := clocks{n: r.q.n, plan: r.p.plan, prof: prof}
	mark := func() error {
		m, err := r.stream.Record()
		if err == nil {
			c.marks = append(c.marks, m)
		}
		return err
	}
	if err := mark(); err != nil {
		return err
	}
	defer func() { r.q.clocks = append(r.q.clocks, c) }()
	for i := range r.p.calls {
		if err := ctx.Err(); err != nil {
			return err
		}
		cl := &r.p.calls[i]
		if err := r.call(cl); err != nil {
			return err
		}
		if i+1 < len(r.p.calls) && r.p.calls[i+1].step == cl.step {
			continue
		}
		if err := mark(); err != nil {
			return err
		}
		c.steps = append(c.steps, cl.step)
	}
	return nil
}

// readClocks adds the times of runs that are done.
func (q *queue) readClocks(last int64) {
	for len(q.clocks) > 0 && q.clocks[0].n <= last {
		c := q.clocks[0]
		q.clocks = q.clocks[1:]
		for i, st := range c.steps {
			if s, err := c.marks[i+1].Since(c.marks[i]); err == nil {
				c.prof.Note(st, c.plan, time.Duration(s*1e9), 0)
			}
		}
		for _, m := range c.marks {
			m.Close()
		}
	}
}

// ProfileTable tells where the card's time since Profile(true) went: ops and the forty dearest steps, each with
// its share, its calls, its time and how many gigabytes a second its arrays came to, counted in single
// precision. It knows of runs that were waited for, and is empty without a profile.
func (d *Device) ProfileTable() string {
	p := d.profile()
	if p == nil {
		return ""
	}
	return p.Table()
}

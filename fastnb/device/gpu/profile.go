package gpu

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// profile is where the card's time went: by op, and by op and layer.
type profile struct {
	mu        sync.Mutex
	op, layer map[string]*spent
}

type spent struct {
	calls int
	time  time.Duration
	bytes int64 // of inputs and outputs
}

// clocks are marks around the steps of a run.
type clocks struct {
	n     int64
	plan  *device.Plan
	prof  *profile
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
		d.prof = &profile{op: map[string]*spent{}, layer: map[string]*spent{}}
	}
}

func (d *Device) profile() *profile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.prof
}

// timed queues the launches with a mark behind each step.
func (r *running) timed(ctx context.Context, prof *profile) (err error) {
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
				c.prof.note(st, c.plan, time.Duration(s*1e9))
			}
		}
		for _, m := range c.marks {
			m.Close()
		}
	}
}

// note adds a step's time.
func (p *profile) note(st *device.Step, plan *device.Plan, t time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var bytes int64
	for _, ids := range [][]device.ValueID{st.In, st.Out} {
		for _, id := range ids {
			v := plan.Values[id]
			bytes += int64(tensor.Count(v.Shape) * v.DType.Size())
		}
	}
	for _, at := range []struct {
		m   map[string]*spent
		key string
	}{{p.op, st.Op}, {p.layer, st.Layer + " " + st.Op}} {
		s := at.m[at.key]
		if s == nil {
			s = &spent{}
			at.m[at.key] = s
		}
		s.calls++
		s.time += t
		s.bytes += bytes
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
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	b.WriteString("share    calls        time    GB/s  op\n")
	writeSpent(&b, p.op, 0)
	b.WriteString("share    calls        time    GB/s  layer and op\n")
	writeSpent(&b, p.layer, 40)
	return b.String()
}

// writeSpent writes the dearest rows of m, all if most is 0.
func writeSpent(b *strings.Builder, m map[string]*spent, most int) {
	var names []string
	var sum time.Duration
	for n, s := range m {
		names = append(names, n)
		sum += s.time
	}
	sort.Slice(names, func(i, j int) bool {
		x, y := m[names[i]].time, m[names[j]].time
		return x > y || x == y && names[i] < names[j]
	})
	if most > 0 && len(names) > most {
		names = names[:most]
	}
	for _, n := range names {
		s := m[n]
		fmt.Fprintf(b, "%5.1f%% %7d %11v %7.1f  %s\n", 100*float64(s.time)/float64(max(sum, 1)), s.calls, s.time.Round(time.Microsecond),
			float64(s.bytes)/max(s.time.Seconds(), 1e-9)/1e9, n)
	}
}

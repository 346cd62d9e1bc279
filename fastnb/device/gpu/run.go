package gpu

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// running is one run of a program.
type running struct {
	q      *queue
	stream Stream
	p      *program
	args   []*buffer
	arena  Ptr
}

// ptr is where a ref lies in this run.
func (r *running) ptr(x ref) Ptr {
	n := x.bytes()
	switch {
	case x.scratch == flagScratch:
		return r.q.flags.mem.at()
	case x.scratch < 0:
		at := r.p.consts.at()
		return Ptr{at.Mem, at.Off + r.p.extra[firstConst-x.scratch] + x.off, n}
	case x.scratch > 0:
		return Ptr{r.arena.Mem, r.arena.Off + r.p.pads[x.scratch] + x.off, n}
	}
	switch r.p.plan.Values[x.value].Place {
	case device.Bound:
		at := r.args[r.p.params[x.value]].at()
		return Ptr{at.Mem, at.Off + x.off, n}
	case device.Const:
		at := r.p.consts.at()
		return Ptr{at.Mem, at.Off + r.p.held[x.value] + x.off, n}
	}
	return Ptr{r.arena.Mem, r.arena.Off + r.p.place[x.value] + x.off, n}
}

// Run queues a program's launches. Between two of them it looks whether ctx has ended.
func (q *queue) Run(ctx context.Context, p device.Program, args ...device.Buffer) device.Event {
	q.work.Lock()
	defer q.work.Unlock()
	q.stats.Runs++
	q.dev.turn.Lock()
	defer q.dev.turn.Unlock()
	return q.end(q.run(ctx, p, args))
}

func (q *queue) run(ctx context.Context, dp device.Program, args []device.Buffer) error {
	p, ok := dp.(*program)
	switch {
	case !ok || p.dev != q.dev:
		q.n++
		return fmt.Errorf("%s: a program of another device (%T)", q.dev.card.Driver, dp)
	case p.closed.Load():
		q.n++
		return fmt.Errorf("fastnb: %s: %s was closed", q.dev.card.Driver, p.plan.Name)
	case len(args) != len(p.plan.Args):
		q.n++
		return fmt.Errorf("fastnb: %s: %s: %d arguments, want %d", q.dev.card.Driver, p.plan.Name, len(args), len(p.plan.Args))
	}
	bs, err := q.begin(args...)
	if err != nil {
		return err
	}
	if q.err != nil {
		return nil // it is told first
	}
	for i, a := range p.plan.Args {
		if v := p.plan.Values[a.Value]; !v.Spec().Fits(bs[i].spec) {
			return fmt.Errorf("fastnb: %s: %s: argument %s is %v %v, want %v %v", q.dev.card.Driver, p.plan.Name, v.Name, bs[i].spec.DType, bs[i].spec.Shape, v.DType, v.Shape)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := q.gather(); err != nil {
		return err
	}
	for i, a := range p.plan.Args {
		if err := bs[i].order(q, a.Access == device.Write || a.Access == device.Both); err != nil {
			return err
		}
	}
	if err := q.room(p); err != nil {
		return fmt.Errorf("fastnb: %s: %s: temporaries: %w", q.dev.card.Driver, p.plan.Name, err)
	}
	r := &running{q: q, stream: q.stream, p: p, args: bs}
	if q.arena != nil {
		r.arena = q.arena.at()
	}
	if p.flags || len(p.hosted) > 0 {
		if err := q.flags.ready(q); err != nil {
			return err
		}
	}
	if err := r.spoil(); err != nil {
		return err
	}
	if err := r.all(ctx); err != nil {
		return err
	}
	if err := r.unspoilt(); err != nil {
		return err
	}
	if p.flags {
		return q.flags.down(q, p.plan)
	}
	return nil
}

// room makes the queue's place for temporaries large enough.
func (q *queue) room(p *program) error {
	if p.consts != nil && !p.consts.usedBy(q, q.n) {
		return fmt.Errorf("the program was closed")
	}
	if p.size > 0 && (q.arena == nil || q.arena.bytes < p.size) {
		if q.arena != nil {
			q.arena.free()
			q.arena = nil
			q.tapes.retire(0, len(q.tapes.list))
		}
		m, err := q.dev.reserve(p.size)
		if err != nil {
			return err
		}
		q.arena = m
	}
	if q.arena != nil {
		q.arena.usedBy(q, q.n)
	}
	q.users(p)
	return nil
}

// all queues the launches, from a tape where there is one.
func (r *running) all(ctx context.Context) error {
	p := r.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if prof := r.q.dev.profile(); prof != nil {
		prof.NoteMemory(p.Memory())
		return r.timed(ctx, prof)
	}
	if len(p.hosted) == 0 {
		if done, err := r.q.tapes.play(r); done || err != nil {
			return err
		}
	}
	for i := range p.calls {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.call(&p.calls[i]); err != nil {
			return err
		}
	}
	return nil
}

// call queues one launch.
func (r *running) call(c *call) error {
	var err error
	if c.other != nil {
		err = c.other(r)
	} else {
		for k, x := range c.refs {
			c.args[c.where[k]].Ptr = r.ptr(x)
		}
		err = r.stream.Launch(c.kernel, c.grid, c.block, c.shared, c.args)
	}
	if err != nil {
		return device.StepError(r.p.plan, c.step, err)
	}
	return nil
}

// host runs a step's definition: the card is waited for, inputs come down, results go up.
func (r *running) host(st *device.Step, in, out []ref) error {
	r.q.dev.onHost.Add(1)
	slot := r.q.flags.slots[:flagBytes] // nothing is on its way to it: it is waited for
	pending := len(r.q.flags.runs)
	if pending > 0 {
		if err := r.q.until(context.Background(), r.q.flags.runs[pending-1].n); err != nil {
			return err
		}
	}
	if err := r.stream.Download(slot, r.q.flags.mem.at()); err != nil {
		return err
	}
	if err := r.stream.Wait(); err != nil {
		return err
	}
	if (flagged{slot: slot, plan: r.p.plan}).err() != nil {
		return nil // nothing is changed until it is told
	}
	ins := make([]*tensor.Tensor, len(in))
	for i, x := range in {
		t, err := r.fetch(x, st.In[i])
		if err != nil {
			return err
		}
		ins[i] = t
	}
	outs := make([]*tensor.Tensor, len(out))
	for i := range out {
		v := r.p.plan.Values[st.Out[i]]
		outs[i] = tensor.New(v.DType, v.Shape...)
		for j, id := range st.In {
			if id == st.Out[i] {
				outs[i] = ins[j].Clone()
			}
		}
	}
	if err := st.Host(outs, ins); err != nil {
		return err
	}
	for i, x := range out {
		if err := r.q.up(r.ptr(x), bytesOf(outs[i].To(x.kind))); err != nil {
			return err
		}
	}
	return nil
}

// fetch is a value as its plan says it is; what is queued is done.
func (r *running) fetch(x ref, id device.ValueID) (*tensor.Tensor, error) {
	v := r.p.plan.Values[id]
	t := tensor.New(x.kind, v.Shape...)
	to, from := bytesOf(t), r.ptr(x)
	for len(to) > 0 {
		n := min(len(to), mostStaged)
		h, err := r.q.dev.host.take(n)
		if err != nil {
			return nil, err
		}
		if err = r.stream.Download(h[:n], from); err == nil {
			err = r.stream.Wait()
		}
		copy(to[:n], h)
		r.q.dev.host.give(h)
		if err != nil {
			return nil, err
		}
		to, from = to[n:], from.from(int64(n))
	}
	return t.To(v.DType), nil
}

package gpu

import (
	"math/rand/v2"
	"runtime"

	"github.com/fastnb/go/fastnb/device"
)

// bench times products on a card: their operands are made up.
type bench struct {
	dev    *Device
	stream Stream
	record bool // recordings are timed, where the driver makes them, so that the host's part in it does not count
}

func newBench(d *Device) (*bench, error) {
	s, err := d.drv.NewStream()
	if err != nil {
		return nil, err
	}
	return &bench{dev: d, stream: s}, nil
}

func (b *bench) close() error { return b.stream.Close() }

// seconds is the time of p done as x says: the least of tries runs of a few times each, as many as take at most
// about budget seconds.
func (b *bench) seconds(p product, x choice, budget float64) (float64, error) {
	c := &compiler{
		dev: b.dev, plan: &device.Plan{Name: "measurement"}, act: p.kind, step: &device.Step{Op: "gemm"}, casts: map[castOf]ref{},
		force: func(*product) choice { return x },
	}
	p.a, p.b, p.c = c.temp(p.a.kind, p.a.n), c.temp(p.b.kind, p.b.n), c.temp(p.c.kind, p.c.n)
	for _, r := range []**ref{&p.bias, &p.mask} {
		if *r != nil {
			t := c.temp((*r).kind, (*r).n)
			*r = &t
		}
	}
	c.product(p)
	return b.time(c, budget)
}

// time is the time of what was queued.
func (b *bench) time(c *compiler, budget float64) (float64, error) {
	pr := &program{dev: b.dev, plan: c.plan}
	pr.arrange(c)
	if err := pr.ready(c); err != nil {
		return 0, err
	}
	m, err := b.dev.reserve(pr.size)
	if err != nil {
		return 0, err
	}
	defer m.free()
	defer b.stream.Wait() //nolint:errcheck // nothing is queued any more where all went well
	if err := b.noise(m); err != nil {
		return 0, err
	}
	r := &running{stream: b.stream, p: pr, arena: m.at()}
	if _, err := b.run(r, 1); err != nil { // loads what is loaded late
		return 0, err
	}
	once, err := b.run(r, 1)
	if err != nil {
		return 0, err
	}
	best := once
	n := int(min(20, max(1, budget/3/max(once, 1e-6))))
	for range 3 {
		s, err := b.run(r, n)
		if err != nil {
			return 0, err
		}
		best = min(best, s)
	}
	return best, nil
}

// plain queues all calls.
func (r *running) plain() error {
	for i := range r.p.calls {
		if err := r.call(&r.p.calls[i]); err != nil {
			return err
		}
	}
	return nil
}

// run is the time of one of n runs.
func (b *bench) run(r *running, n int) (float64, error) {
	once := r.plain
	if rec, ok := b.stream.(Recorder); ok && b.record {
		made, err := r.record(rec)
		if err != nil {
			return 0, err
		}
		defer made.Close()
		once = func() error { return rec.Replay(made) }
	}
	from, err := b.stream.Record()
	if err != nil {
		return 0, err
	}
	defer from.Close()
	for range n {
		if err := once(); err != nil {
			return 0, err
		}
	}
	to, err := b.stream.Record()
	if err != nil {
		return 0, err
	}
	defer to.Close()
	if err := b.stream.Wait(); err != nil {
		return 0, err
	}
	s, err := to.Since(from)
	return s / float64(n), err
}

// noise fills memory with numbers about 1 in every kind of storage: a card computes faster, and cooler, on zeros.
func (b *bench) noise(m *memory) error {
	at := m.at()
	part := make([]byte, min(at.Len, 1<<20)&^1)
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(part); i += 2 {
		v := uint16(r.Uint32())&0x83ff | 0x3800 | uint16(r.Uint32())&0x400
		part[i], part[i+1] = byte(v), byte(v>>8)
	}
	if err := b.stream.Upload(at.First(int64(len(part))), part); err != nil {
		return err
	}
	err := b.stream.Wait()
	runtime.KeepAlive(part)
	if err != nil {
		return err
	}
	for done := int64(len(part)); done < at.Len&^1; {
		n := min(done, at.Len&^1-done)
		if err := b.stream.Copy(at.from(done), at, n); err != nil {
			return err
		}
		done += n
	}
	return nil
}

package devicetest

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/tensor"
)

// A fake device computes as the reference device does, on the host, and has none of the host's comforts:
//
//   - A queue does nothing until somebody waits for it, and then goes past what was waited for, or just as far.
//   - A destination of Read is spoilt from the beginning until its event is waited for: the results are there,
//     but events come out of step with the work, and only Wait puts them into the destination.
//   - A source of Write is read when its turn comes. One that was changed before is an error.
//   - Its memory is not the host's, and what is freed is spoilt when the work that was queued is done.
//   - Temporaries that need no full precision are rounded to Activations, if that is a kind of half precision.
//
// What passes on it takes no advantage of a device that is the machine itself.

func init() {
	device.Register("fake", -1, func() (device.Device, error) { return NewFake(tensor.Float32), nil })
	device.Register("fake-f16", -1, func() (device.Device, error) { return NewFake(tensor.Float16), nil })
	device.Register("fake-bf16", -1, func() (device.Device, error) { return NewFake(tensor.BFloat16), nil })
}

// NewFake makes a fake device that keeps activations as numbers of a kind.
func NewFake(activations tensor.DType) device.Device {
	name := "fake"
	if activations != tensor.Float32 {
		name += " " + activations.String()
	}
	return &fake{name: name, half: activations}
}

type fake struct {
	name   string
	half   tensor.DType
	closed atomic.Bool
}

func (f *fake) Info() device.Info {
	return device.Info{
		Name: f.name, Kind: device.GPU, Memory: 1 << 40, Activations: f.half,
		DTypes: []tensor.DType{tensor.Float32, tensor.Int64, tensor.Uint8, tensor.Float16, tensor.BFloat16},
		Mixed:  []tensor.DType{tensor.Float16, tensor.BFloat16},
	}
}

func (f *fake) FreeMemory() int64 { return 1 << 40 }

func (f *fake) Close() error {
	f.closed.Store(true)
	return nil
}

// fakeBuffer's memory is guarded by mu: queues may be at work at the same time.
type fakeBuffer struct {
	of    *fake
	spec  device.Spec
	mu    sync.RWMutex
	t     *tensor.Tensor
	uses  int // pieces of queued work; under mu
	freed bool
}

func (b *fakeBuffer) Spec() device.Spec { return b.spec }

func (f *fake) Alloc(s device.Spec) (device.Buffer, error) {
	if f.closed.Load() {
		return nil, fmt.Errorf("fake: the device was closed")
	}
	s.Shape = slices.Clone(s.Shape)
	return &fakeBuffer{of: f, spec: s, t: tensor.New(s.DType, s.Shape...)}, nil
}

func (f *fake) Free(b device.Buffer) {
	o := b.(*fakeBuffer)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.freed = true
	o.spoil()
}

// spoil makes it seen where something still looks at freed memory.
func (b *fakeBuffer) spoil() {
	if b.freed && b.uses == 0 {
		poison(b.t)
	}
}

// take lets a piece of work use the buffer until it gives it back.
func (f *fake) take(b device.Buffer) (*fakeBuffer, error) {
	o, ok := b.(*fakeBuffer)
	if !ok || o.of != f {
		return nil, fmt.Errorf("fake: a buffer of another device (%T)", b)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.freed {
		return nil, fmt.Errorf("fake: a buffer %v that was freed", o.spec.Shape)
	}
	o.uses++
	return o, nil
}

func (b *fakeBuffer) give() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.uses--
	b.spoil()
}

func (f *fake) Compile(p *device.Plan) (device.Program, error) {
	if f.closed.Load() {
		return nil, fmt.Errorf("fake: the device was closed")
	}
	if err := settled(p); err != nil {
		return nil, err
	}
	return &fakeProgram{of: f, plan: p}, nil
}

// settled is an error where a plan does not say what its steps do.
func settled(p *device.Plan) error {
	q := *p
	q.Args = slices.Clone(p.Args)
	q.Settle()
	for i, a := range p.Args {
		if a.Access != q.Args[i].Access {
			return fmt.Errorf("fake: %s: argument %s %s is said to be %s, and is %s", p.Name, a.Role, a.Name, a.Access, q.Args[i].Access)
		}
	}
	return nil
}

type fakeProgram struct {
	of     *fake
	plan   *device.Plan
	mu     sync.Mutex // its runs follow one another
	closed atomic.Bool
}

func (p *fakeProgram) Memory() int64 { return 0 }
func (p *fakeProgram) Close()        { p.closed.Store(true) }

func (f *fake) NewQueue() device.Queue {
	return &fakeQueue{dev: f, rng: rand.New(rand.NewPCG(7, uint64(queues.Add(1))))}
}

var queues atomic.Int64

// fakeQueue holds work back.
type fakeQueue struct {
	dev    *fake
	rng    *rand.Rand
	mu     sync.Mutex  // guards what follows, as Passed may come from any goroutine
	work   []*fakeWork // not done yet
	n      int64       // pieces so far
	err    error       // not given yet
	at     int64       // the piece it arose in
	stats  device.Stats
	closed bool
}

// fakeWork is a piece of work, and its event.
type fakeWork struct {
	q    *fakeQueue
	n    int64
	uses []*fakeBuffer
	do   func() error
	show func() // puts a result where the reader expects it
}

// put queues a piece of work over buffers.
func (q *fakeQueue) put(bs []device.Buffer, err error, do func(bs []*fakeBuffer) error) *fakeWork {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.n++
	w := &fakeWork{q: q, n: q.n}
	for _, b := range bs {
		if err != nil {
			break
		}
		var o *fakeBuffer
		if o, err = q.dev.take(b); err == nil {
			w.uses = append(w.uses, o)
		}
	}
	if q.closed && err == nil {
		err = fmt.Errorf("fake: the queue was closed")
	}
	w.do = func() error {
		if err != nil {
			return err
		}
		return do(w.uses)
	}
	q.work = append(q.work, w)
	return w
}

// Overlaps says yes, so that batches come before their turn.
func (q *fakeQueue) Overlaps(int64) bool { return true }

func (q *fakeQueue) Write(dst device.Buffer, src *tensor.Tensor) device.Event {
	q.count(func(s *device.Stats) { s.Writes++; s.Up += device.SpecOf(src).Bytes() })
	sum := checksum(src)
	return q.put([]device.Buffer{dst}, fit("write", dst, src), func(bs []*fakeBuffer) error {
		if checksum(src) != sum {
			return fmt.Errorf("fake: write: the source %v %v was changed before its event", src.DType(), src.Shape())
		}
		bs[0].mu.Lock()
		defer bs[0].mu.Unlock()
		return hostdev.Move(bs[0].t, 0, src, 0, src.Len())
	})
}

func (q *fakeQueue) Read(dst *tensor.Tensor, src device.Buffer) device.Event {
	q.count(func(s *device.Stats) { s.Reads++; s.Down += device.SpecOf(dst).Bytes() })
	poison(dst)
	held := tensor.New(dst.DType(), dst.Shape()...)
	w := q.put([]device.Buffer{src}, fit("read", src, dst), func(bs []*fakeBuffer) error {
		bs[0].mu.RLock()
		defer bs[0].mu.RUnlock()
		return hostdev.Move(held, 0, bs[0].t, 0, held.Len())
	})
	w.show = func() { _ = hostdev.Move(dst, 0, held, 0, dst.Len()) }
	return w
}

func (q *fakeQueue) Copy(dst device.Buffer, at int, src device.Buffer, from, n int) device.Event {
	q.count(func(s *device.Stats) { s.Copies++; s.Within += int64(n * src.Spec().DType.Size()) })
	return q.put([]device.Buffer{dst, src}, device.CheckCopy(dst.Spec(), at, src.Spec(), from, n), func(bs []*fakeBuffer) error {
		bs[1].mu.RLock()
		held := bs[1].t.Clone()
		bs[1].mu.RUnlock()
		bs[0].mu.Lock()
		defer bs[0].mu.Unlock()
		return hostdev.Move(bs[0].t, at, held, from, n)
	})
}

func (q *fakeQueue) Clear(b device.Buffer) device.Event {
	q.count(func(s *device.Stats) { s.Clears++ })
	return q.put([]device.Buffer{b}, nil, func(bs []*fakeBuffer) error {
		bs[0].mu.Lock()
		defer bs[0].mu.Unlock()
		hostdev.Zero(bs[0].t)
		return nil
	})
}

func (q *fakeQueue) Run(ctx context.Context, p device.Program, args ...device.Buffer) device.Event {
	q.count(func(s *device.Stats) { s.Runs++ })
	prog, ok := p.(*fakeProgram)
	var err error
	switch {
	case !ok || prog.of != q.dev:
		err = fmt.Errorf("fake: a program of another device (%T)", p)
	case prog.closed.Load():
		err = fmt.Errorf("fake: %s was closed", prog.plan.Name)
	case len(args) != len(prog.plan.Args):
		err = fmt.Errorf("fake: %s: %d arguments, want %d", prog.plan.Name, len(args), len(prog.plan.Args))
	}
	return q.put(args, err, func(bs []*fakeBuffer) error { return q.run(ctx, prog, bs) })
}

// run computes on copies of the arguments and then puts those back that the plan changes: with an error, as
// a kernel that has raised a flag, what was Write only.
func (q *fakeQueue) run(ctx context.Context, p *fakeProgram, bs []*fakeBuffer) error {
	if q.err != nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	vals, seen := make([]*tensor.Tensor, len(bs)), map[*fakeBuffer]*tensor.Tensor{}
	for i, b := range bs {
		if seen[b] == nil {
			b.mu.RLock()
			seen[b] = b.t.Clone()
			b.mu.RUnlock()
		}
		vals[i] = seen[b]
	}
	err := hostdev.Run(context.Background(), p.plan, vals, q.dev.round(p.plan))
	for i, b := range bs {
		switch a := p.plan.Args[i].Access; {
		case a == device.Write && err != nil:
			poison(vals[i])
		case a != device.Write && (a != device.Both || err != nil):
			continue
		}
		b.mu.Lock()
		_ = hostdev.Move(b.t, 0, vals[i], 0, vals[i].Len())
		b.mu.Unlock()
	}
	return err
}

// round brings a plan's activations to half precision.
func (f *fake) round(p *device.Plan) func(*device.Value, *tensor.Tensor) {
	half := p.Stored(f.Info())
	if !half.Half() {
		return nil
	}
	return func(v *device.Value, t *tensor.Tensor) {
		if v.Full || v.Place != device.Temp {
			return
		}
		for i, x := range t.Float32s() {
			t.Float32s()[i] = half.Round(x)
		}
	}
}

// until does the work up to piece n, and as a rule some of what is behind it; mu is held.
func (q *fakeQueue) until(n int64) {
	n += q.rng.Int64N(4)
	for len(q.work) > 0 && q.work[0].n <= n {
		w := q.work[0]
		q.work = q.work[1:]
		if err := w.do(); err != nil && q.err == nil {
			q.err, q.at = err, w.n
		}
		for _, b := range w.uses {
			b.give()
		}
	}
}

// Wait does what is left before the event, and the event, and shows its result.
func (w *fakeWork) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.q.until(w.n)
	if w.q.err != nil && w.q.at <= w.n {
		return w.q.take()
	}
	if w.show != nil {
		w.show()
	}
	return nil
}

// Passed does what is left before the event, and the event. What it read is shown to those who Wait only.
func (w *fakeWork) Passed(ctx context.Context) error {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	if ctx.Err() == nil {
		w.q.until(w.n)
	}
	return ctx.Err()
}

func (q *fakeQueue) take() error {
	err := q.err
	q.err = nil
	return err
}

func (q *fakeQueue) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	shows := slices.Clone(q.work)
	q.until(q.n)
	for _, w := range shows {
		if w.show != nil {
			w.show()
		}
	}
	return q.take()
}

func (q *fakeQueue) Stats() device.Stats { return q.stats }

func (q *fakeQueue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.until(q.n)
	q.closed = true
	return nil
}

func (q *fakeQueue) count(f func(*device.Stats)) { f(&q.stats) }

func fit(verb string, b device.Buffer, t *tensor.Tensor) error {
	if s := b.Spec(); !s.Fits(device.SpecOf(t)) {
		return fmt.Errorf("fake: %s: %v %v does not fit %v %v", verb, t.DType(), t.Shape(), s.DType, s.Shape)
	}
	return nil
}

// checksum tells one content from another.
func checksum(t *tensor.Tensor) uint64 {
	h := fnv.New64a()
	var b [8]byte
	put := func(v uint64) {
		for i := range b {
			b[i] = byte(v >> (8 * i))
		}
		_, _ = h.Write(b[:])
	}
	for _, v := range t.Float32s() {
		put(uint64(math.Float32bits(v)))
	}
	for _, v := range t.Int64s() {
		put(uint64(v))
	}
	for _, v := range t.Bits() {
		put(uint64(v))
	}
	_, _ = h.Write(t.Uint8s())
	return h.Sum64()
}

package gpu

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

var background = context.Background()

// testOps lower to the soft card's kernels.
var testOps = map[string]lowering{
	"double": func(c *compiler, st *device.Step) error {
		c.run("convert", "double", blocks(1), 1, c.val(st.In[0]), c.val(st.Out[0]), c.count(st.In[0]))
		return nil
	},
	"raise": func(c *compiler, st *device.Step) error {
		c.run("convert", "raise", blocks(1), 1, c.val(st.In[0]), c.flag, c.number())
		return nil
	},
	"bump": func(c *compiler, st *device.Step) error {
		c.run("convert", "bump", blocks(1), 1, c.val(st.Out[0]), c.flag, c.count(st.Out[0]))
		return nil
	},
	"mystery": func(c *compiler, st *device.Step) error {
		c.as(st.In[0], tensor.Float16) // is taken back
		return errHost
	},
}

// tester is a device over a soft card and a queue.
type tester struct {
	*testing.T
	s *soft
	d *Device
	q device.Queue
}

func newTester(t *testing.T, memory int64) *tester {
	t.Helper()
	withOps(t, testOps)
	s := newSoft(memory)
	d := newTestDevice(t, s, tensor.Float32)
	t.Cleanup(func() { _ = d.Close() })
	return &tester{t, s, d, d.NewQueue()}
}

func (t *tester) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (t *tester) alloc(n int) device.Buffer {
	t.Helper()
	b, err := t.d.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{n}})
	t.must(err)
	return b
}

func (t *tester) up(v ...float32) device.Buffer {
	t.Helper()
	b := t.alloc(len(v))
	t.q.Write(b, tensor.FromFloat32(v, len(v)))
	return b
}

func (t *tester) down(b device.Buffer) []float32 {
	t.Helper()
	x := tensor.New(tensor.Float32, b.Spec().Shape...)
	t.must(t.q.Read(x, b).Wait(background))
	return x.Float32s()
}

// chain is out = 2^k in by way of temporaries.
func (t *tester) chain(n, k int) *program {
	t.Helper()
	p := &device.Plan{Name: fmt.Sprint("chain of ", k)}
	at := p.Bind(device.Value{Shape: []int{n}}, device.Arg{Role: device.Input})
	out := p.Bind(device.Value{Shape: []int{n}}, device.Arg{Role: device.Output})
	for i := range k {
		next := out
		if i < k-1 {
			next = p.Add(device.Value{Shape: []int{n}})
		}
		p.Steps = append(p.Steps, device.Step{Op: "double", In: []device.ValueID{at}, Out: []device.ValueID{next}})
		at = next
	}
	return t.compile(p)
}

func (t *tester) compile(p *device.Plan) *program {
	t.Helper()
	pr, err := t.d.Compile(p.Settle())
	t.must(err)
	return pr.(*program)
}

// Temporaries whose lives do not meet share places: a chain needs two, however long it is.
func TestArena(t *testing.T) {
	te := newTester(t, 1<<30)
	for k, want := range map[int]int64{1: 0, 2: 1, 3: 2, 9: 2} {
		p := te.chain(1000, k)
		if got := p.Memory(); got != want*round(4000, smallest) {
			t.Errorf("%d steps: %d bytes of temporaries, want %d arrays", k, got, want)
		}
		a, b := te.up(make([]float32, 1000)...), te.alloc(1000)
		te.q.Write(a, full(3, 1000))
		te.q.Run(background, p, a, b)
		if got := te.down(b)[999]; got != float32(3*int(1)<<k) {
			t.Errorf("%d steps: %g", k, got)
		}
	}
}

// The second run over the same addresses records, the third replays; other addresses are told apart.
func TestRecordings(t *testing.T) {
	te := newTester(t, 1<<30)
	p := te.chain(4, 3)
	a, b, other := te.up(1, 2, 3, 4), te.alloc(4), te.alloc(4)
	for i, want := range []int{0, 1, 2} {
		te.q.Write(a, full(float64(i+1), 4))
		te.q.Run(background, p, a, b)
		if got := te.down(b)[0]; got != float32(8*(i+1)) || te.s.replays != want {
			t.Errorf("run %d: %g with %d replays, want %d", i, got, te.s.replays, want)
		}
	}
	te.q.Run(background, p, b, other)
	if got := te.down(other)[0]; got != 8*24 {
		t.Errorf("other addresses: %g", got)
	}
	// A larger program moves the temporaries: what was recorded is of no use any more.
	big := te.chain(100000, 3)
	x, y := te.up(make([]float32, 100000)...), te.alloc(100000)
	te.q.Run(background, big, x, y)
	te.q.Run(background, p, a, b)
	if got := te.down(b)[0]; got != 24 || te.s.replays != 2 {
		t.Errorf("after a move: %g, %d replays", got, te.s.replays)
	}
	p.Close()
	big.Close()
	te.must(te.q.Close())
	if te.s.records != 0 {
		t.Errorf("%d recordings left", te.s.records)
	}
}

// Where launches cannot be recorded they are launched.
func TestNoRecordings(t *testing.T) {
	te := newTester(t, 1<<30)
	te.s.unable = true
	p := te.chain(4, 3)
	a, b := te.up(1, 2, 3, 4), te.alloc(4)
	for i := range 4 {
		te.q.Write(a, full(float64(i+1), 4))
		te.q.Run(background, p, a, b)
		if got := te.down(b)[0]; got != float32(8*(i+1)) || te.s.replays != 0 {
			t.Errorf("run %d: %g with %d replays", i, got, te.s.replays)
		}
	}
}

// A raised flag is the error of the run that raised it, told once; until then nothing changes in place.
func TestFlags(t *testing.T) {
	te := newTester(t, 1<<30)
	p := &device.Plan{Name: "training"}
	x := p.Bind(device.Value{Shape: []int{1}}, device.Arg{Role: device.Input})
	w := p.Bind(device.Value{Shape: []int{2}}, device.Arg{Role: device.Parameter})
	p.Steps = []device.Step{
		{Op: "double", In: []device.ValueID{x}, Out: []device.ValueID{p.Add(device.Value{Shape: []int{1}})}},
		{Op: "raise", Layer: "loss", In: []device.ValueID{x}},
		{Op: "bump", In: []device.ValueID{w}, Out: []device.ValueID{w}},
	}
	pr := te.compile(p)
	in, par := te.up(1), te.up(0, 0)
	var events []device.Event
	for _, v := range []float32{1, 1, -1, 1, 1} {
		te.q.Write(in, tensor.FromFloat32([]float32{v}, 1))
		events = append(events, te.q.Run(background, pr, in, par))
	}
	te.must(events[0].Wait(background))
	te.must(events[1].Wait(background))
	err := events[3].Wait(background)
	var bad device.BadIndexError
	if !errors.As(err, &bad) || bad.Value != 77 || bad.Row != 3 || bad.Count != 5 || !strings.Contains(err.Error(), "training: loss") {
		t.Fatalf("error %v", err)
	}
	te.must(te.q.Wait(background))
	if got := te.down(par)[0]; got != 2 {
		t.Errorf("%g good runs, want 2", got)
	}
	for range 200 { // more than there are places for flags
		te.q.Run(background, pr, in, par)
	}
	if got := te.down(par)[0]; got != 202 {
		t.Errorf("afterwards %g, want 202", got)
	}
}

// A program of one queue sees what another's changes as it was before that or behind it, never between.
func TestOrderOfQueues(t *testing.T) {
	te := newTester(t, 1<<30)
	p := &device.Plan{Name: "step"}
	w := p.Bind(device.Value{Shape: []int{2}}, device.Arg{Role: device.Parameter})
	p.Steps = []device.Step{{Op: "bump", In: []device.ValueID{w}, Out: []device.ValueID{w}}}
	step, look := te.compile(p), te.chain(2, 1)
	par := te.up(1, 1)
	te.must(te.q.Wait(background))
	other := te.d.NewQueue()
	for i := range 20 {
		before, after := te.alloc(2), te.alloc(2)
		other.Run(background, look, par, before)
		te.q.Run(background, step, par)
		te.must(te.q.Wait(background)) // the step is done, and so is what looked before it
		other.Run(background, look, par, after)
		te.q.Run(background, step, par)
		x, y := tensor.New(tensor.Float32, 2), tensor.New(tensor.Float32, 2)
		other.Read(x, before)
		te.must(other.Read(y, after).Wait(background))
		if a, b := x.Float32s()[0], y.Float32s()[0]; a != float32(2*(2*i+1)) || b != float32(2*(2*i+2)) {
			t.Fatalf("round %d: %g and %g", i, a, b)
		}
	}
}

// Programs of one queue share a place for temporaries; it goes when the largest is closed.
func TestSharedTemporaries(t *testing.T) {
	te := newTester(t, 1<<30)
	const n = 1 << 20
	large, small := te.chain(n, 5), te.chain(1000, 5)
	x, y, a, b := te.alloc(n), te.alloc(n), te.alloc(1000), te.alloc(1000)
	before := te.d.FreeMemory()
	te.q.Run(background, large, x, y)
	te.q.Run(background, small, a, b)
	te.must(te.q.Wait(background))
	if used := before - te.d.FreeMemory(); used != large.Memory() {
		t.Errorf("%d bytes in use, want %d", used, large.Memory())
	}
	if p := te.q.(device.Sharing).Place(); p != large.Memory() {
		t.Errorf("a place of %d bytes, want %d", p, large.Memory())
	}
	large.Close()
	te.must(te.q.Wait(background))
	if used := before - te.d.FreeMemory(); used != 0 {
		t.Errorf("%d bytes in use after the close", used)
	}
	te.q.Run(background, small, a, b)
	te.must(te.q.Wait(background))
	if used := before - te.d.FreeMemory(); used != small.Memory() {
		t.Errorf("%d bytes in use, want %d", used, small.Memory())
	}
}

// A program that fits into the place another has left is compiled where little is free.
func TestSharedPlaceCounts(t *testing.T) {
	te := newTester(t, 64<<20)
	const n = 4 << 20 // 16 MB
	large := te.chain(n, 3)
	x, y := te.alloc(n), te.alloc(n)
	te.q.Run(background, large, x, y)
	te.must(te.q.Wait(background))
	if free := te.d.FreeMemory(); free >= large.Memory() {
		t.Fatalf("%d bytes are free", free)
	}
	other := te.chain(n, 4) // 32 MB of temporaries, as large has
	te.q.Run(background, other, x, y)
	te.must(te.q.Wait(background))
}

// What is freed is not used again while queued work needs it.
func TestFreedMemory(t *testing.T) {
	te := newTester(t, 1<<30)
	p := te.chain(1000, 2)
	for i := range 50 {
		a, b := te.up(make([]float32, 1000)...), te.alloc(1000)
		te.q.Write(a, full(float64(i), 1000))
		te.q.Run(background, p, a, b)
		to := tensor.New(tensor.Float32, 1000)
		e := te.q.Read(to, b)
		te.d.Free(a)
		te.d.Free(b)
		te.alloc(1000)
		te.alloc(1000)
		te.must(e.Wait(background))
		if got := to.Float32s()[500]; got != float32(4*i) {
			t.Fatalf("round %d: %g", i, got)
		}
	}
}

// Where there is no room, forgotten and freed memory is found first; then the error has the figures.
func TestOutOfMemory(t *testing.T) {
	te := newTester(t, 64<<20)
	for range 20 {
		te.alloc(4 << 20) // 16 MB, forgotten
	}
	held := te.alloc(8 << 20)
	_, err := te.d.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{12 << 20}})
	if !errors.Is(err, device.ErrMemory) || !strings.Contains(err.Error(), "48 MB more, 32 MB in use here") {
		t.Errorf("error %v", err)
	}
	te.d.Free(held)
	te.alloc(12 << 20)
	p := &device.Plan{Name: "training"}
	in := p.Bind(device.Value{Shape: []int{16 << 20}}, device.Arg{})
	mid := p.Add(device.Value{Shape: []int{20 << 20}})
	p.Steps = []device.Step{{Op: "double", In: []device.ValueID{in}, Out: []device.ValueID{mid}}}
	if _, err := te.d.Compile(p.Settle()); !errors.Is(err, device.ErrMemory) || !strings.Contains(err.Error(), "80 MB") {
		t.Errorf("error %v", err)
	}
	runtime.KeepAlive(held)
}

// FASTNB_GPU_MEMORY limits what is taken.
func TestMemoryLimit(t *testing.T) {
	t.Setenv("FASTNB_GPU_MEMORY", "16")
	te := newTester(t, 1<<30)
	if free := te.d.FreeMemory(); free != 16<<20 {
		t.Errorf("%d bytes free", free)
	}
	if _, err := te.d.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{5 << 20}}); !errors.Is(err, device.ErrMemory) || !strings.Contains(err.Error(), "FASTNB_GPU_MEMORY") {
		t.Errorf("error %v", err)
	}
	t.Setenv("FASTNB_GPU_MEMORY", "much")
	if _, err := New(te.s, tensor.Float32); err == nil || !strings.Contains(err.Error(), "(try") {
		t.Errorf("error %v", err)
	}
}

// Large arrays go in pieces, and sources may be changed when Write returned.
func TestLargeCopies(t *testing.T) {
	te := newTester(t, 4<<30)
	const n = 40 << 20 / 4
	x := tensor.New(tensor.Float32, n)
	b := te.alloc(n)
	for round := range 10 { // more than may wait at once
		for i := range x.Float32s() {
			x.Float32s()[i] = float32(i%1000 + round)
		}
		te.q.Write(b, x)
		clear(x.Float32s())
	}
	got := te.down(b)
	for i, v := range got {
		if v != float32(i%1000+9) {
			t.Fatalf("element %d is %g", i, v)
		}
	}
}

// A step without a kernel runs on the host between the others, and is counted.
func TestHostSteps(t *testing.T) {
	te := newTester(t, 1<<30)
	p := &device.Plan{Name: "plan", Activations: tensor.Float16}
	in := p.Bind(device.Value{Shape: []int{3}}, device.Arg{Role: device.Input})
	half := p.Add(device.Value{Shape: []int{3}})
	out := p.Bind(device.Value{Shape: []int{3}}, device.Arg{Role: device.Output})
	add := func(out, in []*tensor.Tensor) error {
		for i, v := range in[0].Float32s() {
			out[0].Float32s()[i] = v + 1.0001
		}
		return nil
	}
	p.Steps = []device.Step{{Op: "mystery", Host: add, In: []device.ValueID{in}, Out: []device.ValueID{half}}, {Op: "mystery", Host: add, In: []device.ValueID{half}, Out: []device.ValueID{out}}}
	pr := te.compile(p)
	b := te.alloc(3)
	te.q.Run(background, pr, te.up(1, 2, 3), b)
	if got, want := te.down(b)[0], tensor.Float16.Round(2.0001)+1.0001; got != want {
		t.Errorf("%g, want %g", got, want)
	}
	if te.d.OnHost() != 2 || len(pr.OnHost()) != 2 {
		t.Errorf("%d steps on the host, %v", te.d.OnHost(), pr.OnHost())
	}
}

// A lost card is an error of everything, and nothing hangs.
func TestLost(t *testing.T) {
	te := newTester(t, 1<<30)
	p := te.chain(4, 2)
	a, b := te.up(1, 2, 3, 4), te.alloc(4)
	te.must(te.q.Wait(background))
	te.s.mu.Lock()
	te.s.broken = fmt.Errorf("soft: %w", ErrLost)
	te.s.mu.Unlock()
	te.q.Run(background, p, a, b)
	if err := te.q.Wait(background); !errors.Is(err, device.ErrLost) || !strings.Contains(err.Error(), "software") {
		t.Errorf("error %v", err)
	}
	te.d.Free(a)
	if _, err := te.d.Alloc(device.Spec{Shape: []int{4}}); !errors.Is(err, device.ErrLost) {
		t.Errorf("error %v", err)
	}
	if err := te.q.Read(tensor.New(tensor.Float32, 4), b).Wait(background); !errors.Is(err, device.ErrLost) {
		t.Errorf("error %v", err)
	}
}

// The time of steps is told by op and layer.
func TestProfile(t *testing.T) {
	te := newTester(t, 1<<30)
	te.d.Profile(true)
	p := te.chain(4, 3)
	a, b := te.up(1, 2, 3, 4), te.alloc(4)
	te.q.Run(background, p, a, b)
	te.must(te.q.Wait(background))
	table := te.d.ProfileTable()
	if !strings.Contains(table, "100.0%       3         3ms") || te.s.replays != 0 {
		t.Errorf("%s", table)
	}
	te.d.Profile(false)
	if te.d.ProfileTable() != "" {
		t.Error("a profile that was switched off")
	}
}

// What programs, queues and buffers took is free again when they are closed or forgotten.
func TestNothingLeft(t *testing.T) {
	te := newTester(t, 1<<30)
	te.must(te.q.Close())
	var first int64
	for i := range 50 {
		q := te.d.NewQueue()
		te.q = q
		p := te.chain(100000, 4)
		a, b := te.up(make([]float32, 100000)...), te.alloc(100000)
		for range 3 {
			q.Run(background, p, a, b)
		}
		te.down(b)
		p.Close()
		te.d.Free(a)
		te.d.Free(b)
		te.must(q.Close())
		if i == 0 {
			first = te.s.taken
		}
	}
	te.d.heap.mu.Lock()
	te.d.heap.release()
	used, taken := te.d.heap.used, te.d.heap.taken
	te.d.heap.mu.Unlock()
	if used != 0 || taken != 0 || te.s.taken != 0 || te.s.marks != 0 || te.s.records != 0 || te.s.streams != 1 {
		t.Errorf("left: %d bytes in use, %d taken, %d marks, %d recordings, %d streams", used, te.s.taken, te.s.marks, te.s.records, te.s.streams)
	}
	if first > 8<<20 {
		t.Errorf("a round takes %d bytes", first)
	}
}

// A context that ends between launches leaves the rest of the steps out.
func TestInterruptBetweenLaunches(t *testing.T) {
	te := newTester(t, 1<<30)
	ctx, cancel := context.WithCancel(background)
	ops["stop"] = func(c *compiler, st *device.Step) error {
		c.launches = append(c.launches, launch{step: st, other: func(*running) error { cancel(); return nil }})
		return nil
	}
	defer delete(ops, "stop")
	p := &device.Plan{Name: "plan"}
	in := p.Bind(device.Value{Shape: []int{1}}, device.Arg{})
	mid, out := p.Bind(device.Value{Shape: []int{1}}, device.Arg{}), p.Bind(device.Value{Shape: []int{1}}, device.Arg{})
	p.Steps = []device.Step{
		{Op: "double", In: []device.ValueID{in}, Out: []device.ValueID{mid}},
		{Op: "stop"},
		{Op: "double", In: []device.ValueID{in}, Out: []device.ValueID{out}},
	}
	pr := te.compile(p)
	a, b, c := te.up(1), te.up(0), te.up(0)
	if err := te.q.Run(ctx, pr, a, b, c).Wait(background); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if x, y := te.down(b)[0], te.down(c)[0]; x != 2 || y != 0 {
		t.Errorf("%g %g", x, y)
	}
}

// In tests what is written past an end is told, and what is read before it was written is NaN.
func TestGuards(t *testing.T) {
	for _, poison := range []string{"1", "2"} {
		t.Setenv("FASTNB_GPU_POISON", poison)
		te := newTester(t, 1<<30)
		ops = map[string]lowering{
			"double": testOps["double"],
			"past": func(c *compiler, st *device.Step) error {
				r := c.val(st.Out[0])
				r.n += 64
				c.run("convert", "double", blocks(1), 1, c.val(st.In[0]), r, c.count(st.In[0]))
				return nil
			},
		}
		p := &device.Plan{Name: "plan"}
		in := p.Bind(device.Value{Shape: []int{65}}, device.Arg{Role: device.Input})
		mid, never := p.Add(device.Value{Name: "mid", Shape: []int{64}}), p.Add(device.Value{Shape: []int{64}})
		out := p.Bind(device.Value{Shape: []int{64}}, device.Arg{Role: device.Output})
		p.Steps = []device.Step{
			{Op: "past", Layer: "layer", In: []device.ValueID{in}, Out: []device.ValueID{mid}},
			{Op: "double", In: []device.ValueID{never}, Out: []device.ValueID{out}},
		}
		a, b := te.up(make([]float32, 65)...), te.alloc(64)
		err := te.q.Run(background, te.compile(p), a, b).Wait(background)
		if told := err != nil && strings.Contains(err.Error(), "0 bytes behind the end of value 1 mid [64] (layer past)"); told != (poison == "2") {
			t.Errorf("%s: error %v", poison, err)
		}
		if v := te.down(b)[0]; v == v && poison == "2" { // with 1 it lies where mid lay
			t.Errorf("%s: what was never written is %g", poison, v)
		}
	}
}

// Bad lowerings are errors of Compile.
func TestBadLowerings(t *testing.T) {
	for name, low := range map[string]lowering{
		"argument 0: address 4 is not divisible by 256": func(c *compiler, st *device.Step) error {
			c.run("convert", "double", blocks(1), 1, c.val(st.In[0]).at(1), c.val(st.Out[0]), 1)
			return nil
		},
		"is more than 32 bits": func(c *compiler, st *device.Step) error {
			c.run("convert", "double", blocks(1), 1, c.val(st.In[0]), c.val(st.Out[0]), 1<<40)
			return nil
		},
		`no unit "nothing"`: func(c *compiler, st *device.Step) error {
			c.run("nothing", "double", blocks(1), 1)
			return nil
		},
		"no kernel nix": func(c *compiler, st *device.Step) error {
			c.run("convert", "nix", blocks(1), 1)
			return nil
		},
		"of kind string": func(c *compiler, st *device.Step) error {
			c.run("convert", "double", blocks(1), 1, "x")
			return nil
		},
	} {
		te := newTester(t, 1<<30)
		ops = map[string]lowering{"op": low}
		p := &device.Plan{Name: "bad"}
		in := p.Bind(device.Value{Shape: []int{3}}, device.Arg{})
		out := p.Bind(device.Value{Shape: []int{3}}, device.Arg{})
		p.Steps = []device.Step{{Op: "op", In: []device.ValueID{in}, Out: []device.ValueID{out}}}
		if _, err := te.d.Compile(p.Settle()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
}

func full(v float64, n int) *tensor.Tensor {
	x := tensor.New(tensor.Float32, n)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(v)
	}
	return x
}

// A queue whose user forgot it is closed by the collector's goroutine: the driver stays until that is done.
func TestCloseWaitsForQueues(t *testing.T) {
	te := newTester(t, 1<<20)
	begun, on := make(chan bool), make(chan bool)
	var first atomic.Bool // the queue's stream, not the device's own
	te.s.closing = func() {
		if !first.Swap(true) {
			close(begun)
			<-on
		}
	}
	gone := make(chan error)
	go func() { gone <- te.inner().close() }()
	<-begun
	over := make(chan error)
	go func() { over <- te.d.Close() }()
	time.Sleep(20 * time.Millisecond) // Close gets as far as it can
	close(on)
	te.must(<-gone)
	te.must(<-over)
	if te.s.late > 0 {
		t.Error("a stream was closed behind its driver")
	}
}

package cpu

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	device.Register("cpu", 0, open)
}

// Device is the processor. It runs one program at a time, with all its workers: programs of several queues
// take turns.
type Device struct {
	team  *team
	isa   *isa
	busy  chan struct{} // holds one token while a program runs
	arena *memory       // the temporaries of whichever program runs
	pack  []*memory
	none  []float32                    // zeros, see zeros
	ones  []float32                    // see plainFinish
	pivot []float32                    // see pivots
	wide  []float64                    // see columnSums
	wino  []*winoWork                  // each worker's
	prof  atomic.Pointer[device.Times] // nil: nobody asked
	half  *halfKernels                 // of the program that runs, where its products are in bfloat16
}

// New makes a device of so many worker threads: 0 takes FASTNB_THREADS, or as many as there are
// cores. The threads end with Close, or when nothing refers to the device any more.
func New(threads int) *Device {
	if threads <= 0 {
		threads, _ = strconv.Atoi(os.Getenv("FASTNB_THREADS"))
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	d := &Device{team: newTeam(threads), isa: best(), busy: make(chan struct{}, 1), pack: make([]*memory, threads)}
	runtime.AddCleanup(d, func(t *team) { t.end() }, d.team)
	d.Profile(os.Getenv("FASTNB_PROFILE") != "")
	return d
}

// Info says what the processor can do. Its memory is the machine's.
func (d *Device) Info() device.Info {
	return device.Info{
		Name: "cpu", Kind: device.CPU, HostMemory: true, Memory: totalMemory(),
		DTypes:   []tensor.DType{tensor.Float32, tensor.Int64, tensor.Uint8, tensor.Float16, tensor.BFloat16},
		Products: d.products(),
	}
}

// products are the kinds that the inputs of products may be rounded to.
func (d *Device) products() []tensor.DType {
	if d.isa.half == nil {
		return nil
	}
	return []tensor.DType{tensor.BFloat16}
}

// Threads is the number of workers.
func (d *Device) Threads() int { return d.team.n }

// ISA names the instructions in use: such as "avx512" (ISAs lists what there is).
func (d *Device) ISA() string { return d.isa.name }

// NewQueue gives a queue that works at once.
func (d *Device) NewQueue() device.Queue { return device.Immediate(worker{d}) }

// Close ends the worker threads and frees the memory of temporaries, after the program that runs.
func (d *Device) Close() error {
	d.busy <- struct{}{}
	defer func() { <-d.busy }()
	d.team.end()
	d.arena.free()
	for _, m := range d.pack {
		m.free()
	}
	d.arena, d.pack = nil, make([]*memory, d.team.n)
	return nil
}

// buffer is memory of the device: a view of aligned host memory.
type buffer struct {
	spec  device.Spec
	mem   *memory // what f is in
	f     []float32
	i     []int64
	u     []uint8
	h     []uint16 // bits of half-precision numbers
	freed atomic.Bool

	version atomic.Uint64 // counts what may have changed it
	packs   map[string]*pack
}

func (b *buffer) Spec() device.Spec { return b.spec }

// Alloc gives zeroed memory.
func (d *Device) Alloc(s device.Spec) (device.Buffer, error) {
	n := s.Count()
	if need := s.Bytes(); need > 1<<28 && need > d.FreeMemory() {
		return nil, fmt.Errorf("cpu: %v %v takes %.1f GB, %.1f GB are free", s.DType, s.Shape, float64(need)/1e9, float64(d.FreeMemory())/1e9)
	}
	b := &buffer{spec: device.Spec{DType: s.DType, Shape: slices.Clone(s.Shape)}}
	switch s.DType {
	case tensor.Float32:
		b.mem = newMemory(n)
		b.f = b.mem.f
	case tensor.Int64:
		b.i = make([]int64, n)
	case tensor.Uint8:
		b.u = make([]uint8, n)
	default:
		b.h = make([]uint16, n)
	}
	return b, nil
}

// Free gives memory back. What is never freed goes with its last reference.
func (d *Device) Free(b device.Buffer) {
	if b, ok := b.(*buffer); ok && !b.freed.Swap(true) {
		b.f, b.i, b.u, b.h = nil, nil, nil, nil
		b.mem.free()
		for _, p := range b.packs {
			p.mem.free()
		}
		b.packs = nil
	}
}

// worker does the work of queues.
type worker struct{ d *Device }

// Write copies a host array into dst.
func (worker) Write(dst device.Buffer, src *tensor.Tensor) error {
	b, err := own(dst)
	if err != nil {
		return err
	}
	if !b.spec.Fits(device.SpecOf(src)) {
		return fmt.Errorf("cpu: write: %v %v does not fit %v %v", src.DType(), src.Shape(), b.spec.DType, b.spec.Shape)
	}
	b.version.Add(1)
	copy(b.f, src.Float32s())
	copy(b.i, src.Int64s())
	copy(b.u, src.Uint8s())
	copy(b.h, src.Bits())
	runtime.KeepAlive(b)
	return nil
}

// Read copies src into a host array.
func (worker) Read(dst *tensor.Tensor, src device.Buffer) error {
	b, err := own(src)
	if err != nil {
		return err
	}
	if !b.spec.Fits(device.SpecOf(dst)) {
		return fmt.Errorf("cpu: read: %v %v does not fit %v %v", b.spec.DType, b.spec.Shape, dst.DType(), dst.Shape())
	}
	copy(dst.Float32s(), b.f)
	copy(dst.Int64s(), b.i)
	copy(dst.Uint8s(), b.u)
	copy(dst.Bits(), b.h)
	runtime.KeepAlive(b)
	return nil
}

// Copy copies a stretch of one buffer to another's.
func (worker) Copy(dst device.Buffer, at int, src device.Buffer, from, n int) error {
	to, err := own(dst)
	if err != nil {
		return err
	}
	b, err := own(src)
	if err != nil {
		return err
	}
	if err := device.CheckCopy(to.spec, at, b.spec, from, n); err != nil {
		return fmt.Errorf("cpu: %w", err)
	}
	to.version.Add(1)
	switch {
	case b.f != nil:
		copy(to.f[at:at+n], b.f[from:])
	case b.i != nil:
		copy(to.i[at:at+n], b.i[from:])
	case b.u != nil:
		copy(to.u[at:at+n], b.u[from:])
	case b.h != nil:
		copy(to.h[at:at+n], b.h[from:])
	}
	runtime.KeepAlive(to)
	runtime.KeepAlive(b)
	return nil
}

// Clear zeroes a buffer.
func (worker) Clear(dst device.Buffer) error {
	b, err := own(dst)
	if err != nil {
		return err
	}
	b.version.Add(1)
	clear(b.f)
	clear(b.i)
	clear(b.u)
	clear(b.h)
	runtime.KeepAlive(b)
	return nil
}

// Run runs a program when no other runs.
func (w worker) Run(ctx context.Context, p device.Program, args []device.Buffer) error {
	pr, ok := p.(*program)
	if !ok || pr.dev != w.d {
		return fmt.Errorf("cpu: a program of another device (%T)", p)
	}
	select {
	case w.d.busy <- struct{}{}:
		defer func() { <-w.d.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return pr.run(ctx, args)
}

func own(b device.Buffer) (*buffer, error) {
	o, ok := b.(*buffer)
	if !ok {
		return nil, fmt.Errorf("cpu: a buffer of another device (%T)", b)
	}
	if o.freed.Load() {
		return nil, fmt.Errorf("cpu: a buffer %v that was freed", o.spec.Shape)
	}
	return o, nil
}

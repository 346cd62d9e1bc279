// Package opencl drives cards through OpenCL 1.2. The library is found at run time. Processors that have an
// OpenCL of their own (PoCL) are taken only where somebody asks for opencl by name: that is how all kernels
// are tested on machines without a card.
//
// It stands below graph and imports device and gpu.
package opencl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/internal/dl"
	"github.com/fastnb/go/fastnb/device/gpu/internal/units"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	device.RegisterCards("opencl", 10, func(c device.Choice) (device.Device, error) {
		d, err := Open(c.Card, c.Auto)
		if err != nil {
			return nil, err
		}
		return gpu.New(d, tensor.Float32)
	})
}

// driver is one OpenCL device with a context of its own.
//
// What OpenCL leaves undefined is kept out, as drivers differ in what they make of it. Commands touch memory by
// parts of a memory object alone, never by the whole and a part of it side by side, so that work of several queues
// on the stretches of one object is work on different objects (OpenCL 1.2, 5.2.4). And all is given back in one
// order, when all queues are done: events, kernels, which may hold on to their arguments, parts, memory objects,
// and queues and the context at the end; of a kind what was made last goes first. Where a queue cannot be finished
// the card is lost, and nothing is given back: the process' end does that.
type driver struct {
	*api

	card    gpu.Card
	dev     uintptr
	ctx     uintptr
	options string
	host    uintptr // a queue to map memory with
	units   units.Table[*kernel]

	// making is held by whoever makes an object of the context; who closes it takes it alone.
	making sync.RWMutex

	// launching is held by whoever has parts of memory in hand; who gives parts back takes it alone.
	launching sync.RWMutex
	crowded   atomic.Bool // some memory object has too many parts

	mu     sync.Mutex // guards what follows
	mems   map[gpu.Mem]*mem
	next   gpu.Mem
	taken  int64
	pinned map[*byte]uintptr
	queues map[uintptr]bool // all command queues of streams: true for those in use
	over   bool             // kernels were given back; making guards it, too
	lost   bool             // a queue could not be finished
}

// mem is a memory object and parts of it, which commands get for addresses inside.
type mem struct {
	handle uintptr
	size   int64
	parts  map[[2]int64]uintptr
	order  []uintptr // parts as they were made
}

// mostParts is how many parts of a memory object are kept.
var mostParts = 1 << 14

type kernel struct {
	name   string
	handle uintptr
	mu     sync.Mutex // arguments are the kernel's, not the launch's
}

func (k *kernel) Name() string { return k.name }

// found is a device of a platform.
type found struct {
	platform, dev uintptr
	name          string
	cpu           bool
}

// devices lists what there is, cards first.
func (a *api) devices() ([]found, error) {
	var n uint32
	if err := failed("platforms", dl.Call(a.getPlatforms, 0, 0, uintptr(unsafe.Pointer(&n)))); err != nil || n == 0 {
		return nil, err
	}
	platforms := make([]uintptr, n)
	if err := failed("platforms", dl.Call(a.getPlatforms, uintptr(n), uintptr(unsafe.Pointer(&platforms[0])), 0)); err != nil {
		return nil, err
	}
	var cards, others []found
	for _, p := range platforms {
		var k uint32
		if dl.Call(a.getDevices, p, typeAll, 0, 0, uintptr(unsafe.Pointer(&k))) != 0 || k == 0 {
			continue
		}
		devs := make([]uintptr, k)
		if dl.Call(a.getDevices, p, typeAll, uintptr(k), uintptr(unsafe.Pointer(&devs[0])), 0) != 0 {
			continue
		}
		for _, d := range devs {
			f := found{p, d, strings.TrimSpace(text(a.deviceInfo, d, infoName)), a.number(d, infoType)&typeGPU == 0}
			if f.cpu {
				f.name += " (" + text(a.platformInfo, p, infoPlatformName) + ")"
				others = append(others, f)
			} else {
				cards = append(cards, f)
			}
		}
	}
	return append(cards, others...), nil
}

// Open opens a device by its number, cards first. Auto leaves out what is no card (device.ErrNotFound).
func Open(number int, auto bool) (gpu.Driver, error) {
	a, err := load()
	if err != nil {
		return nil, err
	}
	return a.find(number, auto)
}

func (a *api) find(number int, auto bool) (gpu.Driver, error) {
	all, err := a.devices()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", device.ErrNotFound, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: OpenCL's library is there, but no driver of a card (looked in /etc/OpenCL/vendors)", device.ErrNotFound)
	}
	if number >= len(all) {
		return nil, fmt.Errorf("%w: card %d of %d that OpenCL has", device.ErrNotFound, number, len(all))
	}
	f := all[number]
	if auto && f.cpu {
		return nil, fmt.Errorf("%w: OpenCL has only %s, which is no card", device.ErrNotFound, f.name)
	}
	return a.open(number, f)
}

func (a *api) open(number int, f found) (gpu.Driver, error) {
	d := &driver{api: a, dev: f.dev, mems: map[gpu.Mem]*mem{}, pinned: map[*byte]uintptr{}, queues: map[uintptr]bool{}}
	var code int32
	if d.ctx = dl.Call(a.createContext, 0, 1, uintptr(unsafe.Pointer(&f.dev)), 0, 0, uintptr(unsafe.Pointer(&code))); code != 0 {
		return nil, failed(f.name, uintptr(code))
	}
	if d.host = dl.Call(a.createQueue, d.ctx, d.dev, 0, uintptr(unsafe.Pointer(&code))); code != 0 {
		dl.Call(a.releaseContext, d.ctx)
		return nil, failed("queue", uintptr(code))
	}
	d.options = "-cl-std=CL1.2"
	if a.number(f.dev, infoSingle)&roundsDivision != 0 {
		d.options += " -cl-fp32-correctly-rounded-divide-sqrt"
	}
	d.card = gpu.Card{
		Driver: "opencl", Number: number, Name: f.name, Memory: a.number(f.dev, infoMemory), Units: int(uint32(a.number(f.dev, infoUnits))),
		Version: text(a.deviceInfo, f.dev, infoVersion), Processor: f.cpu, Align: max(256, a.number(f.dev, infoAlign)/8),
	}
	return d, nil
}

// Card says what the card is.
func (d *driver) Card() gpu.Card { return d.card }

// FreeMemory is the card's memory less what was taken here: OpenCL does not tell what others take.
func (d *driver) FreeMemory() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(d.card.Memory-d.taken, 0)
}

// Alloc makes a memory object.
func (d *driver) Alloc(bytes int64) (gpu.Mem, error) {
	end, err := d.begin()
	if err != nil {
		return 0, err
	}
	defer end()
	var code int32
	h := dl.Call(d.createBuffer, d.ctx, memReadWrite, uintptr(bytes), 0, uintptr(unsafe.Pointer(&code)))
	if code != 0 {
		return 0, failed("memory", uintptr(code))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	d.mems[d.next] = &mem{handle: h, size: bytes, parts: map[[2]int64]uintptr{}}
	d.taken += bytes
	return d.next, nil
}

// Release gives a memory object back with its parts. Its user has waited for the work on it; that no command is
// left that refers to it is made sure of here: a driver may look at it longer than OpenCL says.
func (d *driver) Release(m gpu.Mem) {
	d.launching.Lock()
	defer d.launching.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.mems[m]
	if o == nil {
		return
	}
	d.finishAll()
	d.releaseMemory(m, o)
}

// begin is to be called before an object of the context is made, and end when it is there.
func (d *driver) begin() (end func(), err error) {
	d.making.RLock()
	if d.over {
		d.making.RUnlock()
		return nil, errors.New("OpenCL: the device was closed")
	}
	return d.making.RUnlock, nil
}

// releaseMemory gives parts back, then what they are parts of.
func (d *driver) releaseMemory(m gpu.Mem, o *mem) {
	delete(d.mems, m)
	d.taken -= o.size
	d.releaseParts(o)
	if !d.lost {
		dl.Call(d.releaseMem, o.handle)
	}
}

func (d *driver) releaseParts(o *mem) {
	for _, h := range slices.Backward(o.order) {
		if !d.lost {
			dl.Call(d.releaseMem, h)
		}
	}
	clear(o.parts)
	o.order = nil
}

// finishAll waits for all queues. What went wrong in one is told to its user.
func (d *driver) finishAll() {
	for q := range d.queues {
		if int32(dl.Call(d.finish, q)) != 0 {
			d.lost = true
		}
	}
}

// part is a memory object for a place and what of it lies before that place: parts begin at addresses that the
// device can have one at. The caller holds launching until the command is queued that uses it.
func (d *driver) part(p gpu.Ptr) (handle, off uintptr, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.mems[p.Mem]
	if o == nil {
		return 0, 0, fmt.Errorf("OpenCL: memory that was given back")
	}
	start := p.Off / d.card.Align * d.card.Align
	key := [2]int64{start, p.Off - start + max(p.Len, 1)}
	if h := o.parts[key]; h != 0 {
		return h, uintptr(p.Off - start), nil
	}
	var code int32
	h := dl.Call(d.createSub, o.handle, memReadWrite, regionSub, uintptr(unsafe.Pointer(&key[0])), uintptr(unsafe.Pointer(&code)))
	if code != 0 {
		return 0, 0, failed(fmt.Sprintf("part of %d bytes at %d of %d", key[1], key[0], o.size), uintptr(code))
	}
	o.order = append(o.order, h)
	if o.parts[key] = h; len(o.parts) >= mostParts {
		d.crowded.Store(true)
	}
	return h, uintptr(p.Off - start), nil
}

// hold is to be called before parts are asked for, and what it gives when the command is queued. Where there are
// too many parts it waits for all queues and begins anew.
func (d *driver) hold() (release func()) {
	if d.crowded.Load() {
		d.launching.Lock()
		d.mu.Lock()
		if d.crowded.Swap(false) {
			d.finishAll()
			for _, o := range d.mems {
				if len(o.parts) >= mostParts {
					d.releaseParts(o)
				}
			}
		}
		d.mu.Unlock()
		d.launching.Unlock()
	}
	d.launching.RLock()
	return d.launching.RUnlock
}

// Settle waits for all queues and gives the kernels back, before the memory that was their arguments goes.
func (d *driver) Settle() {
	d.making.Lock()
	defer d.making.Unlock()
	d.launching.Lock()
	defer d.launching.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	d.over = true
	d.finishAll()
	if d.lost {
		return
	}
	d.units.Close(func(k *kernel) { dl.Call(d.releaseKernel, k.handle) }, func(p uintptr) { dl.Call(d.releaseProgram, p) })
}

// Close gives all back that is left, and the context.
func (d *driver) Close() error {
	d.Settle()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range slices.Backward(slices.Sorted(maps.Keys(d.mems))) {
		d.releaseMemory(m, d.mems[m])
	}
	if d.lost {
		return errors.New("OpenCL: close: the card is lost: what it has of this program is given back at the program's end")
	}
	for at, m := range d.pinned {
		d.unpin(at, m)
	}
	dl.Call(d.releaseQueue, d.host)
	for q := range d.queues {
		dl.Call(d.releaseQueue, q)
	}
	clear(d.queues)
	return failed("close", dl.Call(d.releaseContext, d.ctx))
}

// Load compiles a unit when it is first needed, and finds one of its kernels.
func (d *driver) Load(u kernels.Unit, entry string) (gpu.Kernel, error) {
	if u.CUDA {
		return nil, fmt.Errorf("OpenCL: unit %s is CUDA's only", u.Name)
	}
	end, err := d.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	return d.units.Kernel(u, entry, d.compile, d.kernel)
}

func (d *driver) kernel(program uintptr, u kernels.Unit, entry string) (*kernel, error) {
	var code int32
	h := dl.Call(d.createKernel, program, uintptr(unsafe.Pointer(dl.Text(entry))), uintptr(unsafe.Pointer(&code)))
	if code != 0 {
		return nil, failed("kernel "+entry+" of unit "+u.Name, uintptr(code))
	}
	return &kernel{name: entry, handle: h}, nil
}

func (d *driver) compile(u kernels.Unit) (uintptr, error) {
	source := dl.Text(u.Source())
	var code int32
	p := dl.Call(d.createProgram, d.ctx, 1, uintptr(unsafe.Pointer(&source)), 0, uintptr(unsafe.Pointer(&code)))
	if code != 0 {
		return 0, failed("unit "+u.Name, uintptr(code))
	}
	if r := dl.Call(d.build, p, 1, uintptr(unsafe.Pointer(&d.dev)), uintptr(unsafe.Pointer(dl.Text(d.options))), 0, 0); int32(r) != 0 {
		log := make([]byte, 1<<16)
		var n uintptr
		dl.Call(d.buildInfo, p, d.dev, infoBuildLog, uintptr(len(log)), uintptr(unsafe.Pointer(&log[0])), uintptr(unsafe.Pointer(&n)))
		dl.Call(d.releaseProgram, p)
		return 0, fmt.Errorf("%w\n%s", failed("unit "+u.Name, r), strings.TrimRight(string(log[:min(n, uintptr(len(log)))]), "\x00\n"))
	}
	return p, nil
}

// Package cuda drives NVIDIA's cards through the driver's library alone, which is found at run time: no toolkit
// and no other library of CUDA is needed. The kernels are PTX that was compiled ahead (cuda/ptx); the driver
// makes it fit the card.
//
// It stands below graph and imports device and gpu.
package cuda

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/cuda/ptx"
	"github.com/fastnb/go/fastnb/device/gpu/internal/dl"
	"github.com/fastnb/go/fastnb/device/gpu/internal/units"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	device.RegisterCards("cuda", 20, func(c device.Choice) (device.Device, error) {
		d, err := Open(c.Card)
		if err != nil {
			return nil, err
		}
		return gpu.New(d, tensor.Float32)
	})
}

// driver is a card with its primary context, which this process's other users of CUDA share.
type driver struct {
	*api

	card   gpu.Card
	dev    int32
	ctx    uintptr
	shared int // the most dynamic shared memory of a block, in bytes

	units  units.Table[*kernel]
	mu     sync.Mutex // guards what follows
	events []uintptr  // not in use
}

type kernel struct {
	name   string
	fn     uintptr
	mu     sync.Mutex // guards shared
	shared int        // dynamic shared memory that was asked for
}

func (k *kernel) Name() string { return k.name }

// Open opens a card by its number. The environment's FASTNB_LIBCUDA may name the driver's library.
func Open(number int) (gpu.Driver, error) {
	a, err := load(library())
	if err != nil {
		return nil, err
	}
	return a.open(number)
}

func (a *api) open(number int) (gpu.Driver, error) {
	var version, count int32
	if err := a.failed("version", dl.Call(a.version, uintptr(unsafe.Pointer(&version)))); err != nil {
		return nil, err
	}
	if version < oldestVersion {
		return nil, fmt.Errorf("CUDA: the driver is for CUDA %d.%d, the kernels need 11.8 (try a driver from 520 on)", version/1000, version%1000/10)
	}
	if err := a.failed("cards", dl.Call(a.deviceCount, uintptr(unsafe.Pointer(&count)))); err != nil {
		return nil, err
	}
	if number >= int(count) {
		return nil, fmt.Errorf("%w: card %d of %d that CUDA has", device.ErrNotFound, number, count)
	}
	d := &driver{api: a}
	if err := a.failed("card", dl.Call(a.deviceGet, uintptr(unsafe.Pointer(&d.dev)), uintptr(number))); err != nil {
		return nil, err
	}
	name := make([]byte, 256)
	if err := a.failed("card's name", dl.Call(a.deviceName, uintptr(unsafe.Pointer(&name[0])), uintptr(len(name)), uintptr(d.dev))); err != nil {
		return nil, err
	}
	var memory uint64
	if err := a.failed("card's memory", dl.Call(a.deviceMemory, uintptr(unsafe.Pointer(&memory)), uintptr(d.dev))); err != nil {
		return nil, err
	}
	compute := d.attribute(attrMajor)*10 + d.attribute(attrMinor)
	d.shared = max(d.attribute(attrSharedOptIn), freeShared)
	d.card = gpu.Card{
		Driver: "cuda", Number: number, Name: strings.TrimRight(string(name), "\x00"), Memory: int64(memory), Compute: compute,
		Units: d.attribute(attrUnits), Version: driverVersion(version), Tensor: compute >= 75, Align: 16,
	}
	if compute < leastCompute {
		return nil, fmt.Errorf("%w: %s has compute capability %d.%d, the kernels need 5.2", device.ErrNotFound, d.card.Name, compute/10, compute%10)
	}
	if err := a.failed("context", dl.Call(a.retain, uintptr(unsafe.Pointer(&d.ctx)), uintptr(d.dev))); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *driver) attribute(what int) int {
	var v int32
	if dl.Call(d.deviceAttr, uintptr(unsafe.Pointer(&v)), uintptr(what), uintptr(d.dev)) != 0 {
		return 0
	}
	return int(v)
}

var moduleVersion = regexp.MustCompile(`Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s`)

// driverVersion is "580.65.06, CUDA 13.0".
func driverVersion(cuda int32) string {
	v := fmt.Sprintf("CUDA %d.%d", cuda/1000, cuda%1000/10)
	if text, err := os.ReadFile("/proc/driver/nvidia/version"); err == nil {
		if m := moduleVersion.FindSubmatch(text); m != nil {
			return string(m[1]) + ", " + v
		}
	}
	return v
}

// enter makes the card's context the one of this thread, until the function that it gives is called. Calls of
// one goroutine may come on any thread.
func (d *driver) enter() func() {
	runtime.LockOSThread()
	dl.Call(d.setCurrent, d.ctx) // a call that has no context says so itself
	return runtime.UnlockOSThread
}

// Card says what the card is.
func (d *driver) Card() gpu.Card { return d.card }

// FreeMemory is what the card has left for all who use it.
func (d *driver) FreeMemory() int64 {
	defer d.enter()()
	var free, all uint64
	if dl.Call(d.memInfo, uintptr(unsafe.Pointer(&free)), uintptr(unsafe.Pointer(&all))) != 0 {
		return 0
	}
	return int64(free)
}

// Alloc takes memory of the card.
func (d *driver) Alloc(bytes int64) (gpu.Mem, error) {
	defer d.enter()()
	var p uint64
	if err := d.failed("memory", dl.Call(d.memAlloc, uintptr(unsafe.Pointer(&p)), uintptr(bytes))); err != nil {
		return 0, err
	}
	return gpu.Mem(p), nil
}

// Release gives it back.
func (d *driver) Release(m gpu.Mem) {
	defer d.enter()()
	dl.Call(d.memFree, uintptr(m))
}

// Host takes page-locked memory of the host.
func (d *driver) Host(bytes int) ([]byte, error) {
	defer d.enter()()
	var p *byte
	if err := d.failed("page-locked memory", dl.Call(d.hostAlloc, uintptr(unsafe.Pointer(&p)), uintptr(bytes), hostPortable)); err != nil {
		return nil, err
	}
	return unsafe.Slice(p, bytes), nil
}

// ReleaseHost gives it back.
func (d *driver) ReleaseHost(b []byte) {
	defer d.enter()()
	dl.Call(d.hostFree, uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// Load loads a unit's module when it is first needed, and finds one of its kernels.
func (d *driver) Load(u kernels.Unit, entry string) (gpu.Kernel, error) {
	return d.units.Kernel(u, entry, d.module, d.function)
}

func (d *driver) function(module uintptr, u kernels.Unit, entry string) (*kernel, error) {
	defer d.enter()()
	k := &kernel{name: entry}
	name := dl.Text(entry)
	if err := d.failed("kernel "+entry+" of unit "+u.Name, dl.Call(d.moduleFunction, uintptr(unsafe.Pointer(&k.fn)), module, uintptr(unsafe.Pointer(name)))); err != nil {
		return nil, err
	}
	return k, nil
}

// module lets the driver compile a unit's PTX for the card. It keeps the result on disk for the next process.
func (d *driver) module(u kernels.Unit) (uintptr, error) {
	need, err := strconv.Atoi(strings.TrimPrefix(u.Arch, "compute_"))
	if err != nil {
		return 0, fmt.Errorf("CUDA: unit %s: no architecture %q", u.Name, u.Arch)
	}
	if d.card.Compute < need {
		return 0, fmt.Errorf("CUDA: unit %s needs compute capability %d.%d, %s has %d.%d", u.Name, need/10, need%10, d.card.Name, d.card.Compute/10, d.card.Compute%10)
	}
	text, err := ptx.Text(u.Name)
	if err != nil {
		return 0, err
	}
	defer d.enter()()
	log := make([]byte, 16<<10)
	options := [2]int32{jitErrorLog, jitErrorLogSize}
	values := struct {
		log  unsafe.Pointer
		size uintptr
	}{unsafe.Pointer(&log[0]), uintptr(len(log))}
	var m uintptr
	source := dl.Text(text)
	code := dl.Call(d.moduleLoad, uintptr(unsafe.Pointer(&m)), uintptr(unsafe.Pointer(source)), 2, uintptr(unsafe.Pointer(&options[0])), uintptr(unsafe.Pointer(&values)))
	runtime.KeepAlive(log)
	if err := d.failed("unit "+u.Name, code); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, strings.TrimRight(string(log), "\x00\n"))
	}
	return m, nil
}

// Close gives the card back.
func (d *driver) Close() error {
	defer d.enter()()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.units.Close(func(*kernel) {}, func(m uintptr) { dl.Call(d.moduleUnload, m) })
	for _, e := range d.events {
		dl.Call(d.eventDestroy, e)
	}
	d.events = nil
	dl.Call(d.setCurrent, 0)
	return d.failed("close", dl.Call(d.release, uintptr(d.dev)))
}

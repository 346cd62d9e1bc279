package cpu

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	device.Register("cpu", 0, func() (device.Device, error) { return New(0), nil })
}

// Device is the processor.
type Device struct {
	team  *team
	isa   *isa
	arena *memory // the temporaries of whichever program runs
	pack  []*memory
}

// New makes a device of so many worker threads: 0 takes FASTNB_THREADS, or as many as there are
// cores.
func New(threads int) *Device {
	if threads <= 0 {
		threads, _ = strconv.Atoi(os.Getenv("FASTNB_THREADS"))
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Device{team: newTeam(threads), isa: best(), pack: make([]*memory, threads)}
}

// Name is "cpu".
func (d *Device) Name() string { return "cpu" }

// Threads is the number of workers.
func (d *Device) Threads() int { return d.team.n }

// ISA names the instructions in use: "avx512", "avx2" or "generic".
func (d *Device) ISA() string { return d.isa.name }

// buffer is memory of the device: a view of aligned host memory.
type buffer struct {
	shape []int
	dtype tensor.DType
	mem   *memory // what f is in
	f     []float32
	i     []int64
	u     []uint8
}

func (b *buffer) Shape() []int        { return b.shape }
func (b *buffer) DType() tensor.DType { return b.dtype }

// Alloc gives zeroed memory.
func (d *Device) Alloc(t tensor.DType, shape ...int) (device.Buffer, error) {
	n := tensor.Count(shape)
	if need := int64(n) * int64(t.Size()); need > 1<<28 && need > d.FreeMemory() {
		return nil, fmt.Errorf("cpu: %v %v takes %.1f GB, %.1f GB are free", t, shape, float64(need)/1e9, float64(d.FreeMemory())/1e9)
	}
	b := &buffer{shape: append([]int{}, shape...), dtype: t}
	switch t {
	case tensor.Float32:
		b.mem = newMemory(n)
		b.f = b.mem.f
	case tensor.Int64:
		b.i = make([]int64, n)
	case tensor.Uint8:
		b.u = make([]uint8, n)
	}
	return b, nil
}

// Free gives memory back. What is never freed goes with its last reference.
func (d *Device) Free(b device.Buffer) {
	if b, ok := b.(*buffer); ok {
		b.f, b.i, b.u = nil, nil, nil
		b.mem.free()
	}
}

// Upload copies a host tensor into dst.
func (d *Device) Upload(dst device.Buffer, src *tensor.Tensor) error {
	b, err := own(dst)
	if err != nil {
		return err
	}
	if b.dtype != src.DType() || tensor.Count(b.shape) != src.Len() {
		return fmt.Errorf("cpu: upload: %v %v does not fit %v %v", src.DType(), src.Shape(), b.dtype, b.shape)
	}
	copy(b.f, src.Float32s())
	copy(b.i, src.Int64s())
	copy(b.u, src.Uint8s())
	runtime.KeepAlive(b)
	return nil
}

// Download copies src into a host tensor.
func (d *Device) Download(dst *tensor.Tensor, src device.Buffer) error {
	b, err := own(src)
	if err != nil {
		return err
	}
	if b.dtype != dst.DType() || tensor.Count(b.shape) != dst.Len() {
		return fmt.Errorf("cpu: download: %v %v does not fit %v %v", b.dtype, b.shape, dst.DType(), dst.Shape())
	}
	copy(dst.Float32s(), b.f)
	copy(dst.Int64s(), b.i)
	copy(dst.Uint8s(), b.u)
	runtime.KeepAlive(b)
	return nil
}

func own(b device.Buffer) (*buffer, error) {
	o, ok := b.(*buffer)
	if !ok {
		return nil, fmt.Errorf("cpu: a buffer of another device (%T)", b)
	}
	if o.mem != nil && o.mem.f == nil {
		return nil, fmt.Errorf("cpu: a buffer %v that was freed", o.shape)
	}
	return o, nil
}

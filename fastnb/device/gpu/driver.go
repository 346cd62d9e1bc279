package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
)

// ErrNoMemory is what a driver's Alloc gives, wrapped, when the card has no room.
var ErrNoMemory = device.ErrMemory

// ErrLost is in errors after which the card cannot be used any more: a kernel went astray, or it is gone.
var ErrLost = device.ErrLost

// Card is what a driver says of its card.
type Card struct {
	Driver  string // "cuda" or "opencl"
	Number  int    // which of the driver's cards, from 0
	Name    string // "NVIDIA H100 80GB HBM3"
	Memory  int64  // bytes
	Compute int    // compute capability of NVIDIA cards: 90 stands for 9.0; 0 elsewhere
	Units   int    // multiprocessors
	Version string // of the driver
	// Processor: it is no card, but the machine's processor, as PoCL gives it.
	Processor bool
	// Tensor: f16 and bf16 products on tensor cores by the units that say so.
	Tensor bool
	// Align is what an address given to a kernel must be divisible by, in bytes.
	Align int64
}

// Mem is a stretch of device memory: an address of CUDA, a memory object of OpenCL.
type Mem uint64

// Ptr is a place in device memory and the bytes that a kernel may use from there.
type Ptr struct {
	Mem Mem
	Off int64
	Len int64
}

// Kernel is a loaded entry point.
type Kernel interface{ Name() string }

// Arg is an argument of a launch: an address, or a number in Bits of Size bytes.
type Arg struct {
	Addr bool
	Ptr  Ptr
	Bits uint64
	Size int // 4 or 8
}

// Driver is one card behind one API. Any goroutine may call it.
type Driver interface {
	Card() Card
	// FreeMemory is what the card has left, in bytes.
	FreeMemory() int64
	// Alloc gives memory at an address divisible by 256.
	Alloc(bytes int64) (Mem, error)
	// Release gives it back; the caller has waited for all work that uses it.
	Release(Mem)
	// Host gives page-locked memory of the host, which copies need to be asynchronous.
	Host(bytes int) ([]byte, error)
	ReleaseHost([]byte)
	// Load finds an entry of a unit; units are loaded when first needed and kept.
	Load(u kernels.Unit, entry string) (Kernel, error)
	NewStream() (Stream, error)
	Close() error
}

// Settler is a Driver that has things to give back before the memory they refer to: Settle waits for all work
// and does so. Only Release, ReleaseHost and Close are called behind it, and Close of streams.
type Settler interface{ Settle() }

// Stream is a line of work for the card, done in order. One goroutine at a time uses it.
type Stream interface {
	// Upload and Download copy; the host's side must stay until the stream is past them.
	Upload(dst Ptr, src []byte) error
	Download(dst []byte, src Ptr) error
	Copy(dst, src Ptr, bytes int64) error
	// Fill sets bytes to a value.
	Fill(dst Ptr, value byte, bytes int64) error
	// Launch runs a kernel over grid blocks of so many threads. shared is the dynamic shared memory in bytes,
	// for drivers whose kernels do not declare it.
	Launch(k Kernel, grid [3]int, block, shared int, args []Arg) error
	// Record gives a mark at the end of what is queued.
	Record() (Mark, error)
	// Follow makes what is queued from now on wait for another stream's mark, on the card.
	Follow(Mark) error
	// Wait waits until all is done.
	Wait() error
	Close() error
}

// Mark is a point in a stream.
type Mark interface {
	Wait() error
	Done() (bool, error)
	// Since is the card's time between two marks in seconds; both must be done.
	Since(earlier Mark) (float64, error)
	Close()
}

// Recorder is a Stream that can record launches and replay them at once (CUDA graphs).
type Recorder interface {
	Begin() error
	End() (Recording, error)
	Replay(Recording) error
}

// Recording is a list of launches, addresses included, that Replay queues.
type Recording interface{ Close() }

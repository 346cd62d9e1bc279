// Package device is the border between what is computed and where: plans, buffers, queues and the
// interface that every device implements. docs/ARCHITECTURE.md has its rules on a page.
//
// It stands below graph, which produces plans, and above nothing but tensor; device/cpu implements it,
// device/hostdev is its reference and device/devicetest the suite that each device passes.
package device

import (
	"errors"
	"slices"

	"github.com/fastnb/go/fastnb/tensor"
)

// Spec is the kind of elements and the shape of an array. A scalar has no sizes.
type Spec struct {
	DType tensor.DType
	Shape []int
}

// SpecOf describes a host array.
func SpecOf(t *tensor.Tensor) Spec { return Spec{t.DType(), t.Shape()} }

// Count is the number of elements.
func (s Spec) Count() int { return tensor.Count(s.Shape) }

// Bytes is the size of the array.
func (s Spec) Bytes() int64 {
	n := int64(s.DType.Size())
	for _, d := range s.Shape {
		n *= int64(d)
	}
	return n
}

// Fits reports whether an array of o can be copied into one of s: same kind, same count.
func (s Spec) Fits(o Spec) bool { return s.DType == o.DType && s.Count() == o.Count() }

// Kind says what a device is.
type Kind uint8

// The kinds of device.
const (
	CPU Kind = iota // the machine's own processors
	GPU             // a card with memory of its own
)

// Info is what a device says of itself. It does not change.
type Info struct {
	Name   string // "cpu"
	Kind   Kind
	DTypes []tensor.DType // kinds of elements that its buffers may have
	// Memory is the bytes it has in all; 0 where that is not known.
	Memory int64
	// Card names the card with its driver, for people: "NVIDIA T4, compute 7.5, driver 550.54".
	Card string
	// HostMemory: its buffers lie in the memory that the host's own arrays take too.
	HostMemory bool
	// Activations is the kind in which temporaries are kept that need no full precision, where a plan names
	// none: Float32, or Float16 or BFloat16 where the device computes in mixed precision.
	Activations tensor.DType
	// Mixed are the kinds that a plan may name instead (Plan.Activations).
	Mixed []tensor.DType
	// Products are the kinds that a plan may name as Activations to have the inputs of its products rounded to, sums
	// and all else staying Float32: what processors with instructions for bfloat16 do.
	Products []tensor.DType
}

// ErrMemory is in errors about arrays and programs for which a device has no room. Compile gives it where the
// temporaries alone are more than the device has left.
var ErrMemory = errors.New("too little memory")

// ErrLost is in errors after which a device cannot be used any more: a kernel went astray, or the card is gone.
var ErrLost = errors.New("the device is lost (try restarting the kernel, then Load what was saved last)")

// Profiler is a Device that can tell where its time goes.
type Profiler interface {
	// Profile switches the measuring of each step of all programs on or off, and forgets what was measured.
	Profile(on bool)
	// ProfileTable is what was measured since then as a table for people; empty without a profile.
	ProfileTable() string
	// Times is what was measured since then, of work that was waited for; nil without a profile.
	Times() *Times
}

// CanMix reports whether a plan may name a kind for its activations: float32 always, others as Mixed and Products say.
func (i Info) CanMix(d tensor.DType) bool {
	return d == tensor.Float32 && !i.Activations.Half() || d == i.Activations || slices.Contains(i.Mixed, d) || slices.Contains(i.Products, d)
}

// Takes reports whether buffers may be of a kind.
func (i Info) Takes(d tensor.DType) bool { return slices.Contains(i.DTypes, d) }

// Buffer is memory on a device.
type Buffer interface{ Spec() Spec }

// Device allocates memory, compiles plans and gives queues to run them. Any goroutine may call it.
type Device interface {
	Info() Info
	// FreeMemory is the number of bytes that can still be allocated.
	FreeMemory() int64
	// Alloc gives zeroed memory that stays until Free, or until nothing refers to it any more.
	Alloc(Spec) (Buffer, error)
	// Free gives memory back. Work that uses it may still be queued, but none may be queued any more.
	Free(Buffer)
	// Compile makes a plan runnable: it chooses kernels, layouts and temporaries' places.
	Compile(*Plan) (Program, error)
	// NewQueue gives a line of work of one's own.
	NewQueue() Queue
	// Close ends the device's threads and frees what it keeps. Queues, programs and buffers must not be
	// used after it.
	Close() error
}

// Program is a compiled plan. Any queue of its device may run it, and several may at once: the device lets
// the runs of one program follow one another.
type Program interface {
	// Memory is the number of bytes its temporaries take.
	Memory() int64
	// Close frees the temporaries. Runs may still be queued, but none may be queued any more.
	Close()
}

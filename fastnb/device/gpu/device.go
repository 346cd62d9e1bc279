// Package gpu is the device over a graphics card: it compiles plans to launches of the kernels in
// gpu/kernels, keeps the card's memory and works through queues. What it knows of a card it knows through
// Driver: gpu/cuda and gpu/opencl.
//
// It stands below graph and imports device, tensor and its kernels.
package gpu

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Device is a card. Its queues share the card's memory; programs that run in one queue share a place for their
// temporaries, as they run one after the other.
type Device struct {
	drv    Driver
	card   Card
	act    tensor.DType
	heap   *heap
	turn   sync.Mutex // programs are queued one at a time, so that each finds the marks of those before it
	host   pinned
	eager  time.Duration // see eagerness
	plain  atomic.Bool   // no recordings
	poison string        // see guard.go
	aside  bool          // large uploads have a stream of their own
	loose  bool          // float32 is multiplied as TF32 where tensor cores do it
	onHost atomic.Int64  // steps that ran on the host
	played atomic.Int64  // runs from recordings
	tuned  sync.Once     // tuner is there if it is to be
	tuner  *tuner        // how products are done

	mu     sync.Mutex // guards what follows
	own    Stream     // zeroes fresh memory and uploads constants
	queues map[*queue]bool
	prof   *device.Times // nil: nobody asked
	closed bool
	lost   error // after which the card cannot be used
}

// New makes a device of a card. Activations are kept as float32, float16 or bfloat16. The environment's
// FASTNB_GPU_MEMORY limits what is taken of the card's memory, in MB; FASTNB_GPU_TF32=1 lets tensor cores multiply
// float32 with 11 bits, in one product where the exact one takes three. The driver is closed with the device.
func New(driver Driver, activations tensor.DType) (*Device, error) {
	limit, err := memoryLimit(os.Getenv("FASTNB_GPU_MEMORY"))
	if err != nil {
		return nil, err
	}
	own, err := driver.NewStream()
	if err != nil {
		return nil, err
	}
	d := &Device{
		drv: driver, card: driver.Card(), act: activations, own: own,
		heap: &heap{drv: driver, limit: limit}, queues: map[*queue]bool{}, eager: eagerness(driver.Card()),
		poison: os.Getenv("FASTNB_GPU_POISON"), loose: os.Getenv("FASTNB_GPU_TF32") == "1", aside: os.Getenv("FASTNB_GPU_OVERLAP") != "0",
	}
	d.plain.Store(!recordings())
	d.host.drv = driver
	d.Profile(os.Getenv("FASTNB_PROFILE") != "")
	return d, nil
}

// memoryLimit reads FASTNB_GPU_MEMORY.
func memoryLimit(v string) (int64, error) {
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 40)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("FASTNB_GPU_MEMORY=%s: is no number of MB (try 4000, or unset FASTNB_GPU_MEMORY, which means all)", v)
	}
	return n << 20, nil
}

// Info says what the card can do.
func (d *Device) Info() device.Info {
	return device.Info{
		Name: fmt.Sprintf("%s:%d", d.card.Driver, d.card.Number), Card: d.card.String(), Kind: device.GPU, Memory: d.card.Memory,
		Activations: d.act, Mixed: d.mixed(),
		DTypes: []tensor.DType{tensor.Float32, tensor.Int64, tensor.Uint8, tensor.Float16, tensor.BFloat16},
	}
}

// Card is what the driver says of the card.
func (d *Device) Card() Card { return d.card }

// Driver is what the device knows the card through. What others queue through it is not ordered with the
// device's own work.
func (d *Device) Driver() Driver { return d.drv }

// OnHost is how many steps ran on the host so far for want of a kernel.
func (d *Device) OnHost() int64 { return d.onHost.Load() }

// TF32 reports whether float32 is multiplied with 11 bits, as FASTNB_GPU_TF32=1 asks cards of compute capability 8.0
// and newer to do.
func (d *Device) TF32() bool { return d.loose && d.card.Compute >= 80 }

// Replays is how many runs were one call each, from recordings.
func (d *Device) Replays() int64 { return d.played.Load() }

// FreeMemory is what can still be allocated: what the card has left, within the limit, and what the device
// keeps of freed memory.
func (d *Device) FreeMemory() int64 { return d.heap.free() }

// memory is a stretch of the card's memory and who uses it.
type memory struct {
	dev   *Device
	block *block
	bytes int64

	mu    sync.Mutex
	uses  []use
	freed bool
}

// at is where it lies.
func (m *memory) at() Ptr { return Ptr{m.block.seg.mem, m.block.off, m.bytes} }

// usedBy notes that piece n of q's work needs the memory. It is false when it was freed.
func (m *memory) usedBy(q *queue, n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.freed {
		return false
	}
	for i := range m.uses {
		if m.uses[i].q == q {
			if u := &m.uses[i]; u.n != n {
				u.before, u.n = u.n, n
			}
			return true
		}
	}
	m.uses = slices.DeleteFunc(m.uses, func(u use) bool { return u.q.last.Load() >= u.n })
	m.uses = append(m.uses, use{q: q, n: n})
	return true
}

// before is the last piece but the present one of q's work that used the memory, 0 for none.
func (m *memory) before(q *queue) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range m.uses {
		if u.q == q {
			return u.before
		}
	}
	return 0
}

// order makes q's next program wait for those of other queues: for all uses of the memory where it writes, else
// for what was written. So a program sees an argument as it was before another's change or behind it.
func (m *memory) order(q *queue, writes bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, u := range m.uses {
		n := u.wrote
		if writes {
			n = u.n
		}
		if u.q == q {
			if writes {
				m.uses[i].wrote = q.n
			}
		} else if err := q.follow(u.q, n); err != nil {
			return err
		}
	}
	return nil
}

// free gives the memory back when what is queued is done. It may be called more than once.
func (m *memory) free() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.freed {
		m.freed = true
		m.dev.heap.give(m.block, m.uses)
	}
}

// reserve takes memory that holds anything.
func (d *Device) reserve(bytes int64) (*memory, error) {
	d.mu.Lock()
	closed, lost := d.closed, d.lost
	d.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("%s: the device was closed", d.card.Driver)
	}
	if lost != nil {
		return nil, lost
	}
	b, err := d.heap.take(bytes)
	if err != nil {
		return nil, d.saw(err)
	}
	return &memory{dev: d, block: b, bytes: bytes}, nil
}

// buffer is an array on the card.
type buffer struct {
	spec device.Spec
	*memory
}

// Spec is the kind and shape of the array.
func (b *buffer) Spec() device.Spec { return b.spec }

// Alloc gives zeroed memory.
func (d *Device) Alloc(s device.Spec) (device.Buffer, error) {
	m, err := d.reserve(s.Bytes())
	if err == nil {
		if err = d.zero(m); err != nil {
			m.free()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %v %v: %w", d.card.Driver, s.DType, s.Shape, err)
	}
	b := &buffer{device.Spec{DType: s.DType, Shape: slices.Clone(s.Shape)}, m}
	runtime.AddCleanup(b, func(m *memory) { m.free() }, m)
	return b, nil
}

// zero clears fresh memory and waits for it: any queue may use it then.
func (d *Device) zero(m *memory) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.bytes == 0 {
		return nil
	}
	err := d.own.Fill(m.at(), 0, m.bytes)
	if err == nil {
		err = d.own.Wait()
	}
	return d.sawLocked(err)
}

// upload puts bytes into memory and waits until they are there.
func (d *Device) upload(m *memory, at int64, src []byte) error {
	for len(src) > 0 {
		n := min(len(src), mostStaged)
		h, err := d.host.take(n)
		if err != nil {
			return err
		}
		copy(h, src[:n])
		p := m.at()
		p.Off += at
		p.Len -= at
		d.mu.Lock()
		if err = d.own.Upload(p, h[:n]); err == nil {
			err = d.own.Wait()
		}
		err = d.sawLocked(err)
		d.mu.Unlock()
		d.host.give(h)
		if err != nil {
			return err
		}
		at, src = at+int64(n), src[n:]
	}
	return nil
}

// Free gives memory back. What is never freed goes with its last reference.
func (d *Device) Free(b device.Buffer) {
	if o, ok := b.(*buffer); ok && o.dev == d {
		o.free()
	}
}

// saw keeps in mind that the card is lost.
func (d *Device) saw(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sawLocked(err)
}

func (d *Device) sawLocked(err error) error {
	if err == nil || !errors.Is(err, ErrLost) {
		return err
	}
	if d.lost == nil {
		d.lost = fmt.Errorf("%s: %s: %w (try to save what is on the host, and to start the session again)", d.card.Driver, d.card.Name, err)
	}
	return d.lost
}

// Close ends all queues and gives the card back.
func (d *Device) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	for _, q := range d.all() {
		_ = q.close() // nobody waits for it any more
	}
	_ = d.own.Close() // the driver is closed with it
	if s, ok := d.drv.(Settler); ok {
		s.Settle()
	}
	d.heap.close()
	d.host.close()
	return d.drv.Close()
}

// mixed are the kinds of half precision that the card's kernels keep activations in.
func (d *Device) mixed() []tensor.DType {
	if d.card.Compute > 0 && d.card.Compute < leastForHalf {
		return nil
	}
	return []tensor.DType{tensor.Float16, tensor.BFloat16}
}

// leastForHalf is the compute capability that units of half precision are compiled for.
const leastForHalf = 75

// String is the card in one line for people: its name, what it can and its driver.
func (c Card) String() string {
	parts := []string{c.Name}
	if c.Compute > 0 {
		parts = append(parts, fmt.Sprintf("compute %d.%d", c.Compute/10, c.Compute%10))
	}
	if c.Version != "" {
		parts = append(parts, "driver "+c.Version)
	}
	return strings.Join(parts, ", ")
}

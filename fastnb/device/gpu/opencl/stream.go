package opencl

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/internal/dl"
)

// stream is a command queue whose commands are done in order.
type stream struct {
	d *driver
	q uintptr
}

// NewStream gives a line of work. Queues live as long as the driver: one that a stream had before serves again,
// and memory that was used in a queue never outlives it.
func (d *driver) NewStream() (gpu.Stream, error) {
	end, err := d.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	d.mu.Lock()
	defer d.mu.Unlock()
	for q, used := range d.queues {
		if !used {
			d.queues[q] = true
			return &stream{d, q}, nil
		}
	}
	var code int32
	q := dl.Call(d.createQueue, d.ctx, d.dev, profilingEnable, uintptr(unsafe.Pointer(&code)))
	if code != 0 {
		return nil, failed("queue", uintptr(code))
	}
	d.queues[q] = true
	return &stream{d, q}, nil
}

// Host gives memory that the driver may copy from and to without a step between.
func (d *driver) Host(bytes int) ([]byte, error) {
	end, err := d.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	var code int32
	m := dl.Call(d.createBuffer, d.ctx, memReadWrite|memHostPtr, uintptr(bytes), 0, uintptr(unsafe.Pointer(&code)))
	if code != 0 {
		return nil, failed("memory of the host", uintptr(code))
	}
	p := dl.Call(d.mapBuffer, d.host, m, 1, mapRead|mapWrite, 0, uintptr(bytes), 0, 0, 0, uintptr(unsafe.Pointer(&code)))
	if code != 0 {
		return nil, failed("memory of the host", uintptr(code))
	}
	b := unsafe.Slice(*(**byte)(unsafe.Pointer(&p)), bytes) // C's memory
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pinned[&b[0]] = m
	return b, nil
}

// ReleaseHost gives it back.
func (d *driver) ReleaseHost(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := unsafe.SliceData(b)
	if m := d.pinned[at]; m != 0 {
		d.unpin(at, m)
	}
}

func (d *driver) unpin(at *byte, m uintptr) {
	delete(d.pinned, at)
	if d.lost {
		return
	}
	dl.Call(d.unmap, d.host, m, uintptr(unsafe.Pointer(at)), 0, 0, 0)
	dl.Call(d.finish, d.host)
	dl.Call(d.releaseMem, m)
}

// Upload queues a copy from the host.
func (s *stream) Upload(dst gpu.Ptr, src []byte) error {
	if len(src) == 0 {
		return nil
	}
	defer s.d.hold()()
	m, off, err := s.d.part(dst.First(int64(len(src))))
	if err != nil {
		return err
	}
	return failed("upload", dl.Call(s.d.write, s.q, m, 0, off, uintptr(len(src)), uintptr(unsafe.Pointer(&src[0])), 0, 0, 0))
}

// Download queues a copy to the host.
func (s *stream) Download(dst []byte, src gpu.Ptr) error {
	if len(dst) == 0 {
		return nil
	}
	defer s.d.hold()()
	m, off, err := s.d.part(src.First(int64(len(dst))))
	if err != nil {
		return err
	}
	return failed("download", dl.Call(s.d.read, s.q, m, 0, off, uintptr(len(dst)), uintptr(unsafe.Pointer(&dst[0])), 0, 0, 0))
}

// Copy queues a copy within the card.
func (s *stream) Copy(dst, src gpu.Ptr, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	defer s.d.hold()()
	to, at, err := s.d.part(dst.First(bytes))
	if err != nil {
		return err
	}
	from, off, err := s.d.part(src.First(bytes))
	if err != nil {
		return err
	}
	return failed("copy", dl.Call(s.d.copyBuffer, s.q, from, to, off, at, uintptr(bytes), 0, 0, 0))
}

// Fill queues the setting of bytes.
func (s *stream) Fill(dst gpu.Ptr, value byte, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	defer s.d.hold()()
	m, off, err := s.d.part(dst.First(bytes))
	if err != nil {
		return err
	}
	return failed("fill", dl.Call(s.d.fill, s.q, m, uintptr(unsafe.Pointer(&value)), 1, off, uintptr(bytes), 0, 0, 0))
}

// Launch queues a kernel. Its shared memory is declared in its source.
func (s *stream) Launch(k gpu.Kernel, grid [3]int, block, _ int, args []gpu.Arg) error {
	o := k.(*kernel)
	defer s.d.hold()()
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range args {
		v, size := uintptr(args[i].Bits), uintptr(args[i].Size)
		if args[i].Addr {
			m, off, err := s.d.part(args[i].Ptr)
			if err != nil {
				return err
			}
			if off != 0 {
				return fmt.Errorf("OpenCL: argument %d of %s: address %d is not divisible by %d", i, o.name, args[i].Ptr.Off, s.d.card.Align)
			}
			v, size = m, unsafe.Sizeof(m)
		}
		if r := dl.Call(s.d.setArg, o.handle, uintptr(i), size, uintptr(unsafe.Pointer(&v))); int32(r) != 0 {
			return failed("argument of "+o.name, r)
		}
	}
	all := [3]uintptr{uintptr(grid[0] * block), uintptr(grid[1]), uintptr(grid[2])}
	local := [3]uintptr{uintptr(block), 1, 1}
	return failed(o.name, dl.Call(s.d.launch, s.q, o.handle, 3, 0, uintptr(unsafe.Pointer(&all[0])), uintptr(unsafe.Pointer(&local[0])), 0, 0, 0))
}

// mark is an event.
type mark struct {
	d *driver
	e uintptr
}

// Record gives a mark behind what is queued, and sends all that to the card.
func (s *stream) Record() (gpu.Mark, error) {
	var e uintptr
	if err := failed("mark", dl.Call(s.d.marker, s.q, 0, 0, uintptr(unsafe.Pointer(&e)))); err != nil {
		return nil, err
	}
	if err := failed("flush", dl.Call(s.d.flush, s.q)); err != nil {
		dl.Call(s.d.releaseEvent, e)
		return nil, err
	}
	return &mark{s.d, e}, nil
}

// Follow lets what is queued from now on wait for a mark.
func (s *stream) Follow(m gpu.Mark) error {
	e := m.(*mark).e
	return failed("follow", dl.Call(s.d.barrier, s.q, 1, uintptr(unsafe.Pointer(&e)), 0))
}

// Wait waits until all is done.
func (s *stream) Wait() error { return failed("wait", dl.Call(s.d.finish, s.q)) }

// Close gives the command queue to the next stream, when all is done.
func (s *stream) Close() error {
	err := s.Wait()
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if _, ok := s.d.queues[s.q]; ok { // else the driver was closed
		s.d.queues[s.q] = false
	}
	return err
}

// Wait waits for the mark.
func (m *mark) Wait() error {
	return failed("wait", dl.Call(m.d.waitEvents, 1, uintptr(unsafe.Pointer(&m.e))))
}

// Done reports whether the card is past the mark; what it wrote until then is there.
func (m *mark) Done() (bool, error) {
	status := int32(1)
	if err := failed("event", dl.Call(m.d.eventInfo, m.e, eventStatus, 4, uintptr(unsafe.Pointer(&status)), 0)); err != nil {
		return false, err
	}
	if status < 0 {
		return false, failed("event", uintptr(status))
	}
	if status > 0 {
		return false, nil
	}
	return true, m.Wait() // asking alone does not order what the card wrote before what the host does next
}

// Since is the card's time from an earlier mark on, in seconds.
func (m *mark) Since(earlier gpu.Mark) (float64, error) {
	var t [2]uint64
	for i, e := range []uintptr{earlier.(*mark).e, m.e} {
		if err := failed("time", dl.Call(m.d.eventTime, e, eventEnd, 8, uintptr(unsafe.Pointer(&t[i])), 0)); err != nil {
			return 0, err
		}
	}
	runtime.KeepAlive(earlier)
	return float64(int64(t[1]-t[0])) / 1e9, nil
}

// Close gives the event back.
func (m *mark) Close() { dl.Call(m.d.releaseEvent, m.e) }

package cuda

import (
	"fmt"
	"unsafe"

	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/internal/dl"
)

// stream is a stream of CUDA, with room for the arguments of a launch.
type stream struct {
	d      *driver
	s      uintptr
	values [mostArguments]uint64
	places [mostArguments]unsafe.Pointer // of values
}

// NewStream gives a line of work.
func (d *driver) NewStream() (gpu.Stream, error) {
	defer d.enter()()
	s := &stream{d: d}
	for i := range s.places {
		s.places[i] = unsafe.Pointer(&s.values[i])
	}
	if err := d.failed("stream", dl.Call(d.streamCreate, uintptr(unsafe.Pointer(&s.s)), streamNonBlocking)); err != nil {
		return nil, err
	}
	return s, nil
}

func at(p gpu.Ptr) uintptr { return uintptr(p.Mem) + uintptr(p.Off) }

// Upload queues a copy from the host.
func (s *stream) Upload(dst gpu.Ptr, src []byte) error {
	if len(src) == 0 {
		return nil
	}
	defer s.d.enter()()
	return s.d.failed("upload", dl.Call(s.d.upload, at(dst), uintptr(unsafe.Pointer(&src[0])), uintptr(len(src)), s.s))
}

// Download queues a copy to the host.
func (s *stream) Download(dst []byte, src gpu.Ptr) error {
	if len(dst) == 0 {
		return nil
	}
	defer s.d.enter()()
	return s.d.failed("download", dl.Call(s.d.download, uintptr(unsafe.Pointer(&dst[0])), at(src), uintptr(len(dst)), s.s))
}

// Copy queues a copy within the card.
func (s *stream) Copy(dst, src gpu.Ptr, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	defer s.d.enter()()
	return s.d.failed("copy", dl.Call(s.d.copyWithin, at(dst), at(src), uintptr(bytes), s.s))
}

// Fill queues the setting of bytes.
func (s *stream) Fill(dst gpu.Ptr, value byte, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	defer s.d.enter()()
	return s.d.failed("fill", dl.Call(s.d.fill, at(dst), uintptr(value), uintptr(bytes), s.s))
}

// Launch queues a kernel. More shared memory than every kernel may have is asked for once.
func (s *stream) Launch(k gpu.Kernel, grid [3]int, block, shared int, args []gpu.Arg) error {
	o := k.(*kernel)
	if len(args) > mostArguments {
		return fmt.Errorf("CUDA: %s: %d arguments are more than %d", o.name, len(args), mostArguments)
	}
	for i := range args {
		if args[i].Addr {
			s.values[i] = uint64(at(args[i].Ptr))
		} else {
			s.values[i] = args[i].Bits
		}
	}
	defer s.d.enter()()
	if s.d.extents != 0 {
		s.d.tell(args)
	}
	if shared > freeShared {
		if err := s.d.ask(o, shared); err != nil {
			return err
		}
	}
	return s.d.failed(o.name, dl.Call(s.d.launch, o.fn, uintptr(grid[0]), uintptr(grid[1]), uintptr(grid[2]), uintptr(block), 1, 1, uintptr(shared), s.s,
		uintptr(unsafe.Pointer(&s.places[0])), 0))
}

// tell says to the test double which stretches of memory the next launch is given: it sees what is beyond them,
// where a card, and the double by itself, know the segments only that the heap cuts them from.
func (d *driver) tell(args []gpu.Arg) {
	var starts, lengths [mostArguments]uint64
	n := 0
	for _, a := range args {
		if a.Addr {
			starts[n], lengths[n] = uint64(at(a.Ptr)), uint64(a.Ptr.Len)
			n++
		}
	}
	dl.Call(d.extents, uintptr(unsafe.Pointer(&starts[0])), uintptr(unsafe.Pointer(&lengths[0])), uintptr(n))
}

// ask lets a kernel have so much dynamic shared memory.
func (d *driver) ask(k *kernel, shared int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if shared <= k.shared {
		return nil
	}
	if shared > d.shared {
		return fmt.Errorf("CUDA: %s: %d bytes of shared memory, %s has %d", k.name, shared, d.card.Name, d.shared)
	}
	if err := d.failed(k.name, dl.Call(d.functionSet, k.fn, functionShared, uintptr(shared))); err != nil {
		return err
	}
	k.shared = shared
	return nil
}

// Wait waits until all is done.
func (s *stream) Wait() error {
	defer s.d.enter()()
	return s.d.failed("wait", dl.Call(s.d.streamWait, s.s))
}

// Close gives the stream back.
func (s *stream) Close() error {
	defer s.d.enter()()
	return s.d.failed("close", dl.Call(s.d.streamDestroy, s.s))
}

// mark is an event of CUDA.
type mark struct {
	d *driver
	e uintptr
}

// Record gives a mark behind what is queued.
func (s *stream) Record() (gpu.Mark, error) {
	defer s.d.enter()()
	m := &mark{d: s.d}
	s.d.mu.Lock()
	if n := len(s.d.events); n > 0 {
		m.e = s.d.events[n-1]
		s.d.events = s.d.events[:n-1]
	}
	s.d.mu.Unlock()
	if m.e == 0 {
		if err := s.d.failed("mark", dl.Call(s.d.eventCreate, uintptr(unsafe.Pointer(&m.e)), 0)); err != nil {
			return nil, err
		}
	}
	if err := s.d.failed("mark", dl.Call(s.d.eventRecord, m.e, s.s)); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Follow lets what is queued from now on wait for a mark.
func (s *stream) Follow(m gpu.Mark) error {
	defer s.d.enter()()
	return s.d.failed("follow", dl.Call(s.d.streamFollow, s.s, m.(*mark).e, 0))
}

// Wait waits for the mark.
func (m *mark) Wait() error {
	defer m.d.enter()()
	return m.d.failed("wait", dl.Call(m.d.eventWait, m.e))
}

// Done reports whether the card is past the mark.
func (m *mark) Done() (bool, error) {
	defer m.d.enter()()
	code := dl.Call(m.d.eventQuery, m.e)
	if int32(code) == codeNotReady {
		return false, nil
	}
	return code == 0, m.d.failed("event", code)
}

// Since is the card's time from an earlier mark on, in seconds.
func (m *mark) Since(earlier gpu.Mark) (float64, error) {
	defer m.d.enter()()
	var ms float32
	if err := m.d.failed("time", dl.Call(m.d.eventSince, uintptr(unsafe.Pointer(&ms)), earlier.(*mark).e, m.e)); err != nil {
		return 0, err
	}
	return float64(ms) / 1e3, nil
}

// Close gives the event to the next mark.
func (m *mark) Close() {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.events = append(m.d.events, m.e)
}

// recording is an executable graph.
type recording struct {
	d    *driver
	exec uintptr
}

// Begin begins to record what is launched instead of doing it. Others may go on calling the driver.
func (s *stream) Begin() error {
	defer s.d.enter()()
	return s.d.failed("recording", dl.Call(s.d.beginCapture, s.s, captureRelaxed))
}

// End gives what was recorded.
func (s *stream) End() (gpu.Recording, error) {
	defer s.d.enter()()
	var graph uintptr
	if err := s.d.failed("recording", dl.Call(s.d.endCapture, s.s, uintptr(unsafe.Pointer(&graph)))); err != nil {
		return nil, err
	}
	r := &recording{d: s.d}
	err := s.d.failed("recording", dl.Call(s.d.instantiate, uintptr(unsafe.Pointer(&r.exec)), graph, 0))
	dl.Call(s.d.graphDestroy, graph)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Replay queues all that was recorded.
func (s *stream) Replay(r gpu.Recording) error {
	defer s.d.enter()()
	return s.d.failed("replay", dl.Call(s.d.graphLaunch, r.(*recording).exec, s.s))
}

// Close gives the graph back.
func (r *recording) Close() {
	defer r.d.enter()()
	dl.Call(r.d.execDestroy, r.exec)
}

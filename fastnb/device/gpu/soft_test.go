package gpu

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"unsafe"

	"github.com/fastnb/go/fastnb/device/gpu/kernels"
)

// soft is a driver without a card: its streams do nothing until somebody waits for a mark or asks for it, and
// then as much as they like. Memory is poisoned when it is fresh and when it is given back.
type soft struct {
	mu      sync.Mutex
	card    Card
	mems    map[Mem][]byte
	next    Mem
	taken   int64
	allocs  int // how often memory was asked for
	pinned  map[*byte]bool
	marks   int // not closed
	streams int // not closed
	records int // not closed
	replays int
	ahead   int // uploads that were queued while another stream had work to do
	all     []*softStream
	unable  bool // to record
	loads   []string
	broken  error // what everything gives from now on
	closed  bool
	late    int    // streams that were closed behind the driver
	closing func() // at the beginning of a stream's close
	rng     *rand.Rand
}

func newSoft(memory int64) *soft {
	return &soft{card: Card{Driver: "soft", Name: "software", Memory: memory, Align: 256}, mems: map[Mem][]byte{}, pinned: map[*byte]bool{}, rng: rand.New(rand.NewPCG(1, 2))}
}

func (s *soft) Card() Card { return s.card }

func (s *soft) FreeMemory() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.card.Memory - s.taken
}

func (s *soft) Alloc(bytes int64) (Mem, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allocs++
	if s.taken+bytes > s.card.Memory {
		return 0, fmt.Errorf("soft: %w", ErrNoMemory)
	}
	s.taken += bytes
	s.next++
	b := make([]byte, bytes)
	for i := range b {
		b[i] = 0x7f
	}
	s.mems[s.next] = b
	return s.next, s.broken
}

func (s *soft) Release(m Mem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.mems[m] {
		s.mems[m][i] = 0xff
	}
	s.taken -= int64(len(s.mems[m]))
	delete(s.mems, m)
}

func (s *soft) Host(bytes int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := make([]byte, bytes)
	s.pinned[&b[0]] = true
	return b, nil
}

func (s *soft) ReleaseHost(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pinned[&b[0]] {
		panic("soft: page-locked memory given back twice")
	}
	delete(s.pinned, &b[0])
}

type softKernel struct {
	name string
	run  func(s *soft, args []Arg)
}

func (k softKernel) Name() string { return k.name }

// softKernels are what tests launch.
var softKernels = map[string]func(s *soft, args []Arg){
	"double": func(s *soft, args []Arg) { // y = 2 x
		for i := range args[2].Bits {
			s.floats(args[1].Ptr)[i] = 2 * s.floats(args[0].Ptr)[i]
		}
	},
	"raise": func(s *soft, args []Arg) { // raises the flag where x[0] < 0
		f := s.floats(args[1].Ptr)
		if flag := unsafe.Slice((*int32)(unsafe.Pointer(&f[0])), 16); s.floats(args[0].Ptr)[0] < 0 && flag[0] == 0 {
			copy(flag, []int32{int32(args[2].Bits) + 1, 0, 77, 0, 3, 0, 5})
		}
	},
	"bump": func(s *soft, args []Arg) { // x += 1 in place unless the flag is raised
		if s.floats(args[1].Ptr)[0] != 0 {
			return
		}
		for i := range args[2].Bits {
			s.floats(args[0].Ptr)[i]++
		}
	},
}

func (s *soft) Load(u kernels.Unit, entry string) (Kernel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads = append(s.loads, u.Name+"/"+entry)
	if k := softKernels[entry]; k != nil {
		return softKernel{entry, k}, nil
	}
	return nil, fmt.Errorf("soft: no kernel %s", entry)
}

func (s *soft) floats(p Ptr) []float32 {
	b := s.mems[p.Mem][p.Off : p.Off+p.Len]
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[0])), len(b)/4)
}

func (s *soft) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// softStream holds work back.
type softStream struct {
	s         *soft
	work      []func()
	n, done   int // pieces given and done
	recording bool
	tape      []func()
}

func (s *soft) NewStream() (Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams++
	t := &softStream{s: s}
	s.all = append(s.all, t)
	return t, nil
}

func (t *softStream) put(f func()) error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.broken != nil {
		return t.s.broken
	}
	if t.recording {
		t.tape = append(t.tape, f)
		return nil
	}
	t.work, t.n = append(t.work, f), t.n+1
	return nil
}

// until does work up to piece n; the driver is locked.
func (t *softStream) until(n int) {
	for t.done < n {
		t.work[0]()
		t.work, t.done = t.work[1:], t.done+1
	}
}

func (t *softStream) bytes(p Ptr, n int64) []byte { return t.s.mems[p.Mem][p.Off : p.Off+n] }

func (t *softStream) Upload(dst Ptr, src []byte) error {
	t.s.mu.Lock()
	for _, o := range t.s.all {
		if o != t && o.done < o.n {
			t.s.ahead++
			break
		}
	}
	t.s.mu.Unlock()
	return t.put(func() { copy(t.bytes(dst, int64(len(src))), src) })
}

func (t *softStream) Download(dst []byte, src Ptr) error {
	for i := range dst {
		dst[i] = 0xee
	}
	return t.put(func() { copy(dst, t.bytes(src, int64(len(dst)))) })
}

func (t *softStream) Copy(dst, src Ptr, n int64) error {
	return t.put(func() { copy(t.bytes(dst, n), t.bytes(src, n)) })
}

func (t *softStream) Fill(dst Ptr, v byte, n int64) error {
	return t.put(func() {
		for i, b := 0, t.bytes(dst, n); i < len(b); i++ {
			b[i] = v
		}
	})
}

func (t *softStream) Launch(k Kernel, _ [3]int, _, _ int, args []Arg) error {
	now := append([]Arg{}, args...)
	return t.put(func() { k.(softKernel).run(t.s, now) })
}

func (t *softStream) Wait() error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.until(t.n)
	return t.s.broken
}

func (t *softStream) Close() error {
	if t.s.closing != nil {
		t.s.closing()
	}
	t.s.mu.Lock()
	if t.s.closed {
		t.s.late++
	}
	defer t.s.mu.Unlock()
	t.s.streams--
	return nil
}

func (t *softStream) Begin() error {
	t.recording, t.tape = true, nil
	return nil
}

type softRecording struct {
	s    *soft
	tape []func()
}

func (r softRecording) Close() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.records--
}

func (t *softStream) End() (Recording, error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.recording = false
	if t.s.unable {
		return nil, fmt.Errorf("soft: no recordings")
	}
	t.s.records++
	return softRecording{t.s, t.tape}, nil
}

func (t *softStream) Replay(r Recording) error {
	t.s.mu.Lock()
	t.s.replays++
	t.s.mu.Unlock()
	for _, f := range r.(softRecording).tape {
		if err := t.put(f); err != nil {
			return err
		}
	}
	return nil
}

type softMark struct {
	t      *softStream
	n      int
	closed bool
}

func (t *softStream) Record() (Mark, error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.broken != nil {
		return nil, t.s.broken
	}
	t.s.marks++
	return &softMark{t: t, n: t.n}, nil
}

func (t *softStream) Follow(m Mark) error {
	return t.put(func() { m.(*softMark).t.until(m.(*softMark).n) })
}

func (m *softMark) Wait() error {
	m.t.s.mu.Lock()
	defer m.t.s.mu.Unlock()
	m.t.until(m.n)
	return m.t.s.broken
}

// Done lets the stream go on a little: who asks often enough is told yes.
func (m *softMark) Done() (bool, error) {
	m.t.s.mu.Lock()
	defer m.t.s.mu.Unlock()
	if m.closed {
		panic("soft: a mark that was closed")
	}
	m.t.until(min(m.t.done+m.t.s.rng.IntN(2), m.t.n))
	return m.t.done >= m.n, m.t.s.broken
}

func (m *softMark) Since(Mark) (float64, error) { return 1e-3, nil }

func (m *softMark) Close() {
	m.t.s.mu.Lock()
	defer m.t.s.mu.Unlock()
	if m.closed {
		panic("soft: a mark closed twice")
	}
	m.closed = true
	m.t.s.marks--
}

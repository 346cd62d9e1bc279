package interp

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fastnb/go/cell"
)

// capture reads what the process prints, from Go, from C and from child programs, off its file
// descriptors, and hands it out as text.
type capture struct {
	before  [2]*os.File // what were the standard streams; kept, since Go closes the descriptor of a file that is forgotten
	streams []*stream
	restore func()
}

// pause is how long a stream rests between two pieces of output, so that a cell that prints without
// end makes tens of messages a second and not thousands. What comes faster makes longer pieces; when much
// waits the stream does not rest, so that a hundred megabytes take seconds.
const (
	pause      = 30 * time.Millisecond
	muchOutput = 1 << 20
)

type stream struct {
	name  string
	r     *os.File
	w     *os.File
	mark  []byte // written into the stream to learn when all before it has been read
	seen  chan struct{}
	hurry chan struct{}
	mu    sync.Mutex

	got     sync.Mutex // guards what follows
	changed *sync.Cond
	acc     []byte // read and not yet handed out
	ended   bool
	drop    bool  // an interrupt is waiting for whatever prints: what comes is thrown away
	dropped int64 // bytes, since the last flush
}

func newStream(name string) (*stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	mark := make([]byte, 16)
	_, _ = rand.Read(mark)
	s := &stream{name: name, r: r, w: w, mark: append([]byte("\x00\x01flush"), mark...), seen: make(chan struct{}), hurry: make(chan struct{}, 1)}
	s.changed = sync.NewCond(&s.got)
	return s, nil
}

// fill reads what is printed. Whoever prints waits while much is there that is not handed out.
func (s *stream) fill() {
	buf := make([]byte, 1<<17)
	for {
		n, err := s.r.Read(buf)
		s.got.Lock()
		for len(s.acc) >= muchOutput && !s.drop {
			s.changed.Wait()
		}
		s.acc = append(s.acc, buf[:n]...)
		if s.drop {
			s.throwAway()
		}
		if len(s.acc) >= muchOutput || bytes.HasSuffix(s.acc, s.mark) {
			s.hasten()
		}
		s.ended = err != nil
		s.changed.Broadcast()
		s.got.Unlock()
		if err != nil {
			return
		}
	}
}

// throwAway leaves of what was read only a mark, or what may become one. The caller holds the lock.
func (s *stream) throwAway() {
	keep := bytes.Index(s.acc, s.mark)
	if keep < 0 {
		keep = len(s.acc) - incomplete(s.acc, s.mark)
	}
	s.dropped += int64(keep)
	s.acc = append(s.acc[:0], s.acc[keep:]...)
}

// hasten ends a rest.
func (s *stream) hasten() {
	select {
	case s.hurry <- struct{}{}:
	default:
	}
}

// take waits for output and takes it, up to a mark.
func (s *stream) take() (b []byte, marked, ended bool, dropped int64) {
	s.got.Lock()
	defer s.got.Unlock()
	for len(s.acc) == 0 && !s.ended {
		s.changed.Wait()
	}
	b = s.acc
	s.acc = nil
	if i := bytes.Index(b, s.mark); i >= 0 {
		s.acc = append(s.acc, b[i+len(s.mark):]...)
		b, marked = b[:i], true
		dropped, s.dropped = s.dropped, 0
	}
	s.changed.Broadcast()
	return b, marked, s.ended && len(s.acc) == 0, dropped
}

// pump hands out what comes until the stream is closed.
func (s *stream) pump(out func(name, text string)) {
	go s.fill()
	var acc []byte
	for {
		b, marked, ended, dropped := s.take()
		acc = append(acc, b...)
		if i := bytes.Index(acc, s.mark); i >= 0 { // it came in two parts
			acc, marked = append(acc[:i], acc[i+len(s.mark):]...), true
		}
		keep := incomplete(acc, s.mark)
		if marked || ended {
			keep = 0
		}
		if len(acc) > keep {
			out(s.name, string(bytes.ToValidUTF8(acc[:len(acc)-keep], []byte("\uFFFD"))))
			acc = append(acc[:0], acc[len(acc)-keep:]...)
		}
		if dropped > 0 {
			out(s.name, fmt.Sprintf("\n(interrupted: %s more were printed)\n", cell.SizeText(dropped)))
		}
		if marked {
			s.seen <- struct{}{}
			continue
		}
		if ended {
			return
		}
		select {
		case <-time.After(pause):
		case <-s.hurry:
		}
	}
}

// discardAfter discards from d on, until the function it gives is called.
func (c *capture) discardAfter(d time.Duration) (end func()) {
	var mu sync.Mutex
	over := false
	t := time.AfterFunc(d, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			c.discard(true)
		}
	})
	return func() {
		t.Stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
		c.discard(false)
	}
}

// discard has what is printed from now on thrown away, so that a call that prints much comes to its end;
// false ends that.
func (c *capture) discard(on bool) {
	for _, s := range c.streams {
		s.got.Lock()
		s.drop = on
		if on {
			s.throwAway()
		}
		s.changed.Broadcast()
		s.got.Unlock()
	}
}

// incomplete is how many bytes at the end may belong to a rune or a mark whose rest has not come yet.
func incomplete(b, mark []byte) int {
	for k := min(len(mark)-1, len(b)); k > 0; k-- {
		if bytes.HasPrefix(mark, b[len(b)-k:]) {
			return k
		}
	}
	for k := 1; k < utf8.UTFMax && k <= len(b); k++ {
		if utf8.RuneStart(b[len(b)-k]) {
			if !utf8.FullRune(b[len(b)-k:]) {
				return k
			}
			break
		}
	}
	return 0
}

// flush waits until everything written so far has been handed out.
func (c *capture) flush() {
	for _, s := range c.streams {
		s.mu.Lock()
		if _, err := s.w.Write(s.mark); err == nil {
			s.hasten()
			<-s.seen
		}
		s.mu.Unlock()
	}
}

// startCapture takes the standard output and error over.
func startCapture(out func(name, text string)) (*capture, error) {
	RealStdout() // keep the originals before they are replaced
	RealStderr()
	c := &capture{}
	for _, name := range []string{"stdout", "stderr"} {
		s, err := newStream(name)
		if err != nil {
			return nil, err
		}
		c.streams = append(c.streams, s)
		go s.pump(out)
	}
	restore, err := replaceStd(c.streams[0].w, c.streams[1].w)
	if err != nil {
		return nil, err
	}
	c.restore = restore
	c.before = [2]*os.File{os.Stdout, os.Stderr}
	os.Stdout, os.Stderr = c.standard(1, "/dev/stdout"), c.standard(2, "/dev/stderr")
	return c, nil
}

// mend opens a standard stream again that a cell has closed, or set to nil.
func (c *capture) mend() {
	for _, std := range []struct {
		fd   uintptr
		f    **os.File
		name string
	}{{1, &os.Stdout, "/dev/stdout"}, {2, &os.Stderr, "/dev/stderr"}} {
		if (*std.f).Fd() == ^uintptr(0) { // closed, or nil
			c.again()
			*std.f = c.standard(std.fd, std.name)
		}
	}
}

// again puts the pipes in the place of the standard streams.
func (c *capture) again() {
	if restore, err := replaceStd(c.streams[0].w, c.streams[1].w); err == nil {
		c.restore = restore
	}
}

// stop gives the standard output and error back.
func (c *capture) stop() {
	c.flush()
	os.Stdout, os.Stderr = c.before[0], c.before[1]
	c.restore()
	for _, s := range c.streams {
		_ = s.w.Close()
	}
}

var (
	realOnce             sync.Once
	realStdout, realErrs *os.File
)

func keepReal() { realStdout, realErrs = duplicate(os.Stdout), duplicate(os.Stderr) }

// RealStdout is the process's standard output as it was before any capture.
func RealStdout() *os.File { realOnce.Do(keepReal); return realStdout }

// RealStderr is the process's standard error as it was before any capture.
func RealStderr() *os.File { realOnce.Do(keepReal); return realErrs }

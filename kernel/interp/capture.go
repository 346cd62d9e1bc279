package interp

import (
	"bytes"
	"crypto/rand"
	"os"
	"sync"
	"time"
	"unicode/utf8"
)

// capture reads what the process prints, from Go, from C and from child programs, off its file
// descriptors, and hands it out as text.
type capture struct {
	streams []*stream
	restore func()
}

// pause is how long a stream rests between two pieces of output, so that a cell that prints without
// end makes tens of messages a second and not thousands.
const pause = 30 * time.Millisecond

type stream struct {
	name  string
	r     *os.File
	w     *os.File
	mark  []byte // written into the stream to learn when all before it has been read
	seen  chan struct{}
	hurry chan struct{}
	mu    sync.Mutex
}

func newStream(name string) (*stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	mark := make([]byte, 16)
	_, _ = rand.Read(mark)
	return &stream{name: name, r: r, w: w, mark: append([]byte("\x00\x01flush"), mark...), seen: make(chan struct{}), hurry: make(chan struct{}, 1)}, nil
}

// pump reads until the stream is closed.
func (s *stream) pump(out func(name, text string)) {
	buf := make([]byte, 1<<16)
	var acc []byte
	for {
		n, err := s.r.Read(buf)
		acc = append(acc, buf[:n]...)
		marked := false
		if i := bytes.Index(acc, s.mark); i >= 0 {
			acc = append(acc[:i], acc[i+len(s.mark):]...)
			marked = true
		}
		keep := incomplete(acc, s.mark)
		if marked || err != nil {
			keep = 0
		}
		if len(acc) > keep {
			out(s.name, string(bytes.ToValidUTF8(acc[:len(acc)-keep], []byte("\uFFFD"))))
			acc = append(acc[:0], acc[len(acc)-keep:]...)
		}
		if marked {
			s.seen <- struct{}{}
			continue
		}
		if err != nil {
			return
		}
		select {
		case <-time.After(pause):
		case <-s.hurry:
		}
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
			select {
			case s.hurry <- struct{}{}:
			default:
			}
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
			*std.f = os.NewFile(std.fd, std.name)
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

package fastnb

import (
	"errors"
	"fmt"
	"html"
	"sync"
)

// Served is a model behind a web page on this machine. It ends with Stop, and with the program at the latest.
type Served struct {
	URL string

	once sync.Once
	stop func() error
	err  error
}

var serving struct {
	sync.Mutex
	start func(m *Model) (url string, stop func() error, err error)
}

// RegisterServer says how models are served. Package serve does it in its init.
func RegisterServer(start func(m *Model) (url string, stop func() error, err error)) {
	serving.Lock()
	defer serving.Unlock()
	serving.start = start
}

// Serve puts the model behind a web page on a free port of this machine, which nobody else can reach, and shows
// the page. The learner may go on training: answers are those of the weights as they are then. A page in a
// notebook whose kernel runs on another machine is not seen there, since the port is the kernel's.
func (l *Learner) Serve() (*Served, error) {
	if err := l.alive("serve"); err != nil {
		return nil, err
	}
	return l.Model.Serve()
}

// Serve puts the model behind a web page on a free port of this machine, as Learner.Serve does.
func (m *Model) Serve() (*Served, error) {
	serving.Lock()
	start := serving.start
	serving.Unlock()
	if start == nil {
		return nil, errors.New("fastnb: serve: no server is compiled in (try importing github.com/fastnb/go/serve)")
	}
	url, stop, err := start(m)
	if err != nil {
		return nil, because("serve", err)
	}
	return &Served{URL: url, stop: stop}, nil
}

// Stop ends the server when it has answered what it has taken.
func (s *Served) Stop() error {
	s.once.Do(func() { s.err = s.stop() })
	return s.err
}

// String is the address.
func (s *Served) String() string { return "serving at " + s.URL }

// Render shows the page in a notebook (gophernotes' Renderer).
func (s *Served) Render() struct{ Data, Metadata, Transient map[string]any } {
	u := html.EscapeString(s.URL)
	return struct{ Data, Metadata, Transient map[string]any }{Data: map[string]any{
		"text/plain": s.String(),
		"text/html":  fmt.Sprintf(`<p>serving at <a href="%s" target="_blank">%s</a></p><iframe src="%s" title="the model's page" width="100%%" height="640" style="border:1px solid #8884"></iframe>`, u, u, u),
	}}
}

package fastnb

import (
	"errors"
	"fmt"
	"html"
	"net/url"
	"sync"

	"github.com/fastnb/go/plotting"
)

// Served is a model behind a web page on this machine. It ends with Stop, and with the program at the latest.
type Served struct {
	URL string

	token string // lets in who comes by another name than this machine's, as through Jupyter's server
	once  sync.Once
	stop  func() error
	err   error
}

var serving struct {
	sync.Mutex
	start func(m *Model) (url, token string, stop func() error, err error)
}

// RegisterServer says how models are served: at an address of this machine, and with a token for who comes to it by
// another name. Package serve does it in its init.
func RegisterServer(start func(m *Model) (url, token string, stop func() error, err error)) {
	serving.Lock()
	defer serving.Unlock()
	serving.start = start
}

// Serve puts the model behind a web page on a free port of this machine, which nobody else can reach, and shows
// the page. The learner may go on training: answers are those of the weights as they are then. Where the notebook's
// kernel runs on another machine than the browser, the page comes through the Jupyter server if that has
// jupyter-server-proxy; else the cell says how to reach it.
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
	address, token, stop, err := start(m)
	if err != nil {
		return nil, because("serve", err)
	}
	return &Served{URL: address, token: token, stop: stop}, nil
}

// Stop ends the server when it has answered what it has taken.
func (s *Served) Stop() error {
	s.once.Do(func() { s.err = s.stop() })
	return s.err
}

// String is the address.
func (s *Served) String() string { return "serving at " + s.URL }

// Render shows the page in a notebook (gophernotes' Renderer). Where scripts are off it is the page of this machine.
func (s *Served) Render() struct{ Data, Metadata, Transient map[string]any } {
	u := html.EscapeString(s.URL)
	page := fmt.Sprintf(`<div><p>serving at <a href="%s" target="_blank">%s</a></p><iframe src="%s" title="the model's page" width="100%%" height="640" style="border:1px solid #8884"></iframe>`, u, u, u)
	if at, err := url.Parse(s.URL); err == nil && !plotting.Static() {
		page += "<p hidden></p><script>(" + throughProxy + fmt.Sprintf(")(document.currentScript, %q, %q, %q)</script>", s.URL, at.Port(), s.token)
	}
	return struct{ Data, Metadata, Transient map[string]any }{Data: map[string]any{"text/plain": s.String(), "text/html": page + "</div>"}}
}

// throughProxy finds a way from the browser to the page: straight, where the browser is on the kernel's machine; else
// through the Jupyter server. It says so where there is none.
const throughProxy = `async function (script, url, port, token) {
  const place = script.parentElement, frame = place.querySelector('iframe'), link = place.querySelector('a'), note = place.querySelector('p[hidden]');
  const soon = () => AbortSignal.timeout(3000);
  const here = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|)$/.test(location.hostname);
  if (here && await fetch(url + 'healthz', { mode: 'no-cors', signal: soon() }).then(() => true, () => false)) return;
  let base = document.body.dataset.baseUrl;
  try { base = base || JSON.parse(document.getElementById('jupyter-config-data').textContent).baseUrl; } catch { /* no Jupyter of that kind */ }
  const proxied = location.origin + (base || '/') + 'proxy/' + port + '/', key = '?token=' + token;
  const there = await fetch(proxied + 'healthz' + key, { signal: soon() }).then((r) => r.json(), () => ({})).catch(() => ({}));
  if (there.status === 'ok') {
    frame.src = link.href = proxied + key;
    link.textContent = proxied;
    return;
  }
  frame.remove();
  note.hidden = false;
  note.textContent = 'This browser does not reach port ' + port + ' of the machine that the kernel runs on. Either install jupyter-server-proxy beside Jupyter there, or forward the port: ssh -L ' + port + ':127.0.0.1:' + port + ' HOST';
}`

package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/fastnb/go/fastnb"
)

// Server answers for models over HTTP.
type Server struct {
	cfg     Config
	store   *store
	queue   chan struct{} // a token for each request that is answered or waits
	reading chan struct{} // and for each that is being read
	held    atomic.Int64  // bytes of bodies that are being read, or were and are not answered yet
	token   string        // "": none is asked for
	local   bool          // nobody but this machine can reach it
	waiting waiters
	flags   *flags // nil: none are kept
	files   fs.FS  // of the page
	metrics *metrics
	web     http.Handler
}

// New loads the models and makes a server of them. The first is the one that is asked without a name.
// Those that lie at an address are fetched first; ctx ends that.
func New(ctx context.Context, sources []Source, c Config) (*Server, error) {
	if len(sources) == 0 {
		return nil, errors.New("fastnb: serve: no model given (try fastnb serve EXPORT)")
	}
	st, err := newStore(ctx, sources)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // what the files were read into
	return newServer(st, c)
}

// Of makes a server of a model that is there already, as a learner's. The model is not closed with it.
func Of(name string, m *fastnb.Model, c Config) (*Server, error) {
	e := &entry{Source: Source{Name: name}, now: &loaded{Model: m, kept: true}}
	return newServer(&store{byName: map[string]*entry{name: e}, names: []string{name}}, c)
}

func newServer(st *store, c Config) (*Server, error) {
	c = c.filled()
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		st.close()
		return nil, fmt.Errorf("fastnb: serve: address %q: %w (try HOST:PORT, as 127.0.0.1:8080)", c.Addr, err)
	}
	s := &Server{
		cfg: c, store: st, queue: make(chan struct{}, c.MaxQueue), reading: make(chan struct{}, max(4*c.MaxQueue, mostReading)),
		token: c.Token, local: loopback(host),
	}
	if s.token == "" && !s.local && !c.Open {
		s.token = newToken()
	}
	if c.Flags != "" {
		if s.flags, err = newFlags(c.Flags); err != nil {
			st.close()
			return nil, err
		}
	}
	s.metrics = newMetrics(s)
	if s.files, err = pages(c.Static, c.Pages); err != nil {
		st.close()
		return nil, err
	}
	for _, name := range st.names {
		s.tellRuined(name)
	}
	s.routes()
	return s, nil
}

// tellRuined says once of a model that it cannot answer.
func (s *Server) tellRuined(name string) {
	m, done := s.store.byName[name].use()
	defer done()
	if what := m.Ruined(); what != "" {
		s.cfg.Log.Warn("a model of a training that went wrong: its answers are no numbers and are refused", "model", name, "weights", what)
	}
}

// Token is what requests must bring, "" where none is asked for.
func (s *Server) Token() string { return s.token }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.web.ServeHTTP(w, r) }

func (s *Server) routes() {
	mux := http.NewServeMux()
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			writeError(w, fail(http.StatusNotFound, "there is nothing at "+path.Clean(r.URL.Path)))
			return
		}
		get(s.page("index.html")).ServeHTTP(w, r)
	}))
	mux.Handle("/camera", get(s.page("camera.html")))
	mux.Handle("/static/", http.StripPrefix("/static/", s.static()))
	mux.Handle("/analyze", post(s.analyze))
	mux.Handle("/api/predict", post(s.predict))
	mux.Handle("/api/models", get(s.models))
	mux.Handle("/api/models/{model}/predict", post(s.predict))
	mux.Handle("/api/generate", post(s.generate))
	mux.Handle("/api/models/{model}/generate", post(s.generate))
	mux.Handle("/api/models/{model}/flag", post(s.flag))
	mux.Handle("/api/models/{model}/examples/{number}", get(s.example))
	mux.Handle("/api/queue", get(s.place))
	mux.Handle("/api", get(s.api))
	mux.Handle("/api/openapi.json", get(s.describe))
	mux.Handle("/healthz", get(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}))
	mux.Handle("/metrics", s.metrics.handler())
	if s.cfg.MCP {
		mux.Handle("/mcp", s.mcp())
	}
	s.web = s.guarded(mux)
}

// get lets GET and HEAD through.
func get(f http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeError(w, fail(http.StatusMethodNotAllowed, "this address takes GET"))
			return
		}
		f(w, r)
	})
}

// post lets POST through.
func post(f http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST")
			writeError(w, fail(http.StatusMethodNotAllowed, "this address takes POST"))
			return
		}
		f(w, r)
	})
}

// mostReading is how many requests may be read at once: many, since those that come slowly hold little.
const mostReading = 1024

// mostHeld is how many bytes of bodies the server holds: bodies of full size for half of the queue.
func (s *Server) mostHeld() int64 { return s.cfg.MaxBody * int64(max(s.cfg.MaxQueue/2, 2)) }

// metered counts the bytes of a body that the server holds.
type metered struct {
	io.ReadCloser

	s *Server
	n int64
}

// Read fails where all bodies together have become too large.
func (m *metered) Read(b []byte) (int, error) {
	n, err := m.ReadCloser.Read(b)
	m.n += int64(n)
	if m.s.held.Add(int64(n)) > m.s.mostHeld() {
		return n, fail(http.StatusServiceUnavailable, "too many requests are being read")
	}
	return n, err
}

// hold bounds a body and counts it until release.
func (s *Server) hold(w http.ResponseWriter, r *http.Request, most int64) (release func()) {
	m := &metered{ReadCloser: http.MaxBytesReader(w, r.Body, most), s: s}
	r.Body = m
	return func() { s.held.Add(-m.n) }
}

// read reads a request before a place in the queue is taken: a slow client must not hold one.
func (s *Server) read(f func() error) error {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
		return f()
	default:
		return fail(http.StatusServiceUnavailable, "too many requests are being read")
	}
}

// asked reads a request, waits for its turn and answers it.
func (s *Server) asked(w http.ResponseWriter, r *http.Request, reply func(w http.ResponseWriter, out []answer)) {
	e, err := s.store.of(r.PathValue("model"))
	var ins []input
	defer s.hold(w, r, s.cfg.MaxBody)()
	if err == nil {
		err = s.read(func() (err error) { ins, err = s.inputs(r); return err })
	}
	if err != nil {
		writeError(w, err)
		return
	}
	s.queued(func(w http.ResponseWriter, r *http.Request) error {
		m, done := e.use()
		defer done()
		out, err := s.answers(r.Context(), m, ins, extrasOf(r))
		if err == nil {
			reply(w, out)
		}
		return err
	})(w, r)
}

// analyze is the lesson's route: one file in, {"result": "class"} out.
func (s *Server) analyze(w http.ResponseWriter, r *http.Request) {
	s.asked(w, r, func(w http.ResponseWriter, out []answer) {
		if len(out) != 1 {
			writeError(w, fail(http.StatusBadRequest, "one file at a time here (try /api/predict for several)"))
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"result": out[0].Result})
	})
}

// predict answers in full: one answer for one input, a list for several.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) {
	s.asked(w, r, func(w http.ResponseWriter, out []answer) {
		if len(out) == 1 {
			writeJSON(w, http.StatusOK, out[0])
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"results": out})
	})
}

// models tells which models there are and what each takes and gives.
func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	var out []modelInfo
	for _, name := range s.store.names {
		m, done := s.store.byName[name].use()
		out = append(out, infoOf(name, m))
		done()
	}
	writeJSON(w, http.StatusOK, map[string]any{"models": out, "flags": s.flags != nil})
}

// Run listens and answers until ctx ends; what was taken is answered first, for at most Grace. Ready is called with
// the address when it listens; it may be nil.
func (s *Server) Run(ctx context.Context, ready func(addr net.Addr)) error {
	l, err := net.Listen("tcp", s.cfg.Addr)
	if err != nil {
		s.store.close()
		return fmt.Errorf("fastnb: serve: %w (try another port with --addr)", err)
	}
	srv := &http.Server{
		Handler: s, ReadHeaderTimeout: headTime, ReadTimeout: bodyTime, WriteTimeout: s.cfg.Timeout + bodyTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHead,
	}
	if ready != nil {
		ready(l.Addr())
	}
	watched, stop := context.WithCancel(ctx)
	defer stop()
	go s.watch(watched)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Grace)
		defer cancel()
		if err = srv.Shutdown(grace); err != nil {
			err = fmt.Errorf("fastnb: serve: some requests were not answered in %s: %w", s.cfg.Grace, err)
		}
	}
	s.store.close()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// watch takes up files that were replaced.
func (s *Server) watch(ctx context.Context) {
	const pause = 2 * time.Second
	seen := map[string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		for _, name := range s.store.names {
			e := s.store.byName[name]
			if e.when.IsZero() || !e.changed() {
				continue
			}
			when, _, err := e.stat()
			if err != nil || seen[name].Equal(when) { // tried: it is no export, or half of one
				continue
			}
			seen[name] = when
			if err := e.load(); err != nil {
				s.cfg.Log.Error("model not taken up", "model", name, "error", err)
				continue
			}
			s.cfg.Log.Info("model taken up", "model", name)
			s.tellRuined(name)
		}
	}
}

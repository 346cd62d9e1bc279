package serve

import (
	"context"
	"net/http"
	"slices"
	"sync"
)

// clientGone is the status, in logs and metrics, of an answer that nobody waited for.
const clientGone = 499

// waiters are the requests that have a place in the queue, in the order they came.
type waiters struct {
	mu  sync.Mutex
	ids []*string // of clients that named their request, "" of others
}

// enter adds a request and gives what takes it out.
func (q *waiters) enter(id string) (leave func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := &id
	q.ids = append(q.ids, at)
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		i := slices.Index(q.ids, at)
		q.ids = slices.Delete(q.ids, i, i+1)
	}
}

// place tells how many requests stand before the one of this name, and how many there are; -1 where it is not
// among them.
func (q *waiters) place(id string) (before, all int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.IndexFunc(q.ids, func(s *string) bool { return id != "" && *s == id }), len(q.ids)
}

// requestID is the header by which a client may name its request, to ask for its place in the queue.
const requestID = "X-Request-Id"

// enter takes a place in the queue, for so long as an answer may take; leave gives it back.
func (s *Server) enter(ctx context.Context, id string) (limited context.Context, leave func(), err error) {
	select {
	case s.queue <- struct{}{}:
	default:
		return ctx, nil, fail(http.StatusServiceUnavailable, "too many requests are waiting")
	}
	if len(id) > 100 {
		id = ""
	}
	out := s.waiting.enter(id)
	limited, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	return limited, func() { cancel(); out(); <-s.queue }, nil
}

// queued lets so many requests be answered or wait at once, and gives each its time.
func (s *Server) queued(next func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, leave, err := s.enter(r.Context(), r.Header.Get(requestID))
		if err != nil {
			writeError(w, err)
			return
		}
		defer leave()
		if err := next(w, r.WithContext(ctx)); err != nil {
			if status, _ := statusOf(err); status == http.StatusInternalServerError {
				s.cfg.Log.Error("answer", "path", r.URL.Path, "error", err)
			}
			writeError(w, err)
		}
	}
}

// place tells a client how many stand before it: GET /api/queue?id=..., the id being what its request has as
// X-Request-Id.
func (s *Server) place(w http.ResponseWriter, r *http.Request) {
	before, all := s.waiting.place(r.URL.Query().Get("id"))
	reply := map[string]int{"waiting": all}
	if before >= 0 {
		reply["before"] = before
	}
	writeJSON(w, http.StatusOK, reply)
}

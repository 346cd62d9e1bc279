package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/text"
)

// Limits of what a language model writes in one call.
const (
	mostWords    = 500
	defaultWords = 40
)

// wish is a text to go on from, as JSON.
type wish struct {
	Text        string  `json:"text"`
	Words       int     `json:"words"`       // 40 by default
	Temperature float64 `json:"temperature"` // 0.8 by default
	MinP        float64 `json:"min_p"`       // 0
	Seed        *uint64 `json:"seed"`        // made up by default
}

// written is a text that a model wrote, or has written so far.
type written struct {
	Result string `json:"result"`
	Seed   uint64 `json:"seed"`
}

// generate lets a language model write: as server-sent events, one a word, or as one JSON answer, whichever the
// client asks for.
func (s *Server) generate(w http.ResponseWriter, r *http.Request) {
	e, err := s.store.of(r.PathValue("model"))
	var q wish
	defer s.hold(w, r, s.cfg.MaxBody)()
	if err == nil {
		err = s.read(func() (err error) { q, err = readWish(r); return err })
	}
	if err != nil {
		writeError(w, err)
		return
	}
	s.queued(func(w http.ResponseWriter, r *http.Request) error {
		m, done := e.use()
		defer done()
		if m.Data().LabelKind().Name() != "lm" {
			return fail(http.StatusBadRequest, "this model does not write texts (try predict)")
		}
		if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			return stream(w, r, m, q)
		}
		out, err := q.run(r.Context(), m, nil)
		if err == nil {
			writeJSON(w, http.StatusOK, written{out, *q.Seed})
		}
		return err
	})(w, r)
}

// run lets the model write.
func (q wish) run(ctx context.Context, m *fastnb.Model, see func(string) error) (string, error) {
	out, err := text.Generate(ctx, m, q.Text, q.Words, *q.Seed, see, text.Temperature(q.Temperature), text.MinP(q.MinP))
	if err != nil {
		return out, late(err)
	}
	return out, nil
}

// goneOn answers texts with what a language model writes behind them, as a client gets it that knows nothing of
// language models.
func goneOn(ctx context.Context, m *fastnb.Model, ins []input) ([]answer, error) {
	out := make([]answer, len(ins))
	for i, in := range ins {
		if in.text == nil {
			return nil, fail(http.StatusBadRequest, "this model takes texts, not files (try a part named text)")
		}
		q, err := wish{Text: *in.text, Words: defaultWords, Temperature: .8}.checked()
		if err != nil {
			return nil, err
		}
		if out[i].Result, err = q.run(ctx, m, nil); err != nil {
			return nil, err
		}
		out[i].Name = in.name
	}
	return out, nil
}

// stream sends each word as it is written. The model does not wait for the client: words go through a channel that
// holds all of them.
func stream(w http.ResponseWriter, r *http.Request, m *fastnb.Model, q wish) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	words := make(chan string, q.Words)
	end := make(chan error, 1)
	go func() {
		err := errors.New("panic") // which ends the text, and must not end the server
		defer func() {
			_ = recover()
			close(words)
			end <- err
		}()
		_, err = q.run(ctx, m, func(s string) error { words <- s; return nil })
	}()
	defer func() { // the model is used until then
		cancel()
		for range words {
		}
	}()
	var last string
	began := false
	send := func(event string, v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if !began {
			began = true
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusOK)
		}
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, b); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	}
	for s := range words {
		last = s
		if send("word", written{s, *q.Seed}) != nil {
			return nil // the client has gone
		}
	}
	err := <-end
	switch {
	case err != nil && !began:
		return err
	case err != nil:
		_, reason := statusOf(err)
		_ = send("error", map[string]string{"error": reason}) // a client that has gone is told nothing
	default:
		_ = send("done", written{last, *q.Seed})
	}
	return nil
}

// readWish reads what is to be written: JSON, or a text by itself.
func readWish(r *http.Request) (wish, error) {
	q := wish{Words: defaultWords, Temperature: .8}
	b, err := readAll(r.Body)
	if err != nil {
		return q, err
	}
	switch kind := mediaType(r); kind {
	case "application/json":
		if err := json.Unmarshal(b, &q); err != nil {
			return q, fail(http.StatusBadRequest, `the JSON cannot be read (try {"text": "...", "words": 40})`)
		}
	case "text/plain":
		q.Text = string(b)
	default:
		return q, fail(http.StatusUnsupportedMediaType, "a text to go on from comes as application/json or text/plain")
	}
	return q.checked()
}

func (q wish) checked() (wish, error) {
	if _, err := textInput(q.Text); err != nil {
		return q, err
	}
	switch {
	case q.Words < 1 || q.Words > mostWords:
		return q, fail(http.StatusBadRequest, fmt.Sprintf("%d words cannot be written (try 1 to %d)", q.Words, mostWords))
	case !(q.Temperature >= .01 && q.Temperature <= 10):
		return q, fail(http.StatusBadRequest, "temperature is from 0.01 to 10")
	case !(q.MinP >= 0 && q.MinP < 1):
		return q, fail(http.StatusBadRequest, "min_p is from 0 to below 1")
	}
	if q.Seed == nil {
		n := rand.Uint64() >> 11 // which JavaScript's numbers hold
		q.Seed = &n
	}
	return q, nil
}

// late is the failure of an answer that ended with its context.
func late(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fail(http.StatusServiceUnavailable, "the model did not answer in time")
	case errors.Is(err, context.Canceled):
		return fail(clientGone, "the client has gone")
	}
	return err
}

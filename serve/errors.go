package serve

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// failure is an error with the status it has over HTTP.
type failure struct {
	status int
	text   string
}

// Error is what the client is told.
func (f *failure) Error() string { return f.text }

func fail(status int, text string) error { return &failure{status, text} }

// statusOf is the HTTP status of an error and what the client may know of it.
func statusOf(err error) (int, string) {
	var f *failure
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f.status, f.text
	case errors.As(err, &big):
		return http.StatusRequestEntityTooLarge, "the request is too large"
	}
	return http.StatusInternalServerError, "the model could not answer"
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written down"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // a client that has gone is told nothing
}

// writeError answers with an error: {"error": "..."}.
func writeError(w http.ResponseWriter, err error) {
	status, text := statusOf(err)
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, map[string]string{"error": strings.TrimPrefix(text, "fastnb: ")})
}

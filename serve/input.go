package serve

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"
)

// input is what a client asks about.
type input struct {
	name string // of the file, as the client has it; for the answer only
	file []byte
	text *string
}

// maxParts bounds the files of one call.
const maxParts = 64

// inputs reads a request: a form with parts named file or text, JSON {"text": "..."} or {"texts": [...]}, plain
// text, or a picture as the whole body.
func (s *Server) inputs(r *http.Request) ([]input, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, fail(http.StatusUnsupportedMediaType, "the request does not say what it holds (try Content-Type: multipart/form-data with a part named file)")
	}
	switch {
	case kind == "multipart/form-data":
		return readForm(multipart.NewReader(r.Body, params["boundary"]))
	case kind == "application/json":
		return readTexts(r.Body)
	case kind == "text/plain":
		b, err := readAll(r.Body)
		if err != nil {
			return nil, err
		}
		return textInput(string(b))
	case strings.HasPrefix(kind, "image/"):
		b, err := readAll(r.Body)
		if err != nil {
			return nil, err
		}
		return []input{{file: b}}, nil
	}
	return nil, fail(http.StatusUnsupportedMediaType, "cannot read "+kind+" (try multipart/form-data with a part named file, application/json, text/plain or a picture)")
}

// mediaType is what a request says its body is, "" where it says nothing that can be read.
func mediaType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// readAll reads a body; one that ends too early is the client's mistake.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(r)
	if err != nil && !told(err) {
		err = fail(http.StatusBadRequest, "the request ends too early")
	}
	return b, err
}

// formError is what is said of a form that ends too early, or is too large.
func formError(err error) error {
	if told(err) {
		return err
	}
	return fail(http.StatusBadRequest, "the form cannot be read: it is cut off or no form")
}

// told reports whether an error has a status of its own.
func told(err error) bool {
	status, _ := statusOf(err)
	return status != http.StatusInternalServerError
}

func readForm(m *multipart.Reader) ([]input, error) {
	var out []input
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, formError(err)
		}
		name := p.FormName()
		if name != "file" && name != "text" {
			continue
		}
		if len(out) == maxParts {
			return nil, fail(http.StatusBadRequest, "too many files in one request (try 64 at a time)")
		}
		b, err := readAll(p)
		if err != nil {
			return nil, err
		}
		if name == "text" {
			in, err := textInput(string(b))
			if err != nil {
				return nil, err
			}
			out = append(out, in...)
			continue
		}
		out = append(out, input{name: p.FileName(), file: b})
	}
	if len(out) == 0 {
		return nil, fail(http.StatusBadRequest, "the form has no part named file, and none named text")
	}
	return out, nil
}

func readTexts(r io.Reader) ([]input, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	var q struct {
		Text  *string  `json:"text"`
		Texts []string `json:"texts"`
	}
	if err := json.Unmarshal(b, &q); err != nil {
		return nil, fail(http.StatusBadRequest, `the JSON cannot be read (try {"text": "..."})`)
	}
	if q.Text != nil {
		q.Texts = append([]string{*q.Text}, q.Texts...)
	}
	if len(q.Texts) == 0 || len(q.Texts) > maxParts {
		return nil, fail(http.StatusBadRequest, `the JSON has no text, or more than 64 (try {"text": "..."})`)
	}
	var out []input
	for _, t := range q.Texts {
		in, err := textInput(t)
		if err != nil {
			return nil, err
		}
		out = append(out, in...)
	}
	return out, nil
}

// maxText bounds a text in bytes: a million letters take a model minutes.
const maxText = 100_000

func textInput(s string) ([]input, error) {
	switch {
	case !utf8.ValidString(s):
		return nil, fail(http.StatusBadRequest, "the text is not UTF-8")
	case len(s) > maxText:
		return nil, fail(http.StatusRequestEntityTooLarge, "the text is longer than 100,000 bytes")
	case strings.TrimSpace(s) == "":
		return nil, fail(http.StatusBadRequest, "the text is empty")
	}
	return []input{{text: &s}}, nil
}

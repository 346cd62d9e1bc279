package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/fastnb/go/fastnb/vision"
	"github.com/fastnb/go/internal/whole"
)

// flags keeps what people say of answers, in a folder a model:
//
//	MODEL/LABEL/3f2a….jpg   a picture of a model that gives one class, by what is right
//	MODEL/pictures/….png    of others
//	MODEL/flags.csv         name (or text), label, answer, time
//
// So the folder opens as a data set: by LabelFromFolder, or by the table.
type flags struct {
	dir  string
	most int // lines in all
	mu   sync.Mutex
	n    int
}

const (
	flagTable  = "flags.csv"
	mostFlags  = 10_000
	mostLabel  = 200    // bytes of what is right
	mostAnswer = 10_000 // bytes of what the model said
)

func newFlags(dir string) (*flags, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("fastnb: serve: folder of flags: %w (try another --flag folder)", err)
	}
	f := &flags{dir: dir, most: mostFlags}
	tables, err := filepath.Glob(filepath.Join(dir, "*", flagTable))
	if err != nil {
		return nil, fmt.Errorf("fastnb: serve: folder of flags: %w", err)
	}
	for _, t := range tables {
		b, err := os.ReadFile(t)
		if err != nil {
			return nil, fmt.Errorf("fastnb: serve: folder of flags: %w", err)
		}
		f.n += bytes.Count(b, []byte("\n"))
	}
	return f, nil
}

// flagged is what a client sends: the input, what the model said of it, and what is right.
type flagged struct {
	in            input
	label, answer string
	model, gives  string
	extension     string // of the picture
}

// flag keeps an input with its answer and what the user says is right: a form with a part file or text, and label
// and answer.
func (s *Server) flag(w http.ResponseWriter, r *http.Request) {
	if s.flags == nil {
		writeError(w, fail(http.StatusNotFound, "this server keeps no flags (it does with --flag FOLDER)"))
		return
	}
	name := r.PathValue("model")
	e, err := s.store.of(name)
	var f flagged
	defer s.hold(w, r, s.cfg.MaxBody+mostAnswer)()
	if err == nil {
		err = s.read(func() (err error) { f, err = s.readFlag(r); return err })
	}
	if err == nil {
		m, done := e.use()
		f.model, f.gives = e.Name, infoOf(e.Name, m).Gives
		done()
		err = s.flags.keep(f)
	}
	if err != nil {
		if status, _ := statusOf(err); status == http.StatusInternalServerError {
			s.cfg.Log.Error("flag", "error", err)
			err = fail(http.StatusInternalServerError, "it could not be kept")
		}
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "kept"})
}

// readFlag reads the form.
func (s *Server) readFlag(r *http.Request) (flagged, error) {
	var f flagged
	m, err := r.MultipartReader()
	if err != nil {
		return f, fail(http.StatusUnsupportedMediaType, "a flag comes as multipart/form-data: file or text, label, answer")
	}
	n := 0
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, formError(err)
		}
		b, err := readAll(p)
		if err != nil {
			return f, err
		}
		n += f.take(p, b)
	}
	switch {
	case n != 1:
		return f, fail(http.StatusBadRequest, "a flag is about one file or one text")
	case len(f.label) > mostLabel || len(f.answer) > mostAnswer:
		return f, fail(http.StatusRequestEntityTooLarge, "label or answer is too long")
	case strings.ContainsFunc(f.label, unicode.IsControl):
		return f, fail(http.StatusBadRequest, "the label has control characters")
	case f.in.text != nil:
		_, err := textInput(*f.in.text)
		return f, err
	}
	size, err := vision.SizeOfPicture(f.in.file)
	if err != nil || size.H*size.W > s.cfg.MaxPixels {
		return f, fail(http.StatusUnprocessableEntity, "the file is no picture, or one too large")
	}
	f.extension = map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/bmp": ".bmp"}[http.DetectContentType(f.in.file)]
	if f.extension == "" {
		f.extension = ".tif"
	}
	return f, nil
}

// take takes a part of the form and gives 1 for one that is the input.
func (f *flagged) take(p *multipart.Part, b []byte) int {
	switch p.FormName() {
	case "file":
		f.in.file = b
		return 1
	case "text":
		t := string(b)
		f.in.text = &t
		return 1
	case "label":
		f.label = strings.TrimSpace(strings.ToValidUTF8(string(b), ""))
	case "answer":
		f.answer = strings.ToValidUTF8(string(b), "")
	}
	return 0
}

// folderOf is the folder of a label: of one that no folder can be named by, an error.
func folderOf(gives, label string) (string, error) {
	if gives != "class" {
		return "pictures", nil
	}
	if label == "" {
		return "unsorted", nil
	}
	if !filepath.IsLocal(label) || strings.ContainsAny(label, `/\:`) || strings.HasPrefix(label, ".") {
		return "", fail(http.StatusBadRequest, "the label cannot name a folder (try letters, digits, blanks, - and _)")
	}
	return label, nil
}

// keep writes the flag down: the picture first, then its line.
func (fs *flags) keep(f flagged) error {
	head, line := []string{"text", "label", "answer", "time"}, []string{"", f.label, f.answer, time.Now().UTC().Format(time.RFC3339)}
	dir := filepath.Join(fs.dir, f.model)
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.n >= fs.most {
		return fail(http.StatusInsufficientStorage, "the folder of flags is full")
	}
	if f.in.text != nil {
		line[0] = *f.in.text
	} else {
		folder, err := folderOf(f.gives, f.label)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(f.in.file)
		name := folder + "/" + hex.EncodeToString(sum[:8]) + f.extension
		head[0], line[0] = "name", name
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := whole.WriteBytes(file, f.in.file); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := addLine(filepath.Join(dir, flagTable), head, line); err != nil {
		return err
	}
	fs.n++
	return nil
}

// addLine adds a line to a table, which it begins with its head. A line that a killed process left half written is
// ended first.
func addLine(file string, head, line []string) (err error) {
	t, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	size, err := t.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if size > 0 {
		last := []byte{'\n'}
		if _, err := t.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			b.WriteByte('\n')
		}
	}
	c := csv.NewWriter(&b)
	if size == 0 {
		err = c.Write(head)
	}
	if err = errors.Join(err, c.Write(line)); err != nil {
		return err
	}
	c.Flush()
	if _, err := t.Write(b.Bytes()); err != nil {
		return err
	}
	return t.Sync()
}

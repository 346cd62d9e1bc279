package kernel

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/fastnb/go/internal/whole"
	"github.com/fastnb/go/kernel/wire"
)

// history is what was run, in this session and in earlier ones. It is kept in a file of a line per
// cell, which kernels that run at the same time add to.
type history struct {
	mu      sync.Mutex
	file    string // "" keeps nothing
	session int
	entries []entry
	warn    func(error) // told once when the file cannot be written
	torn    bool        // the file ends in the middle of a line
}

// entry is a cell that was run. Entries of a session have the same number, counted from 1.
type entry struct {
	Session int    `json:"session"`
	Line    int    `json:"line"`
	Code    string `json:"code"`
}

// The file holds at least the latest keptCells cells, and is cut to them when it has twice as many. A
// cell of more than longestCell bytes is not kept.
const (
	keptCells   = 5000
	longestCell = 1 << 20
)

// openHistory reads the history in a folder. One that cannot be read is empty.
func openHistory(dir string, warn func(error)) *history {
	h := &history{session: 1, warn: warn}
	if dir == "" {
		return h
	}
	h.file = filepath.Join(dir, "history.jsonl")
	f, err := os.Open(h.file)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			h.fail(err)
		}
		return h
	}
	defer func() { _ = f.Close() }() // read only: nothing to lose
	r := bufio.NewReaderSize(f, 1<<16)
	for {
		line, whole, err := historyLine(r)
		var e entry
		// A line cut off by a crash is passed over.
		if json.Unmarshal(line, &e) == nil && e.Session > 0 && e.Session < math.MaxInt {
			h.entries = append(h.entries, e)
			h.session = max(h.session, e.Session+1)
		}
		if err != nil {
			h.torn = !whole
			break
		}
	}
	if len(h.entries) > 2*keptCells {
		h.entries = h.entries[len(h.entries)-keptCells:]
		if err := h.rewrite(); err != nil {
			h.fail(err)
		}
		h.torn = false
	}
	return h
}

// historyLine reads a line; one that is too long for a cell is empty. It is not whole when the file ends within it.
func historyLine(r *bufio.Reader) (line []byte, whole bool, err error) {
	for n := 0; ; {
		b, err := r.ReadSlice('\n')
		n += len(b)
		if line = append(line, b...); n > 8*longestCell {
			line = nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err == nil || n == 0, err
		}
	}
}

func (h *history) fail(err error) {
	if h.warn != nil {
		h.warn(fmt.Errorf("history: %w", err))
	}
	h.file, h.warn = "", nil
}

// rewrite replaces the file by the entries.
func (h *history) rewrite() error {
	return whole.WriteMode(h.file, 0o600, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for _, e := range h.entries {
			if err := enc.Encode(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *history) add(line int, code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := entry{h.session, line, code}
	h.entries = append(h.entries, e)
	if h.file == "" || len(code) > longestCell {
		return
	}
	if err := h.append(e); err != nil {
		h.fail(err)
	}
}

// append writes an entry in one piece, so that lines of several kernels do not mix.
func (h *history) append(e entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(h.file), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(h.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if h.torn { // what follows a line that was cut off is a line of its own
		b, h.torn = append([]byte{'\n'}, b...), false
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Close())
}

// answer selects entries as a history_request asks: the tail, a range of a session's lines, or a
// search. Session 0 is this one, -1 the one before.
func (h *history) answer(m *wire.Message) [][]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []entry
	kind := m.String("hist_access_type")
	switch kind {
	case "range":
		session, start, stop := m.Int("session", 0), m.Int("start", 0), m.Int("stop", 1<<30)
		if session <= 0 {
			session += h.session
		}
		for _, e := range h.entries {
			if e.Session == session && e.Line >= start && e.Line < stop {
				found = append(found, e)
			}
		}
	case "search":
		found = h.search(m.String("pattern"), m.Bool("unique", false))
	default:
		found = h.entries
	}
	if n := m.Int("n", 0); n > 0 && n < len(found) && kind != "range" {
		found = found[len(found)-n:]
	}
	out := [][]any{}
	for _, e := range found {
		var code any = e.Code
		if m.Bool("output", false) {
			code = []any{e.Code, nil}
		}
		out = append(out, []any{e.Session, e.Line, code})
	}
	return out
}

// search finds the entries that match; of the same code, with unique, only the latest.
func (h *history) search(pattern string, unique bool) (found []entry) {
	match := glob(pattern)
	seen := map[string]bool{}
	for i := len(h.entries) - 1; i >= 0; i-- {
		e := h.entries[i]
		if !match.MatchString(e.Code) || unique && seen[e.Code] {
			continue
		}
		seen[e.Code] = true
		found = append(found, e)
	}
	for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
		found[i], found[j] = found[j], found[i]
	}
	return found
}

// glob is a pattern in which * stands for anything and ? for any one character; none matches all.
func glob(pattern string) *regexp.Regexp {
	if pattern == "" {
		pattern = "*"
	}
	q := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(strings.ToValidUTF8(pattern, "?")))
	return regexp.MustCompile(`(?s)^` + q + `$`)
}

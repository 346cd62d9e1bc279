package kernel

import (
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/fastnb/go/kernel/wire"
)

// history is what was run in this session.
type history struct {
	mu      sync.Mutex
	entries []entry
}

type entry struct {
	line int
	code string
}

func (h *history) add(line int, code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entries = append(h.entries, entry{line, code})
}

// answer selects entries as a history_request asks: the tail, a range, or a search.
func (h *history) answer(m *wire.Message) [][]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []entry
	switch m.String("hist_access_type") {
	case "range":
		start, stop := m.Int("start", 0), m.Int("stop", 1<<30)
		for _, e := range h.entries {
			if e.line >= start && e.line < stop {
				found = append(found, e)
			}
		}
	case "search":
		match := glob(m.String("pattern"))
		seen := map[string]bool{}
		for i := len(h.entries) - 1; i >= 0; i-- {
			e := h.entries[i]
			if !match.MatchString(e.code) || m.Bool("unique", false) && seen[e.code] {
				continue
			}
			seen[e.code] = true
			found = append([]entry{e}, found...)
		}
	default:
		found = h.entries
	}
	if n := m.Int("n", 0); n > 0 && n < len(found) && m.String("hist_access_type") != "range" {
		found = found[len(found)-n:]
	}
	out := [][]any{}
	for _, e := range found {
		var code any = e.code
		if m.Bool("output", false) {
			code = []any{e.code, nil}
		}
		out = append(out, []any{0, e.line, code})
	}
	return out
}

// glob is a pattern in which * stands for anything and ? for any one character; none matches all.
func glob(pattern string) *regexp.Regexp {
	if pattern == "" {
		pattern = "*"
	}
	q := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`(?s)^` + q + `$`)
}

// shutdown ends Run; if a cell cannot be interrupted, it ends the process.
func (k *kernel) shutdown() {
	k.once.Do(func() {
		k.quit()
		time.AfterFunc(2*time.Second, func() { os.Exit(0) })
	})
}

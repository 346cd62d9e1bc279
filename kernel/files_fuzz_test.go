package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzKernelJSON reads any bytes as a kernel.json: a program, or what is wrong.
func FuzzKernelJSON(f *testing.F) {
	for _, s := range []string{`{"argv": ["/bin/sh", "{connection_file}"], "display_name": "x"}`, `{"argv": []}`, `{"argv": "x"}`, "null", "[", `{"argv": [null]}`, `{"argv": ["\u0000"]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if program, err := specProgram(b); err == nil && program == "" {
			t.Errorf("%q starts nothing", b)
		}
	})
}

// FuzzHistory reads any bytes as a history: cells can be added to it and are there at the next start, with those
// that could be read before.
func FuzzHistory(f *testing.F) {
	long := `{"session":1,"line":1,"code":"` + strings.Repeat("x", 3*longestCell) + `"}`
	for _, s := range []string{
		"", `{"session":1,"line":1,"code":"a"}` + "\n" + `{"session":2,"line":1,"code":"b"}` + "\n", `{"session":1,"line":1,"co`, "\x00\xff\n\n", "null\n[]\n7\n",
		`{"session":9223372036854775807,"line":1,"code":"a"}` + "\n", `{"session":-5,"line":-1,"code":""}` + "\n", long + "\n" + `{"session":3,"line":1,"code":"after"}` + "\n",
	} {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"session":1,"line":1,"code":"` + strings.Repeat("x", 9*longestCell) + `"}` + "\n" + `{"session":8,"line":1,"code":"after a line of damage"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "history.jsonl"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		h := openHistory(dir, func(err error) { t.Error(err) })
		n, session := len(h.entries), h.session
		h.add(1, "first")
		h.add(2, "second")
		again := openHistory(dir, func(err error) { t.Error(err) })
		if session < 1 || len(again.entries) != n+2 || again.entries[n+1].Code != "second" || again.session <= session {
			t.Errorf("session %d, %d entries; then session %d, %d entries", session, n, again.session, len(again.entries))
		}
	})
}

// What is damaged in a history costs its own line alone.
func TestDamagedHistory(t *testing.T) {
	dir := t.TempDir()
	lines := []string{`{"session":1,"line":1,"code":"before"}`, `{"session":2,"line":1,"code":"` + strings.Repeat("x", 9*longestCell), `{"session":3,"line":1,"code":"after"}`, `{"session":4,"line":1,"co`}
	if err := os.WriteFile(filepath.Join(dir, "history.jsonl"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	h := openHistory(dir, nil)
	h.add(1, "now")
	h = openHistory(dir, nil)
	if len(h.entries) != 3 || h.entries[0].Code != "before" || h.entries[1].Code != "after" || h.entries[2].Code != "now" || h.session != 5 {
		t.Errorf("session %d, %d entries: %.200v", h.session, len(h.entries), h.entries)
	}
}

package interp

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzCell gives the text of cells to all that looks at it without running it: whether it is complete, what
// completes it and what is known of it at any place, its parameters, its check. Nothing ends the process, nothing
// takes long, and what is said of places lies within the text. The seeds are the cells of the notebooks.
func FuzzCell(f *testing.F) {
	for _, s := range []string{
		"x := 1", "func() { }()", "%time\n$ ls", "type T struct{}\nfunc (t T) A() {}", "\xff", "`", "func f(", "\"é", "cfg.", "Cfg{Ra", "Cfg{Rate: 1, ", "cfg.Run(", "import \"str",
		"for i := range cfg.Rounds { cfg.Ra", "func f(c Cfg) { c.", "strings.Repeat(\"a\", ", "%pro", "$ cat ", "p.(T).", "[]Cfg{{1, 2}}[0].", "map[string]Cfg{}[\"a\"].Ro", "func() Cfg { }().",
	} {
		f.Add(s, uint16(len(s)))
	}
	files, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var book struct {
			Cells []struct {
				Type   string `json:"cell_type"`
				Source []string
			}
		}
		if err := json.Unmarshal(b, &book); err != nil {
			f.Fatal(err)
		}
		for _, c := range book.Cells {
			if code := strings.Join(c.Source, ""); c.Type == "code" && len(code) < 600 {
				f.Add(code, uint16(len(code)/2))
			}
		}
	}
	s := session(f)
	s.Run(context.Background(), "type Cfg struct{ Rate float64; Rounds int }\nfunc (c Cfg) Run() {}\ncfg := Cfg{1, 2}\nvar p any = cfg", RunOptions{}, &recorder{})
	f.Chdir(f.TempDir()) // names of files are completed
	f.Fuzz(func(t *testing.T, code string, at uint16) {
		if len(code) > 4000 {
			return
		}
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		_ = openString(code)
		runes := []rune(code)
		cursor := int(at) % (len(runes) + 1)
		_, _ = expressionAt(runes, cursor)
		_, _, _ = OverrideVars(code, map[string]string{"x": "2"})
		status, _ := s.IsComplete(code)
		if status != "complete" && status != "incomplete" && status != "invalid" && status != "unknown" {
			t.Errorf("%q is %q", code, status)
		}
		for _, c := range []int{cursor, len(runes)} {
			found, start, end := s.Complete(code, c)
			if len(found) > 0 && (start < 0 || start > end || end > len(runes)) {
				t.Errorf("%q at %d: %d completions from %d to %d", code, c, len(found), start, end)
			}
			for _, m := range found {
				if utf8.ValidString(code) && !utf8.ValidString(m.Text) {
					t.Errorf("%q at %d: completed by %q", code, c, m.Text)
				}
			}
			_, _ = s.Inspect(code, c)
		}
	})
}

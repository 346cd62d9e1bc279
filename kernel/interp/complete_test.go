package interp

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	s := session(t)
	s.Run(context.Background(), "type Cfg struct{ Rate float64; Rounds int }\nfunc (c Cfg) Run() {}\ncfg := Cfg{1, 2}\nπr := 3", RunOptions{}, &recorder{})
	dir := t.TempDir()
	for _, n := range []string{"train.csv", "tile.png"} {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for code, want := range map[string]string{
		"fmt.Printl": "Println", "cfg.R": "Rate Rounds Run", "GetTransf": "GetTransforms", "x := πr + st": "strconv strings", "%ti": "time timeit",
		`p := "` + dir + "/t": dir + "/tile.png " + dir + "/train.csv",
	} {
		matches, start, end := s.Complete(code, len([]rune(code)))
		for _, w := range strings.Fields(want) {
			if !slices.Contains(matches, w) {
				t.Errorf("%q completes to %v, want %s", code, matches, w)
			}
		}
		if r := []rune(code); start < 0 || end != len(r) || len(matches) > 0 && !strings.HasPrefix(matches[0], string(r[start:end])) {
			t.Errorf("%q: range %d to %d", code, start, end)
		}
	}
}

func TestInspect(t *testing.T) {
	s := session(t)
	s.Run(context.Background(), "n := 41\nsb := strings.Builder{}\nfunc mine(x int) string { return \"\" }", RunOptions{}, &recorder{})
	for code, want := range map[string]string{
		"strings.Repeat": "func Repeat(s string, count int) string", "strings.Repeat(": "func Repeat(s string", "n": "value: 41", "mine": "func(int) string",
		"sb.WriteString": "func (b *Builder) WriteString(s string)", "GetTransforms": "func GetTransforms(", "strings": "package strings",
	} {
		data, found := s.Inspect(code, len(code))
		if text, _ := data["text/plain"].(string); !found || !strings.Contains(text, want) {
			t.Errorf("%q: found %v, %.300q, want %q", code, found, text, want)
		}
	}
	if _, found := s.Inspect("nothing.at.all", 3); found {
		t.Error("found what is not there")
	}
}

func FuzzCell(f *testing.F) {
	for _, s := range []string{"x := 1", "func() { }()", "%time\n$ ls", "type T struct{}\nfunc (t T) A() {}", "\xff", "`", "func f(", "\"é"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, code string) {
		_ = functionLiterals(code)
		_ = openString(code)
		_ = expressionAt([]rune(code), len(code)/2)
		_, _, _ = OverrideVars(code, map[string]string{"x": "2"})
	})
}

package interp

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/cell"
)

// recorder is an Output that keeps what it gets.
type recorder struct {
	text     strings.Builder
	displays []cell.Bundle
}

func (r *recorder) Stream(_, s string) { r.text.WriteString(s) }
func (r *recorder) Display(d, _ cell.Bundle, _ string, _ bool) error {
	r.displays = append(r.displays, d)
	return nil
}
func (r *recorder) ClearOutput(bool) error { return nil }

func session(t testing.TB) *Session {
	t.Helper()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestCells(t *testing.T) {
	s := session(t)
	steps := []struct{ name, code, want, err string }{
		{"sum", "1+1", "2", ""},
		{"empty", "", "", ""},
		{"comment", "// nothing\n", "", ""},
		{"assignment shows nothing", "a := 7", "", ""},
		{"state", "a*6", "42", ""},
		{"redefine", "a := \"x\"\na", "x", ""},
		{"type that is shown", "type pt struct{ X, Y int }\npt{1, 2}", "{1 2}", ""},
		{"method declared after it was shown", "func (p pt) String() string { return \"P\" }\npt{1, 2}", "P", ""},
		{"two values", "func two() (int, string) { return 1, \"b\" }\ntwo()", "1 b", ""},
		{"range int", "t := 0\nfor i := range 5 {\n\tfor j := range i { t += j }\n}\nt", "10", ""},
		{"range int without key", "t = 0\nfor range 3 { t++ }\nt", "3", ""},
		{"loop variables", "var fs []func() int\nfor i := 0; i < 3; i++ { fs = append(fs, func() int { return i }) }\nfmt.Sprint(fs[0](), fs[1](), fs[2]())", "0 1 2", ""},
		{"range func var", "fs = nil\nfor i := range 3 { fs = append(fs, func() int { return i }) }\nfmt.Sprint(fs[0](), fs[1](), fs[2]())", "0 1 2", ""},
		{"functions in any order", "func f1() int { return f2() + 1 }\nfunc f2() int { return 4 }\nf1()", "5", ""},
		{"function after use", "y := f3()\nfunc f3() int { return 9 }\ny", "9", ""},
		{"function over a variable", "base := 3\nfunc f4() int { return base }\nf4()", "3", ""},
		{"import", "import \"os/exec\"\n_, e := exec.LookPath(\"no such program\")\ne != nil", "true", ""},
		{"chain", "strings.NewReplacer(\"a\", \"b\").\n\tReplace(\"aha\")", "bhb", ""},
		{"lifted", "n := strconv.Atoi(\"12\")\nn + 1", "13", ""},
		{"lifted error", "n := strconv.Atoi(\"twelve\")\nn + 1", "", "line 1: strconv.Atoi: parsing \"twelve\": invalid syntax"},
		{"taken error", "n, err := strconv.Atoi(\"twelve\")\nerr != nil", "true", ""},
		{"bare error", "os.Remove(\"/no/such/file\")", "", "line 1: remove /no/such/file: no such file or directory"},
		{"nil error", "os.Setenv(\"FASTNB_TEST\", \"1\")", "", ""},
		{"dropped in a function", "g := func() int { n := strconv.Atoi(\"1\"); return n }", "", "line 1: assignment mismatch"},
		{"undefined", "b := 1\nb + nothere", "", "line 2: undefined: nothere"},
		{"no such method", "r := strings.NewReader(\"x\")\nr.Writes()", "", "line 2: r.Writes undefined (type *strings.Reader has no field or method Writes)"},
		{"syntax", "x := )", "", "line 1: "},
		{"panic", "z := []int{1}\ni := 3\nz[i]", "", "line 3: index out of range"},
		{"nil map", "var m map[string]int\nm[\"a\"] = 1", "", "line 2: assignment to entry in nil map"},
		{"user panic", "panic(\"boom\")", "", "line 1: boom"},
		{"generic", "func id[T any](x T) T { return x }\nid(\"a\")", "a", ""},
		{"no such package", "import \"github.com/nobody/nothing\"", "", `package "github.com/nobody/nothing" is not compiled into this kernel`},
		{"magic", "%matplotlib inline\n%autoreload 2\n1", "1", ""},
		{"unknown magic", "%nothing", "", "unknown command %nothing"},
		{"program fails", "$ false", "", "error waiting for command"},
		{"explicit", "%errors explicit\nos.Remove(\"/no/such/file\")", "remove /no/such/file: no such file or directory", ""},
		{"auto", "%errors auto", "", ""},
		{"printing shows no count", "fmt.Print()", "", ""},
		{"after all", "1+2", "3", ""},
	}
	for _, c := range steps {
		t.Run(c.name, func(t *testing.T) {
			var out recorder
			r := s.Run(context.Background(), c.code, RunOptions{}, &out)
			got := ""
			if r.Data != nil {
				got = r.Data["text/plain"].(string)
			}
			if c.err == "" && r.Err != nil || got != c.want {
				t.Fatalf("got %q, error %v, want %q", got, r.Err, c.want)
			}
			if c.err != "" {
				if r.Err == nil {
					t.Fatalf("no error, want %q", c.err)
				}
				msg := r.Err.Value
				if strings.HasPrefix(c.err, "line ") {
					msg = "line " + string(rune('0'+r.Err.Line)) + ": " + msg
				}
				if !strings.HasPrefix(msg, c.err) {
					t.Fatalf("error %q, want %q", msg, c.err)
				}
			}
		})
	}
}

func TestGoroutinePanicFailsTheCell(t *testing.T) {
	s := session(t)
	r := s.Run(context.Background(), "done := make(chan bool)\ngo func() { defer close(done); var m map[int]int; m[1] = 2 }()\n<-done\ntime.Sleep(20 * time.Millisecond)", RunOptions{}, &recorder{})
	if r.Err == nil || !strings.Contains(r.Err.Value, "goroutine panicked") {
		t.Fatalf("error %v", r.Err)
	}
}

func TestInterrupt(t *testing.T) {
	s := session(t)
	for _, code := range []string{"for {}", "func lp() { for { } }\nlp()"} {
		ctx, cancel := context.WithCancel(context.Background())
		var stopped time.Time
		time.AfterFunc(50*time.Millisecond, func() { stopped = time.Now(); cancel() })
		r := s.Run(ctx, code, RunOptions{}, &recorder{})
		if r.Err == nil || !r.Err.Interrupted {
			t.Errorf("%q: error %v", code, r.Err)
		}
		if d := time.Since(stopped); d > 20*time.Second { // a moment on a quiet machine
			t.Errorf("%q stopped after %v", code, d)
		}
	}
	if r := s.Run(context.Background(), "1+1", RunOptions{}, &recorder{}); r.Err != nil || r.Data["text/plain"] != "2" {
		t.Errorf("afterwards: %v %v", r.Data, r.Err)
	}
}

func TestOverrideVars(t *testing.T) {
	code := "// knobs\nn := 3 // 0\nname := \"a\"\nconst rate = 1e-3\nvar on = true\nneg := -1\nx := f()"
	got, used, err := OverrideVars(code, map[string]string{"n": "12", "name": "b c", "rate": "2", "on": "false", "neg": "-7"})
	want := "// knobs\nn := 12 // 0\nname := \"b c\"\nconst rate = 2.0\nvar on = false\nneg := -7\nx := f()"
	if err != nil || got != want || len(used) != 5 {
		t.Errorf("got %q, used %v, error %v", got, used, err)
	}
	for param, msg := range map[string]string{"n": "whole number", "on": "true or false", "x": "plain number"} {
		if _, _, err := OverrideVars(code, map[string]string{param: "what"}); err == nil || !strings.Contains(err.Error(), param) || !strings.Contains(err.Error(), msg) {
			t.Errorf("%s: error %v", param, err)
		}
	}
}

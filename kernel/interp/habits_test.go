package interp

import (
	"context"
	"strings"
	"testing"
)

// TestHabits runs what people write who come from Python. want is in what the front end shows; "" is a cell
// that runs.
func TestHabits(t *testing.T) {
	s := session(t)
	for _, c := range []struct{ code, want string }{
		{"import numpy as np", `Cells are Go: import "strings"`},
		{"from fastai.vision import *", `Cells are Go: import "strings"`},
		{"def f(x):\n    return x", "func name(x int) int"},
		{"for i in range(3):\n    print(i)", "for i := range 3"},
		{"if 1 == 1:\n    print(1)", "a block stands in braces"},
		{"f := lambda x: x", "func(x int) int"},
		{"# a comment\ny := 1", "Comments begin with //."},
		{"s := 'single'", "double quotes"},
		{"!ls", "$ ls -l"},
		{"tfms := GetTransforms(FlipVert=true)", "Options are functions"},
		{"len([1, 2, 3])", "A list has a type"},
		{"b := True", "Go writes true."},
		{"n := None", "Go writes nil."},
		{"ex := 5\nex = 6", ""},
		{"why = 5", "why := ..."},
		{"%%bash\necho", "unknown command %%bash (%help lists all: cells are Go)"},
		{"%timit 1", "did you mean %timeit?"},
		{"%%time\nz := 1", ""},
		{"learner?", "undefined: learner"},
		{"data.Seed(3)", "import \"github.com/fastnb/go/fastnb/data\" first"},
		{"import \"fastnb\"\nfastnb.Seed(3)", "Seed stands by itself, without a package."},
		{"xs := []int{1, 2}\nxs[0:1]", ""},
		{"m := map[string]int{}\nm[\"a\"] = 1 // a[b]", ""},
	} {
		got := complaint(s, c.code)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\nfails with %q, want %q", c.code, got, c.want)
		}
	}
}

// TestCellsAreCheckedAsGo runs what the interpreter takes and Go does not.
func TestCellsAreCheckedAsGo(t *testing.T) {
	s := session(t)
	for _, c := range []struct{ code, want string }{
		{"1 + \"a\"", "(mismatched types untyped int and untyped string)"},
		{"x := (\"a\" + \"b\") == 2", "(mismatched types untyped string and untyped int)"},
		{"\"a\" + \"b\"", ""},
		{"1 << 3", ""},
		{"func a1() int {\n}", "line 2: }"},
		{"a2 := func() int { for { } }", ""},
		{"func a3() int { for { break } }", "missing return"},
		{"func a4(x int) int { if x > 1 { return 1 } else { panic(x) } }", ""},
		{"func a5(x int) int { if x > 1 { return 1 } }", "missing return"},
		{"func a6(x int) int { switch { case x > 1: return 1; default: return 2 } }", ""},
		{"func a7(x int) int { switch { case x > 1: return 1 } }", "missing return"},
		{"func a8(x int) int { switch { case x > 1: if x == 2 { break }; return 1; default: return 2 } }", "missing return"},
		{"func a9() int {\nout:\n\tfor { for { break out } }\n}", "missing return"},
		{"func b1() int {\nout:\n\tfor { for { continue out } }\n}", ""},
		{"func b2() (n int, err error) { defer func() { n = 1 }(); return }", ""},
		{"func b3(c chan int) int { select { case v := <-c: return v } }", ""},
		{"func b4() int { for { switch { case true: break } } }", ""},
		{"func b5() { }", ""},
		{"func b6() int { _ = func() int { return 1 }() }", "missing return"},
	} {
		got := complaint(s, c.code)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\nfails with %q, want %q", c.code, got, c.want)
		}
	}
}

// complaint runs a cell and gives what the front end shows of its error, "" if there is none.
func complaint(s *Session, code string) string {
	if res := s.Run(context.Background(), code, RunOptions{}, &recorder{}); res.Err != nil {
		return strings.Join(res.Err.Traceback, "\n")
	}
	return ""
}

func TestQuestions(t *testing.T) {
	s := printing(t)
	if e := complaint(s, "n9 := 42"); e != "" {
		t.Fatal(e)
	}
	for code, want := range map[string]string{
		"strings.ToUpper?":          "func ToUpper(s string) string",
		"?strings.ToUpper":          "func ToUpper(s string) string",
		"n9?":                       "value: 42",
		"CNNLearner??":              "func CNNLearner(",
		"strings.ToUpper?\nn9 = 42": "func ToUpper",
	} {
		printed, paged := &recorder{}, &paging{}
		for _, out := range []Output{printed, paged} {
			if res := s.Run(context.Background(), code, RunOptions{}, out); res.Err != nil {
				t.Errorf("%q: %v", code, res.Err)
			}
		}
		if !strings.Contains(printed.text.String(), want) {
			t.Errorf("%q prints %q, want %q", code, printed.text.String(), want)
		}
		if !strings.Contains(paged.page, want) || paged.text.Len() > 0 {
			t.Errorf("%q shows the page %q and prints %q, want %q on the page", code, paged.page, paged.text.String(), want)
		}
	}
	if got := complaint(s, "n9"); got != "" {
		t.Error(got)
	}
}

// paging is a front end with a pager.
type paging struct {
	recorder
	page string
}

func (p *paging) Page(text string) { p.page += text }

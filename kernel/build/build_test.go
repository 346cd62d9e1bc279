package build

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestBuildsThatCannotBe(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	empty := t.TempDir()
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "nothing to build in"},
		{Options{With: []string{empty}}, "no go.mod in " + empty},
		{Options{With: []string{"./absent"}}, "no go.mod in"},
		{Options{With: []string{"example.com/no/such@v1.2.3"}}, "example.com/no/such@v1.2.3: go get:"},
		{Options{With: []string{"container/heap"}, Source: empty}, "no source of github.com/fastnb/go"},
		{Options{With: []string{"no/such/std"}}, "no/such/std"},
	} {
		if c.want == "no/such/std" && testing.Short() {
			continue // it compiles the generator
		}
		c.o.Log, c.o.Out = &bytes.Buffer{}, filepath.Join(empty, "program")
		if _, err := Build(context.Background(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.o.With, err, c.want)
		}
	}
	if left, _ := os.ReadDir(empty); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestBuild builds a kernel with a module by its folder and a package of the standard library, and runs a
// notebook that uses both.
func TestBuild(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("builds the program")
	}
	t.Setenv("GOPROXY", "off")
	dir := t.TempDir()
	var log bytes.Buffer
	program, err := Build(context.Background(), Options{With: []string{"./testdata/mymod", "container/ring"}, Out: filepath.Join(dir, "program"), Log: &log})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	cells := []string{
		"import (\"example.com/mymod\"; \"example.com/mymod/deep\"; \"container/ring\")\nfmt.Println(mymod.Greet(\"bob\"), deep.Answer(), mymod.Square{3}.Area(), ring.New(3).Len())",
		"type C struct{ r float64 }\nfunc (c C) Area() float64 { return c.r }\nfmt.Println(mymod.Total(C{5}, mymod.Square{1}), mymod.Greeting)",
		"fmt.Println(mymod.Map([]int{1, 2}, func(x int) string { return fmt.Sprintf(\"%d!\", x) }), mymod.Map([]C{{1}}, C.Area))",
		"%modules",
		"mymod.Backwards([]int{1, 2})", // an error that says what else to build in
	}
	nb := map[string]any{"nbformat": 4, "nbformat_minor": 4, "metadata": map[string]any{}}
	var list []any
	for _, c := range cells {
		list = append(list, map[string]any{"cell_type": "code", "metadata": map[string]any{}, "source": c, "outputs": []any{}, "execution_count": nil})
	}
	nb["cells"] = list
	js, err := json.Marshal(nb)
	if err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(dir, "in.ipynb"), filepath.Join(dir, "out.ipynb")
	if err := os.WriteFile(in, js, 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(program, "nb", "run", "--allow-errors", "-o", out, in)
	run.Env = append(os.Environ(), "FASTNB_HOME="+dir)
	if text, err := run.CombinedOutput(); !strings.Contains(string(text), "4 ok, 1 failed") {
		t.Fatalf("%v\n%s", err, text)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"HELLO bob 42 9 3", "6 hello", "[1! 2!] [1]", "example.com/mymod ", "container/ring",
		"Backwards with int: its source uses package \\\"container/list\\\", which is not compiled into this kernel (try fastnb kernel build --with container/list beside its own)",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the notebook shows no %q:\n%s", want, got)
		}
	}
}

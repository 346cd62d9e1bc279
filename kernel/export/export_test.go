package export

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/nb"
)

func notebook(cells ...string) *nb.Notebook {
	n := &nb.Notebook{}
	for _, c := range cells {
		if text, ok := strings.CutPrefix(c, "md:"); ok {
			n.Cells = append(n.Cells, &nb.Cell{Type: "markdown", Source: text})
		} else {
			n.Cells = append(n.Cells, &nb.Cell{Type: "code", Source: c})
		}
	}
	return n
}

func TestCellRule(t *testing.T) {
	for _, c := range []struct {
		name  string
		cells []string
		want  []string // pieces of the program
	}{
		{"error taken", []string{`n := strconv.Atoi("7")`, `fmt.Println(n)`}, []string{"n, err := strconv.Atoi(\"7\")\n\tif err != nil {\n\t\treturn err\n\t}", "fmt.Println(n)"}},
		{"error given", []string{`n, err := strconv.Atoi("7")`}, []string{"n, err := strconv.Atoi(\"7\")\n\t_ = n\n"}},
		{"error alone", []string{`os.Chdir(".")`}, []string{`if err := os.Chdir("."); err != nil {`}},
		{"value and error, not last", []string{"os.ReadFile(\"x\")\n1"}, []string{`if _, err := os.ReadFile("x"); err != nil {`, "program.Show(1)"}},
		{"explicit", []string{"%errors explicit\nos.Chdir(\"/nowhere\")\nfmt.Println(1)"}, []string{"\tos.Chdir(\"/nowhere\")\n"}},
		{"redeclared", []string{"x := 1", "x := 2", `x := "a"`, "x"}, []string{"x := 1", "x = 2", `x2 := "a"`, "program.Show(x2)"}},
		{"of a function", []string{"k := 2", "func f(x int) int { return k * x }", "f(3)"}, []string{"var k int", "\tk = 2", "func f(x int) int { return k * x }", "program.Show(f(3))"}},
		{"prelude", []string{`NewPath("a").Join("b")`}, []string{`program.Show(datasets.NewPath("a").Join("b"))`, `"github.com/fastnb/go/datasets"`}},
		{"shadowed package", []string{"data := 3", "BS(data)"}, []string{"datapkg.BS(data)", `datapkg "github.com/fastnb/go/fastnb/data"`}},
		{"short import", []string{"import \"fastnb\"\nfastnb.LR(0.1)"}, []string{"program.Show(fastnb.LR(0.1))"}},
		{"question", []string{"strings.ToUpper?\nx := 1"}, []string{"// strings.ToUpper?"}},
		{"gophernotes", []string{"import \"github.com/gopherdata/gophernotes\"\ngophernotes.HTML(\"x\")"}, []string{`program.Show(display.HTML("x"))`, `"github.com/fastnb/go/cell/display"`}},
		{"magics", []string{"%matplotlib inline\n$ echo a b\n\nfmt.Println(1)"}, []string{"// %matplotlib inline", `if err := program.Command("echo", "a", "b"); err != nil {`}},
		{"file", []string{"%%writefile a.txt\none\ntwo"}, []string{"os.WriteFile(\"a.txt\", []byte(`one\ntwo`), 0o644)"}},
		{"text", []string{"md:# Title\n\nwords"}, []string{"// # Title\n\t//\n\t// words"}},
		{"unused inside", []string{"for i, v := range []int{1} { fmt.Println(i) }"}, []string{"_ = v"}},
		{"type and method", []string{"type T struct{ a int }", "func (t T) String() string { return fmt.Sprint(t.a) }", "T{3}"}, []string{"\ntype T struct", "func (t T) String()", "program.Show(T{3})"}},
		{"inside a block", []string{"n := 1", "if n > 0 {\n\tn = strconv.Atoi(\"7\")\n\tm := strconv.Atoi(\"8\")\n\t_ = m\n\tos.Chdir(\".\")\n\tos.ReadFile(\"x\")\n}"}, []string{"n, err = strconv.Atoi(\"7\")\n\t\tif err != nil {\n\t\t\treturn err\n\t\t}", "m, err := strconv.Atoi(\"8\")\n", "if err := os.Chdir(\".\"); err != nil {", "if _, err := os.ReadFile(\"x\"); err != nil {"}},
		{"inside an expression", []string{"n := strconv.Atoi(\"7\") + 1", "n += strconv.Atoi(\"6\")\nfmt.Println(strconv.Itoa(strconv.Atoi(\"7\")))", "for i := strconv.Atoi(\"1\"); i < 3; i++ { if strconv.ParseBool(\"true\") { n += strconv.Atoi(\"7\") } }", "var k int = strconv.Atoi(\"9\")"}, []string{"n := program.Must(strconv.Atoi(\"7\")) + 1", "strconv.Itoa(program.Must(strconv.Atoi(\"7\")))", "for i := program.Must(strconv.Atoi(\"1\")); i < 3; i++ {", "if program.Must(strconv.ParseBool(\"true\")) {", "n += program.Must(strconv.Atoi(\"6\"))", "n += program.Must(strconv.Atoi(\"7\"))", "var k int = program.Must(strconv.Atoi(\"9\"))"}},
		{"a chain", []string{"len(os.ReadDir(\".\")[0].Info().Name())"}, []string{"program.Must(program.Must(os.ReadDir(\".\"))[0].Info()).Name()"}},
		{"not what takes the error", []string{"fmt.Println(strconv.Atoi(\"7\"))", "f := func() (int, error) { return strconv.Atoi(\"7\") }", "func() { os.Chdir(\".\") }()"}, []string{"\tfmt.Println(strconv.Atoi(\"7\"))", "return strconv.Atoi(\"7\")", "{ os.Chdir(\".\") }()"}},
		{"holds error", []string{`f := Lines(LineOpts{})`}, []string{"if err := f.Err(); err != nil {"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := Program(notebook(c.cells...), "n.ipynb")
			if err != nil {
				t.Fatalf("%v\n%s", err, src)
			}
			for _, w := range c.want {
				if !strings.Contains(string(src), w) {
					t.Errorf("no %q in\n%s", w, src)
				}
			}
		})
	}
}

func TestCellsThatDoNotFit(t *testing.T) {
	for in, want := range map[string]string{
		"x := )":                   "cell 1:1",
		"\n\nundefinedThing(3)":    "cell 1, line 3: undefined: undefinedThing",
		`import "no/such/package"`: `package "no/such/package" is not compiled into this kernel`,
	} {
		if _, err := Program(notebook(in), "n.ipynb"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", in, err, want)
		}
	}
}

// build compiles a program in a module of its own that takes fastnb from this tree.
func build(t *testing.T, src []byte, args ...string) (dir string) {
	t.Helper()
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	mod, err := os.ReadFile(filepath.Join(tree, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// The tree's own requirements, so that nothing has to be looked up.
	text := strings.Replace(string(mod), "module github.com/fastnb/go", "module example.com/exported", 1) +
		"\nrequire github.com/fastnb/go v0.0.0\nreplace github.com/fastnb/go => " + tree + "\n"
	sum, err := os.ReadFile(filepath.Join(tree, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"go.mod": []byte(text), "go.sum": sum, "main.go": src} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s\n%s", strings.Join(args, " "), err, out, src)
	}
	return dir
}

func TestBuildAndRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	src, err := Program(notebook(
		"md:A small notebook.",
		"%matplotlib inline\nfactor := 3",
		"type point struct{ x, y int }\nfunc (p point) String() string { return fmt.Sprintf(\"<%d %d>\", p.x*factor, p.y) }",
		"p := point{1, 2}\np",
		"import \"display\"\nDisplay(display.Markdown(\"# head\"))",
		"x := strconv.Atoi(\"20\")\nfor i := range 2 { x += i }\nx * 2",
		"x := \"text\"\nfmt.Println(x, min(3, 2))",
		"m := make(map[string]int)\nm[\"a\"] = 1\nlen(m)",
		"Lines(LineOpts{Title: \"t\", Series: []Series{{Name: \"a\", X: []float64{1, 2, 3}, Y: []float64{1, 3, 2}}}})",
		"$ echo from a command",
		"for _, s := range []string{\"4\", \"5\"} {\n\tif strconv.Atoi(s) > 4 {\n\t\tn := strconv.Atoi(s)\n\t\tfmt.Println(\"inside\", n, strconv.FormatInt(strconv.ParseInt(s, 10, 64), 2))\n\t}\n}",
		"for _, s := range []string{\"1\"} { if s == \"1\" { os.Chdir(\".\") } }",
		"if factor > 0 {\n\tfmt.Println(\"before\")\n}",
		"if factor > 0 {\n\tfmt.Println(strconv.Itoa(strconv.Atoi(\"seven\")))\n}",
	), "small.ipynb")
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	dir := build(t, src, "build", "-o", "small", ".")
	cmd := exec.Command(filepath.Join(dir, "small"))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the last cell fails, the program did not:\n%s", out)
	}
	for _, w := range []string{"<3 2>\n", "# head\n", "42\n", "text 2\n", "\n1\n", "[small-out/cell09-1.png]", "from a command\n", "inside 5 101\n", `small: cell 14: strconv.Atoi: parsing "seven"`} {
		if !strings.Contains(string(out), w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "small-out", "cell09-1.png")); err != nil || st.Size() < 1000 {
		t.Errorf("picture: %v", err)
	}
}

// TestLesson compiles the export of a whole lesson.
func TestLesson(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	n, err := nb.Read("../../notebooks/lesson3-planet.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	src, err := Program(n, "lesson3-planet.ipynb")
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	build(t, src, "vet", ".")
}

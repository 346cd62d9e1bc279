package interp

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestLanguage runs cells in what Go has and the interpreter lacks. want is what the cell prints and
// shows; a want that starts with "error " is the message, with "at N " before it the line.
func TestLanguage(t *testing.T) {
	s := printing(t)
	const seq = "func seq(yield func(int) bool) { for i := range 5 { if !yield(i) { return } } }\n"
	for _, c := range []struct{ name, code, want string }{
		{"min of constants", "min(3, 1, 2)", "1"},
		{"max of mixed constants", "max(1, 2.5)", "2.5"},
		{"min of variables and a constant", "x := 3; y := 9\nmin(x, y, 5)", "3"},
		{"min in a function", "func lo(a, b float64) float64 { return min(a, b) }\nlo(2, 1.5)", "1.5"},
		{"max of strings", `max("a", "b")`, "b"},
		{"max as a constant", "const k = max(1, 2)\nk", "2"},
		{"min of mismatched types", "a := 1; b := 2.5\nmin(a, b)", "error at 2 invalid argument: mismatched types int (previous argument) and float64 (type of b)"},
		{"min of what has no order", "min([]int{1}, []int{2})", "error at 1 invalid argument: []int{…} (value of type []int) cannot be ordered"},
		{"clear a map", "m := map[string]int{\"a\": 1}\nclear(m)\nlen(m)", "0"},
		{"clear in a function", "func wipe(s []int) { clear(s) }\nq := []int{1, 2}\nwipe(q)\nq", "[0 0]"},
		{"nested loops over int", "for i := range 3 {\n\tfor j := range 3 {\n\t\tif j == 1 { continue }\n\t\tfmt.Print(i, j, \";\")\n\t}\n}", "0 0;0 2;1 0;1 2;2 0;2 2;"},
		{"labels over int", "outer:\nfor i := range 3 {\n\tfor j := range 3 {\n\t\tif j == 1 { continue outer }\n\t\tif i == 2 { break outer }\n\t\tfmt.Print(i, j, \";\")\n\t}\n}", "0 0;1 0;"},
		{"over a named int", "for i := range time.Duration(2) { fmt.Print(i, \" \") }", "0s 1ns "},
		{"over an outer variable", "var i4 int\nfor i4 = range 4 { }\ni4", "3"},
		{"the counter is a copy", "for i := range 3 { i *= 2; fmt.Print(i, \" \") }", "0 2 4 "},
		{"over a function", seq + "for v := range seq { if v == 3 { break }; if v == 1 { continue }; fmt.Print(v, \" \") }", "0 2 "},
		{"over a function without values", seq + "for range seq { fmt.Print(\"x\") }", "xxxxx"},
		{"return from a loop over a function", seq + "func find() (int, error) { for v := range seq { if v == 2 { return v * 10, nil } }; return -1, nil }\nfind()", "20"},
		{"bare return", seq + "func named() (res int, err error) { for v := range seq { if v == 2 { res = 7; return } }; return 1, nil }\nnamed()", "7"},
		{"labels over functions", seq + "outer:\nfor i := range seq {\n\tfor j := range seq {\n\t\tif j == 1 { continue outer }\n\t\tif i == 3 { break outer }\n\t\tfmt.Print(i, j, \";\")\n\t}\n}", "0 0;1 0;2 0;"},
		{"return through two functions", seq + "func nest() string { for i := range seq { for j := range seq { if i == 1 && j == 2 { return fmt.Sprint(i, j) } } }; return \"\" }\nnest()", "1 2"},
		{"two values of a function", "two := func(yield func(int, string) bool) { _ = yield(1, \"a\") && yield(2, \"b\") }\nfor i, s := range two { fmt.Print(i, s, \";\") }", "1a;2b;"},
		{"variables of each iteration", "var fs []func() int\nfor i := 0; i < 6; i++ {\n\tif i == 1 { continue }\n\ti++\n\tfs = append(fs, func() int { return i })\n}\nfor _, f := range fs { fmt.Print(f(), \" \") }", "1 3 5 "},
		{"channels", "ch := make(chan int, 3)\nch <- 1; ch <- 2; close(ch)\nfor v := range ch { fmt.Print(v, \" \") }\nv2, ok2 := <-ch\nfmt.Print(v2, ok2)", "1 2 0 false"},
		{"receive shows one value", "c1 := make(chan bool)\ngo func() { c1 <- true }()\n<-c1", "true"},
		{"select sends a constant", "cx := make(chan float64, 1)\nselect {\ncase cx <- 1: fmt.Print(\"sent \")\n}\n<-cx", "sent 1"},
		{"sorted keys", "import (\"maps\"; \"slices\")\nslices.Sorted(maps.Keys(map[string]int{\"b\": 1, \"a\": 2}))", "[a b]"},
		{"slices", "import \"slices\"\nxs := []int{3, 1, 2}\nslices.Sort(xs)\nxs = slices.Insert(xs, 1, 9)\nxs = append(xs, slices.Max(xs), slices.Index(xs, 3))\nxs", "[1 9 2 3 9 3]"},
		{"slices with functions", "slices.ContainsFunc([]string{\"a\", \"bb\"}, func(s string) bool { return len(s) == 2 })", "true"},
		{"a variable named like a package", "func idx(slices []int) int { return len(slices) }\nidx([]int{1})", "1"},
		{"chunks", "for c := range slices.Chunk([]int{1, 2, 3}, 2) { fmt.Print(c) }", "[1 2][3]"},
		{"cmp", "import \"cmp\"\ncmp.Compare(\"a\", \"b\") + cmp.Or(0, 5)", "4"},
		{"function literal first", "func() { fmt.Print(\"lit\") }()", "lit"},
		{"function literal with results", "func(a int) (int, error) { return a, nil }(3)", "3"},
		{"assertion fails", "var anyv any = \"s\"\nanyv.(int)", "error at 2 interface conversion: "},
		{"assertion holds", "var anyv2 any = \"s\"\nanyv2.(string)", "s"},
		{"map element", "map[string]int{\"a\": 1}[\"a\"]", "1"},
		{"a whole program", "package main\nimport \"fmt\"\nfunc main() { fmt.Print(\"main ran\") }", "main ran"},
		{"String in fmt", "type C struct{ N int }\nfunc (c C) String() string { return fmt.Sprintf(\"C#%d\", c.N) }\nfmt.Print(C{3}, \" \", nil, \" \", C{4}.N)", "C#3 <nil> 4"},
		{"String in a format", "type C2 struct{ N int }\nfunc (c C2) String() string { return \"c2\" }\nfmt.Sprintf(\"%v %d\", C2{1}, 5)", "c2 5"},
		{"Error in fmt", "type E2 struct{}\nfunc (e *E2) Error() string { return \"e2\" }\nfmt.Print(&E2{})", "e2"},
		{"recover", "func() { defer func() { fmt.Print(\"rec \", recover()) }(); panic(\"p\") }()", "rec p"},
		{"methods give booleans", "type Node struct{ Next int }\nfunc (n *Node) Last(x int) bool { if n.Next == 0 { return true }; return false }\n(&Node{}).Last(1)", "true"},
		{"typed variable lifted", "var n1 int = strconv.Atoi(\"12\")\nn1", "12"},
		{"typed variable fails", "var n2 int = strconv.Atoi(\"x\")", "error at 1 strconv.Atoi: parsing \"x\""},
		{"assignment fails", "var n3 int\nn3 = strconv.Atoi(\"z\")", "error at 2 strconv.Atoi"},
		{"call in a block fails", "if true {\n\tos.Remove(\"/no/such\")\n}", "error at 2 remove /no/such"},
		{"call in a loop in a switch fails", "for i := range 2 {\n\tswitch i {\n\tcase 1:\n\t\tos.Remove(\"/no/such\")\n\t}\n}", "error at 4 remove /no/such"},
		{"lifted in a block", "if true {\n\tn5 := strconv.Atoi(\"12\")\n\tfmt.Print(n5)\n\tn5 = strconv.Atoi(\"bad\")\n}", "error at 4 strconv.Atoi"},
		{"dropped in the head of if", "if v := strconv.Atoi(\"x\"); v > 0 { }", "error at 1 strconv.Atoi: parsing \"x\""},
		{"dropped in an argument", "fmt.Println(1, strconv.Atoi(\"q\"))", "error at 1 strconv.Atoi: parsing \"q\""},
		{"dropped in a sum", "x8 := strconv.Itoa(strconv.Atoi(\"8\") + 1)\nx8", "9"},
		{"dropped in a literal", "f9 := func() int {\n\tn := strconv.Atoi(\"1\")\n\treturn n\n}", "error at 2 assignment mismatch"},
		{"generic function", "func id[T any](x T) T { return x }\nid(3) + len(id(\"ab\"))", "5"},
		{"package not imported", "var mu sync.Mutex", "error at 1 undefined: sync"},
		{"panic in a block", "for i := 0; i < 3; i++ {\n\tif i == 2 {\n\t\tpanic(\"at two\")\n\t}\n}", "error at 3 at two"},
		{"slice bounds", "s3 := []int{1}\ns3[0:9]", "error at 2 slice bounds out of range"},
		{"divide by zero", "z0 := 0\n1 / z0", "error at 2 integer divide by zero"},
		{"nil pointer", "type P1 struct{ X int }\nvar p1 *P1\np1.X", "error at 3 invalid memory address or nil pointer dereference"},
		{"nil interface", "var e0 error\ne0.Error()", "error at 2 invalid memory address or nil pointer dereference"},
		{"nil function", "var f0 func()\nf0()", "error at 2 invalid memory address or nil pointer dereference"},
		{"os.Exit", "os.Exit(3)", "error at 1 os.Exit(3) would end the kernel"},
		{"goroutine", "done := make(chan bool)\ngo func() { defer close(done); panic(\"inside\") }()\n<-done\ntime.Sleep(30 * time.Millisecond)", "error at 2 a goroutine panicked: inside"},
		{"carried error", "type S1 struct{ e error }\nfunc (s S1) Err() error { return s.e }\ns1 := S1{errors.New(\"broken\")}", "error at 3 broken"},
		{"carried error of a declared variable", "type S2 struct{ e error }\nfunc (s S2) Err() error { return s.e }\nvar s2 = S2{errors.New(\"broken\")}", "error at 3 broken"},
		{"carried error of a value shown", "type S3 struct{ e error }\nfunc (s S3) Err() error { return s.e }\nfunc mk3() S3 { return S3{errors.New(\"broken\")} }\nmk3()", "error at 4 broken"},
		{"unterminated", "x := \"abc", "error at 1 string literal not terminated"},
		{"standard input without anybody to ask", "import (\"bufio\"; \"io\")\nsc := bufio.NewScanner(os.Stdin)\nfmt.Print(sc.Scan(), \" \", sc.Err())\nio.ReadAll(os.Stdin)", "error at 4 the front end takes no input here"},
		{"defer in a loop over a function", seq + "func dd() {\n\tfor range seq {\n\t\tdefer fmt.Print(1)\n\t}\n}", "error at 4 defer inside a loop over a function cannot be used in cells: call the iterator with a function"},
		{"goto back", "func ggb() int {\n\ti := 0\nagain:\n\ti++\n\tif i < 3 { goto again }\n\treturn i\n}\nggb()", "3"},
		{"goto forward", "func gg() string {\n\tx := \"a\"\n\tgoto there\n\tx += \"b\"\nthere:\n\treturn x + \"c\"\n}\ngg()", "ac"},
		{"goto to the end", "func ge() {\n\tfmt.Print(1)\n\tgoto end\n\tfmt.Print(2)\nend:\n}\nge()", "1"},
		{"goto out of loops", "func gl() (n int) {\n\tfor i := range 3 {\n\t\tfor j := 0; ; j++ {\n\t\t\tk := i + j\n\t\t\tif k == 4 { n = k; goto out }\n\t\t\tif k > 9 { goto next }\n\t\t}\n\tnext:\n\t}\nout:\n\treturn n * 10\n}\ngl()", "40"},
		{"goto a loop's label", "func gf() (n int) {\nagain:\n\tfor i := range 5 {\n\t\tn++\n\t\tif i == 1 { continue again }\n\t\tif n == 3 { goto again }\n\t\tif n > 6 { break again }\n\t}\n\treturn n\n}\ngf()", "7"},
		{"goto nowhere", "func gn() {\n\tgoto there\n}", "error at 2 label there not declared"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out recorder
			r := s.Run(context.Background(), c.code, RunOptions{}, &out)
			got := out.text.String()
			if r.Data != nil {
				got += r.Data["text/plain"].(string)
			}
			if r.Err != nil {
				got = "error at " + string(rune('0'+r.Err.Line)) + " " + r.Err.Value
			}
			if got != c.want && (!strings.HasPrefix(c.want, "error ") || !strings.HasPrefix(got, c.want)) {
				t.Errorf("%s\ngives %q\nwant  %q", c.code, got, c.want)
			}
		})
	}
}

// printing is a session whose cells' output can be seen. It gives the standard output back when the
// test ends.
func printing(t *testing.T) *Session {
	t.Helper()
	s, err := New(Options{Capture: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestCellTypesShowThemselves(t *testing.T) {
	s := printing(t)
	for code, want := range map[string]string{
		"type H1 struct{ X int }\nfunc (h H1) HTML() string { return \"<b>h</b>\" }\nH1{1}":                                       "text/html <b>h</b>",
		"type H2 struct{ X int }\nfunc (h H2) HTML() string { return \"<b>h</b>\" }\n&H2{1}":                                      "text/html <b>h</b>",
		"type R1 struct{ X int }\nfunc (r *R1) Render() display.Data { return display.Markdown(\"# r\") }\n&R1{2}":                "text/markdown # r",
		"type T1 struct{ X int }\nfunc (t T1) String() string { return \"t one\" }\nT1{1}":                                        "text/plain t one",
		"type L1 []int\nfunc (l L1) Latex() string { return \"$x$\" }\nL1{1}":                                                     "text/latex $x$",
		"type M1 struct{}\nfunc (m M1) SimpleRender() map[string]any { return map[string]any{\"text/html\": \"s\"} }\nM1{}":       "text/html s",
		"type N1 struct{ X int }\nfunc (n *N1) String() string { return fmt.Sprint(\"n \", n.X) }\nvar n1 *N1\nn1":                "text/plain <nil>",
		"type B1 struct{ X int }\nfunc (b B1) String() string { panic(\"no\") }\nB1{1}":                                           "text/plain %!v(PANIC=String method: no)",
		"type J1 struct{}\nfunc (j J1) JSON() map[string]any { return map[string]any{\"a\": 1} }\nJ1{}":                           "application/json map[a:1]",
		"type V1 struct{ a int }\nfunc (v V1) PNG() []byte { return []byte{1} }\nfunc (v V1) SVG() string { return \"s\" }\nV1{}": "image/svg+xml s",
	} {
		r := s.Run(context.Background(), code, RunOptions{}, &recorder{})
		mime, text, _ := strings.Cut(want, " ")
		if r.Err != nil {
			t.Errorf("%s: %v", code, r.Err)
		} else if got := format(r.Data[mime]); !strings.Contains(got, text) {
			t.Errorf("%s shows %v, want %s", code, r.Data, want)
		}
	}
}

func format(x any) string { return strings.TrimSpace(strings.ReplaceAll(fmt.Sprint(x), "\n", " ")) }

package lang

import (
	"testing"
)

// TestTypeIn asks for types at the end of cells that are still being written.
func TestTypeIn(t *testing.T) {
	e, err := New(Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ before, expr, want string }{
		{"", "1 + 2.5", "float64"},
		{"r := strings.NewReader(\"x\")\n", "r", "*strings.Reader"},
		{"r := strings.NewReader(\"x\")\nfmt.Println(1, ", "r", "*strings.Reader"},
		{"type T struct{ A []int }\nvar ts []T\nfor i, t := range ts {\n\tif i > 2 {\n\t\tx := ", "t", "main.T"},
		{"func f(n int) (s []string) {\n\tfor _, w := range s {\n\t\tgo func() {\n\t\t\tfmt.Println(", "w", "string"},
		{"type T struct{ n int }\nfunc (t *T) Get() {\n\tt.", "t", "*main.T"},
		{"m := map[string][]float64{}\nx := T{a: ", "m[\"a\"][0]", "float64"},
		{"import \"bytes\"\nb := bytes.", "bytes.NewBuffer(nil)", "*bytes.Buffer"},
		{"n := strconv.Atoi(\"3\")\n", "n", "int"},
		{"switch v := any(1).(type) {\ncase int:\n\t", "v", "int"},
		{"x := undefined1()\ny := \"a\"\n", "y", "string"},
		{"xs := []int{1}\nys := xs[", "xs", "[]int"},
	} {
		tv, _, ok := e.TypeIn(c.before, c.expr)
		if got := ""; ok {
			if got = tv.Type.String(); got != c.want && "main."+Spelled(tv.Type) != c.want && Spelled(tv.Type) != c.want {
				t.Errorf("%q: %s is %s (%s), want %s", c.before, c.expr, got, Spelled(tv.Type), c.want)
			}
		} else {
			t.Errorf("%q: %s has no type", c.before, c.expr)
		}
	}
	if names := e.Names("outer := 1\nfunc f(a int) {\n\tb := a\n\tif b > 0 {\n\t\tc := 2\n\t}\n\t"); names["a"] == nil || names["b"] == nil || names["c"] != nil {
		t.Errorf("names %v", names)
	}
	if len(e.Scope()) != 0 {
		t.Errorf("what was asked stays: %v", e.Scope())
	}
}

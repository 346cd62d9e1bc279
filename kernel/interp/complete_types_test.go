package interp

import (
	"slices"
	"strings"
	"testing"
)

// TestCompleteByTypes: members of any expression of a cell that is being written, fields of literals, names that
// blocks declare, packages that are not imported, spelling.
func TestCompleteByTypes(t *testing.T) {
	s := session(t)
	cells(t, s, "type Opts struct {\n\tRate float64\n\tRounds int\n\tSub struct{ Deep []Opts }\n}\nfunc (o *Opts) Run(n int) (string, error) { return \"\", nil }\nfunc mk() map[string][]*Opts { return nil }")
	for _, c := range []struct{ code, want, not string }{
		{"r := strings.NewReader(\"x\")\nr.", "ReadByte Len Seek", "Rate"},
		{"strings.NewReader(\"a(b\").R", "ReadByte Read", "Len"},
		{"mk()[\"a\"][0].", "Rate Rounds Run", "len"},
		{"(&Opts{}).Sub.De", "Deep", ""},
		{"Opts{Rate: 1}.R", "Rate Rounds Run", ""},
		{"[]Opts{{}}[0].Ru", "Run", "Rate"},
		{"var x any = 1\nif s, ok := x.(fmt.Stringer); ok {\n\ts.", "String", "Rate"},
		{"var x any\nx.(fmt.Stringer).", "String", ""},
		{"for i, o := range mk()[\"k\"] {\n\tfmt.Println(i, o.", "Rate Run", "len"},
		{"func f(o *Opts, count int) {\n\tfor range cou", "count", ""},
		{"func f(o *Opts) {\n\tgo func() { o.R", "Run", ""},
		{"loss := 3\nif lo", "loss", ""},
		{"n := strconv.Atoi(\"3\")\nerr := os.Remove(\"x\")\nerr.", "Error", ""},
		{"Opts{", "Rate:  Rounds:  Sub: ", ""},
		{"o := &Opts{Rate: 1, ", "Rounds:  Sub: ", "Rate: "},
		{"xs := []Opts{{Rate: 1}, {R", "Rate:  Rounds: ", "Sub: "},
		{"m := map[string]*Opts{\"a\": {Ro", "Rounds: ", ""},
		{"o := Opts{Rate: mat", "math", "Rounds: "},
		{"cnn_lea", "CNNLearner", ""},
		{"untar", "UntarData", ""},
		{"get_transf", "GetTransforms", ""},
		{"fmt.printl", "Println", ""},
		{"models.resnet34", "ResNet34", ""},
		{"bytes.NewBuff", "NewBuffer NewBufferString", ""},
		{"slice", "slices", ""},
		{"import \"encoding/j", "encoding/json", "encoding/hex"},
		{"import (\n\t\"fmt\"\n\t\"enc", "encoding/json encoding/hex", ""},
		{"fmt.Println(\"a", "", "*"},
		{"x := \"", "", "*"},
		{"func f() {\n\tswi", "switch", ""},
		{"cont", "continue", ""},
	} {
		found, _, _ := s.Complete(c.code, len([]rune(c.code)))
		got := texts(found)
		for _, w := range strings.Split(c.want, " ") {
			if w = strings.TrimSpace(w); w != "" && !slices.Contains(got, w) && !slices.Contains(got, w+" ") {
				t.Errorf("%q does not complete to %s, but to %.200v", c.code, w, got)
			}
		}
		if c.not != "" && slices.Contains(got, c.not) || c.not == "*" && len(got) > 0 {
			t.Errorf("%q completes to %s: %.200v", c.code, c.not, got)
		}
	}
	for code, want := range map[string]string{
		"strings.NewReader(\"x\").ReadAt(":                        "func (r *Reader) ReadAt(",
		"o := &Opts{}\no.Run(":                                    "func Run(n int) (string, error)",
		"CNNLearner(nil, ":                                        "func CNNLearner(",
		"bytes.NewBufferString(":                                  "func NewBufferString(s string) *Buffer",
		"func area(w, h float64) float64 { return w * h }\narea(": "func area(w float64, h float64) float64",
		"strings.Join(\n\t[]string{\"a\"},\n\t":                   "func Join(",
	} {
		data, _ := s.Inspect(code, len([]rune(code)))
		if text, _ := data["text/plain"].(string); !strings.Contains(text, want) {
			t.Errorf("inspecting at the end of %q says %q, want %q", code, text, want)
		}
	}
}

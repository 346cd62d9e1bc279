package interp

import (
	"fmt"
	"os"
	"path/filepath"
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

// TestCompleteInStrings: files where a path is meant, and below the folder that is meant; else the words that the
// function's comment quotes.
func TestCompleteInStrings(t *testing.T) {
	s := session(t)
	dir := t.TempDir()
	for _, name := range []string{"train/a.jpg", "train/b.jpg", "labels.csv"} {
		f := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cells(t, s, fmt.Sprintf("path := NewPath(%q)\nvar learn *Learner", dir))
	here := "complete_types_test.go" // in the working folder of this test
	for _, c := range []struct{ code, want, not string }{
		{`NewPath("complete_t`, here, ""},
		{`os.Open("complete_t`, here, ""},
		{`path.Join("`, "labels.csv train/", here},
		{`path.Join("train/`, "train/a.jpg train/b.jpg", "labels.csv"},
		{`ImageListFromCSV(path, "`, "labels.csv", here},
		{`GetData("`, "planet camvid imdb_sample", here},
		{`GetData("pl`, "planet planet_sample", "camvid"},
		{`models.ByName("`, "resnet34 efficientnet_lite0", here},
		{`models.ByName("Res`, "resnet34", "mobilenet_v2"},
		{`learn.Load("`, "", here},
		{`learn.Save("compl`, "", "*"},
		{`CNNLearner(data, models.ResNet34, OptFunc("`, "adam sgd rmsprop", here},
		{`fmt.Println("compl`, "", "*"},
	} {
		found, _, _ := s.Complete(c.code, len([]rune(c.code)))
		got := texts(found)
		for _, w := range strings.Fields(c.want) {
			if !slices.Contains(got, w) {
				t.Errorf("%q does not complete to %s, but to %.200v", c.code, w, got)
			}
		}
		if c.not != "" && slices.Contains(got, c.not) || c.not == "*" && len(got) > 0 {
			t.Errorf("%q completes to %s: %.200v", c.code, c.not, got)
		}
	}
}

// TestOptionsOfACall: what the call's comment names comes first, and options that say that they are another call's are
// not among what fits.
func TestOptionsOfACall(t *testing.T) {
	s := session(t)
	cells(t, s, "var learn *Learner")
	for _, c := range []struct{ code, want, not string }{
		{"learn.FitOneCycle(3, LR(1e-2), ", "Moms DivFactor PctStart FinalDiv WD Callbacks", "NumIt EndLR StartLR StopDiv CycleMode StepSize StartPct"},
		{"learn.LRFind(", "NumIt StartLR EndLR StopDiv", "PctStart DivFactor CycleMode"},
		{"learn.FitCyclical(3, LR(1e-3), LR(1e-2), ", "StepSize CycleMode Moms", "NumIt PctStart"},
		{"CNNLearner(dls, models.ResNet34, ", "Metrics Pretrained WD Silent OnDevice", ""},
	} {
		found, _, _ := s.Complete(c.code, len([]rune(c.code)))
		got := texts(found)
		fits := got[:min(len(got), slices.Index(got, "AUROC"))] // the first of all names
		for _, w := range strings.Fields(c.want) {
			if !slices.Contains(fits, w) {
				t.Errorf("%q does not offer %s, but %.200v", c.code, w, fits)
			}
		}
		for _, w := range strings.Fields(c.not) {
			if slices.Contains(fits, w) {
				t.Errorf("%q offers %s", c.code, w)
			}
		}
	}
}

// TestInspectAsWritten: names as Python writes them, the call around an unknown name, commands, what the language has
// itself; and each paragraph is one line, for the front end to break.
func TestInspectAsWritten(t *testing.T) {
	s := session(t)
	cells(t, s, "var learn *Learner")
	for code, want := range map[string]string{
		"learn.fit_one_cycle":                   "func (l *Learner) FitOneCycle(",
		"get_transforms(":                       "func GetTransforms(",
		"imagelistfromfolder":                   "func ImageListFromFolder(",
		"CNNLearner(data, resn":                 "func CNNLearner(",
		"%time":                                 "%time",
		"%timeit 1+1":                           "%timeit",
		"xs = append(":                          "func append(s []T, x ...T) []T",
		"len":                                   "func len(v) int",
		"learn.FitOneCycle(1, LR(1), PctStart(": "func PctStart(",
	} {
		data, _ := s.Inspect(code, len([]rune(code)))
		text, _ := data["text/plain"].(string)
		if !strings.HasPrefix(text, want) {
			t.Errorf("inspecting at the end of %q says %q, want %q", code, text, want)
		}
	}
	data, _ := s.Inspect("learn.FitOneCycle(", 18)
	_, told, _ := strings.Cut(data["text/plain"].(string), "\n\n")
	if told == "" || strings.Contains(told, "\n") {
		t.Errorf("a paragraph of several lines: %q", told)
	}
	data, _ = s.Inspect("errors.New", 10) // a comment with code in it keeps its lines
	if text := data["text/plain"].(string); !strings.HasPrefix(text, "func New(text string) error") {
		t.Errorf("%q", text)
	}
}

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
		found, start, end := s.Complete(code, len([]rune(code)))
		matches := texts(found)
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

func texts(found []Completion) (out []string) {
	for _, c := range found {
		out = append(out, c.Text)
	}
	return out
}

// TestCompleteArguments: what fits an argument comes first, also for a method of a value that the cell has
// still to make.
func TestCompleteArguments(t *testing.T) {
	s := session(t)
	cells(t, s, "type Cfg struct{ Rate float64 }\nfunc use(c Cfg, n int, o ...FitOption) { }\ncfg := Cfg{1}\nvar dls *DataBunch")
	for _, c := range []struct{ code, first, not string }{
		{"CNNLearner(dls, models.ResNet34, ", "BNFinal BNWD Metrics Pretrained Silent", "PctStart FlipVert"},
		{"CNNLearner(dls, models.ResNet34, Pre", "Pretrained", ""},
		{"CNNLearner(", "dls", "Metrics"},
		{"CNNLearner(dls, ", "models.ResNet18 models.ResNet34", "Metrics"},
		{"learn := CNNLearner(dls, models.ResNet34)\nlearn.FitOneCycle(4, Slice(1e-3, 1e-2),\n\t", "Moms PctStart DivFactor WD", "Metrics"},
		{"learn.FitOneCycle(4, ", "Slice", "Moms"},
		{"tfms := GetTransforms(FlipVert(true), ", "MaxRotate MaxZoom", "Metrics Moms"},
		{"x := use(", "cfg", "Moms"},
		{"use(Cfg{1}, 3, ", "Moms", "cfg"},
		{"fmt.Println(", "", "Moms"},
		{"f := func(", "", "Moms"},
		{"[]int{strings.Index(\"(,\", ", "", "Moms"},
		{"// use(", "", "Moms"},
		{"", "", ""},
		{"(", "", ""},
		{")(", "", ""},
		{",", "", ""},
		{"a.b(c)[1].(", "", ""},
	} {
		found, _, _ := s.Complete(c.code, len([]rune(c.code)))
		rank := map[string]int{}
		for i, f := range found {
			rank[f.Text] = i + 1
		}
		most := 0
		for _, w := range strings.Fields(c.first) {
			if rank[w] == 0 {
				t.Errorf("%q does not complete to %s, but to %.300v", c.code, w, found)
			}
			most = max(most, rank[w])
		}
		for _, w := range strings.Fields(c.not) {
			if rank[w] > 0 && rank[w] < most {
				t.Errorf("%q offers %s before %s", c.code, w, c.first)
			}
		}
		if c.first != "" && most > 90 {
			t.Errorf("%q: some of %s come as late as %d", c.code, c.first, most)
		}
	}
	for code, want := range map[string]string{
		"cf": "cfg instance", "us": "use function", "Cf": "Cfg class", "strc": "strconv module", "cfg.Ra": "Rate property",
		"strings.Repe": "Repeat function", "strings.Buil": "Builder class", "math.MaxInt6": "MaxInt64 instance", "dls.Show": "ShowBatch function", "fo": "for keyword", "%tim": "time magic",
	} {
		found, _, _ := s.Complete(code, len(code))
		text, kind, _ := strings.Cut(want, " ")
		if !slices.Contains(found, Completion{text, kind}) {
			t.Errorf("%q completes to %.300v, want %s", code, found, want)
		}
	}
}

func TestInspect(t *testing.T) {
	s := session(t)
	s.Run(context.Background(), "n := 41\nsb := strings.Builder{}\nfunc mine(x int) string { return \"\" }", RunOptions{}, &recorder{})
	for code, want := range map[string]string{
		"strings.Repeat": "func Repeat(s string, count int) string", "strings.Repeat(": "func Repeat(s string", "n": "value: 41", "mine": "func mine(x int) string",
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

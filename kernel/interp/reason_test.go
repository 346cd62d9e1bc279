package interp

import (
	"context"
	"strings"
	"testing"
)

func TestErrorsTellWhatIsWrong(t *testing.T) {
	s := session(t)
	for _, c := range []struct{ code, want string }{
		{"strings.NewReader(1, 2).Len()", "too many arguments in call to strings.NewReader\n"},
		{"ImageListFromFolder().SplitNone().LabelFromFolder()", "not enough arguments in call to ImageListFromFolder\n"},
		{"z := 1\n_ = strings.NewReplacer(\"a\", \"b\").Replace(\"b\", \"c\").X()", "too many arguments in call to strings.NewReplacer"},
		{"strings.NewReader(\"a\").Absent().X()", "strings.NewReader(\"a\").Absent undefined (type *strings.Reader has no field or method Absent)"},
		{"type Node struct{ Next *Node }\nfunc (n *Node) Sum() int { return 1 }", ""},
		{"type Tree struct{ Kids []*Tree }", ""},
		{"func (t Tree) Size() int { return len(t.Kids) }", ""},
		{"func size(t *Tree) int { n := 1; for _, k := range t.Kids { n += size(k) }; return n }\nsize(&Tree{[]*Tree{&Tree{}, &Tree{}}})", ""},
		{"h := strings.NewReader(text)", "undefined: text\n"},
		{"ImageListFromFolder(nowhere).SplitNone().LabelEmpty()", "undefined: nowhere\n"},
		{"path.SplitNone()", "Was the cell that defines it run? If the package is meant: import \"path\" first."},
		{"learner.Recorder.Plot()", "undefined: learner\n"},
		{"func f() int {\n\treturn missing + 1\n}", "line 2: \treturn missing + 1"},
		{"cnn_learner(1)", "Did you mean CNNLearner?"},
		{"rd := strings.NewReader(\"x\")\nrd.read_byte()", "Did you mean rd.ReadByte?"},
		{"strings.NewReader(\"x\").Lenn()", "Did you mean strings.NewReader(\"x\").Len?"},
		{"type Pair struct{ A, B int }\n_ = Pair{A: 1, C: 2}", "C"},
		{"OpenImage(\"a.jpg\")", "Write NewPath(\"a.jpg\")."},
		{"import \"net/url\"\nuu := &url.URL{}\nuu.port = 1", "uu.port undefined (type *url.URL has no field or method port, but does have method Port)"},
		{"fmt.println(1)", "Did you mean fmt.Println?"},
		{"_ = Metrics(Accuracy)", "cannot use Accuracy (value of type func() fastnb.Metric) as fastnb.Metric value in argument to Metrics"},
		{"_ = Metrics(Accuracy)", "This is a function: call it, with () behind its name."},
		{"z := ImageListFromFolder(NewPath(\"a\")).SplitNone().LabelEmpty().DataBunch().Normalize()", "there is no such folder"},
		{"var lr9 *Learner\nlr9.FitOneCycle(1)", "What fits: LR(...), LRList(...), Slice(...)."},
		{"var lr9 *Learner\nlr9.FitOneCycle(1, 1e-2)", "cannot use 1e-2 (untyped float constant 0.01) as fastnb.LRs value"},
		{"var lr9 *Learner\nlr9.FitOneCycle(1)", "What fits: LR(...), LRList(...), Slice(...)."},
		{"var lr9 *Learner\nlr9.FitOneCycle(1, 1e-2)", "What fits: LR(...), LRList(...), Slice(...)."},
		{"var lr9 *Learner\nlr9.FitOneCycle(1, LR(1), Size(3))", "What fits: "},
		{"var db9 *DataBunch\ndb9.ShowBatch(3)", "Rows(...)"},
		{"type Leaf struct{ N *int; T time.Time }\nfunc (l Leaf) One() int { return 1 }\nLeaf{}.One()", ""},
	} {
		res := s.Run(context.Background(), c.code, RunOptions{}, &recorder{})
		got := ""
		if res.Err != nil {
			got = strings.Join(res.Err.Traceback, "\n")
		}
		line, text, ok := strings.Cut(c.want, ": ")
		if !ok || !strings.HasPrefix(line, "line ") {
			line, text = "", c.want
		}
		if (got == "") != (c.want == "") || !strings.Contains(got, text) || !strings.Contains(got, line) {
			t.Errorf("%s\nfails with %q, want %q", c.code, got, c.want)
		}
	}
}

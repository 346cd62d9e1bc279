package plotting

import (
	"strings"
	"testing"
)

func TestHighlightedWords(t *testing.T) {
	f := HighlightedWords([]string{"a", "<b>", "c"}, []float64{0, 1, .5})
	h := f.Render().Data["text/html"].(string)
	for _, want := range []string{"rgba(165, 0, 38, 0.5)", "rgba(0, 104, 55, 0.5)", "rgba(255, 255, 191, 0.5)", "&lt;b&gt;", `title="0.500"`} {
		if !strings.Contains(h, want) {
			t.Errorf("%s lacks %s", h, want)
		}
	}
	if f.String() != "a(0.00) <b>(1.00) c(0.50)" {
		t.Error(f)
	}
	if HighlightedWords([]string{"a"}, nil).Err() == nil {
		t.Error("no error for missing weights")
	}
}

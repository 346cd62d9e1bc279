package serve

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb"
)

// A notebook's model is served on a free port while the learner is there, and shows its page.
func TestServeInANotebook(t *testing.T) {
	l, err := fastnb.LoadLearner(pictures.export(t), fastnb.With(fastnb.Silent(true)))
	check(t, err)
	defer l.Destroy()
	s, err := l.Serve()
	check(t, err)
	page, _ := s.Render().Data["text/html"].(string)
	if !strings.Contains(page, "<iframe src=\""+s.URL) || !strings.HasPrefix(s.URL, "http://127.0.0.1:") {
		t.Error(page)
	}
	r, err := http.Post(s.URL+"analyze", "image/png", bytes.NewReader(pngOf(t, square(40, 9, red))))
	if err != nil || r.StatusCode != 200 {
		t.Error(r, err)
	}
	check(t, s.Stop())
	check(t, s.Stop())
	if _, err := http.Get(s.URL); err == nil {
		t.Error("it still answers")
	}
	if p, err := l.Predict(pngFile(t)); err != nil || p.Class != "red" { // the model is the learner's
		t.Error(p, err)
	}
}

package serve

import (
	"bytes"
	"net/http"
	"regexp"
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
	// Who comes by another name, as through Jupyter's server, is let in by the token that the page has, and keeps it.
	token := regexp.MustCompile(`"([0-9a-f]{32})"\)</script>`).FindStringSubmatch(page)
	if token == nil {
		t.Fatal(page)
	}
	named := func(path string, cookies []*http.Cookie) *http.Response {
		r, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
		check(t, err)
		r.Host = "hub.example.org"
		r.Header.Set("Origin", "https://hub.example.org")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		resp, err := http.DefaultClient.Do(r)
		check(t, err)
		_ = resp.Body.Close()
		return resp
	}
	if r := named("healthz", nil); r.StatusCode != 403 {
		t.Error("by another name, without the token:", r.StatusCode)
	}
	if r := named("healthz?token=0", nil); r.StatusCode != 403 {
		t.Error("by another name, with a wrong token:", r.StatusCode)
	}
	in := named("?token="+token[1], nil)
	if again := named("api/models", in.Cookies()); in.StatusCode != 200 || again.StatusCode != 200 {
		t.Error("by another name, with the token:", in.StatusCode, again.StatusCode)
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

package serve

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var callOnPage = regexp.MustCompile(`(?s)<pre tabindex="0" data-language="(\w+)"><code>(.*?)</code>`)

// Each call on the page of the API runs as it stands there and prints the answer.
func TestCallsRun(t *testing.T) {
	_, url := start(t, Config{Token: "a secret"}, Source{Name: "colours", Path: pictures.export(t)}, Source{Name: "texts", Path: texts.export(t)}, Source{Name: "writer", Path: writer.export(t)})
	r, err := http.NewRequest(http.MethodGet, url+"/api", nil)
	check(t, err)
	r.Header.Set("Accept", "text/html,*/*")
	r.Header.Set("Authorization", "Bearer a secret")
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	page, err := io.ReadAll(resp.Body)
	check(t, err)
	_ = resp.Body.Close()
	calls := callOnPage.FindAllStringSubmatch(string(page), -1)
	if resp.StatusCode != 200 || len(calls) != 12 || !strings.Contains(resp.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s, %d calls", resp.StatusCode, resp.Header.Get("Content-Type"), len(calls))
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "picture.jpg"), pngOf(t, square(40, 9, red)))
	for i, c := range calls {
		language, code := c[1], html.UnescapeString(c[2])
		want := []string{"red", "pos", "a fine film "}[i/4]
		t.Run(language+" "+want, func(t *testing.T) {
			run, file := map[string][]string{"curl": {"sh"}, "Python": {"python3"}, "Go": {"go", "run"}, "JavaScript": {"node"}}[language], map[string]string{"curl": "c.sh", "Python": "c.py", "Go": "c.go", "JavaScript": "c.mjs"}[language]
			tool := run[0]
			if language == "curl" {
				tool = "curl"
			}
			if _, err := exec.LookPath(tool); err != nil {
				t.Skip(tool, "is not here")
			}
			if language == "Go" && testing.Short() {
				t.Skip("links a program")
			}
			write(t, filepath.Join(dir, file), []byte(code))
			cmd := exec.Command(run[0], append(run[1:], file)...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "TOKEN=a secret")
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, code, out)
			}
			got := string(out)
			if language == "curl" {
				var a answer
				check(t, json.Unmarshal(out, &a))
				got = a.Result
			}
			if i/4 == 1 { // either is an answer: no film of those it knows is fine
				want = "[pn][oe][sg]"
			}
			if !regexp.MustCompile("^" + want).MatchString(got) {
				t.Errorf("%s\nprints %q, want %q", code, got, want)
			}
		})
	}
}

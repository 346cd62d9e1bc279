package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image/color"
	"image/png"
	"io"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fastnb/go/fastnb"
)

var (
	red   = color.RGBA{200, 30, 20, 255}
	blue  = color.RGBA{20, 30, 200, 255}
	green = color.RGBA{20, 120, 30, 255}
)

// start serves models and gives the address.
func start(t *testing.T, c Config, sources ...Source) (*Server, string) {
	t.Helper()
	s, err := New(context.Background(), sources, c)
	check(t, err)
	ts := httptest.NewServer(s)
	t.Cleanup(func() { ts.Close(); s.store.close() })
	return s, ts.URL
}

// form is a body of files.
func form(t *testing.T, part string, files ...[]byte) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, f := range files {
		p, err := w.CreateFormFile(part, fmt.Sprintf("%d.png", k))
		check(t, err)
		_, err = p.Write(f)
		check(t, err)
	}
	check(t, w.Close())
	return &b, w.FormDataContentType()
}

// ask posts and reads JSON.
func ask(t *testing.T, url string, body io.Reader, kind string, into any) int {
	t.Helper()
	r, err := http.Post(url, kind, body)
	check(t, err)
	defer func() { _ = r.Body.Close() }()
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s answers with %s", url, got)
	}
	check(t, json.NewDecoder(r.Body).Decode(into))
	return r.StatusCode
}

func TestPictures(t *testing.T) {
	file := pictures.export(t)
	_, url := start(t, Config{}, Source{Name: "colours", Path: file})
	m, err := fastnb.LoadModel(file)
	check(t, err)
	defer m.Close()
	for name, c := range map[string]color.RGBA{"red": red, "blue": blue} {
		pic := pngOf(t, square(40, 9, c))
		var got map[string]any
		body, kind := form(t, "file", pic)
		if status := ask(t, url+"/analyze", body, kind, &got); status != 200 || len(got) != 1 || got["result"] != name {
			t.Errorf("%d %v, want %s", status, got, name)
		}
		var a answer
		if status := ask(t, url+"/api/predict?seen=1", bytes.NewReader(pic), "image/png", &a); status != 200 || a.Result != name || len(a.Probs) != 2 || a.Probs[0].Class != name {
			t.Errorf("%d %+v", status, a)
		}
		if sum := a.Probs[0].P + a.Probs[1].P; math.Abs(sum-1) > 1e-5 || !strings.HasPrefix(a.Seen, "data:image/jpeg;base64,") || fmt.Sprint(a.Size) != "[32 32]" {
			t.Errorf("probabilities sum to %v; seen %.30s, size %v", sum, a.Seen, a.Size)
		}
		// What the library says of the same file is what the server says.
		p := filepath.Join(t.TempDir(), "p.png")
		write(t, p, pic)
		want, err := m.Predict(context.Background(), p)
		check(t, err)
		if math.Abs(want[0].Probs[want[0].Index]-a.Probs[0].P) > 1e-6 {
			t.Errorf("%v, the library says %v", a.Probs, want[0].Probs)
		}
	}
	// The pictures that the export carries.
	var info struct{ Models []modelInfo }
	r, err := http.Get(url + "/api/models")
	check(t, err)
	check(t, json.NewDecoder(r.Body).Decode(&info))
	if len(info.Models[0].Examples) != 2 || len(m.Examples()) != 2 {
		t.Fatalf("%+v", info.Models)
	}
	for k, e := range info.Models[0].Examples {
		if status, got := get1(t, fmt.Sprintf("%s/api/models/colours/examples/%d", url, *e.Number)); status != 200 || got != string(m.Examples()[k].Content) || e.Name != m.Examples()[k].Name {
			t.Errorf("example %d: %d, %d bytes", k, status, len(got))
		}
	}
	for _, k := range []string{"2", "-1", "x"} {
		if status, _ := get1(t, url+"/api/models/colours/examples/"+k); status != 404 {
			t.Errorf("example %s: %d", k, status)
		}
	}
	var several struct{ Results []answer }
	body, kind := form(t, "file", pngOf(t, square(40, 9, red)), pngOf(t, square(30, 2, blue)), pngOf(t, square(50, 5, red)))
	if status := ask(t, url+"/api/models/colours/predict", body, kind, &several); status != 200 || len(several.Results) != 3 || several.Results[1].Result != "blue" || several.Results[2].Name != "2.png" {
		t.Errorf("%d %+v", status, several)
	}
}

func TestOtherModels(t *testing.T) {
	_, url := start(t, Config{}, Source{Name: "masks", Path: masks.export(t)}, Source{Name: "points", Path: points.export(t)}, Source{Name: "texts", Path: texts.export(t)})
	pic := pngOf(t, square(40, 9, red))
	var a answer
	if status := ask(t, url+"/api/models/masks/predict", bytes.NewReader(pic), "image/png", &a); status != 200 || len(a.Parts) == 0 || fmt.Sprint(a.Size) != "[32 32]" {
		t.Fatalf("%d %+v", status, a)
	}
	file, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a.Mask, "data:image/png;base64,"))
	check(t, err)
	if m, err := png.Decode(bytes.NewReader(file)); err != nil || m.Bounds().Dx() != 32 {
		t.Error("the mask:", err)
	}
	a = answer{}
	if status := ask(t, url+"/api/models/points/predict", bytes.NewReader(pic), "image/png", &a); status != 200 || len(a.Points) != 1 || a.Values != nil {
		t.Errorf("%d %+v", status, a)
	}
	a = answer{}
	if status := ask(t, url+"/api/models/texts/predict", strings.NewReader(`{"text": "a good film"}`), "application/json", &a); status != 200 || (a.Result != "pos" && a.Result != "neg") || len(a.Probs) != 2 {
		t.Errorf("%d %+v", status, a)
	}
	var e map[string]string
	if status := ask(t, url+"/api/models/texts/predict", bytes.NewReader(pic), "image/png", &e); status != 400 || !strings.Contains(e["error"], "try a part named text") {
		t.Errorf("a picture for a model of texts: %d %v", status, e)
	}
	if status := ask(t, url+"/api/models/masks/predict", strings.NewReader("hello"), "text/plain", &e); status != 400 || !strings.Contains(e["error"], "try a part named file") {
		t.Errorf("a text for a model of pictures: %d %v", status, e)
	}
	if status := ask(t, url+"/api/models/none/predict", strings.NewReader("hello"), "text/plain", &e); status != 404 || !strings.Contains(e["error"], "masks, points, texts") {
		t.Errorf("a model that is not there: %d %v", status, e)
	}
	var info struct{ Models []modelInfo }
	r, err := http.Get(url + "/api/models")
	check(t, err)
	check(t, json.NewDecoder(r.Body).Decode(&info))
	if s := strings.Join([]string{info.Models[0].Gives, info.Models[1].Gives, info.Models[2].Gives, info.Models[2].Takes}, " "); s != "mask points class text" {
		t.Error(s)
	}
}

// bomb is a small PNG whose header tells of a picture of 60000x60000.
func bomb(t *testing.T) []byte {
	b := pngOf(t, square(4, 0, red))
	head := b[12:29] // IHDR and its data
	binary.BigEndian.PutUint32(head[4:], 60000)
	binary.BigEndian.PutUint32(head[8:], 600)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(head))
	return b
}

func TestBadRequests(t *testing.T) {
	_, url := start(t, Config{MaxBody: 1 << 20, MaxPixels: 1e6}, Source{Name: "m", Path: pictures.export(t)})
	pic := pngOf(t, square(40, 9, red))
	post := func(kind string, body io.Reader) *http.Request {
		r, err := http.NewRequest(http.MethodPost, url+"/analyze", body)
		check(t, err)
		r.Header.Set("Content-Type", kind)
		return r
	}
	filled := func(part string, files ...[]byte) *http.Request {
		b, kind := form(t, part, files...)
		return post(kind, b)
	}
	with := func(r *http.Request, f func(*http.Request)) *http.Request { f(r); return r }
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		says   string
	}{
		"no part":             {filled("picture", pic), 400, "part named file"},
		"two parts":           {filled("file", pic, pic), 400, "one file at a time"},
		"empty file":          {filled("file", nil), 400, "empty"},
		"text as picture":     {filled("file", []byte("hello")), 422, "not a picture"},
		"truncated":           {filled("file", pic[:len(pic)-30]), 422, "cannot be read"},
		"bomb":                {filled("file", bomb(t)), 413, "60000 pixels"},
		"large body":          {filled("file", make([]byte, 2<<20)), 413, "too large"},
		"no type":             {post("", bytes.NewReader(pic)), 415, "Content-Type"},
		"other type":          {post("application/zip", bytes.NewReader(pic)), 415, "application/zip"},
		"broken form":         {post("multipart/form-data; boundary=x", strings.NewReader("--x\r\nnonsense")), 400, "form cannot be read"},
		"broken JSON":         {post("application/json", strings.NewReader("{")), 400, "JSON"},
		"GET":                 {with(post("text/plain", nil), func(r *http.Request) { r.Method = http.MethodGet }), 405, "POST"},
		"another site":        {with(filled("file", pic), func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }), 403, "other sites"},
		"a rebound name":      {with(filled("file", pic), func(r *http.Request) { r.Host = "evil.example" }), 403, "not known by that name"},
		"nowhere":             {with(post("text/plain", nil), func(r *http.Request) { r.URL.Path = "/nowhere"; r.Method = http.MethodGet }), 404, "/nowhere"},
		"out of the folder":   {with(post("text/plain", nil), func(r *http.Request) { r.URL.Path = "/static/../serve.go"; r.Method = http.MethodGet }), 404, ""},
		"a list of files":     {with(post("text/plain", nil), func(r *http.Request) { r.URL.Path = "/static/"; r.Method = http.MethodGet }), 404, "no such file"},
		"a text too long":     {post("text/plain", strings.NewReader(strings.Repeat("a ", maxText))), 413, "longer"},
		"a text, not UTF-8":   {post("text/plain", strings.NewReader("\xff\xfe")), 400, "UTF-8"},
		"a model of pictures": {post("text/plain", strings.NewReader("hello")), 400, "pictures"},
	} {
		resp, err := http.DefaultClient.Do(c.r)
		check(t, err)
		b, err := io.ReadAll(resp.Body)
		check(t, err)
		_ = resp.Body.Close()
		var e map[string]string
		if c.says != "" && (json.Unmarshal(b, &e) != nil || !strings.Contains(e["error"], c.says)) || resp.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d %q", name, resp.StatusCode, b, c.status, c.says)
		}
	}
	var got map[string]string
	body, kind := form(t, "file", pic)
	if status := ask(t, url+"/analyze", body, kind, &got); status != 200 || got["result"] != "red" {
		t.Errorf("after all this: %d %v", status, got)
	}
}

func TestPageAndMetrics(t *testing.T) {
	_, url := start(t, Config{}, Source{Name: "m", Path: pictures.export(t)})
	for _, c := range [][2]string{ // the numbers last: before, there are none
		{"/", "<title>Ask the model</title>"},
		{"/static/client.js", "use strict"},
		{"/static/style.css", "prefers-color-scheme"},
		{"/healthz", `"ok"`},
		{"/api", `"openapi":"3.1.0"`},
		{"/metrics", "fastnb_requests_total"},
	} {
		path, want := c[0], c[1]
		r, err := http.Get(url + path)
		check(t, err)
		b, err := io.ReadAll(r.Body)
		check(t, err)
		_ = r.Body.Close()
		if r.StatusCode != 200 || !strings.Contains(string(b), want) || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %.200s", path, r.StatusCode, b)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "index.html"), []byte("my own page"))
	write(t, filepath.Join(dir, "a.txt"), []byte("my own file"))
	secret := filepath.Join(filepath.Dir(dir), "secret.txt")
	write(t, secret, []byte("secret"))
	check(t, os.Symlink(secret, filepath.Join(dir, "link.txt")))
	_, url = start(t, Config{Static: dir}, Source{Name: "m", Path: pictures.export(t)})
	for path, want := range map[string]string{"/": "my own page", "/static/a.txt": "my own file"} {
		r, err := http.Get(url + path)
		check(t, err)
		if b, _ := io.ReadAll(r.Body); string(b) != want {
			t.Errorf("%s: %s", path, b)
		}
	}
	if r, err := http.Get(url + "/static/link.txt"); err != nil || r.StatusCode == 200 {
		t.Error("a link leads out of the folder", err)
	}
}

func TestToken(t *testing.T) {
	file := pictures.export(t)
	s, url := start(t, Config{Addr: "0.0.0.0:0"}, Source{Name: "m", Path: file})
	if len(s.Token()) < 32 {
		t.Fatalf("token %q", s.Token())
	}
	for path, want := range map[string]int{
		"/": 401, "/?token=wrong": 401, "/?token=" + s.Token(): 200, "/healthz": 200, "/metrics": 401,
	} {
		r, err := http.Get(url + path)
		check(t, err)
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	r, err := http.NewRequest(http.MethodGet, url+"/api/models", nil)
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+s.Token())
	if got, err := http.DefaultClient.Do(r); err != nil || got.StatusCode != 200 {
		t.Error(got, err)
	}
	if s, _ := start(t, Config{Addr: "0.0.0.0:0", Open: true}, Source{Name: "m", Path: file}); s.Token() != "" {
		t.Error("an open server has a token")
	}
}

// Who comes when all places are taken is told to come again; the others are answered.
func TestQueueIsBounded(t *testing.T) {
	s, url := start(t, Config{MaxQueue: 2}, Source{Name: "m", Path: pictures.export(t)})
	s.queue <- struct{}{}
	s.queue <- struct{}{}
	pic := pngOf(t, square(40, 9, red))
	r, err := http.Post(url+"/analyze", "image/png", bytes.NewReader(pic))
	check(t, err)
	if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	<-s.queue
	<-s.queue
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 5 {
				r, err := http.Post(url+"/analyze", "image/png", bytes.NewReader(pic))
				if err != nil || r.StatusCode != 200 {
					t.Error(r, err)
					return
				}
				_ = r.Body.Close()
			}
		})
	}
	wg.Wait()
}

// A file that is replaced is taken up, and a server that is told to end answers what it has taken.
func TestReloadAndShutdown(t *testing.T) {
	file := pictures.copied(t)
	s, err := New(context.Background(), []Source{{Name: "m", Path: file}}, Config{Addr: "127.0.0.1:0"})
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	addr, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(a net.Addr) { addr <- a }) }()
	url := "http://" + (<-addr).String()
	before := s.store.byName["m"].now
	b, err := os.ReadFile(file.String())
	check(t, err)
	check(t, os.WriteFile(file.String()+".new", b, 0o666))
	later := time.Now().Add(time.Hour)
	check(t, os.Chtimes(file.String()+".new", later, later))
	check(t, os.Rename(file.String()+".new", file.String()))
	pic := pngOf(t, square(40, 9, red))
	taken := func() bool {
		e := s.store.byName["m"]
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.now != before
	}
	for deadline := time.Now().Add(20 * time.Second); !taken() && time.Now().Before(deadline); {
		r, err := http.Post(url+"/analyze", "image/png", bytes.NewReader(pic))
		if err != nil || r.StatusCode != 200 {
			t.Fatal("a request was dropped:", r, err)
		}
		_ = r.Body.Close()
	}
	if !taken() {
		t.Error("the new file was not taken up")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			r, err := http.Post(url+"/analyze", "image/png", bytes.NewReader(pic))
			if err == nil && r.StatusCode != 200 {
				t.Errorf("cut short: %d", r.StatusCode)
			}
		})
	}
	time.Sleep(5 * time.Millisecond)
	cancel()
	wg.Wait()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSources(t *testing.T) {
	for arg, want := range map[string]string{"a/b/export.fastnb": "export", "pets=x.fastnb": "pets", "a b.fastnb": "", "=x": "", "p/q=1.fastnb": "q=1"} {
		s, err := ParseSource(arg)
		if want == "q=1" {
			want = "" // a sign that names cannot have
		}
		if s.Name != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q %v", arg, s.Name, err)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "no.fastnb"), []byte("no export"))
	for _, p := range []string{"absent.fastnb", "no.fastnb"} {
		src, err := ParseSource(filepath.Join(dir, p))
		check(t, err)
		if _, err := New(context.Background(), []Source{src}, Config{}); err == nil || !strings.HasPrefix(err.Error(), "fastnb: ") {
			t.Errorf("%s: %v", p, err)
		}
	}
}

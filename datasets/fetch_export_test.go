package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// A model is fetched once; whoever sends it elsewhere, sends a page or another file is refused, and nothing of it
// stays.
func TestFetchExport(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "")
	export := "\x02\x00\x00\x00\x00\x00\x00\x00{}"
	sum := sha256.Sum256([]byte(export))
	good := hex.EncodeToString(sum[:])
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(export)) }))
	defer other.Close()
	var asked atomic.Int32
	mux := http.NewServeMux()
	send := func(name, kind, body string) {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte(body))
		})
	}
	send("good.export", "application/octet-stream", export)
	send("second.export", "application/octet-stream", export)
	send("third.export", "application/octet-stream", export)
	send("page", "text/html; charset=utf-8", "<html>share this file</html>")
	send("other.zip", "application/zip", "PK\x03\x04 and so on")
	send("empty", "application/octet-stream", "")
	mux.Handle("/moved", http.RedirectHandler("/good.export", http.StatusFound))
	mux.Handle("/away", http.RedirectHandler(other.URL+"/x", http.StatusFound))
	mux.Handle("/circle", http.RedirectHandler("/circle", http.StatusFound))
	ts := httptest.NewServer(mux)
	defer ts.Close()
	ctx := context.Background()
	for range 2 {
		p, err := FetchExport(ctx, ts.URL+"/good.export", good)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := p.ReadText(); err != nil || s != export || !strings.HasSuffix(p.Name(), "-good.export") {
			t.Error(p, s, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("fetched %d times", asked.Load())
	}
	for _, name := range []string{"second.export", "moved"} {
		if _, err := FetchExport(ctx, ts.URL+"/"+name, ""); err != nil {
			t.Error(err)
		}
	}
	for name, says := range map[string]string{
		"page": "a page, not a file", "other.zip": "no export", "empty": "no export", "away": "leads elsewhere: " + other.URL, "circle": "circles", "absent": "404",
	} {
		if _, err := FetchExport(ctx, ts.URL+"/"+name, ""); err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "fastnb: model: "+ts.URL) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := strings.Repeat("0", 64)
	for address, says := range map[string]string{
		"ftp://x/y": "https://HOST/FILE", "nonsense": "https://HOST/FILE", "http://example.invalid/m": "could change it", ts.URL + "/third.export": "wrong checksum", ts.URL + "/good.export": "64 hex digits",
	} {
		sum := map[string]string{"wrong checksum": wrong, "64 hex digits": "abc"}[says]
		if _, err := FetchExport(ctx, address, sum); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", address, err)
		}
	}
	files, err := modelsDir().Join("served").Ls()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if n := f.Name(); strings.Contains(n, "page") || strings.Contains(n, "zip") || strings.Contains(n, "away") && !strings.HasSuffix(n, ".lock") && !strings.HasSuffix(n, ".part") {
			if st, err := os.Stat(f.String()); err == nil && st.Size() > 0 {
				t.Errorf("%s was kept", f)
			}
		}
	}
	t.Setenv("FASTNB_OFFLINE", "1")
	if _, err := FetchExport(ctx, ts.URL+"/good.export", good); err != nil {
		t.Error("it is here already:", err)
	}
	if _, err := FetchExport(ctx, ts.URL+"/new.export", ""); err == nil || !strings.Contains(err.Error(), "FASTNB_OFFLINE") {
		t.Error(err)
	}
}

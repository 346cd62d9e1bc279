package serve

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// FuzzBundle opens any bytes as a program with models in it: a plain program, what is wrong with it, or models by
// good names; pages that are there can be read.
func FuzzBundle(f *testing.F) {
	bundle := func(files ...string) []byte {
		var b bytes.Buffer
		b.WriteString("\x7fELF the program")
		z := zip.NewWriter(&b)
		z.SetOffset(int64(b.Len()))
		for i := 0; i < len(files); i += 2 {
			w, err := z.Create(files[i])
			check(f, err)
			_, err = io.WriteString(w, files[i+1])
			check(f, err)
		}
		check(f, z.SetComment(bundleMark))
		check(f, z.Close())
		return b.Bytes()
	}
	good := bundle(bundleIndex, `["a"]`, "models/a.fastnb", "x", "page/index.html", "<b>", "page/d/e.css", "b {}")
	for _, b := range [][]byte{
		good, good[:len(good)-4], good[20:], bundle(bundleIndex, `["../a"]`, "models/../a.fastnb", "x"), bundle(bundleIndex, `{"a": 1}`), bundle(bundleIndex, `null`), bundle(),
		bundle(bundleIndex, `["a"]`, "page/../../x", "y", "page//", "", "page/a\\b", "z"), []byte(bundleMark), nil,
	} {
		f.Add(b)
	}
	file := filepath.Join(f.TempDir(), "program")
	f.Fuzz(func(t *testing.T, b []byte) {
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		if !bytes.HasSuffix(b, []byte(bundleMark)) {
			b = append(b, bundleMark...)
		}
		check(t, os.WriteFile(file, b, 0o600))
		x, err := OpenBundle(file)
		if err != nil || x == nil {
			return
		}
		for _, m := range x.Models {
			if !goodName.MatchString(m.Name) {
				t.Errorf("a model named %q", m.Name)
			}
		}
		if x.Pages != nil {
			for _, name := range []string{"/", "/index.html", "/d/e.css", "/../x", "/a%5Cb"} {
				r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1"+name, http.NoBody)
				check(t, err)
				http.FileServerFS(x.Pages).ServeHTTP(&answerOnly{}, r)
			}
		}
	})
}

// What a bundle's list says of a file's size is not believed: memory is taken for what is there.
func TestBundlesListIsNotBelieved(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: bundleIndex, Method: zip.Store, CompressedSize64: 5, UncompressedSize64: 4 << 30})
	check(t, err)
	_, err = io.WriteString(w, `["a"]`)
	check(t, err)
	check(t, z.SetComment(bundleMark))
	check(t, z.Close())
	file := filepath.Join(t.TempDir(), "program")
	check(t, os.WriteFile(file, b.Bytes(), 0o600))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = OpenBundle(file)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err == nil || used > 16<<20 {
		t.Errorf("%d MB were taken, error %v", used>>20, err)
	}
}

// FuzzTools sends any bytes as requests of programs, and as the arguments of a tool.
func FuzzTools(f *testing.F) {
	call := func(arguments string) string {
		return `{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "m", "arguments": ` + arguments + `}}`
	}
	for _, s := range []string{
		`{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}`, `{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}}`,
		call(`{"picture": "AAAA"}`), call(`{"text": "a"}`), call(`{"picture": 7}`), call("null"), call(`{"picture": "iVBORw0KGgo=", "words": -1, "seed": 1e99}`), `[]`, `{`, `[{"jsonrpc": "2.0"}]`, "", "null",
	} {
		f.Add(s)
	}
	s, err := New(context.Background(), []Source{{Name: "m", Path: pictures.export(f)}, {Name: "t", Path: texts.export(f)}}, Config{MCP: true, MaxBody: 1 << 20, MaxPixels: 1 << 18, Timeout: 10 * time.Second})
	check(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		for _, b := range []string{body, call(body)} {
			r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/mcp", bytes.NewReader([]byte(b)))
			check(t, err)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			var w answerOnly
			s.ServeHTTP(&w, r)
			if w.status >= 500 && w.status != http.StatusServiceUnavailable {
				t.Errorf("%d %s to %q", w.status, w.body.Bytes(), b)
			}
		}
	})
}

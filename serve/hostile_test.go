package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fastnb/go/fastnb/data"
)

// listening serves on a port of its own, with the limits that connections have in earnest.
func listening(t *testing.T, c Config, sources ...Source) (s *Server, addr string) {
	t.Helper()
	c.Addr = "127.0.0.1:0"
	s, err := New(context.Background(), sources, c)
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(a net.Addr) { ready <- a }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, (<-ready).String()
}

// stillAnswers fails unless others are served.
func stillAnswers(t *testing.T, addr string) {
	t.Helper()
	var a answer
	if status := ask(t, "http://"+addr+"/api/predict", bytes.NewReader(pngOf(t, square(40, 9, red))), "image/png", &a); status != 200 || a.Result != "red" {
		t.Errorf("others are not served: %d %+v", status, a)
	}
}

// Clients that send their head, or their body, a byte at a time are sent away; they hold no place in the queue, and
// others are served meanwhile.
func TestSlowClients(t *testing.T) {
	defer func(head, body time.Duration) { headTime, bodyTime = head, body }(headTime, bodyTime)
	headTime, bodyTime = 300*time.Millisecond, 600*time.Millisecond
	s, addr := listening(t, Config{MaxQueue: 2}, Source{Name: "m", Path: pictures.export(t)})
	var wg sync.WaitGroup
	for _, head := range []string{"", "POST /analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: 5000\r\n\r\n"} {
		for range 10 {
			wg.Go(func() {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				_, err = io.WriteString(c, head)
				began := time.Now()
				for err == nil && time.Since(began) < 10*time.Second {
					time.Sleep(50 * time.Millisecond)
					_, err = c.Write([]byte("X"))
				}
				if err == nil {
					t.Errorf("a slow client was not sent away, after %q", head)
				}
			})
		}
	}
	time.Sleep(100 * time.Millisecond)
	if n := len(s.queue); n != 0 {
		t.Errorf("slow clients hold %d places in the queue", n)
	}
	stillAnswers(t, addr)
	wg.Wait()
	stillAnswers(t, addr)
}

// Bodies that come slowly and are large: when the server holds as much as it may, who comes is told to come again.
func TestHeldBodiesAreBounded(t *testing.T) {
	s, addr := listening(t, Config{MaxQueue: 4, MaxBody: 1 << 20}, Source{Name: "m", Path: pictures.export(t)})
	part := strings.Repeat("X", 1<<20-4096)
	var open []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", addr)
		check(t, err)
		open = append(open, c)
		_, err = fmt.Fprintf(c, "POST /analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%s", 1<<20, part)
		check(t, err)
	}
	for deadline := time.Now().Add(10 * time.Second); s.held.Load() < int64(2*len(part)) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	var e map[string]string
	if status := ask(t, "http://"+addr+"/analyze", strings.NewReader(part), "image/png", &e); status != 503 || !strings.Contains(e["error"], "being read") {
		t.Errorf("%d %v", status, e)
	}
	for _, c := range open {
		check(t, c.Close())
	}
	for deadline := time.Now().Add(10 * time.Second); s.held.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are still held", s.held.Load())
		}
	}
	stillAnswers(t, addr)
}

// Clients that go in the middle, of the body or of the answer, leave nothing behind.
func TestClientsThatGo(t *testing.T) {
	s, addr := listening(t, Config{}, Source{Name: "m", Path: pictures.export(t)})
	stillAnswers(t, addr)
	before := runtime.NumGoroutine()
	pic := pngOf(t, square(40, 9, red))
	var wg sync.WaitGroup
	for k := range 40 {
		wg.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			body := pic
			if k%2 == 0 {
				body = pic[:len(pic)/2] // in the middle of the body
			}
			_, _ = fmt.Fprintf(c, "POST /analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%s", len(pic), body)
			_ = c.Close()
		})
	}
	wg.Wait()
	stillAnswers(t, addr)
	http.DefaultClient.CloseIdleConnections()
	for deadline := time.Now().Add(20 * time.Second); len(s.queue)+len(s.reading) > 0 || runtime.NumGoroutine() > before+5; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d in the queue, %d being read, %d goroutines, %d before", len(s.queue), len(s.reading), runtime.NumGoroutine(), before)
		}
	}
}

// bombs are small files of large pictures. One has a head that tells so; the others are whole.
func bombs(t *testing.T) map[string][]byte {
	t.Helper()
	flat := image.NewPaletted(image.Rect(0, 0, 7000, 7000), color.Palette{color.Black, color.White})
	var p, j bytes.Buffer
	check(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&p, flat))
	check(t, jpeg.Encode(&j, image.NewGray(image.Rect(0, 0, 7000, 7000)), &jpeg.Options{Quality: 1}))
	return map[string][]byte{"a head": bomb(t), "a whole PNG": p.Bytes(), "a whole JPEG": j.Bytes()}
}

// A picture that would fill the memory is refused by its head: nothing of its size is allocated.
func TestBombs(t *testing.T) {
	all := bombs(t)
	_, url := start(t, Config{}, Source{Name: "m", Path: pictures.export(t)})
	pic := pngOf(t, square(40, 9, red))
	ask(t, url+"/analyze", bytes.NewReader(pic), "image/png", new(map[string]string))
	var before, after runtime.MemStats
	for name, b := range all {
		runtime.GC()
		runtime.ReadMemStats(&before)
		body, kind := form(t, "file", b)
		var e map[string]string
		status := ask(t, url+"/analyze", body, kind, &e)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; status != 413 && status != 422 || n > 20<<20 {
			t.Errorf("%s of %d bytes: %d %v, %d bytes allocated", name, len(b), status, e, n)
		}
	}
}

// A PNG whose data unpacks to far more than its head tells is read no further than the head says.
func TestBombBehindASmallHead(t *testing.T) {
	_, url := start(t, Config{}, Source{Name: "m", Path: pictures.export(t)})
	flat := image.NewPaletted(image.Rect(0, 0, 7000, 7000), color.Palette{color.Black})
	var p bytes.Buffer
	check(t, png.Encode(&p, flat))
	b := p.Bytes()
	head := b[12:29]
	binary.BigEndian.PutUint32(head[4:], 40)
	binary.BigEndian.PutUint32(head[8:], 40)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(head))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body, kind := form(t, "file", b)
	var e map[string]string
	status := ask(t, url+"/analyze", body, kind, &e)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; status != 200 && status != 422 || n > 20<<20 {
		t.Errorf("%d %v, %d bytes allocated", status, e, n)
	}
}

// A body of 100 MB is refused after the first 10, of which the server keeps no more than those.
func TestLargeBody(t *testing.T) {
	_, addr := listening(t, Config{}, Source{Name: "m", Path: pictures.export(t)})
	for _, sized := range []bool{true, false} {
		var sent atomic.Int64
		r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/analyze", io.LimitReader(counted{&sent}, 100<<20))
		check(t, err)
		r.Header.Set("Content-Type", "image/png")
		if sized {
			r.ContentLength = 100 << 20
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil { // the connection may be gone while the client still sends
			if n := sent.Load(); n > 40<<20 {
				t.Errorf("%d bytes were taken: %v", n, err)
			}
			continue
		}
		var e map[string]string
		check(t, json.NewDecoder(resp.Body).Decode(&e))
		_ = resp.Body.Close()
		if n := sent.Load(); resp.StatusCode != 413 || n > 40<<20 {
			t.Errorf("%d %v, after %d bytes", resp.StatusCode, e, n)
		}
	}
	stillAnswers(t, addr)
}

// counted counts the bytes that are read of it.
type counted struct{ n *atomic.Int64 }

func (c counted) Read(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}

// Pictures that decoders stumble over: JPEGs of four components, of one, turned, cut off; each is an answer or says why
// not.
func TestOddPictures(t *testing.T) {
	s, url := start(t, Config{}, Source{Name: "m", Path: pictures.export(t)})
	m, done := s.store.byName["m"].use()
	defer done()
	library := m.Data().Kind().(data.BytesOpener)
	files, err := filepath.Glob(filepath.Join("..", "fastnb", "vision", "testdata", "*.jpg"))
	check(t, err)
	more, err := filepath.Glob(filepath.Join("..", "fastnb", "vision", "jpeg", "testdata", "*.jpg"))
	check(t, err)
	if files = append(files, more...); len(files) < 5 {
		t.Fatalf("%d files", len(files))
	}
	four := 0
	for _, f := range files {
		whole, err := os.ReadFile(f)
		check(t, err)
		if strings.Contains(f, "cmyk") {
			four++
		}
		for _, b := range [][]byte{whole, whole[:len(whole)/2], whole[:20]} {
			body, kind := form(t, "file", b)
			var e map[string]string
			status := ask(t, url+"/analyze", body, kind, &e)
			_, opens := library.OpenBytes(b)
			if opens == nil != (status == 200) || status >= 500 || (status == 200) != (e["error"] == "") {
				t.Errorf("%s, %d of %d bytes: %d %v; the library: %v", f, len(b), len(whole), status, e, opens)
			}
		}
	}
	if four == 0 {
		t.Error("no picture of four components among them")
	}
}

// A program that is told to end while many ask answers what it has taken, and takes nothing more.
func TestTermUnderLoad(t *testing.T) {
	bin := program(t)
	if runtime.GOOS == "windows" {
		t.Skip("there is no such signal")
	}
	r := run(t, exec.Command(bin, "serve", "m="+pictures.export(t).String(), "--addr", "127.0.0.1:0", "--quiet"))
	pic := pngOf(t, square(40, 9, red))
	addr := strings.TrimSuffix(strings.TrimPrefix(r.url, "http://"), "/")
	var taken, answered atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					return // it takes nothing more
				}
				_, err = fmt.Fprintf(c, "POST /analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%s", len(pic), pic)
				if err != nil {
					_ = c.Close()
					return
				}
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err == nil {
					taken.Add(1)
					b, err := io.ReadAll(resp.Body)
					if err == nil && resp.StatusCode == 200 && bytes.Contains(b, []byte("red")) {
						answered.Add(1)
					} else {
						t.Errorf("%d %s %v", resp.StatusCode, b, err)
					}
				}
				_ = c.Close()
			}
		})
	}
	for deadline := time.Now().Add(30 * time.Second); answered.Load() < 20 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	check(t, r.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-r.ended:
		if err != nil {
			t.Errorf("it ended with %v\n%s", err, r.stderr)
		}
	case <-time.After(30 * time.Second):
		t.Error("it does not end")
	}
	wg.Wait()
	if taken.Load() != answered.Load() || answered.Load() < 20 {
		t.Errorf("%d taken, %d answered", taken.Load(), answered.Load())
	}
}

// FuzzAnalyze sends whatever comes as a form, a picture or a text: the answer is one of few statuses, JSON, and
// nobody is hurt.
func FuzzAnalyze(f *testing.F) {
	pic := pngOf(f, square(40, 9, red))
	var j bytes.Buffer
	check(f, jpeg.Encode(&j, square(40, 9, blue), nil))
	for _, b := range [][]byte{pic, j.Bytes(), []byte("GIF89a"), []byte("RIFF\x10\x00\x00\x00WEBPVP8 "), []byte("II*\x00\x08\x00\x00\x00"), []byte("BM"), nil} {
		f.Add(b, uint8(0))
		f.Add(b, uint8(1))
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	check(f, w.SetBoundary("fuzz"))
	p, err := w.CreateFormFile("file", "x.png")
	check(f, err)
	_, err = p.Write(pic)
	check(f, err)
	check(f, w.Close())
	f.Add(form.Bytes(), uint8(2))
	f.Add([]byte(`{"text": "a"}`), uint8(3))
	f.Add([]byte("a text"), uint8(4))
	s, err := New(context.Background(), []Source{{Name: "m", Path: pictures.export(f)}, {Name: "t", Path: texts.export(f)}}, Config{MaxBody: 1 << 20, MaxPixels: 1 << 18, Timeout: 10 * time.Second})
	check(f, err)
	kinds := []string{"image/png", "application/octet-stream", "multipart/form-data; boundary=fuzz", "application/json", "text/plain"}
	f.Fuzz(func(t *testing.T, b []byte, kind uint8) {
		for _, to := range []string{"/analyze", "/api/models/t/predict"} {
			r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1"+to, bytes.NewReader(b))
			check(t, err)
			r.Header.Set("Content-Type", kinds[int(kind)%len(kinds)])
			var w answerOnly
			s.ServeHTTP(&w, r)
			var v map[string]any
			if err := json.Unmarshal(w.body.Bytes(), &v); err != nil || w.status == 0 || w.status >= 500 && w.status != 503 || (w.status == 200) != (v["error"] == nil) {
				t.Errorf("%s: %d %s %v", to, w.status, w.body.Bytes(), err)
			}
		}
	})
}

// answerOnly keeps an answer.
type answerOnly struct {
	status int
	head   http.Header
	body   bytes.Buffer
}

func (a *answerOnly) Header() http.Header {
	if a.head == nil {
		a.head = http.Header{}
	}
	return a.head
}
func (a *answerOnly) WriteHeader(status int)      { a.status = status }
func (a *answerOnly) Write(b []byte) (int, error) { return a.body.Write(b) }

package interp

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestInterruptWhatWaits(t *testing.T) {
	s := printing(t)
	for _, code := range []string{
		"time.Sleep(time.Hour)", "<-make(chan int)", "make(chan int) <- 1", "select {}", "for range make(chan int) { }",
		"select {\ncase <-make(chan int):\n}", "for { func() { defer func() { recover() }(); for { } }() }", "$ sleep 1000",
	} {
		ctx, cancel := context.WithCancel(context.Background())
		var stop time.Time
		time.AfterFunc(50*time.Millisecond, func() { stop = time.Now(); cancel() })
		r := s.Run(ctx, code, RunOptions{}, &recorder{})
		if r.Err == nil || !r.Err.Interrupted {
			t.Errorf("%q: error %v", code, r.Err)
		}
		if d := time.Since(stop); d > 30*time.Second {
			t.Errorf("%q stopped after %v", code, d)
		}
	}
	r := s.Run(context.Background(), "1+1", RunOptions{}, &recorder{})
	if r.Err != nil || r.Data["text/plain"] != "2" {
		t.Errorf("afterwards: %v %v", r.Data, r.Err)
	}
}

// stoppable is a session with a function stopNow for its cells, which interrupts the one that calls it.
func stoppable(t *testing.T) *Session {
	t.Helper()
	s := printing(t)
	s.do(func() { s.e.DeclFunc("stopNow", s.Interrupt) })
	return s
}

// cells runs cells that must do, and gives what the last one shows.
func cells(t *testing.T, s *Session, codes ...string) (last string) {
	t.Helper()
	for _, code := range codes {
		r := s.Run(context.Background(), code, RunOptions{}, &recorder{})
		if r.Err != nil {
			t.Fatalf("%s\n%v", code, r.Err)
		}
		last = format(r.Data["text/plain"])
	}
	return last
}

// stops runs a cell that must end by an interrupt, soon.
func stops(t *testing.T, s *Session, code string) {
	t.Helper()
	start := time.Now()
	if r := s.Run(context.Background(), code, RunOptions{}, &recorder{}); r.Err == nil || !r.Err.Interrupted {
		t.Errorf("%s\nends with %v", code, r.Err)
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("%s\nended after %v", code, d)
	}
}

// pictures is a folder with two classes of n small pictures each.
func pictures(t *testing.T, n int) string {
	t.Helper()
	t.Setenv("FASTNB_HOME", t.TempDir())
	dir := t.TempDir()
	for i := range 2 * n {
		m := image.NewRGBA(image.Rect(0, 0, 16, 16))
		for k := range m.Pix {
			m.Pix[k] = uint8(k*(i+3) + 100*(i%2))
		}
		m.Set(i%16, i%16, color.White)
		var b bytes.Buffer
		sub := filepath.Join(dir, string(rune('a'+i%2)))
		if err := os.MkdirAll(sub, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprint(i, ".png")), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestInterruptFit: a fit ends within the batch, whatever of it runs; weights and recorder are usable, and
// the learner goes on.
func TestInterruptFit(t *testing.T) {
	dir := pictures(t, 12)
	s := stoppable(t)
	cells(t, s,
		"data := ImageListFromFolder(NewPath(\""+filepath.ToSlash(dir)+"\")).SplitByRandPct(.25).LabelFromFolder().Transform(nil, Size(16)).DataBunch(BS(4))",
		"learn := CNNLearner(data, models.ResNet18, Pretrained(false), Metrics(Accuracy()))",
		"n := 0\nstopAt := func(k int) func(*Learner) error { return func(*Learner) error { n++; if n == k { stopNow() }; return nil } }")
	for _, c := range []struct{ callback, want string }{
		{"AfterStep: stopAt(3)", "3 3"},
		{"BeforeBatch: stopAt(3)", "2 3"},
		{"BeforeEpoch: stopAt(2)", "4 2"},
		{"AfterEpoch: stopAt(1)", "4 1"},
	} {
		if testing.Short() && !strings.HasPrefix(c.callback, "AfterStep") {
			continue
		}
		stops(t, s, "n = 0\nlearn.Fit(1000, LR(.001), Callbacks(Callback{Name: \"stop\", "+c.callback+"}))")
		if got := cells(t, s, "fmt.Sprint(len(learn.Recorder.Losses), n)"); got != c.want {
			t.Errorf("%s: losses and calls are %s, want %s", c.callback, got, c.want)
		}
		if got := cells(t, s, "w := learn.Validate()\nlearn.Recorder.PlotLosses()\nlen(w) == 2 && !math.IsNaN(w[0])"); got != "true" {
			t.Errorf("%s: afterwards the learner validates: %s", c.callback, got)
		}
	}
	stops(t, s, "learn.LRFind(Callbacks(Callback{Name: \"stop\", AfterStep: func(*Learner) error { stopNow(); return nil }}))")
	stops(t, s, "func() { defer func() { recover() }(); learn.Fit(1000, LR(.001), Callbacks(Callback{Name: \"stop\", AfterStep: stopAt(n+2)})) }()\nfor { }")
	if got := cells(t, s, "learn.FitOneCycle(1, LR(.001))\nlen(learn.Recorder.Losses)"); got != "4" {
		t.Errorf("afterwards a cycle has %s losses, want 4", got)
	}
}

// TestInterruptLoader: a walk through batches ends also while it waits for an item that does not come.
func TestInterruptLoader(t *testing.T) {
	mkfifo, err := exec.LookPath("mkfifo")
	if err != nil {
		t.Skip("no named pipes here")
	}
	dir := pictures(t, 8)
	s := stoppable(t)
	for _, f := range []string{"a/100.png", "b/101.png"} { // reading them waits for ever
		if out, err := exec.Command(mkfifo, filepath.Join(dir, f)).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	}
	cells(t, s, "data := ImageListFromFolder(NewPath(\""+dir+"\")).SplitNone().LabelFromFolder().Transform(nil, Size(16)).DataBunch(BS(2))")
	later := "time.AfterFunc(100*time.Millisecond, stopNow)\n"
	stops(t, s, later+"seen := 0\ndata.Batches(cell.Context(), Train, func(*Batch) error { seen++; return nil })")
	stops(t, s, later+"import \"context\"\ndata.Batches(context.Background(), Train, func(*Batch) error { return nil })")
	stops(t, s, later+"learn := CNNLearner(data, models.ResNet18, Pretrained(false))\nlearn.Fit(1000, LR(.001))")
	if got := cells(t, s, "seen < 8"); got != "true" {
		t.Error("all batches came")
	}
}

// TestInterruptDownload: a slow download ends at once, keeps what came, and goes on from there.
func TestInterruptDownload(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "")
	t.Setenv("FASTNB_MIRROR", "")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	tw := tar.NewWriter(z)
	rose := bytes.Repeat([]byte("a rose is a rose, "), 1000)
	_ = tw.WriteHeader(&tar.Header{Name: "flowers/a.txt", Typeflag: tar.TypeReg, Size: int64(len(rose)), Mode: 0o644})
	_, _ = tw.Write(rose)
	_ = tw.Close()
	_ = z.Close()
	half := packed.Len() / 2
	var slow atomic.Bool
	var from atomic.Value // the part of the file that was asked for last
	slow.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from.Store(r.Header.Get("Range"))
		if slow.Load() {
			w.Header().Set("Content-Length", fmt.Sprint(packed.Len()))
			_, _ = w.Write(packed.Bytes()[:half])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		http.ServeContent(w, r, "flowers.tgz", time.Time{}, bytes.NewReader(packed.Bytes()))
	}))
	defer server.Close()
	s := stoppable(t)
	get := "UntarData(URL{Name: \"flowers\", Address: \"" + server.URL + "/flowers.tgz\"})"
	stops(t, s, "time.AfterFunc(200*time.Millisecond, stopNow)\n"+get)
	slow.Store(false)
	if got := cells(t, s, "p := "+get+"\nrose := os.ReadFile(p.Join(\"a.txt\").String())\nlen(rose)"); got != fmt.Sprint(len(rose)) || from.Load() != fmt.Sprintf("bytes=%d-", half) {
		t.Errorf("the next try gives %s bytes and asks for %q", got, from.Load())
	}
}

// TestInterruptCommand: a command ends with the programs that it has started.
func TestInterruptCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	s := stoppable(t)
	file := filepath.Join(t.TempDir(), "alive")
	script := filepath.Join(t.TempDir(), "run.sh")
	for _, c := range []string{"", "trap '' INT\n"} { // one that would not end by itself too
		text := c + "(while :; do echo x >>" + file + "; sleep 0.1; done) &\nwait\n"
		if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(file) // of the round before
		ctx, cancel := context.WithCancel(context.Background())
		go func() { // once what it started is at work
			for st, err := os.Stat(file); err != nil || st.Size() == 0; st, err = os.Stat(file) {
				time.Sleep(10 * time.Millisecond)
			}
			cancel()
		}()
		if r := s.Run(ctx, "$ sh "+script, RunOptions{}, &recorder{}); r.Err == nil || !r.Err.Interrupted {
			t.Errorf("ends with %v", r.Err)
		}
		size := func() int64 {
			st, err := os.Stat(file)
			if err != nil {
				return 0
			}
			return st.Size()
		}
		before := size()
		time.Sleep(500 * time.Millisecond)
		if after := size(); after != before || before == 0 {
			t.Errorf("with %q what the command started goes on: %d bytes, then %d", c, before, after)
		}
	}
	if got := cells(t, s, "1+1"); !strings.Contains(got, "2") {
		t.Error("afterwards", got)
	}
}

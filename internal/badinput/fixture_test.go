package badinput

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/vision"
)

// desk is where a mistake is made: a small data set and a home of its own.
type desk struct {
	t     *testing.T
	dir   string // holds planet/ and home/
	tiles datasets.Path
	urls  []string // of servers, for them to be left out of messages
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir()}
	t.Setenv("FASTNB_HOME", filepath.Join(d.dir, "home"))
	t.Setenv("FASTNB_MIRROR", "")
	t.Setenv("FASTNB_OFFLINE", "")
	d.tiles = datasets.NewPath(d.dir, "planet")
	table := "image_name,tags\n"
	for k := range 20 {
		d.write("planet/train-jpg/train_"+strconv.Itoa(k)+".jpg", tile(k))
		table += fmt.Sprintf("train_%d,%s\n", k, []string{"clear", "clear water"}[k%2])
	}
	d.write("planet/train_v2.csv", []byte(table))
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) write(name string, b []byte) {
	d.t.Helper()
	f := filepath.Join(d.dir, name)
	d.must(os.MkdirAll(filepath.Dir(f), 0o777))
	d.must(os.WriteFile(f, b, 0o666))
}

func (d *desk) read(name string) []byte {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, name))
	d.must(err)
	return b
}

// repo reads a file of the project.
func (d *desk) repo(name string) []byte {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	d.must(err)
	return b
}

// tile is a picture whose colour tells its number.
func tile(k int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 24, 24))
	for p := range 24 * 24 {
		m.Set(p%24, p/24, color.RGBA{uint8(40 + 200*(k%2)), uint8(p * 7), uint8(k * 9), 255})
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, m, nil) // into memory
	return b.Bytes()
}

// list is the lesson's data block on the small set.
func (d *desk) list(o ...data.FromOption) *data.ItemList {
	return vision.ImageListFromCSV(d.tiles, "train_v2.csv", append([]data.FromOption{data.Folder("train-jpg"), data.Suffix(".jpg")}, o...)...)
}

func (d *desk) bunch(o ...data.BunchOption) (*data.DataBunch, error) {
	return d.list().SplitByRandPct(.2).LabelFromTable(data.LabelDelim(" ")).Transform(nil, data.Size(16)).Normalize(vision.ImageNetStats).DataBunch(o...)
}

func (d *desk) learner(arch models.Arch) *fastnb.Learner {
	d.t.Helper()
	b, err := d.bunch(data.BS(4))
	d.must(err)
	l, err := vision.CNNLearner(b, arch, fastnb.Pretrained(false), fastnb.Silent(true))
	d.must(err)
	return l
}

// serve gives the address of a server that stops with the test.
func (d *desk) serve(h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	d.t.Cleanup(s.Close)
	d.urls = append(d.urls, s.URL)
	return s.URL
}

// archive is a packed folder of one file.
func archive(head tar.Header, body string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	head.Size, head.Mode = int64(len(body)), 0o644
	_ = w.WriteHeader(&head) // all into memory
	_, _ = w.Write([]byte(body))
	_ = w.Close()
	_ = z.Close()
	return b.Bytes()
}

// clean leaves out of a message what differs from run to run and machine to machine.
func (d *desk) clean(msg string) string {
	for _, u := range d.urls {
		msg = strings.ReplaceAll(msg, u, "https://example.org")
	}
	return strings.ReplaceAll(msg, d.dir, "/there")
}

// screen keeps what a cell displays.
type screen struct {
	mu    sync.Mutex
	texts []string
	shown chan struct{} // gets a value with each display that waits for another process
}

func (s *screen) Display(b, _ cell.Bundle, _ string, _ bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprint(b["text/plain"])
	s.texts = append(s.texts, text)
	if strings.Contains(text, "waiting") && s.shown != nil {
		close(s.shown)
		s.shown = nil
	}
	return nil
}

func (s *screen) ClearOutput(bool) error { return nil }

// interruptAfter runs f as a cell that is interrupted after a while.
func interruptAfter(wait time.Duration, f func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	defer cell.Enter(ctx, &screen{})()
	return f()
}

package datasets

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fastnb/go/cell"
)

// at sets a fresh home and the variables that decide where data comes from.
func at(t *testing.T, mirror, offline string) string {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	t.Setenv("FASTNB_HOME", home)
	t.Setenv("FASTNB_MIRROR", mirror)
	t.Setenv("FASTNB_OFFLINE", offline)
	return home
}

// flaky serves body, breaking off after each cut bytes, and counts what it was asked for.
type flaky struct {
	body   []byte
	cut    int
	ranges []string
	tag    string
	asked  atomic.Int64
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	f.ranges = append(f.ranges, r.Header.Get("Range"))
	from := 0
	tag := f.tag
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	if rg := r.Header.Get("Range"); rg != "" && (r.Header.Get("If-Range") == "" || r.Header.Get("If-Range") == tag) {
		if _, err := fmt.Sscanf(rg, "bytes=%d-", &from); err != nil || from >= len(f.body) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(f.body)-1, len(f.body)))
		w.Header().Set("Content-Length", fmt.Sprint(len(f.body)-from))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(len(f.body)))
	}
	to := len(f.body)
	if f.cut > 0 {
		to = min(to, from+f.cut)
	}
	_, _ = w.Write(f.body[from:to])
	if to < len(f.body) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler) // breaks the connection
	}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func hexMD5(b []byte) string {
	s := md5.Sum(b[:min(len(b), md5Head)])
	return hex.EncodeToString(s[:])
}

func TestDownloadGoesOn(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 100_000) // 1.6 MB: more than the checked head
	srv := &flaky{body: body, cut: 600_000, tag: `"v1"`}
	dest := filepath.Join(t.TempDir(), "x.tgz")
	f := file{address: serve(t, srv) + "/x.tgz", dest: dest, size: int64(len(body)), md5: hexMD5(body)}
	if err := download(context.Background(), f); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(dest); !bytes.Equal(got, body) {
		t.Error("the file differs")
	}
	if want := []string{"", "bytes=600000-", "bytes=1200000-"}; !slices.Equal(srv.ranges, want) {
		t.Errorf("asked for %q, want %q", srv.ranges, want)
	}
	if err := download(context.Background(), f); err != nil || srv.asked.Load() != 3 {
		t.Error("a whole file is not fetched again", err)
	}
	left, _ := filepath.Glob(dest + ".*")
	if len(left) > 0 {
		t.Error("left behind:", left)
	}
}

func TestDownloadStartsAnewWhenTheFileChanged(t *testing.T) {
	srv := &flaky{body: []byte("new content"), tag: `"v2"`}
	dest := filepath.Join(t.TempDir(), "x")
	put(t, dest+".part", []byte("old"))
	put(t, dest+".part.tag", []byte(`"v1"`))
	if err := download(context.Background(), file{address: serve(t, srv), dest: dest}); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(dest); string(got) != "new content" {
		t.Errorf("%q", got)
	}
}

func TestDownloadErrors(t *testing.T) {
	ok := serve(t, &flaky{body: []byte("content")})
	gone := serve(t, http.NotFoundHandler())
	hang := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	cases := map[string]struct {
		f           file
		want        string
		unavailable bool
	}{
		"size":    {file{address: ok, size: 8}, "the server announces 7 bytes, expected 8", false},
		"md5":     {file{address: ok, md5: "00"}, "wrong checksum: MD5", false},
		"sha256":  {file{address: ok, sha256: "00000000"}, "wrong checksum: SHA-256 starts with", false},
		"gone":    {file{address: gone}, "404", true},
		"refused": {file{address: "http://127.0.0.1:1/x"}, "refused", true},
		"address": {file{address: "http://[bad"}, "bad", false},
		"hangs":   {file{address: hang}, "interrupted", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			patience := time.Minute
			if name == "hangs" {
				patience = 500 * time.Millisecond
			}
			ctx, stop := context.WithTimeout(context.Background(), patience)
			defer stop()
			c.f.dest = filepath.Join(t.TempDir(), "x")
			err := download(ctx, c.f)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if errors.Is(err, ErrUnavailable) != c.unavailable {
				t.Errorf("unavailable: %v", !c.unavailable)
			}
			if _, err := os.Stat(c.f.dest); !errors.Is(err, fs.ErrNotExist) {
				t.Error("a wrong file was put in place")
			}
		})
	}
}

func TestInterruptKeepsThePart(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 100_000)
	ctx, stop := context.WithCancel(context.Background())
	dest := filepath.Join(t.TempDir(), "x")
	srv := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:50_000])
		w.(http.Flusher).Flush()
		for st, err := os.Stat(dest + ".part"); r.Context().Err() == nil && (err != nil || st.Size() < 50_000); st, err = os.Stat(dest + ".part") {
			time.Sleep(time.Millisecond)
		}
		stop()
		<-r.Context().Done()
	})
	err := download(ctx, file{address: serve(t, srv), dest: dest})
	if !errors.Is(err, cell.ErrInterrupted) {
		t.Fatal(err)
	}
	if st, err := os.Stat(dest + ".part"); err != nil || st.Size() != 50_000 {
		t.Error("the part is not kept", err)
	}
}

func TestGetDataFromMirrorFolder(t *testing.T) {
	mirrors := t.TempDir()
	put(t, filepath.Join(mirrors, "planet.tgz"), gzipOf(t, tarOf(t, entry{name: "planet/train_v2.csv", body: "image_name,tags\n"})))
	put(t, filepath.Join(mirrors, "mine.zip"), zipOf(t, entry{name: "a.txt", body: "A"}, entry{name: "b.txt", body: "B"}))
	for _, offline := range []string{"", "1"} {
		home := at(t, mirrors, offline)
		killed := put(t, filepath.Join(home, "data", ".unpack-planet.123", "half"), nil)
		p, err := GetData("planet", Tiles(5))
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(home, "data", "planet"); p.String() != want || !p.Join("train_v2.csv").Exists() {
			t.Errorf("path %s", p)
		}
		if killed.Exists() {
			t.Error("what a killed process left is still there")
		}
		if got := Source(p.Join("train_v2.csv")); got != "mirror" {
			t.Errorf("source %q", got)
		}
		if p, err := GetData("mine"); err != nil || !p.Join("b.txt").Exists() {
			t.Error("a name that the catalogue lacks", p, err)
		}
	}
}

func TestGetDataFromAddress(t *testing.T) {
	archive := gzipOf(t, tarOf(t, entry{name: "flowers/rose.jpg", body: "r"}))
	u := URL{Address: serve(t, &flaky{body: archive}) + "/flowers.tgz?x=1", Size: int64(len(archive)), MD5: hexMD5(archive)}
	home := at(t, "", "")
	p, err := UntarData(u)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name() != "flowers" || !p.Join("rose.jpg").Exists() || Source(p) != "real" {
		t.Error(p, Source(p))
	}
	if left, _ := filepath.Glob(filepath.Join(home, "data", "*.tgz*")); len(left) > 0 {
		t.Error("the archive is left:", left)
	}
	t.Setenv("FASTNB_MIRROR", serve(t, &flaky{body: gzipOf(t, tarOf(t, entry{name: "x", body: "y"}))}))
	if p, err := GetData("other"); err != nil || Source(p) != "mirror" || !p.Join("x").Exists() {
		t.Error("a mirror may be an address", p, err)
	}
}

func TestGetDataErrors(t *testing.T) {
	noFolder := filepath.Join(t.TempDir(), "none")
	evil := t.TempDir()
	put(t, filepath.Join(evil, "planet.tgz"), gzipOf(t, tarOf(t, entry{name: "../../evil", body: "x"})))
	cases := map[string]struct{ name, mirror, offline, want string }{
		"kaggle":        {"planet", "", "", "kaggle competitions download"},
		"unknown":       {"nosuch", "", "", "no data set of that name"},
		"offline":       {"planet_tiny", "", "1", "FASTNB_OFFLINE is set"},
		"bad name":      {"../x", "", "", "is not a name"},
		"empty name":    {"", "", "", "is not a name"},
		"mirror is not": {"planet", noFolder, "", "is not a folder"},
		"hostile":       {"planet", evil, "", "points out"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			home := at(t, c.mirror, c.offline)
			p, err := GetData(c.name)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "fastnb: get data: ") {
				t.Errorf("%v: error %v, want %q in it", p, err, c.want)
			}
			if filled(Path{filepath.Join(home, "data", c.name)}) && c.name != "" && c.name != "../x" {
				t.Error("half a data set is left")
			}
		})
	}
}

func TestGetDataOfflineDrawsTheTwin(t *testing.T) {
	home := at(t, "", "1")
	if _, err := DataPath("planet"); err != nil { // an empty folder is no data
		t.Fatal(err)
	}
	p, err := GetData("planet", Tiles(40))
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != filepath.Join(home, "data", "planet-twin") || Source(p) != "twin" {
		t.Error(p, Source(p))
	}
	rows, err := p.Join("train_v2.csv").ReadLines()
	if err != nil || len(rows) != 41 || rows[0] != "image_name,tags" || rows[1] != "train_0,haze primary" {
		t.Fatal(rows[:2], err)
	}
	first, _ := os.ReadFile(p.Join("train-jpg", "train_7.jpg").String())
	if m, err := jpeg.Decode(bytes.NewReader(first)); err != nil || m.Bounds().Dx() != 256 || m.Bounds().Dy() != 256 {
		t.Fatal("tile", err)
	}
	if _, err := GetData("planet", Tiles(60)); err != nil { // longer: what is there stays the same
		t.Fatal(err)
	}
	again, _ := p.Join("train_v2.csv").ReadLines()
	if len(again) != 61 || !slices.Equal(again[:41], rows) {
		t.Error("the first rows changed")
	}
	if l, err := p.Join("train-jpg").Ls(); err != nil || l.Len() != 60 {
		t.Error(l.Len(), err)
	}
	for _, sub := range []string{"test-jpg", "test-jpg-additional"} {
		if l, err := p.Join(sub).Ls(); err != nil || l.Len() < 5 {
			t.Error(sub, l.Len(), err)
		}
	}
	at(t, "", "") // another home
	q, err := GetData("planet", UseTwin(true), Tiles(60))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(q.Join("train-jpg", "train_7.jpg").String()); !bytes.Equal(got, first) {
		t.Error("the same tile is drawn differently")
	}
}

// A twin stands in only where asked, only for what cannot be had, and a banner says so.
func TestOrTwin(t *testing.T) {
	home := at(t, "", "")
	if _, err := GetData("planet", Tiles(5)); err == nil {
		t.Error("a twin stood in unasked")
	}
	var shown shownText
	defer cell.Enter(context.Background(), &shown)()
	for _, offline := range []string{"", "1"} {
		t.Setenv("FASTNB_OFFLINE", offline)
		shown = ""
		p, err := GetData("planet", Tiles(5), OrTwin())
		if err != nil || p.String() != filepath.Join(home, "data", "planet-twin") {
			t.Fatal(p, err)
		}
		for _, want := range []string{"Generated data: planet cannot be had here", "kaggle competitions download"} {
			if !strings.Contains(string(shown), want) {
				t.Errorf("offline %q: the banner lacks %q: %s", offline, want, shown)
			}
		}
	}
	evil := t.TempDir()
	put(t, filepath.Join(evil, "planet.tgz"), gzipOf(t, tarOf(t, entry{name: "../../evil", body: "x"})))
	t.Setenv("FASTNB_MIRROR", evil)
	if _, err := GetData("planet", OrTwin()); err == nil {
		t.Error("a twin stood in for an archive that is wrong")
	}
	if _, err := GetData("wikitext-2", OrTwin()); !errors.Is(err, ErrUnavailable) {
		t.Error("what has no twin:", err)
	}
}

// shownText is a cell's output as plain text.
type shownText string

func (s *shownText) Display(data, _ cell.Bundle, _ string, _ bool) error {
	*s += shownText(fmt.Sprint(data["text/plain"]))
	return nil
}
func (s *shownText) ClearOutput(bool) error { return nil }

// The sample's twin has the sample's layout and the tiles of the large one.
func TestPlanetSampleTwin(t *testing.T) {
	at(t, "", "1")
	p, err := GetData("planet_sample", Tiles(6))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := p.Join("labels.csv").ReadLines()
	if err != nil || len(rows) != 7 || rows[1] != "train_0,haze primary" {
		t.Fatal(rows, err)
	}
	if l, err := p.Join("train").Ls(); err != nil || l.Len() != 6 {
		t.Error(l.Len(), err)
	}
}

// TestPlanetTags holds the twin's tags to the real set's frequencies (train_v2.csv).
func TestPlanetTags(t *testing.T) {
	const n = 20_000
	count := map[string]int{}
	seen := map[string]bool{}
	for i := range n {
		tags := planetTags(newCanvas(1, planetSeed, uint64(i)), i)
		for _, tag := range tags {
			count[tag]++
			if i < 100 {
				seen[tag] = true
			}
		}
		if !slices.IsSorted(tags) {
			t.Fatal(tags)
		}
	}
	if len(seen) != 17 || len(count) != 17 {
		t.Errorf("%d tags among the first 100 tiles, %d in all", len(seen), len(count))
	}
	for tag, realCount := range map[string]float64{
		"primary": 37513, "clear": 28431, "agriculture": 12315, "road": 8071, "water": 7411, "partly_cloudy": 7261,
		"cultivation": 4547, "habitation": 3660, "haze": 2697, "cloudy": 2089, "bare_ground": 862, "selective_logging": 340,
		"artisinal_mine": 339, "blooming": 332, "slash_burn": 209, "conventional_mine": 100, "blow_down": 98,
	} {
		got, want := float64(count[tag])/n, realCount/40479
		if d := got - want; d > .015+.02*want || d < -.015-.02*want {
			t.Errorf("%s: %.4f of the tiles, want %.4f", tag, got, want)
		}
	}
}

func TestInterruptedTwinGoesOn(t *testing.T) {
	at(t, "", "1")
	ctx, stop := context.WithCancel(context.Background())
	stop()
	leave := cell.Enter(ctx, nil)
	_, err := GetData("planet", Tiles(30))
	leave()
	if !errors.Is(err, cell.ErrInterrupted) {
		t.Fatal(err)
	}
	if p, err := GetData("planet", Tiles(30)); err != nil || !p.Join("train_v2.csv").Exists() {
		t.Error(err)
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 250*time.Millisecond)
	defer stop()
	if _, err := lock(ctx, name); !errors.Is(err, cell.ErrInterrupted) {
		t.Fatal("taken twice", err)
	}
	unlock()
	again, err := lock(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestExplain(t *testing.T) {
	full := explain(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "/data", 3<<20)
	if s := full.Error(); !errors.Is(full, syscall.ENOSPC) || !strings.Contains(s, "disk of /data: free at least") || !strings.Contains(s, "3.0 MB") {
		t.Error(s)
	}
	if s := explain(&fs.PathError{Op: "mkdir", Path: "x", Err: syscall.EROFS}, "/data", 0).Error(); !strings.Contains(s, "FASTNB_HOME") {
		t.Error(s)
	}
}

func TestReadOnlyHome(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	home := t.TempDir()
	if err := os.Chmod(home, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FASTNB_HOME", filepath.Join(home, "x"))
	if _, err := GetData("planet"); err == nil || !strings.Contains(err.Error(), "try setting FASTNB_HOME") {
		t.Error(err)
	}
}

func TestWeights(t *testing.T) {
	body := []byte("weights")
	sum := sha256.Sum256(body)
	name := "net-" + hex.EncodeToString(sum[:4]) + ".pth"
	srv := &flaky{body: body}
	address := serve(t, srv) + "/" + name
	at(t, "", "")
	for range 2 {
		p, err := Weights(address, "")
		if err != nil || p.Name() != name || !p.Exists() {
			t.Fatal(p, err)
		}
	}
	if srv.asked.Load() != 1 {
		t.Error("fetched twice")
	}
	if _, err := Weights(strings.Replace(address, "net-", "bad-0", 1), "12345678"); err == nil || !strings.Contains(err.Error(), "wrong checksum") {
		t.Error(err)
	}
	at(t, "", "1")
	if _, err := Weights(address, ""); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, name), body)
	at(t, dir, "1")
	if p, err := Weights(address, ""); err != nil || p.Parent().String() != dir {
		t.Error("weights in the mirror", p, err)
	}
}

func TestSampleData(t *testing.T) {
	dir := NewPath(t.TempDir(), "tiles")
	if err := SampleData("planet", dir, 20); err != nil || !dir.Join("train_v2.csv").Exists() || Source(dir) != "twin" {
		t.Fatal(err)
	}
	if err := SampleData("planet", dir, 20); err != nil {
		t.Error("once more", err)
	}
	other := t.TempDir()
	put(t, filepath.Join(other, "mine"), nil)
	if err := SampleData("planet", Path{other}, 3); err == nil {
		t.Error("a folder with something in it must be refused")
	}
	if err := SampleData("nosuch", dir, 3); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}

// shown collects what a cell shows.
type shown struct{ displays, updates []cell.Bundle }

func (s *shown) Display(data, _ cell.Bundle, _ string, update bool) error {
	if update {
		s.updates = append(s.updates, data)
	} else {
		s.displays = append(s.displays, data)
	}
	return nil
}

func (s *shown) ClearOutput(bool) error { return nil }

func TestDownloadShowsABar(t *testing.T) {
	const n = 1000
	srv := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(2*n))
		_, _ = w.Write(make([]byte, n))
		w.(http.Flusher).Flush()
		time.Sleep(500*time.Millisecond + 100*time.Millisecond)
		_, _ = w.Write(make([]byte, n))
	})
	s := &shown{}
	leave := cell.Enter(context.Background(), s)
	defer leave()
	if err := download(context.Background(), file{address: serve(t, srv), dest: filepath.Join(t.TempDir(), "x.tgz")}); err != nil {
		t.Fatal(err)
	}
	if len(s.displays) != 1 || len(s.updates) < 1 {
		t.Fatalf("%d displays, %d updates", len(s.displays), len(s.updates))
	}
	last := s.updates[len(s.updates)-1]
	if last["text/plain"] != "downloading x.tgz: 100% of 2 kB" || !strings.Contains(last["text/html"].(string), `<progress value="2000" max="2000"`) {
		t.Error(last)
	}
}

// Every data set of the catalogue that is fetched comes over https, with a size and a sum.
func TestCatalogueIsChecked(t *testing.T) {
	for _, u := range Catalogue() {
		if u.Address == "" {
			continue
		}
		if !strings.HasPrefix(u.Address, "https://") {
			t.Errorf("%s comes from %s", u.Name, u.Address)
		}
		if u.Size == 0 || u.MD5 == "" {
			t.Errorf("%s has no size or no sum", u.Name)
		}
	}
}

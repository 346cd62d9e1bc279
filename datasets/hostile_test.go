package datasets

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func symlink(name, target string) entry {
	return entry{name: name, kind: tar.TypeSymlink, target: target}
}

// ladder climbs n folders by links that lead through one another, each of which looks harmless.
func ladder(n int, last entry) []entry {
	es := []entry{symlink("u0", ".")}
	for i := 1; i <= n; i++ {
		es = append(es, symlink(fmt.Sprintf("u%d", i), fmt.Sprintf("u%d/..", i-1)))
	}
	return append(es, last)
}

// Links that lead out, alone or together, seen from the folder that becomes the data set.
var hostileLinks = map[string][]entry{
	"ladder":          ladder(8, symlink("history.csv", "u8/evil/history.csv")),
	"ladder models":   ladder(3, symlink("models", "u3/evil")),
	"ladder, file":    ladder(3, entry{name: "u3/evil/f", body: "x"}),
	"ladder, names":   {symlink("a", "b/c"), symlink("b", "."), entry{name: "top/x", body: "x"}, symlink("top/models", "../../x")},
	"dropped top":     {entry{name: "set/a", body: "A"}, symlink("set/models", "../evil")},
	"dropped top 2":   {entry{name: "set/a", body: "A"}, symlink("set/d/models", "../../evil")},
	"dropped top 3":   {entry{name: "set/a", body: "A"}, symlink("set/b", ".."), symlink("set/models", "b/evil")},
	"dropped itself":  {entry{name: "set/a", body: "A"}, symlink("set/models", "..")},
	"dropped, twice":  {entry{name: "set/d/a", body: "A"}, symlink("set/d/up", ".."), symlink("set/x", "d/up"), symlink("set/models", "x/../evil")},
	"behind a name":   {entry{name: "d/a", body: "A"}, entry{name: "b", body: "B"}, symlink("l", "d/../../evil")},
	"circle":          {symlink("a", "b"), symlink("b", "a"), entry{name: "c", body: "C"}},
	"link and folder": {symlink("d", "e"), entry{name: "d/f", body: "x"}, entry{name: "e/g", body: "x"}},
	"in place":        {entry{name: "d/f", body: "x"}, symlink("d", "."), entry{name: "e", body: "x"}},
	"hard to link":    {entry{name: "d/a", body: "A"}, symlink("d/l", "../d"), {name: "e/f/l", kind: tar.TypeLink, target: "d/l"}},
	"the root":        {symlink(".", "a"), entry{name: "b", body: "x"}},
}

// Every kind of link out of the folder is refused, by each of the ways in, and leaves nothing.
func TestHostileLinks(t *testing.T) {
	for name, es := range hostileLinks {
		for _, kind := range []string{"tgz", "zip"} {
			if kind == "zip" && strings.HasPrefix(name, "hard") {
				continue
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				var body []byte
				if kind == "zip" {
					body = zipOf(t, es...)
				} else {
					body = gzipOf(t, tarOf(t, es...))
				}
				dir := t.TempDir()
				archive := put(t, filepath.Join(dir, "x"), body)
				home := filepath.Join(dir, "home", "data")
				if err := os.MkdirAll(home, 0o777); err != nil {
					t.Fatal(err)
				}
				err := unpackWhole(context.Background(), archive.p, Path{filepath.Join(home, "set")})
				if err == nil || !strings.Contains(err.Error(), "refused") {
					t.Errorf("unpackWhole: %v", err)
				}
				if left, _ := os.ReadDir(home); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		}
	}
}

// Links that stay inside work, through one another too, and a file written through any is inside.
func TestGoodLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	es := []entry{
		{name: "set/images/a", body: "A"},
		symlink("set/train", "images"), symlink("set/deep/er/a", "../../train/a"), symlink("set/chain", "deep/er"),
		symlink("set/self", "."), symlink("set/new", "images/later"),
		{name: "set/hard", kind: tar.TypeLink, target: "set/images/a"},
		symlink("set/replaced", "nowhere"),
		{name: "set/replaced", body: "R"},
	}
	dir := t.TempDir()
	archive := put(t, filepath.Join(dir, "x"), gzipOf(t, tarOf(t, es...)))
	set := filepath.Join(dir, "data", "set")
	if err := os.MkdirAll(filepath.Dir(set), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := unpackWhole(context.Background(), archive.p, Path{set}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"train/a", "chain/a", "self/self/images/a", "hard"} {
		if got, err := os.ReadFile(filepath.Join(set, filepath.FromSlash(f))); string(got) != "A" {
			t.Errorf("%s: %q %v", f, got, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(set, "replaced")); string(got) != "R" {
		t.Errorf("replaced: %q %v", got, err)
	}
	linksInside(t, set)
}

// linksInside checks with the system's own eyes that every link below dir leads into it.
func linksInside(t *testing.T, dir string) {
	t.Helper()
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	_ = filepath.Walk(dir, func(p string, st os.FileInfo, err error) error {
		if err != nil || st.Mode()&fs.ModeSymlink == 0 {
			return err
		}
		to, err := filepath.EvalSymlinks(p)
		if errors.Is(err, fs.ErrNotExist) {
			text, _ := os.Readlink(p)
			if to, err = filepath.EvalSymlinks(filepath.Dir(filepath.Join(filepath.Dir(p), text))); errors.Is(err, fs.ErrNotExist) {
				return nil
			}
		}
		if rel, e := filepath.Rel(real, to); err == nil && (e != nil || !filepath.IsLocal(rel) && rel != ".") {
			t.Errorf("%s leads to %s", p, to)
		}
		return nil
	})
}

// sparseTgz is a few bytes that claim to be a file of size bytes, all holes.
func sparseTgz(t testing.TB, size int64) []byte {
	t.Helper()
	var h [1024]byte
	copy(h[0:], "big")
	copy(h[100:], "0000644\x00")
	copy(h[108:], "0000000\x000000000\x00")
	copy(h[124:], "00000000000\x0000000000000\x00")
	h[156] = 'S'
	copy(h[257:], "ustar  \x00")
	number := func(at int, v int64) { // GNU's numbers of base 256
		h[at] = 0x80
		binary.BigEndian.PutUint64(h[at+4:], uint64(v))
	}
	number(386, size) // one fragment: at size, of nothing
	number(398, 0)
	number(483, size)
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h[:512] {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return gzipOf(t, h[:])
}

// with7zHeader is a 7z archive whose list of files is the one given, with right checksums.
func with7zHeader(header []byte) []byte {
	b := []byte("7z\xbc\xaf\x27\x1c\x00\x04")
	start := binary.LittleEndian.AppendUint64(nil, 0)
	start = binary.LittleEndian.AppendUint64(start, uint64(len(header)))
	start = binary.LittleEndian.AppendUint32(start, crc32.ChecksumIEEE(header))
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(start))
	return append(append(b, start...), header...)
}

// What a few bytes ask for is refused before it is taken.
func TestUnpackBounds(t *testing.T) {
	huge := "\xf0\xff\xff\xff\xff" // 2^32-1 in 7z's numbers
	cases := map[string]struct {
		archive []byte
		want    string
	}{
		"sparse":           {sparseTgz(t, 1<<43), "no honest archive"},
		"zeros":            {gzipOf(t, gzipOf(t, gzipOf(t, make([]byte, 1<<20)))), ""},
		"7z files":         {with7zHeader([]byte("\x01\x05" + huge + "\x0e\x01\x80\x00\x00")), "damaged"},
		"7z folders":       {with7zHeader([]byte("\x01\x04\x06\x00\x01\x09\x01\x00\x07\x0b" + huge + "\x00\x01\x00\x0c\x01\x00\x00")), "damaged"},
		"7z streams":       {with7zHeader([]byte("\x01\x04\x06\x00\x01\x09\x01\x00\x07\x0b\x01\x00\x01\x01\x00\x0c\x01\x00\x08\x0d" + huge + "\x00\x00\x00")), "damaged"},
		"7z pack streams":  {with7zHeader([]byte("\x01\x04\x06\x00" + huge + "\x0a\x01\x00\x00")), "damaged"},
		"7z packed header": {with7zHeader([]byte("\x17\x06\x00\x01\x09\x01\x00\x07\x0b\x01\x00\x01\x21\x21\x01\x28\x0c" + huge + "\x00\x00")), "damaged"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := Unpack(put(t, filepath.Join(dir, "x.tgz"), c.archive), Path{filepath.Join(dir, "into")})
			runtime.ReadMemStats(&after)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
				t.Errorf("took %d MB", used>>20)
			}
		})
	}
}

// The window of a 7z decoder is as large as what is unpacked, not as the archive wishes.
func TestDecodersBounded(t *testing.T) {
	for asked, c := range map[uint64]struct {
		size uint64
		want int
	}{1 << 32: {100_000, 100_000}, 1 << 24: {1 << 40, 1 << 24}, 0: {0, 4096}} {
		if got, err := dictionary(asked, c.size); err != nil || got != c.want {
			t.Errorf("dictionary(%d, %d) = %d, %v", asked, c.size, got, err)
		}
	}
	if _, err := dictionary(1<<32, 1<<40); err == nil {
		t.Error("4 GB of memory were granted")
	}
}

// A page in place of an archive goes away with the error that names it, and the next try works.
func TestBadArchiveIsRemoved(t *testing.T) {
	good := gzipOf(t, tarOf(t, entry{name: "flowers/a.txt", body: "A"}))
	for _, mirrored := range []bool{false, true} {
		for what, bad := range map[string][]byte{
			"web page": []byte("<!DOCTYPE html><html><title>Log in</title></html>"), "text that begins": []byte("no such thing"),
			"empty answer": {}, "": good[:len(good)/2],
		} {
			t.Run(fmt.Sprint(mirrored, what), func(t *testing.T) {
				home := t.TempDir()
				t.Setenv("FASTNB_HOME", home)
				t.Setenv("FASTNB_OFFLINE", "")
				body := bad
				address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(body) }))
				u := URL{Address: address + "/flowers.tgz"}
				if mirrored {
					t.Setenv("FASTNB_MIRROR", address)
					u = URL{Name: "flowers"}
				}
				_, err := UntarData(u)
				if err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), address) {
					t.Errorf("error %v, want %q and %q", err, what, address)
				}
				left, _ := filepath.Glob(filepath.Join(home, "data", "[^.]*"))
				if len(left) > 0 {
					t.Errorf("left: %q", left)
				}
				body = good
				p, err := UntarData(u)
				if err != nil || !p.Join("a.txt").Exists() {
					t.Errorf("the next try: %v", err)
				}
			})
		}
	}
}

// What a mirror answers is told when nothing else has the data either.
func TestMirrorsAnswerIsTold(t *testing.T) {
	gone := serve(t, http.NotFoundHandler())
	var round string
	round = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, round+"/again", http.StatusFound) }))
	for m, want := range map[string]string{gone: "404", round: "redirects"} {
		t.Setenv("FASTNB_HOME", t.TempDir())
		t.Setenv("FASTNB_OFFLINE", "")
		t.Setenv("FASTNB_MIRROR", m)
		_, err := UntarData(URL{Name: "flowers", Address: "http://127.0.0.1:1/flowers.tgz"})
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), m) || !strings.Contains(err.Error(), "127.0.0.1:1/") {
			t.Errorf("%v, want %q of %s and the address", err, want, m)
		}
		if _, err := Weights("http://127.0.0.1:1/net-12345678.pth", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("weights: %v, want %q", err, want)
		}
	}
}

// Servers that send another length than is known or announced, or go on for ever, are stopped.
func TestDownloadBounds(t *testing.T) {
	var sent atomic.Int64
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for block := make([]byte, 1<<16); r.Context().Err() == nil && sent.Load() < 64<<20; sent.Add(int64(len(block))) {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	huge := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "9000000000000000")
		_, _ = w.Write(make([]byte, 1000))
	})
	for name, c := range map[string]struct {
		h    http.Handler
		size int64
		want string
	}{
		"endless, size known":  {endless, 100_000, "sends more than"},
		"too long, size known": {huge, 100_000, "wrong size"},
		"larger than the disk": {huge, 0, "has"},
	} {
		t.Run(name, func(t *testing.T) {
			sent.Store(0)
			dest := filepath.Join(t.TempDir(), "x")
			err := download(context.Background(), file{address: serve(t, c.h), dest: dest, size: c.size})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if st, err := os.Stat(dest + ".part"); err == nil && st.Size() > 100_000 {
				t.Errorf("left %d bytes", st.Size())
			}
			if n := sent.Load(); n > 32<<20 {
				t.Errorf("took %d bytes", n)
			}
		})
	}
}

// A server that sends nothing is given up after one stall, one that sends a little is asked to go on.
func TestDownloadStalls(t *testing.T) {
	defer func(d time.Duration) { stallTimeout = d }(stallTimeout)
	stallTimeout = 100 * time.Millisecond
	body := bytes.Repeat([]byte("0123456789"), 1000)
	var asked atomic.Int64
	srv := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		from := 0
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		w.Header().Set("Content-Length", fmt.Sprint(len(body)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
			w.WriteHeader(http.StatusPartialContent)
		}
		if n == 1 {
			_, _ = w.Write(body[:4000])
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	dest := filepath.Join(t.TempDir(), "x")
	start := time.Now()
	err := download(context.Background(), file{address: serve(t, srv), dest: dest, size: int64(len(body))})
	if !errors.Is(err, errStalled) || !errors.Is(err, ErrUnavailable) || asked.Load() != 2 {
		t.Errorf("%v after %d questions", err, asked.Load())
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
	if st, err := os.Stat(dest + ".part"); err != nil || st.Size() != 4000 {
		t.Errorf("the part is not kept: %v", err)
	}
}

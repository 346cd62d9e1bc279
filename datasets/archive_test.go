package datasets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// entry is a member of a test archive; a target makes it a link.
type entry struct {
	name, body, target string
	kind               byte // tar type; 0 = file
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.body)), Mode: 0o755, Typeflag: e.kind, Linkname: e.target}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		body := e.body
		if e.target != "" {
			h.SetMode(os.ModeSymlink | 0o777)
			body = e.target
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sevenZip archives made with py7zr 1.1.4: small.7z holds a.txt ("alpha\n") and sub/b.txt ("beta\n");
// tar.7z holds folder.tar with folder/c.txt ("gamma\n").
const (
	small7z = "N3q8ryccAATIx9ngewAAAAAAAAAUAAAAAAAAAG7K2jQBAAphbHBoYQpiZXRhCgDgAHgAZF0AAIEzB64Pzt0HYQkKkA9ecbngKbVkHbyg6zM5XSxwQRpUvoZmdxTeSky8Ws28AqU+7b+LsGHydOGBBQdm7fZlX8dXJBwpCQym1F+Y/U/bcsbEKppHYSLX5/6U0gFt283vFgAAAAAXBg8BCWwABwsBAAEhIQEYDHkAAA=="
	tar7z   = "N3q8ryccAAQ8+Bxh9wAAAAAAAAAVAAAAAAAAALMbtePgJ/8Ail0AMxvJzYqpYEGna9lnIikv61D5g0MduzAOyMgO1/OHzHQbENW0pjNEkXZ3uLojUYCOr74d4Y7x1uYOCDyHZcG8QCVKGSh+ue1hnQJYpiSRJrlzEbN2bX2U2+LIsrI3Hm0sJ5cbcmZj+wRdgbot2uGKzC1lFNF0pEVHbr3+2B3DCyJgar2yAVWUON0GAOAAXgBdXQAAgTMHrg/VMA2NlmwnAeDu00tB9K9ZFmW2zEOlmG4FWmufrZQymte4pVhlOsudBA4F12LxYuTvm2CKAumC3Jbf1tlJVk9qp/gajoiVIFHVqgRL0DgPG54DgpgAAAAAFwaAkgEJZQAHCwEAASEhARgMXwAA"
)

func put(t testing.TB, name string, body []byte) Path {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, body, 0o666); err != nil {
		t.Fatal(err)
	}
	return Path{name}
}

// tree lists the files below dir with their contents.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.Walk(dir, func(p string, st os.FileInfo, err error) error {
		if err != nil || st.IsDir() {
			return err
		}
		body, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func unbase(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(s, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUnpackKinds(t *testing.T) {
	files := []entry{{name: "a.txt", body: "alpha\n"}, {name: "sub/", kind: tar.TypeDir}, {name: "sub/b.txt", body: "beta\n"}}
	flat := []entry{{name: "a.txt", body: "alpha\n"}, {name: `sub\b.txt`, body: "beta\n"}}
	want := map[string]string{"a.txt": "alpha\n", "sub/b.txt": "beta\n"}
	cases := map[string]struct {
		archive []byte
		want    map[string]string
	}{
		"x.tar":    {tarOf(t, files...), want},
		"x.tgz":    {gzipOf(t, tarOf(t, files...)), want},
		"x.zip":    {zipOf(t, flat...), want},
		"x.7z":     {unbase(t, small7z), want},
		"x.tar.7z": {unbase(t, tar7z), map[string]string{"folder/c.txt": "gamma\n"}},
		"x.csv.gz": {gzipOf(t, []byte("one file")), map[string]string{"x.csv": "one file"}},
		"links":    {tarOf(t, entry{name: "d/a", body: "A"}, entry{name: "d/l", kind: tar.TypeSymlink, target: "../d/a"}, entry{name: "h", kind: tar.TypeLink, target: "d/a"}), map[string]string{"d/a": "A", "d/l": "A", "h": "A"}},
		"twice":    {tarOf(t, entry{name: "a", body: "old"}, entry{name: "a", body: "new"}), map[string]string{"a": "new"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			archive := put(t, filepath.Join(dir, name), c.archive)
			into := filepath.Join(dir, "into")
			put(t, filepath.Join(into, "kept"), []byte("k"))
			if err := Unpack(archive, Path{into}); err != nil {
				t.Fatal(err)
			}
			got := tree(t, into)
			c.want["kept"] = "k"
			if len(got) != len(c.want) {
				t.Errorf("got %q", slices.Sorted(maps.Keys(got)))
			}
			for f, body := range c.want {
				if got[f] != body {
					t.Errorf("%s: %q, want %q", f, got[f], body)
				}
			}
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	good := entry{name: "good", body: "x"}
	link := func(target string) []byte {
		return tarOf(t, good, entry{name: "l", kind: tar.TypeSymlink, target: target})
	}
	cases := map[string]struct {
		archive []byte
		want    string
	}{
		"parent":           {tarOf(t, good, entry{name: "../evil", body: "x"}), "points out"},
		"parent inside":    {tarOf(t, good, entry{name: "a/../../evil", body: "x"}), "points out"},
		"absolute":         {tarOf(t, good, entry{name: "/tmp/evil", body: "x"}), "absolute"},
		"drive":            {tarOf(t, good, entry{name: `C:\evil`, body: "x"}), "absolute"},
		"backslashes":      {zipOf(t, good, entry{name: `..\evil`, body: "x"}), "points out"},
		"zip parent":       {zipOf(t, good, entry{name: "../evil", body: "x"}), "points out"},
		"link absolute":    {link("/etc"), "link out"},
		"link parent":      {link("../.."), "link out"},
		"link backslashes": {link(`..\..`), "link out"},
		"zip link":         {zipOf(t, good, entry{name: "l", target: "/etc/passwd"}), "link out"},
		"hard link":        {tarOf(t, good, entry{name: "l", kind: tar.TypeLink, target: "../../secret"}), "points out"},
		"device":           {tarOf(t, good, entry{name: "null", kind: tar.TypeChar}), "neither file"},
		"pipe":             {tarOf(t, good, entry{name: "p", kind: tar.TypeFifo}), "neither file"},
		"link then file":   {tarOf(t, entry{name: "d/e", kind: tar.TypeSymlink, target: "../../d"}, entry{name: "d/e/f", body: "x"}), "link out"},
		"no archive":       {[]byte("<html>not found</html>"), "not an archive"},
		"empty":            {nil, "not an archive"},
		"cut short":        {gzipOf(t, tarOf(t, entry{name: "a", body: strings.Repeat("abc", 9999)}))[:90], "unexpected EOF"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			archive := put(t, filepath.Join(dir, "x.tgz"), c.archive)
			into := filepath.Join(dir, "a", "b", "into")
			put(t, filepath.Join(into, "kept"), []byte("k"))
			err := Unpack(archive, Path{into})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if got := tree(t, dir); len(got) != 2 {
				t.Errorf("something was written: %q", slices.Sorted(maps.Keys(got)))
			}
		})
	}
}

// repair7z puts right checksums into a 7z archive, so that changed bytes reach the readers behind them.
func repair7z(b []byte) []byte {
	if len(b) < 32 || !bytes.HasPrefix(b, []byte("7z\xbc\xaf\x27\x1c")) {
		return b
	}
	b = bytes.Clone(b)
	off, n := binary.LittleEndian.Uint64(b[12:]), binary.LittleEndian.Uint64(b[20:])
	if rest := uint64(len(b) - 32); off <= rest && n <= rest-off {
		binary.LittleEndian.PutUint32(b[28:], crc32.ChecksumIEEE(b[32+off:32+off+n]))
	}
	binary.LittleEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[12:32]))
	return b
}

// Whatever the bytes: no panic, nothing outside the folder, no link that leads out, no time without end.
func FuzzUnpack(f *testing.F) {
	f.Add(tarOf(f, entry{name: "a/b", body: "x"}))
	f.Add(zipOf(f, entry{name: "a/b", body: "x"}, entry{name: "a/l", target: "b"}))
	f.Add(gzipOf(f, tarOf(f, entry{name: "../a", body: "x"})))
	f.Add(sparseTgz(f, 1<<43))
	f.Add(sparseTgz(f, 1<<43)[:60])
	f.Add(unbase(f, small7z))
	f.Add(unbase(f, tar7z))
	f.Add(with7zHeader([]byte("\x01\x04\x06\x00\x01\x09\x01\x00\x07\x0b\x01\x00\x01\x01\x00\x0c\x01\x00\x08\x0d\x02\x00\x00\x00")))
	for _, es := range hostileLinks {
		f.Add(tarOf(f, es...))
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		archive = repair7z(archive)
		dir := t.TempDir()
		name := put(t, filepath.Join(dir, "x"), archive)
		defer inTime(t)()
		_ = Unpack(name, Path{filepath.Join(dir, "in", "into")})
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 2 {
			t.Errorf("%v %v", entries, err)
		}
		set := filepath.Join(dir, "set")
		if unpackWhole(context.Background(), name.p, Path{set}) == nil {
			if st, err := os.Lstat(set); err != nil || !st.IsDir() {
				t.Errorf("unpacked to %v, %v", st, err)
			}
			linksInside(t, set)
		}
	})
}

// inTime ends the test when what it brackets goes on for long.
func inTime(t *testing.T) func() {
	timer := time.AfterFunc(20*time.Second, func() { panic(t.Name() + ": it takes too long") })
	return func() { timer.Stop() }
}

package datasets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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

func FuzzUnpack(f *testing.F) {
	f.Add(tarOf(f, entry{name: "a/b", body: "x"}))
	f.Add(zipOf(f, entry{name: "a/b", body: "x"}))
	f.Add(gzipOf(f, tarOf(f, entry{name: "../a", body: "x"})))
	f.Add(unbase(f, small7z))
	f.Fuzz(func(t *testing.T, archive []byte) {
		dir := t.TempDir()
		name := put(t, filepath.Join(dir, "x"), archive)
		_ = Unpack(name, Path{filepath.Join(dir, "in", "into")}) // must not panic, nor write elsewhere
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 2 {
			t.Errorf("%v %v", entries, err)
		}
	})
}

package datasets

import (
	"archive/tar"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// Fuzz7zHeader tries lists of files of 7z archives, with right checksums: the walker in front of the library
// refuses what the list cannot hold, and neither panics.
func Fuzz7zHeader(f *testing.F) {
	for _, h := range []string{
		"\x01\x05\x01\x0e\x01\x80\x11\x05\x00a\x00\x00\x00\x00\x00",
		"\x01\x04\x06\x00\x01\x09\x01\x00\x07\x0b\x01\x00\x01\x01\x00\x0c\x01\x00\x08\x0d\x02\x09\x01\x0a\x01\x00\x00\x00\x00\x05\x02\x11\x09\x00a\x00\x00\x00b\x00\x00\x00\x00\x00",
		"\x17\x06\x00\x01\x09\x10\x00\x07\x0b\x01\x00\x01\x23\x03\x01\x01\x05\x5d\x00\x10\x00\x00\x0c\x20\x0a\x01\x00\x00\x00\x00\x00\x00",
		"\x17\x06\x00\x01\x09\x10\x00\x07\x0b\x01\x00\x01\x21\x21\x01\x18\x0c\x20\x00\x00",
	} {
		f.Add([]byte(h))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		defer inTime(t)()
		dir := t.TempDir()
		_ = Unpack(put(t, filepath.Join(dir, "x"), with7zHeader(header)), Path{filepath.Join(dir, "into")})
	})
}

// FuzzLinks makes archives of links, folders and files by a few names, so that they lead through one another.
func FuzzLinks(f *testing.F) {
	f.Add([]byte{0, 1, 2, 33, 4, 65, 6, 97})
	f.Add([]byte{1, 0, 0, 1, 1, 0, 2, 2, 1, 4, 7, 3})
	f.Add([]byte{3, 9, 1, 2, 0, 12, 2, 1, 5})
	names := []string{"u0", "u1", "set", "set/a", "set/b", "set/d/c", "set/d", "e", "set/d/u2", "."}
	targets := []string{".", "..", "u0", "u0/..", "../u1", "a", "b/..", "../../x", "d", "d/c", "../d", "/etc", "c/d/../..", "", "../set/b", "u2"}
	f.Fuzz(func(t *testing.T, program []byte) {
		defer inTime(t)()
		var es []entry
		for i := 0; i+2 < len(program) && len(es) < 20; i += 3 {
			name, target := names[int(program[i+1])%len(names)], targets[int(program[i+2])%len(targets)]
			switch program[i] % 4 {
			case 0, 1:
				es = append(es, symlink(name, target))
			case 2:
				es = append(es, entry{name: name, body: "x"})
			case 3:
				es = append(es, entry{name: name, kind: tar.TypeLink, target: names[int(program[i+2])%len(names)]})
			}
		}
		dir := t.TempDir()
		archive := put(t, filepath.Join(dir, "x"), tarOf(t, es...))
		home := filepath.Join(dir, "a", "home")
		if err := os.MkdirAll(home, 0o777); err != nil {
			t.Fatal(err)
		}
		set := filepath.Join(home, "set")
		if unpackWhole(context.Background(), archive.p, Path{set}) == nil {
			linksInside(t, set)
		}
		into := filepath.Join(home, "into")
		if Unpack(archive, Path{into}) == nil {
			linksInside(t, into)
		}
		if left, _ := os.ReadDir(filepath.Join(dir, "a")); len(left) != 1 {
			t.Errorf("written outside: %v", left)
		}
	})
}

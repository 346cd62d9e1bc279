package vision

import (
	"os"
	"runtime"
	"testing"

	"github.com/fastnb/go/datasets"
)

// A picture that VerifyImages makes smaller stands upright as before with UseEXIF, keeps the permissions of its
// file, and what a killed process left beside it is swept.
func TestMaxSizeKeepsTheRest(t *testing.T) {
	dir := datasets.NewPath(t.TempDir())
	for _, name := range []string{"exif6.jpg", "exif6.png", "exif8.jpg", "bits.png"} {
		b, err := os.ReadFile(formatFile(name).String())
		check(t, err)
		check(t, os.WriteFile(dir.Join(name).String(), b, 0o600))
	}
	left := dir.Join(".exif6.jpg.abc.fastnb-part")
	check(t, os.WriteFile(left.String(), []byte("half"), 0o600))
	before := map[string]fmtSize{}
	files, err := GetImageFiles(dir)
	check(t, err)
	for _, f := range files {
		x, err := OpenImage(f, UseEXIF(true))
		check(t, err)
		before[f.Name()] = fmtSize{x.Size().H, x.Size().W}
	}
	broken, err := VerifyImages(dir, MaxSize(8))
	if err != nil || len(broken) > 0 || len(before) != 4 {
		t.Fatal(broken, err, before)
	}
	for _, f := range files {
		x, err := OpenImage(f, UseEXIF(true))
		check(t, err)
		s, was := x.Size(), before[f.Name()]
		if max(s.H, s.W) > 8 || (s.H > s.W) != (was.h > was.w) {
			t.Errorf("%s was %v, is %v", f.Name(), was, s)
		}
		b, err := os.ReadFile(f.String())
		check(t, err)
		old, err := os.ReadFile(formatFile(f.Name()).String())
		check(t, err)
		if orientation(b) != orientation(old) {
			t.Errorf("%s: orientation %d, was %d", f.Name(), orientation(b), orientation(old))
		}
		if st, err := os.Stat(f.String()); runtime.GOOS != "windows" && (err != nil || st.Mode().Perm() != 0o600) {
			t.Errorf("%s: %v %v", f.Name(), st.Mode(), err)
		}
	}
	if runtime.GOOS != "windows" && left.Exists() { // there a file must be a minute old
		t.Error("what a killed process left is still there")
	}
}

type fmtSize struct{ h, w int }

package vision

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

func formatFile(name string) datasets.Path { return datasets.NewPath("testdata", "formats", name) }

// pngPlanes reads the pixels that Pillow wrote.
func pngPlanes(t *testing.T, file string) *planes {
	t.Helper()
	f, err := os.Open(file)
	check(t, err)
	defer func() { _ = f.Close() }() // only read
	m, err := png.Decode(f)
	check(t, err)
	return planesOf(m)
}

// differ is how many values differ, and by how much at most.
func differ(t *testing.T, got, want *planes) (n, most int) {
	t.Helper()
	if got.h != want.h || got.w != want.w {
		t.Fatalf("%dx%d, want %dx%d", got.h, got.w, want.h, want.w)
	}
	for k, v := range want.u {
		if d := int(got.u[k]) - int(v); d != 0 {
			n, most = n+1, max(most, d, -d)
		}
	}
	return n, most
}

// TestFormatsAsPillow: pictures have Pillow's pixels, all of them.
func TestFormatsAsPillow(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/*.png")
	check(t, err)
	n := 0
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".png")
		if !strings.Contains(name, ".") || strings.Contains(name, "upright") {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			x, err := OpenImage(formatFile(name))
			check(t, err)
			if n, most := differ(t, x.px, pngPlanes(t, f)); n > 0 {
				t.Errorf("%d of %d values differ, by %d at most", n, len(x.px.u), most)
			}
		})
	}
	if n < 25 {
		t.Errorf("%d files", n)
	}
}

// TestWebPColours are the issue's: black is black and red is red.
func TestWebPColours(t *testing.T) {
	for name, want := range map[string][3]uint8{"black.webp": {0, 0, 0}, "red.webp": {255, 1, 0}} {
		x, err := OpenImage(formatFile(name))
		check(t, err)
		if got := [3]uint8{x.px.u[0], x.px.u[64], x.px.u[128]}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestEXIF: with UseEXIF pictures stand as Pillow turns them, in every way there is; without, a line says that
// they do not.
func TestEXIF(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/*.upright.png")
	check(t, err)
	if len(files) < 11 {
		t.Fatalf("%d files", len(files))
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".upright.png")
		x, err := OpenImage(formatFile(name), UseEXIF(true))
		check(t, err)
		if n, most := differ(t, x.px, pngPlanes(t, f)); n > 0 {
			t.Errorf("%s: %d values differ, by %d at most", name, n, most)
		}
	}
	told.Clear()
	s := said(t, func() {
		for range 2 {
			x, err := OpenImage(formatFile("exif6.jpg"))
			check(t, err)
			if x.Height() != 21 {
				t.Errorf("turned without being asked: %v", x)
			}
		}
	})
	if strings.Count(s, "UseEXIF(true)") != 1 || !strings.Contains(s, filepath.Join("testdata", "formats")) {
		t.Errorf("%q", s)
	}
	list := ImageList(datasets.NewPath("."), formatFile("exif6.jpg"), formatFile("exif8.jpg"))
	_ = list
	l := ImageListFromFolder(datasets.NewPath("testdata", "formats"), data.Extensions(".jpg"), UseEXIF(true)).
		FilterByFunc(func(p datasets.Path) bool { return p.Name() == "exif6.jpg" })
	check(t, l.Err())
	x, err := l.Get(0)
	check(t, err)
	if x.(*Image).Height() != 29 {
		t.Errorf("the list opens %v", x)
	}
	d, err := l.SplitNone().LabelConst("a").DataBunch(data.BS(1))
	check(t, err)
	st, err := d.State()
	check(t, err)
	e, err := data.LoadState(st, d.Path)
	check(t, err)
	if x, err = e.Kind().Open(formatFile("exif6.jpg").String()); err != nil || x.(*Image).Height() != 29 {
		t.Errorf("an export opens %v, %v", x, err)
	}
}

// said is what f tells.
func said(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "told"))
	check(t, err)
	old := os.Stderr
	os.Stderr = file
	func() {
		defer func() { os.Stderr = old }()
		f()
	}()
	b, err := os.ReadFile(file.Name())
	check(t, err)
	check(t, file.Close())
	return string(b)
}

// TestBrokenTIFF: damaged files are errors, never a panic.
func TestBrokenTIFF(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/*.[tw][ie][fb]*")
	check(t, err)
	for _, f := range files {
		if strings.HasSuffix(f, ".png") {
			continue
		}
		b, err := os.ReadFile(f)
		check(t, err)
		for n := 0; n < len(b); n += max(1, len(b)/40) {
			cut, hit := b[:n], append([]byte{}, b...)
			for k := n; k < min(n+3, len(hit)); k++ {
				hit[k] ^= 0x5a
			}
			for _, x := range [][]byte{cut, hit} {
				if p, err := decodeRGB(x); err == nil && (p.h < 1 || p.w < 1) {
					t.Errorf("%s: %d bytes give a picture of nothing", f, n)
				}
				_ = orientation(x)
			}
		}
	}
}

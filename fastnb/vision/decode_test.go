package vision

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// TestDecodeSamples holds pixels to those PIL reads (libjpeg-turbo for JPEG).
func TestDecodeSamples(t *testing.T) {
	_, arrays := goldens(t)
	for _, c := range []struct {
		file, name string
		tol        int // levels
	}{
		{"sample_jpg_444.jpg", "jpg_444", 0},
		{"sample_jpg_420.jpg", "jpg_420", 0},
		{"sample_jpg_prog.jpg", "jpg_prog", 0},
		{"sample_gray.jpg", "gray", 0},
		{"sample_exif6.jpg", "exif6", 0},
		{"sample_cmyk_adobe.jpg", "cmyk_adobe", 0},
		{"sample_cmyk_plain.jpg", "cmyk_plain", 0},
		{"sample_rgba.png", "rgba", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, err := OpenImage(datasets.NewPath("testdata", c.file))
			if err != nil {
				t.Fatal(err)
			}
			want := arrays["decode/"+c.name].bytes()
			worst, sum := 0, 0
			for k, v := range x.px.u {
				d := max(int(v)-int(want[k]), int(want[k])-int(v))
				worst, sum = max(worst, d), sum+d
			}
			t.Logf("largest difference %d, mean %.4f", worst, float64(sum)/float64(len(want)))
			if worst > c.tol {
				t.Errorf("largest difference %d levels, at most %d allowed", worst, c.tol)
			}
		})
	}
}

// TestDecodeMasks: grey values are classes; a palette is turned to grey as PIL does, where that is asked for.
func TestDecodeMasks(t *testing.T) {
	_, arrays := goldens(t)
	for _, name := range []string{"mask_l", "mask_p"} {
		m, err := OpenMask(datasets.NewPath("testdata", "sample_"+name+".png"), PaletteIndex(false))
		if err != nil {
			t.Fatal(err)
		}
		want := arrays["decode/"+name].bytes()
		if !bytes.Equal(m.px.u, want) {
			t.Errorf("%s: classes differ", name)
		}
	}
}

// checker is a small picture with exact colours.
func checker() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 5, 3))
	for y := range 3 {
		for x := range 5 {
			m.SetNRGBA(x, y, color.NRGBA{uint8(50 * x), uint8(100 * y), uint8(40 * (x + y)), uint8(255 - 90*(x&1))})
		}
	}
	return m
}

func TestDecodeForms(t *testing.T) {
	src := checker()
	opaque := image.NewNRGBA(src.Rect)
	copy(opaque.Pix, src.Pix)
	for k := 3; k < len(opaque.Pix); k += 4 {
		opaque.Pix[k] = 255
	}
	pal := image.NewPaletted(src.Rect, nil)
	for k := range 15 {
		pal.Palette = append(pal.Palette, opaque.NRGBAAt(k%5, k/5))
		pal.Pix[k] = uint8(k)
	}
	deep := image.NewNRGBA64(src.Rect)
	for k := range 15 {
		deep.Set(k%5, k/5, opaque.NRGBAAt(k%5, k/5))
	}
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"png, alpha":   func(b *bytes.Buffer) error { return png.Encode(b, src) },
		"png, palette": func(b *bytes.Buffer) error { return png.Encode(b, pal) },
		"png, 16 bits": func(b *bytes.Buffer) error { return png.Encode(b, deep) },
		"png, opaque":  func(b *bytes.Buffer) error { return png.Encode(b, opaque) },
		"gif":          func(b *bytes.Buffer) error { return gif.Encode(b, pal, nil) },
		"bmp":          func(b *bytes.Buffer) error { return bmp.Encode(b, opaque) },
		"tiff":         func(b *bytes.Buffer) error { return tiff.Encode(b, opaque, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			p, err := decodeRGB(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			for k := range 15 {
				c := opaque.NRGBAAt(k%5, k/5)
				if got := [3]uint8{p.u[k], p.u[15+k], p.u[30+k]}; got != [3]uint8{c.R, c.G, c.B} {
					t.Errorf("pixel %d: %v, want %v", k, got, c)
				}
			}
		})
	}
}

// TestBrokenFiles: each names the file and says what is wrong; none panics.
func TestBrokenFiles(t *testing.T) {
	whole, err := os.ReadFile("testdata/sample_jpg_444.jpg")
	if err != nil {
		t.Fatal(err)
	}
	cmyk, err := os.ReadFile("testdata/sample_cmyk_plain.jpg")
	if err != nil {
		t.Fatal(err)
	}
	rgba, err := os.ReadFile("testdata/sample_rgba.png")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"half.jpg":  {whole[:len(whole)/2], "cut off"},
		"cmyk.jpg":  {cmyk[:len(cmyk)/2], "cut off"},
		"half.png":  {rgba[:len(rgba)/2], "cut off"},
		"empty.jpg": {nil, "empty"},
		"text.jpg":  {[]byte("<html>not found</html>"), "not a picture"},
		"start.jpg": {whole[:2], "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, c.b, 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := OpenImage(datasets.NewPath(file))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := OpenImage(datasets.NewPath("testdata", "absent.jpg")); err == nil || !strings.Contains(err.Error(), "absent.jpg") {
		t.Errorf("absent file: %v", err)
	}
}

// FuzzDecode: no bytes make reading panic or give a picture of a wrong size.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/sample_*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil && c.Width*c.Height > 1<<20 {
			t.Skip("too large for a quick test")
		}
		p, err := decodeRGB(b)
		if err == nil && len(p.u) != 3*p.h*p.w {
			t.Errorf("%d bytes for %dx%d", len(p.u), p.h, p.w)
		}
	})
}

// BenchmarkDecodeTile reads a tile of 256x256 in the form of the Planet data: four components.
func BenchmarkDecodeTile(b *testing.B) {
	file := planetTile(b)
	for b.Loop() {
		p, err := decodeRGB(file)
		if err != nil {
			b.Fatal(err)
		}
		p.release()
	}
}

// planetTile is a real tile, or without FASTNB_MIRROR an ordinary JPEG of the size.
func planetTile(b testing.TB) []byte {
	b.Helper()
	if os.Getenv("FASTNB_MIRROR") != "" {
		file, err := os.ReadFile(ImageListFromFolder(realTiles(b)).Ref(0))
		if err != nil {
			b.Fatal(err)
		}
		return file
	}
	m := image.NewRGBA(image.Rect(0, 0, 256, 256))
	for k := range m.Pix {
		m.Pix[k] = uint8(k*k>>9 ^ k>>5)
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, m, nil); err != nil {
		b.Fatal(err)
	}
	return buf.Bytes()
}

package jpeg

import (
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(b []byte) (h, w int, rgb []uint8, err error) {
	err = Decode(b, func(hh, ww int) ([]uint8, error) {
		h, w, rgb = hh, ww, make([]uint8, 3*hh*ww)
		return rgb, nil
	})
	return h, w, rgb, err
}

// TestPixels: every form gives the very pixels that Pillow reads.
func TestPixels(t *testing.T) {
	for _, c := range []struct {
		name string
		h, w int
		sum  uint32 // CRC-32 of the red, green and blue planes
	}{
		{"422", 21, 37, 0xf13d8b39},
		{"422_prog", 21, 37, 0xf13d8b39},
		{"420_odd", 19, 33, 0xd404940},
		{"420_tiny", 2, 3, 0x66684042},
		{"420_one", 1, 1, 0x81da7a54},
		{"420_w4", 4, 4, 0x796b8595},
		{"420_w5", 5, 5, 0xe388443d},
		{"444_prog_odd", 31, 29, 0x44f1c3fe},
		{"restart", 40, 50, 0xb5cc2e2b},
		{"restart_prog", 40, 50, 0xb5cc2e2b},
		{"rgb", 18, 24, 0xa096aef9},
		{"q1", 40, 40, 0x796753bf},
		{"q100", 40, 40, 0xc483a17d},
		{"grey_prog", 23, 41, 0xb564b563},
		{"cmyk_prog", 23, 41, 0xfe405313},
		{"440", 45, 23, 0x137946da},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, w, rgb, err := decode(read(t, c.name+".jpg"))
			if err != nil {
				t.Fatal(err)
			}
			if h != c.h || w != c.w {
				t.Fatalf("%dx%d, want %dx%d", h, w, c.h, c.w)
			}
			if sum := crc32.ChecksumIEEE(rgb); sum != c.sum {
				t.Errorf("checksum %#x, want %#x", sum, c.sum)
			}
		})
	}
}

// TestTruncated: a file cut anywhere is an error, never a panic, and within the data it is ErrTruncated.
func TestTruncated(t *testing.T) {
	for _, name := range []string{"420_odd.jpg", "444_prog_odd.jpg", "restart.jpg", "cmyk_prog.jpg"} {
		b := read(t, name)
		for n := range len(b) - 8 {
			_, _, _, err := decode(b[:n])
			if err == nil {
				t.Fatalf("%s: %d of %d bytes are enough", name, n, len(b))
			}
			if n > len(b)*9/10 && !errors.Is(err, ErrTruncated) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(b), err)
			}
		}
	}
}

// TestUnsupported: arithmetic coding, twelve bits and two components are left to others.
func TestUnsupported(t *testing.T) {
	b := read(t, "q100.jpg")
	at := 0
	for k := range len(b) - 1 {
		if b[k] == 0xff && b[k+1] == sof0 {
			at = k
		}
	}
	for what, change := range map[string]func(b []byte){
		"arithmetic coding": func(b []byte) { b[at+1] = 0xc9 },
		"lossless":          func(b []byte) { b[at+1] = 0xc3 },
		"twelve bits":       func(b []byte) { b[at+4] = 12 },
		"two components":    func(b []byte) { b[at+9] = 2 },
		"3:1 sampling":      func(b []byte) { b[at+11], b[at+14] = 0x31, 0x21 },
	} {
		c := append([]byte{}, b...)
		change(c)
		if _, _, _, err := decode(c); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzDecode: no bytes make it panic or write beyond the picture.
func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob("testdata/*.jpg")
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		f.Add(read(f, filepath.Base(n)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<14 {
			t.Skip("only small files")
		}
		_, _, _, _ = decode(b)
	})
}

package vision

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// resized is a JPEG whose header says another size.
func resized(b []byte, h, w int, progressive bool) []byte {
	b = bytes.Clone(b)
	for i := 2; i+9 < len(b); {
		if b[i] != 0xff {
			break
		}
		m, n := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if m >= 0xc0 && m <= 0xc2 {
			if progressive {
				b[i+1] = 0xc2
			}
			binary.BigEndian.PutUint16(b[i+5:], uint16(h))
			binary.BigEndian.PutUint16(b[i+7:], uint16(w))
			return b
		}
		i += 2 + n
	}
	return b
}

// A header that asks for more pixels than its file can hold is refused before memory is taken for them.
func TestHugePictures(t *testing.T) {
	small := image.NewRGBA(image.Rect(0, 0, 16, 16))
	var j, p, g bytes.Buffer
	if err := jpeg.Encode(&j, small, nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&p, small); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&g, small, nil); err != nil {
		t.Fatal(err)
	}
	prog, err := os.ReadFile(filepath.Join("jpeg", "testdata", "422_prog.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	hugePNG := bytes.Clone(p.Bytes())
	binary.BigEndian.PutUint32(hugePNG[16:], 13000)
	binary.BigEndian.PutUint32(hugePNG[20:], 13000)
	hugeGIF := bytes.Clone(g.Bytes())
	binary.LittleEndian.PutUint16(hugeGIF[6:], 13000)
	binary.LittleEndian.PutUint16(hugeGIF[8:], 13000)
	for name, b := range map[string][]byte{
		"baseline 30000":    resized(j.Bytes(), 30000, 30000, false),
		"progressive 30000": resized(prog, 30000, 30000, true),
		"progressive 13000": resized(prog, 13000, 13000, true),
		"made progressive":  resized(j.Bytes(), 13000, 13000, true),
		"no height":         resized(j.Bytes(), 0, 16, false),
		"no height, prog":   resized(prog, 0, 37, true),
		"no width":          resized(j.Bytes(), 16, 0, false),
		"png":               hugePNG,
		"gif":               hugeGIF,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := decodeRGB(b)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: read", name)
		}
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
			t.Errorf("%s: took %d MB", name, used)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
	white := image.NewGray(image.Rect(0, 0, 6000, 6000)) // as small as an honest picture can be
	var w, wj bytes.Buffer
	if err := png.Encode(&w, white); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&wj, white, nil); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{w.Bytes(), wj.Bytes()} {
		if q, err := decodeRGB(b); err != nil || q.h != 6000 {
			t.Errorf("a black picture of %d bytes: %v", len(b), err)
		}
	}
}

// FuzzJPEGSegments puts JPEGs together from segments of good ones, and numbers of its own.
func FuzzJPEGSegments(f *testing.F) {
	var segments [][]byte
	names, err := filepath.Glob(filepath.Join("jpeg", "testdata", "*.jpg"))
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) > 8000 || strings.Contains(n, "q100") {
			continue
		}
		for i := 2; i+4 < len(b) && b[i] == 0xff; {
			end := i + 2 + int(binary.BigEndian.Uint16(b[i+2:]))
			if b[i+1] == 0xda { // a scan, with its data up to the next marker that is one
				for end+1 < len(b) && (b[end] != 0xff || b[end+1] == 0 || b[end+1] >= 0xd0 && b[end+1] <= 0xd7) {
					end++
				}
			}
			segments = append(segments, b[i:min(end, len(b))])
			i = end
		}
	}
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7}, uint16(16), uint16(16))
	f.Add([]byte{9, 3, 12, 7, 1}, uint16(30000), uint16(30000))
	f.Add([]byte{2, 2, 2}, uint16(0), uint16(9))
	f.Fuzz(func(t *testing.T, order []byte, h, w uint16) {
		timer := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer timer.Stop()
		b := []byte{0xff, 0xd8}
		for _, k := range order[:min(len(order), 40)] {
			b = append(b, segments[int(k)%len(segments)]...)
		}
		if h%3 != 0 {
			b = resized(b, int(h), int(w), false)
		}
		b = append(b, 0xff, 0xd9)
		if p, err := decodeRGB(b); err == nil && len(p.u) != 3*p.h*p.w {
			t.Errorf("%d bytes for %dx%d", len(p.u), p.h, p.w)
		}
	})
}

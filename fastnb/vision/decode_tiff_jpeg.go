package vision

import (
	"bytes"
	"fmt"
	"image"
)

// jpeg reads a TIFF whose parts are JPEGs, their tables apart.
func (t *tiffPicture) jpeg() (image.Image, error) {
	if t.size != 1 || t.planar {
		return nil, fmt.Errorf("a TIFF of JPEGs with %d bits and planes apart is not read here", 8*t.size)
	}
	if t.photo == photoCMYK {
		return nil, fmt.Errorf("a TIFF of JPEGs in four inks is not read here")
	}
	out := newBytes(3, t.h, t.w)
	err := t.parts(func(_ int, data []byte, x, y, w, h int) error {
		p, err := fastJPEG(t.wholeJPEG(data))
		if err != nil {
			return describe("JPEG", err)
		}
		defer p.release()
		cols, rows := min(w, t.w-x, p.w), min(h, t.h-y, p.h)
		if cols < min(w, t.w-x) || rows < min(h, t.h-y) {
			return errTIFF
		}
		for c := range 3 {
			for r := range rows {
				copy(out.u[(c*t.h+y+r)*t.w+x:][:cols], p.u[(c*p.h+r)*p.w:])
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer out.release()
	if t.samples == 1 {
		m := image.NewGray(image.Rect(0, 0, t.w, t.h))
		copy(m.Pix, out.u[:t.w*t.h])
		return m, nil
	}
	return out.picture(), nil
}

// wholeJPEG is a part with the tables that all share, and a marker that says whether its colours are as they
// stand.
func (t *tiffPicture) wholeJPEG(part []byte) []byte {
	const marker = 2
	if len(part) < marker {
		return part
	}
	out := append([]byte{}, part[:marker]...)
	if t.photo == photoRGB {
		out = append(out, adobeMarker...)
	}
	tables := bytes.TrimSuffix(t.raw[tagJPEGTables], []byte("\xff\xd9"))
	if len(tables) > marker {
		out = append(out, tables[marker:]...)
	}
	return append(out, part[marker:]...)
}

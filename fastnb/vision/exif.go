package vision

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"path/filepath"
	"slices"

	"github.com/fastnb/go/fastnb/data"
)

// OpenOption is an option of OpenImage: UseEXIF.
type OpenOption interface{ applyOpen(*imageKind) }

// EXIFOption is what UseEXIF gives.
type EXIFOption struct {
	data.FromOption
	on bool
}

func (o EXIFOption) applyOpen(k *imageKind) { k.EXIF = o.on }

// UseEXIF says whether pictures are turned as their EXIF data says, as a camera held upright leaves it (default
// false, as in fastai 1, with a line that says so). It is an option of OpenImage and of lists of pictures.
// Masks and points are not turned: they are to fit the turned picture.
func UseEXIF(on bool) EXIFOption {
	o := EXIFOption{on: on}
	o.FromOption = data.ForKind(func(k data.Kind) (data.Kind, error) {
		i, ok := k.(imageKind)
		if !ok {
			return k, errNotPictures
		}
		i.EXIF = on
		return i, nil
	})
	return o
}

// turned opens p as its EXIF data says, or tells that it has some.
func (k imageKind) turned(p *planes, b []byte, file string) *planes {
	o := orientation(b)
	if o < 2 || o > 8 {
		return p
	}
	if !k.EXIF {
		notice("pictures in %s are turned by their EXIF data, as cameras write it, and opened as they are stored, as in fastai 1 (try UseEXIF(true))", filepath.Dir(file))
		return p
	}
	q := p.reoriented(o)
	p.release()
	return q
}

// orientation is the EXIF tag of that name, 1 to 8, or 0 where there is none.
func orientation(b []byte) int {
	d, err := readTIFFDir(exifOf(b))
	if err != nil {
		return 0
	}
	return int(d.first(tagOrientation, 0))
}

// exifOf is the EXIF data of a picture's file, nil for none.
func exifOf(b []byte) (tiff []byte) {
	switch {
	case isJPEG(b):
		return exifOfJPEG(b)
	case isPNG(b):
		return exifOfPNG(b)
	case isWebP(b):
		for _, c := range chunks(b[12:]) {
			if c.id == "EXIF" {
				tiff = bytes.TrimPrefix(c.data, exifHead)
			}
		}
	case isTIFF(b):
		return b
	}
	return tiff
}

func isPNG(b []byte) bool { return bytes.HasPrefix(b, []byte("\x89PNG")) }

// withEXIF gives a JPEG or PNG that has no EXIF data some: behind the first marker of the one, behind the header
// of the other.
func withEXIF(b, tiff []byte) []byte {
	const app1, start, header = 0xe1, 2, 33
	var part []byte
	at := header
	switch {
	case tiff == nil:
		return b
	case isJPEG(b):
		n := 2 + len(exifHead) + len(tiff)
		if n > math.MaxUint16 {
			return b
		}
		part, at = append(binary.BigEndian.AppendUint16([]byte{0xff, app1}, uint16(n)), exifHead...), start
		part = append(part, tiff...)
	default:
		chunk := append([]byte("eXIf"), tiff...)
		part = append(binary.BigEndian.AppendUint32(nil, uint32(len(tiff))), chunk...)
		part = binary.BigEndian.AppendUint32(part, crc32.ChecksumIEEE(chunk))
	}
	return slices.Concat(b[:at], part, b[at:])
}

// exifHead stands before EXIF data in JPEGs.
var exifHead = []byte("Exif\x00\x00")

func exifOfJPEG(b []byte) []byte {
	const app1, scan = 0xe1, 0xda
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		marker := b[at+1]
		n := int(binary.BigEndian.Uint16(b[at+2:]))
		if marker == scan || n < 2 || at+2+n > len(b) {
			return nil
		}
		if data := b[at+4 : at+2+n]; marker == app1 && bytes.HasPrefix(data, exifHead) {
			return data[len(exifHead):]
		}
		at += 2 + n
	}
	return nil
}

func exifOfPNG(b []byte) []byte {
	const head, around = 8, 12 // length, name and checksum of a chunk
	for at := head; at+around <= len(b); {
		n := int(binary.BigEndian.Uint32(b[at:]))
		if n < 0 || n > len(b)-at-around {
			return nil
		}
		if string(b[at+4:at+8]) == "eXIf" {
			return b[at+8 : at+8+n]
		}
		at += around + n
	}
	return nil
}

// reoriented is a copy as EXIF's orientation o has it: from 5 on rows become columns.
func (p *planes) reoriented(o int) *planes {
	h, w := p.h, p.w
	if o > 4 {
		h, w = w, h
	}
	q := newBytes(p.c, h, w)
	for c := range p.c {
		for y := range h {
			for x := range w {
				r, s := y, x // in the stored picture
				if o > 4 {
					r, s = x, y
				}
				if o == 3 || o == 4 || o == 6 || o == 7 {
					r = p.h - 1 - r
				}
				if o == 2 || o == 3 || o == 7 || o == 8 {
					s = p.w - 1 - s
				}
				q.u[(c*h+y)*w+x] = p.u[(c*p.h+r)*p.w+s]
			}
		}
	}
	return q
}

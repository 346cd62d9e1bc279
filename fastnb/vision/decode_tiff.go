package vision

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"

	"golang.org/x/image/tiff/lzw"
)

// isTIFF looks at the first bytes.
func isTIFF(b []byte) bool {
	return len(b) >= 8 && (string(b[:4]) == "II*\x00" || string(b[:4]) == "MM\x00*")
}

// Tags of TIFF that are read here.
const (
	tagWidth, tagHeight             = 256, 257
	tagBits, tagCompression         = 258, 259
	tagPhotometric                  = 262
	tagStrips, tagOrientation       = 273, 274
	tagSamples, tagRowsPerStrip     = 277, 278
	tagStripBytes, tagPlanar        = 279, 284
	tagPredictor                    = 317
	tagTileWidth, tagTileHeight     = 322, 323
	tagTiles, tagTileBytes          = 324, 325
	tagSampleFormat, tagJPEGTables  = 339, 347
	photoGrey, photoRGB             = 1, 2
	photoCMYK, photoYCbCr           = 5, 6
	packNone, packLZW, packJPEG     = 1, 5, 7
	packDeflate, packOldDeflate     = 8, 32946
	packBits                        = 32773
	formatUint, formatInt, formatFP = 1, 2, 3
)

// tiffDir is the first directory of a TIFF, or of EXIF data: numbers by tag.
type tiffDir struct {
	order binary.ByteOrder
	file  []byte
	tags  map[uint16][]uint32
	raw   map[uint16][]byte
}

var errTIFF = errors.New("broken tiff file")

// readTIFFDir reads the directory. Entries that are no numbers are left out.
func readTIFFDir(b []byte) (*tiffDir, error) {
	if !isTIFF(b) {
		return nil, errTIFF
	}
	d := &tiffDir{order: binary.LittleEndian, file: b, tags: map[uint16][]uint32{}, raw: map[uint16][]byte{}}
	if b[0] == 'M' {
		d.order = binary.BigEndian
	}
	at := uint64(d.order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return nil, errTIFF
	}
	n := uint64(d.order.Uint16(b[at:]))
	const entry = 12
	if at+2+n*entry > uint64(len(b)) {
		return nil, errTIFF
	}
	sizes := map[uint16]uint64{1: 1, 3: 2, 4: 4, 7: 1} // bytes, shorts, longs, undefined
	for k := range n {
		e := b[at+2+k*entry:]
		tag, kind, count := d.order.Uint16(e), d.order.Uint16(e[2:]), uint64(d.order.Uint32(e[4:]))
		size, v := sizes[kind], e[8:entry]
		if size == 0 || count > uint64(len(b)) {
			continue
		}
		if size*count > 4 {
			from := uint64(d.order.Uint32(v))
			if from+size*count > uint64(len(b)) {
				return nil, errTIFF
			}
			v = b[from:]
		}
		d.raw[tag] = v[:size*count]
		for i := range count {
			var x uint32
			switch size {
			case 1:
				x = uint32(v[i])
			case 2:
				x = uint32(d.order.Uint16(v[2*i:]))
			case 4:
				x = d.order.Uint32(v[4*i:])
			}
			d.tags[tag] = append(d.tags[tag], x)
		}
	}
	return d, nil
}

// first is a tag's first number, or def.
func (d *tiffDir) first(tag uint16, def uint32) uint32 {
	if v := d.tags[tag]; len(v) > 0 {
		return v[0]
	}
	return def
}

// tiffPicture is a TIFF in the course of reading.
type tiffPicture struct {
	*tiffDir
	w, h, samples int
	size          int // bytes of a sample
	format, photo uint32
	compression   uint32
	planar        bool
	pw, ph        int // of a part, strip or tile
	tiled         bool
	pix           []byte // samples as the file has them, interleaved, in its byte order
}

// maxSamples is more numbers for a pixel than any picture that is read has.
const maxSamples = 16

// decodeTIFF reads what package tiff leaves out: four inks, floating point and other numbers than bytes (cut
// off at 0 and 255, as Pillow does), JPEG inside, planes apart.
func decodeTIFF(b []byte) (image.Image, error) {
	d, err := readTIFFDir(b)
	if err != nil {
		return nil, err
	}
	t, err := newTIFF(d)
	if err != nil {
		return nil, err
	}
	if t.w*t.h > perByte*len(b)+freePixels || t.samples > maxSamples {
		return nil, tooLarge(t.w, t.h, len(b))
	}
	if t.compression == packJPEG {
		return t.jpeg()
	}
	t.pix = make([]byte, t.w*t.h*t.samples*t.size)
	err = t.parts(func(k int, data []byte, x, y, w, h int) error {
		per := t.samples
		if t.planar {
			per = 1
		}
		raw, err := t.unpack(data, w*h*per*t.size)
		if err != nil {
			return err
		}
		if err := t.unpredict(raw, w, per); err != nil {
			return err
		}
		t.place(raw, k, per, x, y, w, h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t.picture()
}

func newTIFF(d *tiffDir) (*tiffPicture, error) {
	t := &tiffPicture{
		tiffDir: d, w: int(d.first(tagWidth, 0)), h: int(d.first(tagHeight, 0)), samples: int(d.first(tagSamples, 1)),
		format: d.first(tagSampleFormat, formatUint), photo: d.first(tagPhotometric, photoGrey), compression: d.first(tagCompression, packNone),
		planar: d.first(tagPlanar, 1) == 2, size: int(d.first(tagBits, 1)) / 8,
	}
	if err := checkSize(t.w, t.h); err != nil {
		return nil, err
	}
	for _, b := range d.tags[tagBits] {
		if b != d.first(tagBits, 1) {
			return nil, fmt.Errorf("a TIFF with samples of %v bits is not read here", d.tags[tagBits])
		}
	}
	if s := t.size; s != 1 && s != 2 && s != 4 && s != 8 || d.first(tagBits, 1)%8 != 0 || t.samples < 1 || t.samples > 8 || t.w > maxPixels/t.h/t.samples {
		return nil, fmt.Errorf("a TIFF with %d samples of %d bits is not read here", t.samples, d.first(tagBits, 1))
	}
	t.pw, t.ph = t.w, int(min(d.first(tagRowsPerStrip, uint32(t.h)), uint32(t.h)))
	if _, t.tiled = d.tags[tagTiles]; t.tiled {
		t.pw, t.ph = int(d.first(tagTileWidth, 0)), int(d.first(tagTileHeight, 0))
	}
	if t.pw < 1 || t.ph < 1 || t.pw > maxPixels/t.ph/t.samples/t.size {
		return nil, errTIFF
	}
	return t, nil
}

// parts gives each strip or tile its place: number, bytes, left, top, width and height (those of tiles reach
// over the edge).
func (t *tiffPicture) parts(f func(k int, data []byte, x, y, w, h int) error) error {
	offsets, lengths := t.tags[tagStrips], t.tags[tagStripBytes]
	if t.tiled {
		offsets, lengths = t.tags[tagTiles], t.tags[tagTileBytes]
	}
	across, down := (t.w+t.pw-1)/t.pw, (t.h+t.ph-1)/t.ph
	n := across * down
	if t.planar {
		n *= t.samples
	}
	if len(offsets) < n || len(lengths) < n {
		return errTIFF
	}
	for k := range n {
		from, to := uint64(offsets[k]), uint64(offsets[k])+uint64(lengths[k])
		if to > uint64(len(t.file)) {
			return errors.New("the picture is cut off: the file ends too early")
		}
		x, y := k%across*t.pw, k/across%down*t.ph
		h := t.ph
		if !t.tiled {
			h = min(h, t.h-y)
		}
		if err := f(k/(across*down), t.file[from:to], x, y, t.pw, h); err != nil {
			return err
		}
	}
	return nil
}

// unpack undoes the compression; n bytes are wanted.
func (t *tiffPicture) unpack(b []byte, n int) ([]byte, error) {
	var r io.Reader
	switch t.compression {
	case packNone:
		r = bytes.NewReader(b)
	case packLZW:
		z := lzw.NewReader(bytes.NewReader(b), lzw.MSB, 8)
		defer func() { _ = z.Close() }() // only read
		r = z
	case packDeflate, packOldDeflate:
		z, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("broken tiff file: %w", err)
		}
		defer func() { _ = z.Close() }() // only read
		r = z
	case packBits:
		r = bytes.NewReader(unpackBits(b, n))
	default:
		return nil, fmt.Errorf("a TIFF with compression %d is not read here", t.compression)
	}
	out := make([]byte, n)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, fmt.Errorf("broken tiff file, or cut off: %w", err)
	}
	return out, nil
}

// unpackBits undoes Apple's run lengths.
func unpackBits(b []byte, n int) []byte {
	out := make([]byte, 0, n)
	for len(b) > 1 && len(out) < n {
		switch c := int(int8(b[0])); {
		case c >= 0:
			m := min(c+1, len(b)-1)
			out, b = append(out, b[1:1+m]...), b[1+m:]
		case c == -128:
			b = b[1:]
		default:
			for range 1 - c {
				out = append(out, b[1])
			}
			b = b[2:]
		}
	}
	return out
}

// unpredict undoes differences between neighbours in rows of w pixels.
func (t *tiffPicture) unpredict(b []byte, w, per int) error {
	row := w * per * t.size
	switch p := t.first(tagPredictor, 1); {
	case p == 1:
		return nil
	case p == 2 && t.size == 1:
		for at := 0; at < len(b); at += row {
			for i := at + per; i < at+row; i++ {
				b[i] += b[i-per]
			}
		}
	case p == 2 && t.size == 2:
		for at := 0; at < len(b); at += row {
			for i := at + 2*per; i < at+row; i += 2 {
				t.order.PutUint16(b[i:], t.order.Uint16(b[i:])+t.order.Uint16(b[i-2*per:]))
			}
		}
	case p == 2 && t.size == 4:
		for at := 0; at < len(b); at += row {
			for i := at + 4*per; i < at+row; i += 4 {
				t.order.PutUint32(b[i:], t.order.Uint32(b[i:])+t.order.Uint32(b[i-4*per:]))
			}
		}
	case p == 3:
		t.unpredictFloats(b, row, per)
	default:
		return fmt.Errorf("a TIFF with predictor %d is not read here", p)
	}
	return nil
}

// unpredictFloats undoes differences of bytes, the highest of all numbers of a row first.
func (t *tiffPicture) unpredictFloats(b []byte, row, per int) {
	line := make([]byte, row)
	for at := 0; at < len(b); at += row {
		for i := at + per; i < at+row; i++ {
			b[i] += b[i-per]
		}
		copy(line, b[at:])
		for i := range row / t.size {
			for k := range t.size {
				to := k
				if t.order == binary.ByteOrder(binary.LittleEndian) {
					to = t.size - 1 - k
				}
				b[at+i*t.size+to] = line[k*row/t.size+i]
			}
		}
	}
}

// place copies a part into the picture.
func (t *tiffPicture) place(raw []byte, plane, per, x, y, w, h int) {
	cols := min(w, t.w-x)
	for r := range min(h, t.h-y) {
		for c := range cols {
			src := raw[(r*w+c)*per*t.size:]
			dst := t.pix[(((y+r)*t.w+x+c)*t.samples+plane)*t.size:]
			copy(dst[:per*t.size], src)
		}
	}
}

// number is sample k as Pillow brings it to 8 bits.
func (t *tiffPicture) number(k int) uint8 {
	b := t.pix[k*t.size:]
	var v float64
	switch {
	case t.size == 1 && t.format == formatInt:
		v = float64(int8(b[0]))
	case t.size == 1:
		v = float64(b[0])
	case t.size == 2 && t.format == formatInt:
		v = float64(int16(t.order.Uint16(b)))
	case t.size == 2:
		v = float64(t.order.Uint16(b))
	case t.size == 4 && t.format == formatFP:
		v = float64(math.Float32frombits(t.order.Uint32(b)))
	case t.size == 4 && t.format == formatInt:
		v = float64(int32(t.order.Uint32(b)))
	case t.size == 4:
		v = float64(t.order.Uint32(b))
	case t.format == formatFP:
		v = math.Float64frombits(t.order.Uint64(b))
	default:
		v = float64(t.order.Uint64(b))
	}
	if !(v > 0) { // NaN too
		return 0
	}
	return uint8(min(v, 255))
}

// picture gives the samples their colours.
func (t *tiffPicture) picture() (image.Image, error) {
	r := image.Rect(0, 0, t.w, t.h)
	switch {
	case t.photo == photoGrey:
		m := image.NewGray(r)
		for k := range m.Pix {
			m.Pix[k] = t.number(k * t.samples)
		}
		t.tellSmall(m)
		return m, nil
	case t.photo == photoCMYK && t.samples >= 4 && t.size == 1:
		m := image.NewCMYK(r)
		for k := range t.w * t.h {
			copy(m.Pix[4*k:4*k+4], t.pix[k*t.samples:])
		}
		return m, nil
	case t.photo == photoRGB && t.samples >= 3 && t.size == 1:
		m := image.NewRGBA(r)
		for k := range t.w * t.h {
			copy(m.Pix[4*k:4*k+3], t.pix[k*t.samples:])
			m.Pix[4*k+3] = 255
		}
		return m, nil
	}
	return nil, fmt.Errorf("a TIFF of colour model %d with %d samples of %d bits is not read here", t.photo, t.samples, 8*t.size)
}

// tellSmall says so where a picture of fractions has become black.
func (t *tiffPicture) tellSmall(m *image.Gray) {
	if t.format != formatFP {
		return
	}
	for _, v := range m.Pix {
		if v > 1 {
			return
		}
	}
	notice("a TIFF of floating point has no value above 1: it is read as 0 to 255, as Pillow does, and so is black (try multiplying it by 255)")
}

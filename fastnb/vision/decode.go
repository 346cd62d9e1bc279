package vision

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"os"
	"strings"

	_ "image/png" // a format that image.Decode knows

	"github.com/fastnb/go/fastnb/vision/jpeg"

	_ "golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// maxPixels bounds a picture's size: a broken header must not ask for all memory. It is PIL's bound for
// refusing "decompression bombs".
const maxPixels = 2 * 89478485

// readFile reads a file; the error does not name it.
func readFile(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return b, err
}

// isJPEG looks at the first bytes.
func isJPEG(b []byte) bool { return bytes.HasPrefix(b, []byte("\xff\xd8")) }

// decodeRGB reads a picture file's bytes. JPEGs are read by our own decoder, which gives PIL's pixels;
// what it does not take is left to image/jpeg.
func decodeRGB(b []byte) (*planes, error) {
	if isJPEG(b) {
		p, err := fastJPEG(b)
		if err == nil || errors.Is(err, jpeg.ErrTruncated) {
			return p, err
		}
	}
	if isWebP(b) {
		if err := checkConfig(b); err != nil {
			return nil, err
		}
		return decodeWebP(b)
	}
	m, err := decodeAny(b)
	if err != nil {
		return nil, err
	}
	return planesOf(m), nil
}

// decodeAny reads a picture in the form its format has.
func decodeAny(b []byte) (image.Image, error) {
	switch {
	case len(b) == 0:
		return nil, errors.New("the file is empty")
	case isJPEG(b):
		return decodeJPEG(b)
	}
	if isTIFF(b) {
		return decodeAnyTIFF(b)
	}
	if err := checkConfig(b); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(b, []byte("GIF8")) {
		return decodeGIF(b)
	}
	m, format, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, describe(format, err)
	}
	return m, nil
}

// decodeAnyTIFF reads a TIFF by package tiff, and what that does not know by ourselves.
func decodeAnyTIFF(b []byte) (image.Image, error) {
	err := checkConfig(b)
	if err == nil {
		var m image.Image
		if m, err = tiff.Decode(bytes.NewReader(b)); err == nil {
			return faxed(m, b), nil
		}
	}
	var unknown tiff.UnsupportedError
	if m, own := decodeTIFF(b); own == nil || errors.As(err, &unknown) {
		return m, own
	}
	return nil, describe("tiff", err)
}

// faxed turns a fax in which 0 is black the right way round: package tiff has its black and white exchanged.
func faxed(m image.Image, b []byte) image.Image {
	const huffman, group4 = 2, 4
	g, ok := m.(*image.Gray)
	d, err := readTIFFDir(b)
	if !ok || err != nil {
		return m
	}
	if c := d.first(tagCompression, packNone); c >= huffman && c <= group4 && d.first(tagPhotometric, 0) == photoGrey {
		for k, v := range g.Pix {
			g.Pix[k] = 255 - v
		}
	}
	return m
}

// checkConfig refuses a picture by its header.
func checkConfig(b []byte) error {
	conf, format, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return describe(format, err)
	}
	if err := checkSize(conf.Width, conf.Height); err != nil {
		return err
	}
	if format != "webp" && conf.Width*conf.Height > perByte*len(b)+freePixels {
		return tooLarge(conf.Width, conf.Height, len(b))
	}
	return nil
}

// perByte is the most pixels that a byte of a picture can stand for: deflate packs 1032 to 1, and a byte
// holds eight pixels of black and white. WebP, which has no such bound, has one of its own on sizes.
const (
	perByte    = 8 * 1040
	freePixels = 1 << 20
)

// tooLarge is the error of a header that asks for more pixels than the file can hold.
func tooLarge(w, h, size int) error {
	return fmt.Errorf("it says that it has %dx%d pixels, which a file of %d bytes cannot hold", h, w, size)
}

func checkSize(w, h int) error {
	if w < 1 || h < 1 || w > maxPixels/h {
		return fmt.Errorf("a picture of %dx%d pixels cannot be read", h, w)
	}
	return nil
}

// describe says what a decoder's error means.
func describe(format string, err error) error {
	switch {
	case errors.Is(err, image.ErrFormat):
		return errors.New("not a picture in a known format (JPEG, PNG, GIF, WebP, BMP, TIFF)")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		strings.HasSuffix(err.Error(), "short Huffman data"), strings.HasSuffix(err.Error(), "not enough pixel data"):
		return errors.New("the picture is cut off: the file ends too early")
	case format == "":
		return err
	}
	return fmt.Errorf("broken %s file: %w", format, err)
}

// planesOf takes red, green and blue of a picture.
func planesOf(m image.Image) *planes {
	r := m.Bounds()
	p := newBytes(3, r.Dy(), r.Dx())
	n := p.h * p.w
	R, G, B := p.u[:n], p.u[n:2*n], p.u[2*n:3*n]
	switch m := m.(type) {
	case *image.Gray:
		for y := range p.h {
			copy(R[y*p.w:(y+1)*p.w], m.Pix[y*m.Stride:])
		}
		copy(G, R)
		copy(B, R)
	case *image.NRGBA:
		interleaved(p, m.Pix, m.Stride)
	case *image.RGBA:
		if m.Opaque() {
			interleaved(p, m.Pix, m.Stride)
		} else {
			pixelwise(p, m)
		}
	case *image.CMYK:
		rgbOfCMYK(p, m)
	case *image.Paletted:
		var pal [256]color.NRGBA
		for k, c := range m.Palette {
			pal[k&255] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
		for y := range p.h {
			for x, v := range m.Pix[y*m.Stride : y*m.Stride+p.w] {
				c := pal[v]
				R[y*p.w+x], G[y*p.w+x], B[y*p.w+x] = c.R, c.G, c.B
			}
		}
	default:
		pixelwise(p, m)
	}
	return p
}

// interleaved takes the first three of each four bytes.
func interleaved(p *planes, pix []uint8, stride int) {
	n := p.h * p.w
	for y := range p.h {
		row := pix[y*stride : y*stride+4*p.w]
		r, g, b := p.u[y*p.w:(y+1)*p.w], p.u[n+y*p.w:n+(y+1)*p.w], p.u[2*n+y*p.w:2*n+(y+1)*p.w]
		for x := range r {
			q := row[4*x : 4*x+3 : 4*x+3]
			r[x], g[x], b[x] = q[0], q[1], q[2]
		}
	}
}

// pixelwise works for any picture; 16-bit values lose their lower half.
func pixelwise(p *planes, m image.Image) {
	r, n := m.Bounds(), p.h*p.w
	for y := range p.h {
		for x := range p.w {
			c := color.NRGBAModel.Convert(m.At(r.Min.X+x, r.Min.Y+y)).(color.NRGBA)
			k := y*p.w + x
			p.u[k], p.u[n+k], p.u[2*n+k] = c.R, c.G, c.B
		}
	}
}

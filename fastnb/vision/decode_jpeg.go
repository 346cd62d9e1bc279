package vision

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"strings"

	"github.com/fastnb/go/fastnb/vision/jpeg"
)

// fastJPEG reads a JPEG with our own decoder.
func fastJPEG(b []byte) (*planes, error) {
	var p *planes
	err := jpeg.Decode(b, func(h, w int) ([]uint8, error) {
		p = newBytes(3, h, w)
		return p.u, nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// adobeMarker is an Adobe APP14 segment that says the components are as they stand, without a colour
// transform.
var adobeMarker = []byte{0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}

// decodeJPEG reads a JPEG with the standard library. image/jpeg refuses four components without Adobe's marker, which is how the
// Planet tiles come; PIL takes such files for plain CMYK, so they get the marker.
func decodeJPEG(b []byte) (image.Image, error) {
	conf, err := stdjpeg.DecodeConfig(bytes.NewReader(b))
	if err == nil {
		err = checkSize(conf.Width, conf.Height)
	}
	// A block of 8x8 takes a bit at least, also where passes follow one another.
	if err == nil && conf.Width*conf.Height > 512*len(b) {
		err = tooLarge(conf.Width, conf.Height, len(b))
	}
	if err != nil {
		return nil, describe("JPEG", err)
	}
	m, err := stdjpeg.Decode(bytes.NewReader(b))
	if err != nil && strings.Contains(err.Error(), "Adobe APP14") {
		m, err = stdjpeg.Decode(bytes.NewReader(withAdobeMarker(b)))
	}
	if err != nil {
		return nil, describe("JPEG", err)
	}
	return m, nil
}

// withAdobeMarker inserts the marker after the start of the image.
func withAdobeMarker(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(adobeMarker))
	out = append(out, b[:2]...)
	out = append(out, adobeMarker...)
	return append(out, b[2:]...)
}

// rgbOfCMYK converts as PIL does: v = nk - c*nk/255 with nk = 255-k, in its rounding.
func rgbOfCMYK(p *planes, m *image.CMYK) {
	n := p.h * p.w
	for y := range p.h {
		row := m.Pix[y*m.Stride : y*m.Stride+4*p.w]
		r, g, b := p.u[y*p.w:(y+1)*p.w], p.u[n+y*p.w:n+(y+1)*p.w], p.u[2*n+y*p.w:2*n+(y+1)*p.w]
		for x := range r {
			q := row[4*x : 4*x+4 : 4*x+4]
			nk := 255 - int32(q[3])
			if nk == 255 {
				r[x], g[x], b[x] = 255-q[0], 255-q[1], 255-q[2]
				continue
			}
			r[x], g[x], b[x] = ink(q[0], nk), ink(q[1], nk), ink(q[2], nk)
		}
	}
}

func ink(c uint8, nk int32) uint8 {
	t := int32(c)*nk + 128
	return uint8(max(0, nk-(t+t>>8)>>8))
}

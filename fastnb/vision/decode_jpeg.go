package vision

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
)

// adobeMarker is an Adobe APP14 segment that says the components are as they stand, without a colour
// transform.
var adobeMarker = []byte{0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}

// decodeJPEG reads a JPEG. image/jpeg refuses four components without Adobe's marker, which is how the
// Planet tiles come; PIL takes such files for plain CMYK, so they get the marker.
func decodeJPEG(b []byte) (image.Image, error) {
	m, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil && strings.Contains(err.Error(), "Adobe APP14") {
		m, err = jpeg.Decode(bytes.NewReader(withAdobeMarker(b)))
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

// rgbOfYCbCr converts with chroma interpolated as libjpeg does by default ("fancy upsampling").
func rgbOfYCbCr(p *planes, m *image.YCbCr) {
	cb, cr := make([]uint8, p.w+2), make([]uint8, p.w+2)
	up := newUpsampler(m)
	n := p.h * p.w
	for y := range p.h {
		up.row(cb, m.Cb, y)
		up.row(cr, m.Cr, y)
		at := y * p.w
		convertRow(p.u[at:at+p.w], p.u[n+at:n+at+p.w], p.u[2*n+at:2*n+at+p.w], m.Y[y*m.YStride:y*m.YStride+p.w], cb, cr)
	}
}

// chroma holds libjpeg's fixed-point tables of the conversion (jdcolor.c, 16 fraction bits).
var chroma = func() (t struct{ crR, cbB, crG, cbG [256]int32 }) {
	for k := range int32(256) {
		x := k - 128
		t.crR[k] = (91881*x + 32768) >> 16
		t.cbB[k] = (116130*x + 32768) >> 16
		t.crG[k] = -46802 * x
		t.cbG[k] = -22554*x + 32768
	}
	return
}()

func convertRow(r, g, b, ys, cb, cr []uint8) {
	g, b, ys, cb, cr = g[:len(r)], b[:len(r)], ys[:len(r)], cb[:len(r)], cr[:len(r)]
	for x := range r {
		y, u, v := int32(ys[x]), cb[x], cr[x]
		r[x] = clamp8(y + chroma.crR[v])
		g[x] = clamp8(y + (chroma.cbG[u]+chroma.crG[v])>>16)
		b[x] = clamp8(y + chroma.cbB[u])
	}
}

func clamp8(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

package vision

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"

	"golang.org/x/image/webp"
)

// isWebP looks at the first bytes.
func isWebP(b []byte) bool {
	return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP"
}

// chunk is a part of a RIFF file.
type chunk struct {
	id   string
	data []byte
}

// chunks are the parts that b consists of; what is cut off at the end is left out.
func chunks(b []byte) []chunk {
	const head = 8
	var out []chunk
	for len(b) >= head {
		n := uint64(binary.LittleEndian.Uint32(b[4:]))
		if n > uint64(len(b)-head) {
			break
		}
		out = append(out, chunk{string(b[:4]), b[head : head+n]})
		b = b[min(uint64(len(b)), head+n+n&1):]
	}
	return out
}

// lossyWebP reports whether a WebP file keeps its colours only nearly.
func lossyWebP(b []byte) bool {
	if !isWebP(b) {
		return false
	}
	for _, c := range chunks(b[12:]) {
		if c.id == "VP8 " || c.id == "ANMF" && bytes.Contains(c.data[:min(len(c.data), 64)], []byte("VP8 ")) {
			return true
		}
	}
	return false
}

var errWebP = errors.New("broken webp file: there is no picture in it")

// decodeWebP reads a WebP file, of an animated one the first frame, with libwebp's pixels: the standard
// formats' YCbCr has other ranges than WebP's.
func decodeWebP(b []byte) (*planes, error) {
	all := chunks(b[12:])
	for _, c := range all {
		if c.id == "ANMF" {
			return firstFrame(all, c)
		}
	}
	m, err := webp.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, describe("webp", err)
	}
	return planesOfWebP(m), nil
}

// planesOfWebP takes red, green and blue of what package webp decodes.
func planesOfWebP(m image.Image) *planes {
	switch m := m.(type) {
	case *image.YCbCr:
		return rgbOfVP8(m)
	case *image.NYCbCrA:
		return rgbOfVP8(&m.YCbCr)
	}
	return planesOf(m)
}

// firstFrame reads an animated file's first frame and lays it onto the empty canvas.
func firstFrame(all []chunk, frame chunk) (*planes, error) {
	const canvasSize, frameHead = 10, 16
	if all[0].id != "VP8X" || len(all[0].data) < canvasSize || len(frame.data) < frameHead {
		return nil, errWebP
	}
	x := all[0].data
	w, h := 1+uint24(x[4:]), 1+uint24(x[7:])
	left, top := 2*uint24(frame.data), 2*uint24(frame.data[3:])
	if err := checkSize(w, h); err != nil {
		return nil, err
	}
	m, err := webp.Decode(bytes.NewReader(stillOf(frame.data[6:12], chunks(frame.data[frameHead:]))))
	if err != nil {
		return nil, describe("webp", err)
	}
	f := planesOfWebP(m)
	if f.h == h && f.w == w {
		return f, nil
	}
	defer f.release()
	if left+f.w > w || top+f.h > h {
		return nil, errWebP
	}
	p := newBytes(3, h, w)
	clear(p.u)
	for c := range 3 {
		for y := range f.h {
			copy(p.u[(c*h+top+y)*w+left:], f.u[(c*f.h+y)*f.w:(c*f.h+y+1)*f.w])
		}
	}
	return p, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// stillOf is a file of one frame; size is its width and height less one, three bytes each.
func stillOf(size []byte, parts []chunk) []byte {
	var body []byte
	put := func(id string, data []byte) {
		body = append(body, id...)
		body = binary.LittleEndian.AppendUint32(body, uint32(len(data)))
		body = append(body, data...)
		if len(data)&1 == 1 {
			body = append(body, 0)
		}
	}
	for _, c := range parts {
		if c.id == "ALPH" {
			const alphaBit = 1 << 4
			put("VP8X", append([]byte{alphaBit, 0, 0, 0}, size...))
			break
		}
	}
	for _, c := range parts {
		if c.id == "ALPH" || c.id == "VP8 " || c.id == "VP8L" {
			put(c.id, c.data)
		}
	}
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body)+4))
	return append(append(out, "WEBP"...), body...)
}

// rgbOfVP8 converts a lossy picture. Luma is 16 to 235 and chroma 16 to 240, as television has them, and the
// chroma of a pixel is that of the four nearest samples with weights 9, 3, 3 and 1, in libwebp's rounding.
func rgbOfVP8(m *image.YCbCr) *planes {
	r := m.Rect
	p := newBytes(3, r.Dy(), r.Dx())
	n, cw, ch := p.h*p.w, (p.w+1)/2, (p.h+1)/2
	cb, cr := make([]int32, p.w), make([]int32, p.w)
	for y := range p.h {
		near := y / 2
		far := min(max(near-1+y&1*2, 0), ch-1) // the row of samples on the other side
		upsample(cb, m.Cb[near*m.CStride:], m.Cb[far*m.CStride:], cw)
		upsample(cr, m.Cr[near*m.CStride:], m.Cr[far*m.CStride:], cw)
		luma := m.Y[y*m.YStride:]
		for x := range p.w {
			at := y*p.w + x
			v := int32(luma[x]) * 19077 >> 8
			u, w := cb[x], cr[x]
			p.u[at] = clip6(v + w*26149>>8 - 14234)
			p.u[n+at] = clip6(v - u*6419>>8 - w*13320>>8 + 8708)
			p.u[2*n+at] = clip6(v + u*33050>>8 - 17685)
		}
	}
	return p
}

// clip6 takes six fraction bits off and bounds the rest.
func clip6(v int32) uint8 { return uint8(min(max(v>>6, 0), 255)) }

// upsample gives each pixel of a row its chroma, of n samples in the nearest row and the one behind that.
// libwebp halves in two steps: first towards the diagonals of each square of samples, then towards its corner.
func upsample(dst []int32, near, far []uint8, n int) {
	edge := func(a, b uint8) int32 { return (3*int32(a) + int32(b) + 2) >> 2 }
	dst[0] = edge(near[0], far[0])
	for k := 1; k < n; k++ {
		a, b, c, d := int32(near[k-1]), int32(near[k]), int32(far[k-1]), int32(far[k])
		sum := a + b + c + d + 8
		rising, falling := (sum+2*(b+c))>>3, (sum+2*(a+d))>>3
		dst[2*k-1] = (rising + a) >> 1
		if 2*k < len(dst) {
			dst[2*k] = (falling + b) >> 1
		}
	}
	if len(dst)%2 == 0 {
		dst[len(dst)-1] = edge(near[n-1], far[n-1])
	}
}

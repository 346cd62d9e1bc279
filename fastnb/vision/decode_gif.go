package vision

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
)

// decodeGIF reads a GIF's first frame on its screen. Package gif makes the transparent colour black and leaves
// the screen around a smaller frame out; Pillow keeps the colour, and fills the screen with it, or with the
// first colour.
func decodeGIF(b []byte) (image.Image, error) {
	m, err := gif.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, describe("gif", err)
	}
	p, ok := m.(*image.Paletted)
	s := readGIF(b)
	if !ok || s == nil {
		return m, nil
	}
	for len(s.colours) < len(p.Palette) { // numbers beyond the table
		s.colours = append(s.colours, color.NRGBA{A: 255})
	}
	p.Palette = s.colours
	if err := checkSize(s.w, s.h); err != nil {
		return nil, err
	}
	screen := image.Rect(0, 0, s.w, s.h)
	if p.Rect.Eq(screen) || !p.Rect.In(screen) {
		return p, nil
	}
	all := image.NewPaletted(screen, s.colours)
	for k := range all.Pix {
		all.Pix[k] = s.fill
	}
	for y := p.Rect.Min.Y; y < p.Rect.Max.Y; y++ {
		copy(all.Pix[all.PixOffset(p.Rect.Min.X, y):], p.Pix[p.PixOffset(p.Rect.Min.X, y):][:p.Rect.Dx()])
	}
	return all, nil
}

// gifScreen is what a GIF says before its first frame.
type gifScreen struct {
	w, h    int
	colours color.Palette // of the first frame
	fill    uint8
}

// readGIF reads it, nil where it is not as it should be.
func readGIF(b []byte) *gifScreen {
	const head, extension, control, frame = 13, 0x21, 0xf9, 0x2c
	if len(b) < head {
		return nil
	}
	s := &gifScreen{w: int(binary.LittleEndian.Uint16(b[6:])), h: int(binary.LittleEndian.Uint16(b[8:]))}
	at := head
	table := func(flags byte) bool {
		if flags&0x80 == 0 {
			return true
		}
		n := 2 << (flags & 7)
		if at+3*n > len(b) {
			return false
		}
		s.colours = nil
		for k := range n {
			s.colours = append(s.colours, color.NRGBA{b[at+3*k], b[at+3*k+1], b[at+3*k+2], 255})
		}
		at += 3 * n
		return true
	}
	if !table(b[10]) {
		return nil
	}
	for at+10 <= len(b) {
		switch b[at] {
		case extension:
			if b[at+1] == control && b[at+2] == 4 && b[at+3]&1 == 1 {
				s.fill = b[at+6]
			}
			at += 2
			for at < len(b) && b[at] != 0 {
				at += 1 + int(b[at])
			}
			at++
		case frame:
			flags := b[at+9]
			at += 10
			if !table(flags) || len(s.colours) == 0 {
				return nil
			}
			return s
		default:
			return nil
		}
	}
	return nil
}

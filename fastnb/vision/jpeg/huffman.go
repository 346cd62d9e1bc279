package jpeg

import "errors"

// lookBits is the length of codes that a table look-up decodes.
const lookBits = 10

// huffman is a table of codes.
type huffman struct {
	ok   bool
	vals [256]uint8
	// look: of the next lookBits bits, the code's length (upper byte) and symbol, or 0 for longer codes.
	look [1 << lookBits]uint16
	// fast: the same for run-length codes whose number also lies in those bits: total length (lowest
	// byte), zeros before (next), number (upper half); 0 for others. The end of the block counts as 64
	// zeros.
	fast    [1 << lookBits]uint32
	maxCode [18]int32 // largest code of each length, -1 for none
	delta   [17]int32 // index of a length's first symbol minus its first code
}

const endOfBlock = 64

var errCode = errors.New("broken data: no such code")

func (d *decoder) huffmanTables(seg []byte) error {
	for len(seg) > 0 {
		if len(seg) < 17 || seg[0]>>4 > 1 || seg[0]&15 > 3 {
			return errors.New("broken table of codes")
		}
		h := &d.huff[seg[0]>>4*4+seg[0]&15]
		total := 0
		for _, c := range seg[1:17] {
			total += int(c)
		}
		if total > 256 || len(seg) < 17+total {
			return errors.New("broken table of codes")
		}
		if err := h.build(seg[1:17], seg[17:17+total]); err != nil {
			return err
		}
		seg = seg[17+total:]
	}
	return nil
}

func (h *huffman) build(counts, vals []byte) error {
	h.ok = false
	clear(h.look[:])
	clear(h.fast[:])
	copy(h.vals[:], vals)
	code, at := int32(0), int32(0)
	for l := 1; l <= 16; l++ {
		n := int32(counts[l-1])
		h.delta[l], h.maxCode[l] = at-code, -1
		if code+n > 1<<l {
			return errors.New("broken table of codes: too many of one length")
		}
		for range n {
			if l <= lookBits {
				first := code << (lookBits - l)
				for k := first; k < first+1<<(lookBits-l); k++ {
					h.look[k] = uint16(l)<<8 | uint16(h.vals[at])
				}
			}
			h.maxCode[l] = code
			code++
			at++
		}
		code <<= 1
	}
	h.maxCode[17] = 1 << 30
	h.ok = true
	for k, e := range h.look {
		h.fast[k] = fastEntry(uint32(k), uint(e>>8), uint8(e))
	}
	return nil
}

// fastEntry is the entry of fast for the bits k that begin with a code of length l.
func fastEntry(k uint32, l uint, sym uint8) uint32 {
	run, size := uint32(sym>>4), uint(sym&15)
	switch {
	case l == 0 || l+size > lookBits:
		return 0
	case sym == 0:
		return endOfBlock<<8 | uint32(l)
	case size == 0 && run != 15: // in progressive scans a run of empty blocks; elsewhere an error
		return 0
	}
	v := extend(int32(k>>(lookBits-l-size)&(1<<size-1)), size)
	return uint32(uint16(v))<<16 | run<<8 | uint32(l+size)
}

// symbol reads one code.
func (r *bits) symbol(h *huffman) (uint8, error) {
	if r.n < 16 {
		r.fill()
	}
	if e := h.look[r.acc>>(64-lookBits)]; e != 0 {
		r.acc <<= e >> 8
		r.n -= uint(e >> 8)
		return uint8(e), nil
	}
	for l := uint(lookBits + 1); l <= 16; l++ {
		code := int32(r.acc >> (64 - l))
		if code <= h.maxCode[l] {
			r.acc <<= l
			r.n -= l
			return h.vals[(code+h.delta[l])&255], nil
		}
	}
	return 0, errCode
}

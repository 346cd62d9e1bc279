package jpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

var (
	// ErrUnsupported is what Decode gives for forms of JPEG it leaves to others.
	ErrUnsupported = errors.New("a form of JPEG that is not supported")
	// ErrTruncated is what Decode gives for a file that ends too early.
	ErrTruncated = errors.New("the picture is cut off: the file ends too early")
)

// Markers of segments (ITU T.81, table B.1).
const (
	soi   = 0xd8
	eoi   = 0xd9
	sof0  = 0xc0 // baseline
	sof1  = 0xc1 // extended sequential, the same with 8 bits
	sof2  = 0xc2 // progressive
	dht   = 0xc4
	dqt   = 0xdb
	dri   = 0xdd
	sos   = 0xda
	rst0  = 0xd0
	app0  = 0xe0
	app14 = 0xee
)

// maxPixels is PIL's bound for refusing "decompression bombs".
const maxPixels = 2 * 89478485

// component is one plane of the file.
type component struct {
	id     uint8
	h, v   int // sampling factors
	quant  int // number of its table
	dc, ac int // numbers of its Huffman tables in the current scan
	pred   int32

	bw, bh int // blocks across and down, up to whole MCUs
	w, h2  int // samples across and down that belong to the picture
	stride int
	pix    []uint8
	coefs  []int32 // of all blocks, for progressive files
}

// decoder reads one file.
type decoder struct {
	bits
	w, h        int
	progressive bool
	comps       []component
	hmax, vmax  int
	mx, my      int // MCUs across and down
	quant       [4][64]int32
	huff        [8]huffman // four for DC, four for AC
	interval    int        // MCUs between restarts
	left        int        // MCUs until the next restart
	eobrun      int
	jfif        bool
	adobe       int // colour transform of Adobe's marker, -1 without one
	scans       int
	block       [64]int32
	store       [4][]uint8 // memory of the planes, kept between files
	sum         []int32
	rows        [3][]uint8
}

var pool = sync.Pool{New: func() any { return &decoder{} }}

// Decode reads a file into planes of red, green and blue, one after the other; alloc gives the memory
// (3*h*w bytes) once the size is known, or an error if it is not wanted.
func Decode(b []byte, alloc func(h, w int) ([]uint8, error)) error {
	d := pool.Get().(*decoder)
	defer pool.Put(d)
	d.reset(b)
	if err := d.segments(); err != nil {
		return err
	}
	dst, err := alloc(d.h, d.w)
	if err != nil {
		return err
	}
	if d.progressive {
		d.finishProgressive()
	}
	d.colours(dst)
	return nil
}

func (d *decoder) reset(b []byte) {
	d.bits = bits{b: b}
	d.w, d.h, d.comps, d.interval, d.jfif, d.adobe, d.scans, d.progressive = 0, 0, d.comps[:0], 0, false, -1, 0, false
	for k := range d.huff {
		d.huff[k].ok = false
	}
	d.quant = [4][64]int32{}
}

// segments walks through the file up to its end, decoding scans on the way.
func (d *decoder) segments() error {
	if len(d.b) < 2 || d.b[0] != 0xff || d.b[1] != soi {
		return errors.New("no JPEG")
	}
	d.p = 2
	for {
		m, err := d.marker()
		if err != nil || m == eoi {
			if d.scans == 0 || d.progressive && err != nil {
				return ErrTruncated
			}
			return nil // a sequential file whose end mark is missing is complete
		}
		if m >= rst0 && m <= rst0+7 || m == 1 || m == 0 {
			continue
		}
		if d.p+2 > len(d.b) {
			return ErrTruncated
		}
		n := int(binary.BigEndian.Uint16(d.b[d.p:]))
		if n < 2 {
			return errors.New("a segment has no length")
		}
		if d.p+n > len(d.b) {
			return ErrTruncated
		}
		seg := d.b[d.p+2 : d.p+n]
		d.p += n
		if err := d.segment(m, seg); err != nil {
			return err
		}
		if m == sos && !d.progressive {
			return nil
		}
	}
}

// marker finds the next one.
func (d *decoder) marker() (uint8, error) {
	for d.p+1 < len(d.b) {
		if d.b[d.p] == 0xff && d.b[d.p+1] != 0xff && d.b[d.p+1] != 0 {
			d.p += 2
			return d.b[d.p-1], nil
		}
		d.p++
	}
	return 0, ErrTruncated
}

func (d *decoder) segment(m uint8, seg []byte) error {
	switch m {
	case sof0, sof1, sof2:
		d.progressive = m == sof2
		return d.frame(seg)
	case dht:
		return d.huffmanTables(seg)
	case dqt:
		return d.quantTables(seg)
	case dri:
		if len(seg) < 2 {
			return errors.New("restart interval: too short")
		}
		d.interval = int(binary.BigEndian.Uint16(seg))
	case app0:
		d.jfif = d.jfif || len(seg) >= 5 && string(seg[:5]) == "JFIF\x00"
	case app14:
		if len(seg) >= 12 && string(seg[:5]) == "Adobe" {
			d.adobe = int(seg[11])
		}
	case sos:
		d.scans++
		return d.scan(seg)
	default:
		if m >= 0xc3 && m <= 0xcf { // lossless, hierarchical, arithmetic
			return ErrUnsupported
		}
	}
	return nil
}

func (d *decoder) quantTables(seg []byte) error {
	for len(seg) > 0 {
		deep, id := seg[0]>>4, seg[0]&15
		n := 64 << min(deep, 1)
		if id > 3 || deep > 1 || len(seg) < 1+n {
			return errors.New("broken quantisation table")
		}
		for k := range 64 {
			if deep == 1 {
				d.quant[id][k] = int32(binary.BigEndian.Uint16(seg[1+2*k:]))
			} else {
				d.quant[id][k] = int32(seg[1+k])
			}
		}
		seg = seg[1+n:]
	}
	return nil
}

// frame reads the size and the components.
func (d *decoder) frame(seg []byte) error {
	if len(d.comps) > 0 {
		return errors.New("two frames")
	}
	if len(seg) < 6 || len(seg) < 6+3*int(seg[5]) {
		return errors.New("broken frame header")
	}
	n := int(seg[5])
	d.h, d.w = int(binary.BigEndian.Uint16(seg[1:])), int(binary.BigEndian.Uint16(seg[3:]))
	if seg[0] != 8 || d.h == 0 || n != 1 && n != 3 && n != 4 {
		return ErrUnsupported
	}
	if d.w == 0 {
		return errors.New("the picture is empty")
	}
	d.hmax, d.vmax = 1, 1
	for k := range n {
		s := seg[6+3*k:]
		c := component{id: s[0], h: int(s[1] >> 4), v: int(s[1] & 15), quant: int(s[2])}
		if c.h < 1 || c.v < 1 || c.h > 4 || c.v > 4 || c.quant > 3 {
			return errors.New("broken frame header")
		}
		if n == 1 {
			c.h, c.v = 1, 1 // one component is never interleaved
		}
		d.hmax, d.vmax = max(d.hmax, c.h), max(d.vmax, c.v)
		d.comps = append(d.comps, c)
	}
	return d.layout()
}

// layout computes the planes' sizes and takes their memory.
func (d *decoder) layout() error {
	ceil := func(a, b int) int { return (a + b - 1) / b }
	d.mx, d.my = ceil(d.w, 8*d.hmax), ceil(d.h, 8*d.vmax)
	if d.w*d.h > min(len(d.b)*512, maxPixels) { // a block of 64 takes a bit at least: this header lies
		return fmt.Errorf("%d bytes cannot hold %dx%d pixels", len(d.b), d.h, d.w)
	}
	for k := range d.comps {
		c := &d.comps[k]
		if d.hmax%c.h != 0 || d.vmax%c.v != 0 {
			return ErrUnsupported
		}
		c.bw, c.bh = d.mx*c.h, d.my*c.v
		c.w, c.h2 = ceil(d.w*c.h, d.hmax), ceil(d.h*c.v, d.vmax)
		c.stride = 8 * c.bw
		if n := c.stride * 8 * c.bh; cap(d.store[k]) < n {
			d.store[k] = make([]uint8, n)
		}
		c.pix = d.store[k][:c.stride*8*c.bh]
		if d.progressive {
			c.coefs = make([]int32, 64*c.bw*c.bh)
		}
	}
	return nil
}

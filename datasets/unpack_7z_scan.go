package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The reader of 7z makes room for as many files, folders and streams as a few bytes name, up to four
// milliards. scan7z walks over the header first and refuses counts that the header's own length cannot
// hold. What it does not understand it leaves to the reader.

// maxHeader7z bounds an unpacked header: of a hundred bytes a file, that is five million files.
const maxHeader7z = 512 << 20

var errHeader7z = errors.New("the archive is damaged: its list of files is cut off or names more than it holds")

// scan7z checks the counts of an archive.
func scan7z(r io.ReaderAt, size int64) error {
	var start [32]byte
	if _, err := r.ReadAt(start[:], 0); err != nil {
		return errHeader7z
	}
	off, n := binary.LittleEndian.Uint64(start[12:]), binary.LittleEndian.Uint64(start[20:])
	if off > uint64(size) || n > uint64(size) || 32+off+n > uint64(size) || n > maxHeader7z {
		return fmt.Errorf("%w (its end is not there)", errHeader7z)
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, int64(32+off)); err != nil {
		return errHeader7z
	}
	for range 4 { // a packed header may be packed again
		if len(b) == 0 {
			return nil
		}
		h := &header7z{b: b[1:]}
		switch b[0] {
		case 1:
			return h.header()
		case 0x17:
			unpacked, err := h.packed(r, size)
			if err != nil || unpacked == nil {
				return err
			}
			b = unpacked
		default:
			return errHeader7z
		}
	}
	return errHeader7z
}

// header7z is a header with the place in it.
type header7z struct {
	b       []byte
	folders []folder7z
	pos     uint64
	sizes   []uint64 // of packed streams
	bad     bool
}

type folder7z struct {
	coders []coder7z
	outs   uint64
	sizes  []uint64
	crc    bool
}

type coder7z struct {
	id, props []byte
}

func (h *header7z) byte() byte {
	if len(h.b) == 0 {
		h.bad = true
		return 0
	}
	c := h.b[0]
	h.b = h.b[1:]
	return c
}

func (h *header7z) take(n uint64) []byte {
	if n > uint64(len(h.b)) {
		h.bad = true
		h.b = nil
		return nil
	}
	p := h.b[:n]
	h.b = h.b[n:]
	return p
}

// number reads 7z's number of one to nine bytes: the ones at the front of the first say how many follow.
func (h *header7z) number() uint64 {
	first := h.byte()
	v := uint64(0)
	mask := byte(0x80)
	for i := range 8 {
		if first&mask == 0 {
			return v | uint64(first&(mask-1))<<(8*i)
		}
		v |= uint64(h.byte()) << (8 * i)
		mask >>= 1
	}
	return v
}

// count is a number of things of which each takes at least a bit of what is left.
func (h *header7z) count() uint64 {
	n := h.number()
	if n > 8*uint64(len(h.b)) {
		h.bad = true
		return 0
	}
	return n
}

// digests skips a list of checksums of n things and tells which have one.
func (h *header7z) digests(n uint64) []bool {
	if n > 8*uint64(len(h.b)) {
		h.bad = true
		return nil
	}
	has := make([]bool, n)
	all := h.byte() != 0
	var bits []byte
	if !all {
		bits = h.take((n + 7) / 8)
	}
	defined := uint64(0)
	for i := range has {
		if h.bad {
			return nil
		}
		if has[i] = all || bits[i/8]>>(7-i%8)&1 != 0; has[i] {
			defined++
		}
	}
	h.take(4 * defined)
	return has
}

func (h *header7z) header() error {
	for !h.bad {
		switch id := h.byte(); id {
		case 0:
			return h.err()
		case 2: // properties of the archive
			for !h.bad && h.byte() != 0 {
				h.take(h.number())
			}
		case 3, 4:
			h.streams()
		case 5:
			return h.files()
		default:
			h.bad = true
		}
	}
	return h.err()
}

func (h *header7z) err() error {
	if h.bad {
		return errHeader7z
	}
	return nil
}

// files checks the number of files: each has a name of two bytes at least.
func (h *header7z) files() error {
	if n := h.number(); n > uint64(len(h.b))/2 {
		return fmt.Errorf("%w (%d files)", errHeader7z, n)
	}
	return h.err()
}

func (h *header7z) streams() {
	h.folders, h.sizes = nil, nil
	for !h.bad {
		switch h.byte() {
		case 0:
			return
		case 6:
			h.packInfo()
		case 7:
			h.unpackInfo()
		case 8:
			h.subStreams()
		default:
			h.bad = true
		}
	}
}

func (h *header7z) packInfo() {
	h.pos = h.number()
	n := h.count()
	for !h.bad {
		switch h.byte() {
		case 0:
			return
		case 9:
			for range n {
				if h.bad {
					return
				}
				h.sizes = append(h.sizes, h.number())
			}
		case 0xa:
			h.digests(n)
		default:
			h.bad = true
		}
	}
}

func (h *header7z) unpackInfo() {
	if h.byte() != 0xb {
		h.bad = true
		return
	}
	n := h.count()
	if h.byte() != 0 { // folders elsewhere: nobody writes that
		h.bad = true
	}
	for range n {
		if h.bad {
			return
		}
		h.folders = append(h.folders, h.folder())
	}
	for !h.bad {
		switch h.byte() {
		case 0:
			return
		case 0xa:
			for i, has := range h.digests(n) {
				h.folders[i].crc = has
			}
		case 0xc:
			for i := range h.folders {
				for range h.folders[i].outs {
					if h.bad {
						return
					}
					h.folders[i].sizes = append(h.folders[i].sizes, h.number())
				}
			}
		default:
			h.bad = true
		}
	}
}

// folder reads how the decoders of a folder hang together.
func (h *header7z) folder() (f folder7z) {
	const most = 32 // 7-Zip's own limit on decoders and streams
	n, ins := h.number(), uint64(0)
	if n == 0 || n > most {
		h.bad = true
		return f
	}
	for range n {
		flag := h.byte()
		c := coder7z{id: h.take(uint64(flag & 0xf))}
		in, out := uint64(1), uint64(1)
		if flag&0x10 != 0 {
			in, out = h.number(), h.number()
		}
		if flag&0x20 != 0 {
			c.props = h.take(h.number())
		}
		if in > most || out > most || h.bad {
			h.bad = true
			return f
		}
		ins, f.outs = ins+in, f.outs+out
		f.coders = append(f.coders, c)
	}
	if f.outs == 0 || ins+1 < f.outs {
		h.bad = true
		return f
	}
	for range 2 * (f.outs - 1) {
		h.number()
	}
	if packed := ins - (f.outs - 1); packed > 1 {
		for range packed {
			h.number()
		}
	}
	return f
}

// subStreams checks how many files lie in each folder: all but the last of a folder have a size, and all
// whose sum the folder does not give have one of their own.
func (h *header7z) subStreams() {
	sized, summed := uint64(0), uint64(0)
	id := h.byte()
	given := id == 0xd
	for _, f := range h.folders {
		n := uint64(1)
		if given {
			if n = h.count(); h.bad {
				return
			}
		}
		if n > 0 {
			sized += n - 1
		}
		if n != 1 || !f.crc {
			summed += n
		}
	}
	if given {
		id = h.byte()
	}
	if sized > uint64(len(h.b)) {
		h.bad = true
	}
	if id == 9 {
		for range sized {
			if h.bad {
				return
			}
			h.number()
		}
		id = h.byte()
	}
	if id == 0xa {
		h.digests(summed)
		id = h.byte()
	}
	if id != 0 {
		h.bad = true
	}
}

// packed unpacks the header that a packed header describes; nil is one that only the reader knows to
// unpack.
func (h *header7z) packed(r io.ReaderAt, size int64) ([]byte, error) {
	h.streams()
	for _, f := range h.folders {
		for _, c := range f.coders {
			if string(c.id) == "\x06\xf1\x07\x01" {
				return nil, errEncrypted
			}
		}
	}
	if h.bad || len(h.folders) != 1 || len(h.sizes) != 1 || len(h.folders[0].coders) != 1 || len(h.folders[0].sizes) != 1 {
		return nil, errHeader7z
	}
	n, c := h.folders[0].sizes[0], h.folders[0].coders[0]
	if h.pos > uint64(size) || h.sizes[0] > uint64(size) || n > maxHeader7z || n > 1<<20+maxRatio*uint64(size) {
		return nil, errHeader7z
	}
	in := []io.ReadCloser{io.NopCloser(io.NewSectionReader(r, int64(32+h.pos), int64(h.sizes[0])))}
	var z io.Reader
	var err error
	switch string(c.id) {
	case "\x00":
		z = in[0]
	case "\x03\x01\x01":
		z, err = decodeLZMA(c.props, n, in)
	case "\x21":
		z, err = decodeLZMA2(c.props, n, in)
	default:
		return nil, errors.New("its list of files is packed in a way fastnb does not read (try packing it anew, as zip or tar.gz)")
	}
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(z, int64(n)))
	if err != nil || uint64(len(b)) != n {
		return nil, errHeader7z
	}
	return b, nil
}

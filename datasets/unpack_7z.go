package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/bodgit/sevenzip"
	"github.com/stangelandcl/ppmd"
	"github.com/ulikunitz/xz/lzma"
)

// maxModel bounds the memory that a 7z archive may ask for to be unpacked.
const maxModel = 1 << 30

var errEncrypted = errors.New("the archive is encrypted (try unpacking it by hand)")

// The decoders of 7z take the memory that a few bytes of the archive ask for, up to 4 GB. These take no
// more than what is unpacked needs.
func init() {
	sevenzip.RegisterDecompressor([]byte{3, 1, 1}, decodeLZMA)
	sevenzip.RegisterDecompressor([]byte{0x21}, decodeLZMA2)
	sevenzip.RegisterDecompressor([]byte{3, 4, 1}, decodePPMd)
	sevenzip.RegisterDecompressor([]byte{6, 0xf1, 7, 1}, func([]byte, uint64, []io.ReadCloser) (io.ReadCloser, error) {
		return nil, errEncrypted
	})
}

// dictionary is the size of the window for size unpacked bytes.
func dictionary(asked uint64, size uint64) (int, error) {
	d := max(min(asked, size), lzma.MinDictCap)
	if d > maxModel {
		return 0, fmt.Errorf("it needs %s of memory to be unpacked, more than %s", sizeText(int64(d)), sizeText(maxModel))
	}
	return int(d), nil
}

// stream is a decoder with what it reads from.
type stream struct {
	io.Reader
	io.Closer
}

func decodeLZMA(p []byte, size uint64, in []io.ReadCloser) (io.ReadCloser, error) {
	const propSize = 5
	if len(in) != 1 || len(p) != propSize {
		return nil, errors.New("lzma: wrong properties")
	}
	d, err := dictionary(uint64(binary.LittleEndian.Uint32(p[1:])), size)
	if err != nil {
		return nil, err
	}
	// lzma reads the head of an .lzma file: the properties, then the size.
	head := append([]byte{p[0]}, binary.LittleEndian.AppendUint32(nil, uint32(d))...)
	head = binary.LittleEndian.AppendUint64(head, size)
	r, err := lzma.ReaderConfig{DictCap: d}.NewReader(&behind{head: head, next: in[0]})
	if err != nil {
		return nil, err
	}
	return &stream{r, in[0]}, nil
}

func decodeLZMA2(p []byte, size uint64, in []io.ReadCloser) (io.ReadCloser, error) {
	const most = 40
	if len(in) != 1 || len(p) != 1 || p[0] > most {
		return nil, errors.New("lzma2: wrong properties")
	}
	asked := uint64(2|p[0]&1) << (p[0]/2 + 11)
	d, err := dictionary(asked, size)
	if err != nil {
		return nil, err
	}
	r, err := lzma.Reader2Config{DictCap: d}.NewReader2(in[0])
	if err != nil {
		return nil, err
	}
	return &stream{r, in[0]}, nil
}

func decodePPMd(p []byte, size uint64, in []io.ReadCloser) (io.ReadCloser, error) {
	const propSize = 5
	if len(in) != 1 || len(p) != propSize || size > 1<<62 {
		return nil, errors.New("ppmd: wrong properties")
	}
	memory := binary.LittleEndian.Uint32(p[1:])
	if memory > maxModel {
		return nil, fmt.Errorf("it needs %s of memory to be unpacked, more than %s", sizeText(int64(memory)), sizeText(maxModel))
	}
	r, err := ppmd.NewH7zReader(in[0], int(p[0]), int(memory), int(size))
	if err != nil {
		return nil, err
	}
	return &stream{&r, in[0]}, nil
}

// behind reads head, then next, byte by byte where next can.
type behind struct {
	head []byte
	next io.Reader
}

// Read takes from head first.
func (b *behind) Read(p []byte) (int, error) {
	if len(b.head) > 0 {
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	}
	return b.next.Read(p)
}

// ReadByte takes one byte, so that lzma puts no buffer of its own in front.
func (b *behind) ReadByte() (byte, error) {
	if len(b.head) > 0 {
		c := b.head[0]
		b.head = b.head[1:]
		return c, nil
	}
	if r, ok := b.next.(io.ByteReader); ok {
		return r.ReadByte()
	}
	var one [1]byte
	_, err := io.ReadFull(b.next, one[:])
	return one[0], err
}

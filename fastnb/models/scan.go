package models

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// scanner walks over pickles without building anything. The reader behind it makes room for as many bytes
// as a file says are to come before it looks whether they do, so that a few damaged bytes can ask for all
// memory there is: what is longer than the file is refused here.
type scanner struct {
	r    *bufio.Reader
	left int64 // bytes that may still come
	size int64 // of the file: no array has more elements
	last int64 // whole number seen last
}

func newScanner(r io.Reader, left, size int64) *scanner {
	return &scanner{r: bufio.NewReader(r), left: left, size: size}
}

var errCut = errors.New("it is cut off, or damaged")

// What an instruction carries: so many bytes, so many lines, or a count of so many bytes and then as many
// bytes. Instructions that are not listed carry nothing.
var (
	pickleFixed   = map[byte]int64{'J': 4, 'K': 1, 'M': 2, 'h': 1, 'j': 4, 'q': 1, 'r': 4, 'G': 8, 0x80: 1, 0x82: 1, 0x83: 2, 0x84: 4}
	pickleCounted = map[byte]int64{'T': 4, 'U': 1, 'X': 4, 'C': 1, 'B': 4, 0x8a: 1, 0x8b: 4, 0x8c: 1, 0x8d: 8, 0x8e: 8, 0x95: 8, 0x96: 8}
	pickleLines   = map[byte]int{'F': 1, 'I': 1, 'L': 1, 'P': 1, 'S': 1, 'V': 1, 'g': 1, 'p': 1, 'c': 2, 'i': 2}
)

// pickle walks to the end of one pickle.
func (s *scanner) pickle() error {
	for {
		op, err := s.r.ReadByte()
		if err != nil {
			return errCut
		}
		s.left--
		switch {
		case op == '.':
			return nil
		case op == 'Q' && s.last > s.size: // a stored array, behind its number of elements
			return fmt.Errorf("an array of %d elements is longer than the file", s.last)
		case pickleFixed[op] > 0:
			err = s.number(op, pickleFixed[op])
		case pickleLines[op] > 0:
			err = s.lines(pickleLines[op])
		case pickleCounted[op] > 0:
			err = s.counted(op, pickleCounted[op])
		}
		if err != nil {
			return err
		}
	}
}

// number reads n bytes as an unsigned number and remembers it where it is a number to the pickle too.
func (s *scanner) number(op byte, n int64) error {
	v, err := s.uint(n)
	if op == 'J' || op == 'K' || op == 'M' {
		s.last = int64(v)
	}
	return err
}

func (s *scanner) uint(n int64) (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(s.r, b[:n]); err != nil {
		return 0, errCut
	}
	s.left -= n
	return binary.LittleEndian.Uint64(b[:]), nil
}

func (s *scanner) counted(op byte, n int64) error {
	v, err := s.uint(n)
	if err != nil {
		return err
	}
	if s.left < 0 || v > uint64(s.left) {
		return fmt.Errorf("%w: %d bytes are to come, %d are there", errCut, v, max(s.left, 0))
	}
	switch {
	case op == 0x95: // the length of a stretch of instructions, which follow
		return nil
	case op == 0x8a && v <= 8:
		x, err := s.uint(int64(v))
		s.last = int64(x)
		return err
	}
	if _, err := io.CopyN(io.Discard, s.r, int64(v)); err != nil {
		return errCut
	}
	s.left -= int64(v)
	return nil
}

func (s *scanner) lines(n int) error {
	for range n {
		for {
			part, err := s.r.ReadSlice('\n')
			s.left -= int64(len(part))
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return errCut
			}
		}
	}
	return nil
}

// scanZip walks over the pickle in a checkpoint's archive.
func scanZip(f *os.File, size int64) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return err
	}
	for _, e := range z.File {
		if path.Base(e.Name) != "data.pkl" || strings.HasSuffix(e.Name, "/") {
			continue
		}
		if e.UncompressedSize64 > uint64(size) {
			return fmt.Errorf("%s is %d bytes, the file %d", e.Name, e.UncompressedSize64, size)
		}
		r, err := e.Open()
		if err != nil {
			return err
		}
		err = newScanner(r, int64(e.UncompressedSize64), size).pickle()
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// scanLegacy walks over the five pickles at the front of an older checkpoint: magic number, version, system,
// tensors, and the order of what follows.
func scanLegacy(f *os.File, size int64) error {
	s := newScanner(f, size, size)
	for range 5 {
		if err := s.pickle(); err != nil {
			return err
		}
	}
	return nil
}

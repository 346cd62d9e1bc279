package models

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

const notWeights = "which no checkpoint of weights needs"

func (t *torchFile) unpickler(r io.Reader, left int64) *unpickler {
	u := newUnpickler(r, left, notWeights)
	u.class, u.refer = t.class, t.refer
	return u
}

// zip reads the form of PyTorch 1.6 and later: an archive of a pickle and a file for each storage.
func (t *torchFile) zip(f *os.File) (any, error) {
	z, err := zip.NewReader(f, t.size)
	if err != nil {
		return nil, err
	}
	files := map[string]*zip.File{}
	root, found := "", false
	for _, e := range z.File {
		if _, twice := files[e.Name]; twice {
			return nil, fmt.Errorf("it holds %.80q twice", e.Name)
		}
		files[e.Name] = e
		if path.Base(e.Name) == "data.pkl" && !strings.HasSuffix(e.Name, "/") && !found {
			root, found = path.Dir(e.Name), true
		}
	}
	if !found {
		return nil, errors.New("it is a zip archive without weights of PyTorch (data.pkl)")
	}
	if e := files[path.Join(root, "byteorder")]; e != nil {
		if b, err := member(e, 16); err != nil || string(b) != "little" {
			return nil, errors.New("its numbers have their high bytes in front, which is not read")
		}
	}
	b, err := member(files[path.Join(root, "data.pkl")], t.size)
	if err != nil {
		return nil, err
	}
	v, err := t.unpickler(strings.NewReader(string(b)), int64(len(b))).load()
	if err != nil {
		return nil, err
	}
	for _, key := range t.keys {
		s := t.storages[key]
		e := files[root+"/data/"+key]
		if e == nil {
			return nil, fmt.Errorf("%w: the storage %.40q is not there", errCut, key)
		}
		want := s.n * int64(s.kind.size)
		if e.UncompressedSize64 != uint64(want) {
			return nil, fmt.Errorf("%w: the storage %.40q has %d bytes, not %d", errCut, key, e.UncompressedSize64, want)
		}
		if s.raw, err = member(e, want); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// member reads an entry of an archive whole, of most bytes at most, and checks its sum.
func member(e *zip.File, most int64) (b []byte, err error) {
	if e.UncompressedSize64 > uint64(most) {
		return nil, fmt.Errorf("%.80s is %d bytes, the file %d", e.Name, e.UncompressedSize64, most)
	}
	r, err := e.Open()
	if err != nil {
		return nil, fmt.Errorf("%.80s: %w", e.Name, err)
	}
	defer func() { _ = r.Close() }() // only read
	b = make([]byte, e.UncompressedSize64)
	if _, err = io.ReadFull(r, b); err == nil {
		var more [1]byte
		if _, err = io.ReadFull(r, more[:]); errors.Is(err, io.EOF) { // here the sum is checked
			return b, nil
		}
		if err == nil {
			err = errCut
		}
	}
	switch {
	case errors.Is(err, zip.ErrChecksum):
		err = errors.New("it is damaged: its checksum is wrong (try fetching or saving the file again)")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		err = errCut
	}
	return nil, fmt.Errorf("%.80s: %w", e.Name, err)
}

// legacy reads the older form: five pickles (magic number, version, system, tensors, and the order of
// what follows), then for each storage its number of elements and the elements.
func (t *torchFile) legacy(f *os.File) (any, error) {
	u := t.unpickler(f, t.size)
	var parts [5]any
	for i := range parts {
		v, err := u.load()
		if err != nil {
			return nil, err
		}
		parts[i] = v
	}
	if d, ok := parts[2].(*pyDict); ok {
		for i, k := range d.keys {
			if k == any("little_endian") && d.values[i] == any(false) {
				return nil, errors.New("its numbers have their high bytes in front, which is not read")
			}
		}
	}
	keys, ok := parts[4].(*pyList)
	if !ok {
		return nil, fmt.Errorf("%w: the order of its arrays is missing", errCut)
	}
	for _, k := range keys.items {
		key, _ := k.(string)
		s := t.storages[key]
		if s == nil || s.raw != nil {
			return nil, fmt.Errorf("%w: an array that no tensor uses", errCut)
		}
		head, err := u.bytes(8)
		if err != nil {
			return nil, err
		}
		if n := binary.LittleEndian.Uint64(head); n != uint64(s.n) {
			return nil, fmt.Errorf("%w: an array of %d elements where %d should be", errCut, n, s.n)
		}
		if s.raw, err = u.bytes(uint64(s.n) * uint64(s.kind.size)); err != nil {
			return nil, err
		}
	}
	return parts[3], nil
}

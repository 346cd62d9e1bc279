package models

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/fastnb/go/fastnb/tensor"
)

// ReadTorch reads the tensors of a PyTorch checkpoint, of the zip form or the older one, by their
// state_dict names. Nested dictionaries join their names with dots. Nothing but lists, dictionaries,
// strings, numbers and tensors is ever built: a file that asks for anything else is refused, and so is
// one that is cut off, whose checksums are wrong, or that asks for more than it holds.
func ReadTorch(path string) (map[string]*tensor.Tensor, error) {
	out, err := readTorch(path)
	if err != nil {
		return nil, fmt.Errorf("fastnb: reading PyTorch file %s: %w", path, err)
	}
	return out, nil
}

// legacyMagic is what a checkpoint of the older form begins with: PyTorch's magic number, pickled.
var legacyMagic = []byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")

func readTorch(path string) (map[string]*tensor.Tensor, error) {
	v, t, err := readTorchValue(path)
	if err != nil {
		return nil, err
	}
	out := map[string]*tensor.Tensor{}
	return out, t.collect(out, "", v, 0)
}

// readTorchValue reads the value that torch.save wrote, and the file that its tensors lie in.
func readTorchValue(path string) (any, *torchFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // only read
	head := make([]byte, len(legacyMagic))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	t := &torchFile{size: st.Size(), storages: map[string]*storage{}}
	var v any
	switch {
	case bytes.HasPrefix(head[:n], []byte("PK\x03\x04")):
		v, err = t.zip(f)
	case bytes.Equal(head[:n], legacyMagic):
		if _, err = f.Seek(0, io.SeekStart); err == nil {
			v, err = t.legacy(f)
		}
	default:
		err = errors.New("it is not a checkpoint written by torch.save")
	}
	return v, t, err
}

// Bounds of what a file may hold.
const (
	maxDepth  = 64      // of dictionaries in dictionaries
	maxValues = 1 << 20 // that are looked at, those met again included
	maxName   = 4096    // bytes of a tensor's name
	maxRank   = 64      // dimensions of a tensor
	// Tensors may share what is stored, as tied weights do: all together have this many times the bytes
	// of the file at most.
	maxShared  = 8
	freeShared = 64 << 20
)

// torchFile is a checkpoint that is being read.
type torchFile struct {
	size     int64 // of the file
	storages map[string]*storage
	keys     []string // of storages, as met
	values   int
	stored   int64 // bytes of all storages
	taken    int64 // bytes of all tensors
}

// collect walks dictionaries and gathers tensors.
func (t *torchFile) collect(out map[string]*tensor.Tensor, name string, v any, depth int) error {
	if t.values++; t.values > maxValues {
		return fmt.Errorf("it holds more than %d values", maxValues)
	}
	switch v := v.(type) {
	case *pyDict:
		if depth == maxDepth {
			return fmt.Errorf("a dictionary in it holds itself, or is nested deeper than %d", maxDepth)
		}
		for i, k := range v.keys {
			under, ok := keyText(k)
			if !ok {
				continue // what is under such a key is no weight
			}
			if name != "" {
				under = name + "." + under
			}
			if len(under) > maxName {
				return fmt.Errorf("a name in it is longer than %d bytes", maxName)
			}
			if err := t.collect(out, under, v.values[i], depth+1); err != nil {
				return err
			}
		}
	case *view:
		x, err := t.tensor(v)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", name, err)
		}
		out[name] = x
	}
	return nil
}

func keyText(k any) (string, bool) {
	switch k := k.(type) {
	case string:
		return k, true
	case int64:
		return strconv.FormatInt(k, 10), true
	}
	return "", false
}

// tensor copies a view, of any strides, into a dense tensor. Floating point becomes float32, whole
// numbers int64.
func (t *torchFile) tensor(v *view) (*tensor.Tensor, error) {
	s := v.of
	if s.raw == nil {
		return nil, fmt.Errorf("%w: what is stored for it is not there", errCut)
	}
	if v.size == nil { // a storage by itself
		return nil, errors.New("it is a storage without a shape")
	}
	n, most, out := 1, v.n, make([]int, len(v.size))
	for i, d := range v.size {
		if d < 0 || d > 0 && int64(n) > most/d { // a view that repeats what is stored is no weight
			return nil, fmt.Errorf("its shape %v has more elements than the %d stored", v.size, most)
		}
		if d >= 1<<40 {
			return nil, fmt.Errorf("its shape is %v", v.size)
		}
		n, out[i] = n*int(d), int(d)
	}
	width := int64(4)
	if s.kind.whole {
		width = 8
	}
	if t.taken += width * int64(n); t.taken > freeShared+maxShared*t.size {
		return nil, fmt.Errorf("its tensors together would be more than %d times the file", maxShared)
	}
	dt := tensor.Float32
	if s.kind.whole {
		dt = tensor.Int64
	}
	x := tensor.New(dt, out...)
	return x, v.each(n, func(dst int, b []byte) {
		if s.kind.whole {
			x.Int64s()[dst] = s.kind.int(b)
		} else {
			x.Float32s()[dst] = s.kind.float(b)
		}
	})
}

// each gives the n elements of a view in order, as bytes.
func (v *view) each(n int, set func(dst int, b []byte)) error {
	idx := make([]int64, len(v.size))
	w := int64(v.of.kind.size)
	stored := int64(len(v.of.raw)) / w
	for i := range n {
		src := v.offset
		for d, k := range idx {
			src += k * v.stride[d]
		}
		if src < 0 || src >= stored {
			return fmt.Errorf("element %d lies outside its storage of %d", i, stored)
		}
		set(i, v.of.raw[src*w:(src+1)*w])
		for d := len(idx) - 1; d >= 0; d-- {
			if idx[d]++; idx[d] < v.size[d] {
				break
			}
			idx[d] = 0
		}
	}
	return nil
}

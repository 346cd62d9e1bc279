// Package safetensors reads and writes checkpoint files of the safetensors format: a JSON header of
// names, kinds, shapes and places, then the numbers, little-endian. Python's safetensors package
// reads what this writes.
//
// It stands in the lower storey and imports tensor.
package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"

	"github.com/fastnb/go/fastnb/tensor"
)

// maxHeader is the longest header that Read takes, as in the reference implementation.
const maxHeader = 100 << 20

type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

var dtypes = map[tensor.DType]string{tensor.Float32: "F32", tensor.Int64: "I64", tensor.Uint8: "U8"}

// Write writes tensors and metadata under a temporary name, syncs and renames: path holds either
// the old file or the whole new one.
func Write(path string, ts map[string]*tensor.Tensor, meta map[string]string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("fastnb: writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("fastnb: writing %s: %w", path, err)
		}
	}()
	if err := Encode(f, ts, meta); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Encode writes the format to w.
func Encode(w io.Writer, ts map[string]*tensor.Tensor, meta map[string]string) error {
	names := make([]string, 0, len(ts))
	for n := range ts {
		names = append(names, n)
	}
	sort.Strings(names)
	header := map[string]any{}
	if len(meta) > 0 {
		header["__metadata__"] = meta
	}
	var at int64
	for _, n := range names {
		t := ts[n]
		size := int64(t.Len() * t.DType().Size())
		header[n] = entry{dtypes[t.DType()], append([]int{}, t.Shape()...), [2]int64{at, at + size}}
		at += size
	}
	js, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(js)%8 != 0 {
		js = append(js, ' ')
	}
	if err := binary.Write(w, binary.LittleEndian, uint64(len(js))); err != nil {
		return err
	}
	if _, err := w.Write(js); err != nil {
		return err
	}
	buf := make([]byte, 0, 1<<16)
	for _, n := range names {
		if err := writeData(w, ts[n], buf); err != nil {
			return err
		}
	}
	return nil
}

// writeData writes a tensor's numbers a block at a time.
func writeData(w io.Writer, t *tensor.Tensor, buf []byte) error {
	if t.DType() == tensor.Uint8 {
		_, err := w.Write(t.Uint8s())
		return err
	}
	per := cap(buf) / t.DType().Size()
	for i := 0; i < t.Len(); i += per {
		buf = buf[:0]
		for j := i; j < min(i+per, t.Len()); j++ {
			if t.DType() == tensor.Int64 {
				buf = binary.LittleEndian.AppendUint64(buf, uint64(t.Int64s()[j]))
			} else {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(t.Float32s()[j]))
			}
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// Read reads a file whole.
func Read(path string) (map[string]*tensor.Tensor, map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("fastnb: reading tensors: %w", err)
	}
	ts, meta, err := Decode(b)
	if err != nil {
		return nil, nil, fmt.Errorf("fastnb: reading tensors: %s: %w", path, err)
	}
	return ts, meta, nil
}

// Decode reads the format from memory. Every place and size is checked against the data.
func Decode(b []byte) (map[string]*tensor.Tensor, map[string]string, error) {
	if len(b) < 8 {
		return nil, nil, fmt.Errorf("%d bytes are too few for a safetensors file", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxHeader || n > uint64(len(b)-8) {
		return nil, nil, fmt.Errorf("not a safetensors file, or cut short: its header would be %d bytes, %d are there", n, len(b)-8)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(b[8:8+n], &header); err != nil {
		return nil, nil, fmt.Errorf("not a safetensors file: header: %w", err)
	}
	data := b[8+n:]
	out := map[string]*tensor.Tensor{}
	meta := map[string]string{}
	for name, raw := range header {
		if name == "__metadata__" {
			if err := json.Unmarshal(raw, &meta); err != nil {
				return nil, nil, fmt.Errorf("metadata: %w", err)
			}
			continue
		}
		t, err := decodeEntry(raw, data)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		out[name] = t
	}
	return out, meta, nil
}

func decodeEntry(raw json.RawMessage, data []byte) (*tensor.Tensor, error) {
	var e entry
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	dt, ok := map[string]tensor.DType{"F32": tensor.Float32, "I64": tensor.Int64, "U8": tensor.Uint8}[e.DType]
	if !ok {
		return nil, fmt.Errorf("numbers of kind %q are not read (F32, I64 and U8 are)", e.DType)
	}
	count := int64(1)
	for _, d := range e.Shape {
		if d < 0 || d > 0 && count > int64(len(data))/int64(d)+1 {
			return nil, fmt.Errorf("shape %v does not fit %d bytes of data", e.Shape, len(data))
		}
		count *= int64(d)
	}
	from, to := e.Offsets[0], e.Offsets[1]
	if from < 0 || to < from || to > int64(len(data)) {
		return nil, fmt.Errorf("its bytes %d to %d are not in the file, which has %d (cut short?)", from, to, len(data))
	}
	if to-from != count*int64(dt.Size()) {
		return nil, fmt.Errorf("shape %v of %s takes %d bytes, it has %d", e.Shape, e.DType, count*int64(dt.Size()), to-from)
	}
	t := tensor.New(dt, e.Shape...)
	d := data[from:to]
	switch dt {
	case tensor.Float32:
		for i := range t.Float32s() {
			t.Float32s()[i] = math.Float32frombits(binary.LittleEndian.Uint32(d[4*i:]))
		}
	case tensor.Int64:
		for i := range t.Int64s() {
			t.Int64s()[i] = int64(binary.LittleEndian.Uint64(d[8*i:]))
		}
	case tensor.Uint8:
		copy(t.Uint8s(), d)
	}
	return t, nil
}

// Package safetensors reads and writes checkpoint files of the safetensors format: a JSON header of
// names, kinds, shapes and places, then the numbers, little-endian. Python's safetensors package
// reads what this writes.
//
// It stands in the lower storey and imports tensor and internal/whole.
package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"strings"

	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/whole"
)

// maxHeader is the longest header that Read takes, as in the reference implementation.
const maxHeader = 100 << 20

type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// metadata is the name under which a header has its metadata.
const metadata = "__metadata__"

var kinds = map[string]tensor.DType{"F32": tensor.Float32, "I64": tensor.Int64, "U8": tensor.Uint8, "F16": tensor.Float16, "BF16": tensor.BFloat16}

var dtypes = map[tensor.DType]string{tensor.Float32: "F32", tensor.Int64: "I64", tensor.Uint8: "U8", tensor.Float16: "F16", tensor.BFloat16: "BF16"}

// SumKey is the metadata entry under which Write keeps the SHA-256 sum of the whole file, as it is with
// zeros in the sum's place. Read refuses a file whose sum is wrong; files of others have none. A program
// that changes such a file must drop the entry.
const SumKey = "fastnb_sha256"

// Write writes tensors, metadata and a checksum of all that under a temporary name, syncs and renames:
// path holds either the old file or the whole new one.
func Write(path string, ts map[string]*tensor.Tensor, meta map[string]string) error {
	if err := whole.Write(path, func(w io.Writer) error { return Encode(w, ts, meta) }); err != nil {
		return fmt.Errorf("fastnb: writing %s: %w", path, whole.Reason(err, path))
	}
	return nil
}

// Encode writes the format to w.
func Encode(w io.Writer, ts map[string]*tensor.Tensor, meta map[string]string) error {
	names := make([]string, 0, len(ts))
	for n := range ts {
		names = append(names, n)
	}
	sort.Strings(names)
	head, err := header(ts, names, meta)
	if err != nil {
		return err
	}
	sum := sha256.New() // of the bytes to come; that the numbers are converted twice costs little
	if err := writeAll(sum, head, ts, names); err != nil {
		return err
	}
	at, ok := sumAt(head)
	if !ok {
		return errors.New("the header has no room for its checksum")
	}
	hex.Encode(head[at:], sum.Sum(nil))
	return writeAll(w, head, ts, names)
}

// header is the length and the JSON, with zeros for the sum.
func header(ts map[string]*tensor.Tensor, names []string, meta map[string]string) ([]byte, error) {
	withSum := map[string]string{SumKey: noSum}
	for k, v := range meta {
		if k != SumKey {
			withSum[k] = v
		}
	}
	entries := map[string]any{metadata: withSum}
	var at int64
	for _, n := range names {
		if n == metadata {
			return nil, fmt.Errorf("a tensor cannot have the name %q", n)
		}
		t := ts[n]
		size := int64(t.Len() * t.DType().Size())
		entries[n] = entry{dtypes[t.DType()], append([]int{}, t.Shape()...), [2]int64{at, at + size}}
		at += size
	}
	js, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	for len(js)%8 != 0 {
		js = append(js, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(js))), js...), nil
}

// noSum stands in the place of the sum while it is made; sumMark is what stands before it.
var (
	noSum   = strings.Repeat("0", 2*sha256.Size)
	sumMark = []byte(`"` + SumKey + `":"`)
)

// sumAt is where in a header the sum is.
func sumAt(head []byte) (int, bool) {
	at := bytes.Index(head, sumMark)
	if at < 0 {
		return 0, false
	}
	at += len(sumMark)
	return at, at+len(noSum) < len(head) && head[at+len(noSum)] == '"'
}

// checkSum compares the sum in the header, if there is one, with that of the file.
func checkSum(b []byte, n int) error {
	at, ok := sumAt(b[:8+n])
	if !ok {
		return nil
	}
	h := sha256.New()
	for _, part := range [][]byte{b[:at], []byte(noSum), b[at+len(noSum):]} {
		_, _ = h.Write(part) // never fails
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != string(b[at:at+len(noSum)]) {
		return fmt.Errorf("it is damaged: its checksum is wrong (try saving it again; a program that changed it on purpose should drop the metadata entry %s)", SumKey)
	}
	return nil
}

func writeAll(w io.Writer, head []byte, ts map[string]*tensor.Tensor, names []string) error {
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, n := range names {
		if err := writeData(w, ts[n]); err != nil {
			return err
		}
	}
	return nil
}

// block is how many bytes are put in the file's order at a time, where that is not the machine's.
const block = 1 << 16

// writeData writes a tensor's numbers: as they lie where the machine has them as the file wants them.
func writeData(w io.Writer, t *tensor.Tensor) error {
	raw := bytesOf(t)
	if littleEndian || t.DType().Size() == 1 {
		_, err := w.Write(raw)
		return err
	}
	buf := make([]byte, block)
	for len(raw) > 0 {
		n := copy(buf, raw)
		turn(buf[:n], t.DType().Size())
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		raw = raw[n:]
	}
	return nil
}

// Read reads a file whole. Where the machine allows it the tensors lie in one piece of memory, which stays as long as
// one of them does.
func Read(path string) (map[string]*tensor.Tensor, map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("fastnb: reading tensors: %w", err)
	}
	ts, meta, err := decode(b, true)
	if err != nil {
		return nil, nil, fmt.Errorf("fastnb: reading tensors: %s: %w", path, err)
	}
	return ts, meta, nil
}

// Decode reads the format from memory, of which it keeps nothing. Every place and size is checked against the data.
func Decode(b []byte) (map[string]*tensor.Tensor, map[string]string, error) { return decode(b, false) }

// decode is Decode; with own the tensors may lie in b.
func decode(b []byte, own bool) (map[string]*tensor.Tensor, map[string]string, error) {
	if len(b) < 8 {
		return nil, nil, fmt.Errorf("%d bytes are too few for a safetensors file", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxHeader || n > uint64(len(b)-8) {
		return nil, nil, fmt.Errorf("not a safetensors file, or cut short: its header would be %d bytes, %d are there", n, len(b)-8)
	}
	if err := checkSum(b, int(n)); err != nil {
		return nil, nil, err
	}
	var head map[string]json.RawMessage
	if err := json.Unmarshal(b[8:8+n], &head); err != nil {
		return nil, nil, fmt.Errorf("not a safetensors file: header: %w", err)
	}
	data := b[8+n:]
	meta := map[string]string{}
	if raw, ok := head[metadata]; ok {
		if err := json.Unmarshal(raw, &meta); err != nil {
			return nil, nil, fmt.Errorf("metadata: %w", err)
		}
		delete(head, metadata)
	}
	if _, ok := sumAt(b[:8+n]); !ok && meta[SumKey] != "" {
		return nil, nil, fmt.Errorf("its checksum (metadata entry %s) is not where fastnb writes it (try dropping the entry)", SumKey)
	}
	entries, err := places(head, data)
	if err != nil {
		return nil, nil, err
	}
	out := make(map[string]*tensor.Tensor, len(entries))
	for name, e := range entries {
		out[name] = e.decode(data, own)
	}
	return out, meta, nil
}

// places reads where each tensor lies. Together they must fill the data, each byte of it once, as the
// format wants: then they cannot ask for more than the file holds.
func places(head map[string]json.RawMessage, data []byte) (map[string]entry, error) {
	out := make(map[string]entry, len(head))
	names := make([]string, 0, len(head))
	for name, raw := range head {
		e, err := readEntry(raw, data)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		out[name] = e
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := out[names[i]].Offsets, out[names[j]].Offsets
		return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
	})
	at := int64(0)
	for _, n := range names {
		from, to := out[n].Offsets[0], out[n].Offsets[1]
		if from != at {
			return nil, fmt.Errorf("tensor %q: its bytes begin at %d, those before it end at %d (tensors may neither overlap nor leave gaps)", n, from, at)
		}
		at = to
	}
	if at != int64(len(data)) {
		return nil, fmt.Errorf("its tensors take %d bytes, %d are there", at, len(data))
	}
	return out, nil
}

const maxRank = 64

// readEntry reads and checks one tensor's place.
func readEntry(raw json.RawMessage, data []byte) (e entry, err error) {
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, err
	}
	dt, ok := kinds[e.DType]
	if !ok {
		return e, fmt.Errorf("numbers of kind %q are not read (F32, F16, BF16, I64 and U8 are)", e.DType)
	}
	if len(e.Shape) > maxRank {
		return e, fmt.Errorf("it has %d dimensions", len(e.Shape))
	}
	count, most := int64(1), int64(math.MaxInt64)/int64(dt.Size()) // of the dimensions that are not zero
	empty := false
	for _, d := range e.Shape {
		if d < 0 || d > 0 && count > most/int64(d) {
			return e, fmt.Errorf("shape %v does not fit %d bytes of data", e.Shape, len(data))
		}
		empty = empty || d == 0
		count *= max(int64(d), 1)
	}
	if empty {
		count = 0
	}
	from, to := e.Offsets[0], e.Offsets[1]
	if from < 0 || to < from || to > int64(len(data)) {
		return e, fmt.Errorf("its bytes %d to %d are not in the file, which has %d (cut short?)", from, to, len(data))
	}
	if to-from != count*int64(dt.Size()) {
		return e, fmt.Errorf("shape %v of %s takes %d bytes, it has %d", e.Shape, e.DType, count*int64(dt.Size()), to-from)
	}
	return e, nil
}

// decode reads the numbers of a tensor whose place is checked. With own it may lie in data.
func (e entry) decode(data []byte, own bool) *tensor.Tensor {
	dt := kinds[e.DType]
	d := data[e.Offsets[0]:e.Offsets[1]:e.Offsets[1]]
	if own && littleEndian {
		if t := lieIn(d, dt, e.Shape); t != nil {
			return t
		}
	}
	t := tensor.New(dt, e.Shape...)
	raw := bytesOf(t)
	copy(raw, d)
	if !littleEndian {
		turn(raw, dt.Size())
	}
	return t
}

package safetensors

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/fastnb/tensor"
)

func sample() map[string]*tensor.Tensor {
	return map[string]*tensor.Tensor{
		"a": tensor.FromFloat32([]float32{1, -2, 3.5, 0, 5, 6}, 2, 3),
		"n": tensor.FromInt64([]int64{-7, 1 << 40}, 2),
		"u": tensor.FromUint8([]uint8{1, 2, 255}, 3),
		"s": tensor.FromFloat32([]float32{9}),
		"h": tensor.FromFloat32([]float32{1.5, -0.1, 70000}, 3).To(tensor.Float16),
		"b": tensor.FromFloat32([]float32{1.5, -0.1, 70000}, 3).To(tensor.BFloat16),
	}
}

func TestRoundTrip(t *testing.T) {
	f := filepath.Join(t.TempDir(), "x.safetensors")
	if err := Write(f, sample(), map[string]string{"k": "v"}); err != nil {
		t.Fatal(err)
	}
	got, meta, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sample(), got, cmp.AllowUnexported(tensor.Tensor{})); d != "" || meta["k"] != "v" {
		t.Errorf("metadata %v, tensors differ:\n%s", meta, d)
	}
}

// file is a header and the numbers behind it.
func file(js string, data ...byte) []byte {
	return append(append([]byte{byte(len(js)), 0, 0, 0, 0, 0, 0, 0}, js...), data...)
}

// TestHalf: half-precision numbers are the bits that Python's struct.pack('<e', v) makes, and for bfloat16 the upper
// half of '<f'.
func TestHalf(t *testing.T) {
	ts, _, err := Decode(file(`{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]}}`,
		0x00, 0x3e, 0x66, 0xae, 0xc0, 0x3f, 0x00, 0xc0))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]float64{1.5, -0.0999755859375}, ts["h"].Float64s()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]float64{1.5, -2}, ts["b"].Float64s()); d != "" {
		t.Error(d)
	}
}

func TestDamaged(t *testing.T) {
	var b bytes.Buffer
	if err := Encode(&b, sample(), nil); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	header := func(js string) []byte { return file(js) }
	cases := []struct {
		name, want string
		data       []byte
	}{
		{"empty", "too few", nil},
		{"cut", "checksum", whole[:len(whole)-3]},
		{"flipped", "checksum", append(whole[:len(whole)-1:len(whole)-1], whole[len(whole)-1]^1)},
		{"cut, without a sum", "not in the file", header(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`)},
		{"two of one place", "neither overlap", append(header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`), 1, 2, 3, 4)},
		{"gap", "neither overlap", append(header(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`), 1, 2)},
		{"more", "2 are there", append(header(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`), 1, 2)},
		{"overflow", "does not fit", header(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`)},
		{"overflow beside zero", "does not fit", header(`{"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}`)},
		{"sum elsewhere", "not where", header(`{"__metadata__":{"fastnb_sha256": "00"}}`)},
		{"cut header", "cut short", whole[:20]},
		{"not json", "header", header("nonsense")},
		{"huge shape", "does not fit", header(`{"a":{"dtype":"F32","shape":[4000000000,4000000000],"data_offsets":[0,0]}}`)},
		{"negative", "does not fit", header(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}`)},
		{"kind", `"F8_E4M3"`, header(`{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}`)},
		{"overlap", "takes 8 bytes", header(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,0]}}`)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := Decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// A changed byte, wherever it is, is found.
func TestChecksum(t *testing.T) {
	var b bytes.Buffer
	if err := Encode(&b, sample(), map[string]string{"k": "v"}); err != nil {
		t.Fatal(err)
	}
	for i := range b.Bytes() {
		for _, bit := range []byte{1, 0x20, 0x80} {
			c := bytes.Clone(b.Bytes())
			c[i] ^= bit
			got, meta, err := Decode(c)
			if err != nil {
				continue
			}
			// What remains is a change of the entry's own name: then there is no sum, and the numbers are as they were.
			if d := cmp.Diff(sample(), got, cmp.AllowUnexported(tensor.Tensor{})); d != "" || meta["k"] != "v" || meta[SumKey] != "" {
				t.Errorf("byte %d changed by %#x: read as if nothing was:\n%s", i, bit, d)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	if err := Encode(&b, sample(), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), "")
	f.Add([]byte{0, 0, 128, 63}, `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`)
	f.Add([]byte{0, 0, 128, 63}, `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0,9],"data_offsets":[4,4]},"__metadata__":{"k":"v"}}`)
	f.Fuzz(func(t *testing.T, b []byte, head string) {
		if head != "" { // data and its header apart, so that the length is right
			b = append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...), b...)
		}
		ts, _, err := Decode(b)
		n := 0
		for _, x := range ts {
			n += x.Len() * x.DType().Size()
		}
		if err == nil && n > len(b) {
			t.Errorf("%d bytes of numbers out of %d", n, len(b))
		}
	})
}

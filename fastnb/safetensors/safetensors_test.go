package safetensors

import (
	"bytes"
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

func TestDamaged(t *testing.T) {
	var b bytes.Buffer
	if err := Encode(&b, sample(), nil); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	header := func(js string) []byte {
		return append([]byte{byte(len(js)), 0, 0, 0, 0, 0, 0, 0}, js...)
	}
	cases := []struct {
		name, want string
		data       []byte
	}{
		{"empty", "too few", nil},
		{"cut", "not in the file", whole[:len(whole)-3]},
		{"cut header", "cut short", whole[:20]},
		{"not json", "header", header("nonsense")},
		{"huge shape", "does not fit", header(`{"a":{"dtype":"F32","shape":[4000000000,4000000000],"data_offsets":[0,0]}}`)},
		{"negative", "does not fit", header(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}`)},
		{"kind", `"F16"`, header(`{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`)},
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

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	if err := Encode(&b, sample(), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(_ *testing.T, b []byte) { _, _, _ = Decode(b) })
}

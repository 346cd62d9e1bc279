package safetensors

import (
	"bytes"
	"math"
	"path/filepath"
	"testing"

	"github.com/fastnb/go/fastnb/tensor"
)

// A machine of the other byte order writes and reads the same file: numbers are turned block by block.
func TestByteOrders(t *testing.T) {
	old := littleEndian
	defer func() { littleEndian = old }()
	f, i, h := make([]float32, 40001), make([]int64, 20001), make([]uint16, 33)
	for k := range f {
		f[k] = float32(math.Sin(float64(k)))
	}
	for k := range i {
		i[k] = int64(k) << 40
	}
	for k := range h {
		h[k] = uint16(k * 1999)
	}
	ts := map[string]*tensor.Tensor{
		"f": tensor.FromFloat32(f, len(f)), "i": tensor.FromInt64(i, len(i)), "u": tensor.FromUint8([]uint8{1, 2, 3}, 3), "e": tensor.New(tensor.Float32, 0, 2),
		"h": tensor.FromBits(tensor.Float16, h, len(h)),
	}
	var straight, turned bytes.Buffer
	if err := Encode(&straight, ts, nil); err != nil {
		t.Fatal(err)
	}
	// As the other machine has its numbers: each in the order that is not ours.
	other := map[string]*tensor.Tensor{}
	for n, x := range ts {
		c := tensor.New(x.DType(), x.Shape()...)
		copy(bytesOf(c), bytesOf(x))
		turn(bytesOf(c), x.DType().Size())
		other[n] = c
	}
	littleEndian = !old
	if err := Encode(&turned, other, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(straight.Bytes(), turned.Bytes()) {
		t.Error("the two byte orders write different files")
	}
	back, _, err := Decode(turned.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for n, x := range other {
		if !bytes.Equal(bytesOf(back[n]), bytesOf(x)) {
			t.Errorf("%s came back otherwise", n)
		}
	}
}

// Tensors of a file that was read may be written to, each by itself, and those decoded from memory leave it alone.
func TestTensorsAreTheReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	// Three bytes before it put the floats where they cannot lie as they are.
	ts := map[string]*tensor.Tensor{"a": tensor.FromUint8([]uint8{7, 8, 9}, 3), "b": tensor.FromFloat32([]float32{1, 2, 3}, 3), "c": tensor.FromFloat32([]float32{4}, 1)}
	if err := Write(path, ts, nil); err != nil {
		t.Fatal(err)
	}
	got, _, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	got["b"].Float32s()[2] = -1
	_ = append(got["a"].Uint8s(), 99)
	if b, c := got["b"].Float32s(), got["c"].Float32s(); b[0] != 1 || b[2] != -1 || c[0] != 4 {
		t.Errorf("b %v, c %v", b, c)
	}
	var file bytes.Buffer
	if err := Encode(&file, ts, nil); err != nil {
		t.Fatal(err)
	}
	mem := bytes.Clone(file.Bytes())
	in, _, err := Decode(mem)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range in {
		clear(bytesOf(x))
	}
	if !bytes.Equal(mem, file.Bytes()) {
		t.Error("writing to a decoded tensor changed the memory it came from")
	}
}

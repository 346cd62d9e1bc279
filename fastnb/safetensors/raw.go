package safetensors

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/fastnb/go/fastnb/tensor"
)

// littleEndian says that the machine has numbers in the order of the file.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf is a tensor's memory.
func bytesOf(t *tensor.Tensor) []byte {
	n := t.Len() * t.DType().Size()
	if n == 0 {
		return nil
	}
	var p unsafe.Pointer
	switch t.DType() {
	case tensor.Float32:
		p = unsafe.Pointer(unsafe.SliceData(t.Float32s()))
	case tensor.Int64:
		p = unsafe.Pointer(unsafe.SliceData(t.Int64s()))
	case tensor.Uint8:
		p = unsafe.Pointer(unsafe.SliceData(t.Uint8s()))
	default:
		p = unsafe.Pointer(unsafe.SliceData(t.Bits()))
	}
	return unsafe.Slice((*byte)(p), n)
}

// turn reverses the bytes of each number of so many bytes.
func turn(b []byte, size int) {
	for i := 0; i+size <= len(b); i += size {
		slices.Reverse(b[i : i+size])
	}
}

// lieIn is the tensor whose memory is d, or nil where numbers would not lie as the machine wants them.
func lieIn(d []byte, dt tensor.DType, shape []int) *tensor.Tensor {
	p := unsafe.Pointer(unsafe.SliceData(d))
	if len(d) == 0 || uintptr(p)%uintptr(dt.Size()) != 0 {
		return nil
	}
	n := len(d) / dt.Size()
	switch dt {
	case tensor.Float32:
		return tensor.FromFloat32(unsafe.Slice((*float32)(p), n), shape...)
	case tensor.Int64:
		return tensor.FromInt64(unsafe.Slice((*int64)(p), n), shape...)
	case tensor.Uint8:
		return tensor.FromUint8(d, shape...)
	}
	return tensor.FromBits(dt, unsafe.Slice((*uint16)(p), n), shape...)
}

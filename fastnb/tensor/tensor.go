// Package tensor holds numbers on the host: a dense, row-major array of float32, int64,
// uint8 or half-precision numbers with a shape. Batches, predictions and metrics are Tensors; what a device holds is a
// device.Buffer.
//
// It is a leaf: it imports nothing of ours.
package tensor

import "fmt"

// DType is the kind of a tensor's elements.
type DType uint8

// The element kinds.
const (
	Float32 DType = iota
	Int64
	Uint8
	Float16  // IEEE 754 binary16: 11 bits of mantissa, numbers up to 65504
	BFloat16 // the upper half of a float32: 8 bits of mantissa
)

// String is the kind's name, as in "float32".
func (d DType) String() string {
	return [...]string{"float32", "int64", "uint8", "float16", "bfloat16"}[d]
}

// Size is an element's size in bytes.
func (d DType) Size() int { return [...]int{4, 8, 1, 2, 2}[d] }

// Tensor is a dense row-major array. Exactly one of its slices is in use, as DType says.
type Tensor struct {
	shape []int
	dtype DType
	f     []float32
	i     []int64
	u     []uint8
	h     []uint16
	err   error // see Err
}

// Count is the number of elements of a shape; the empty shape (a scalar) has one.
func Count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// New is a zero tensor.
func New(t DType, shape ...int) *Tensor {
	x := &Tensor{shape: append([]int{}, shape...), dtype: t}
	switch n := Count(shape); t {
	case Float32:
		x.f = make([]float32, n)
	case Int64:
		x.i = make([]int64, n)
	case Uint8:
		x.u = make([]uint8, n)
	case Float16, BFloat16:
		x.h = make([]uint16, n)
	}
	return x
}

// FromFloat32 wraps data (not copied). It panics if data does not fill the shape: that is a
// programmer's mistake.
func FromFloat32(data []float32, shape ...int) *Tensor {
	check(len(data), shape)
	return &Tensor{shape: append([]int{}, shape...), dtype: Float32, f: data}
}

// FromInt64 wraps data (not copied).
func FromInt64(data []int64, shape ...int) *Tensor {
	check(len(data), shape)
	return &Tensor{shape: append([]int{}, shape...), dtype: Int64, i: data}
}

// FromUint8 wraps data (not copied).
func FromUint8(data []uint8, shape ...int) *Tensor {
	check(len(data), shape)
	return &Tensor{shape: append([]int{}, shape...), dtype: Uint8, u: data}
}

func check(n int, shape []int) {
	if n != Count(shape) {
		panic(fmt.Sprintf("tensor: %d elements do not fill shape %v", n, shape))
	}
}

// Shape gives the sizes, outermost first. Do not change the slice.
func (t *Tensor) Shape() []int { return t.shape }

// DType is the kind of the elements.
func (t *Tensor) DType() DType { return t.dtype }

// Len is the number of elements.
func (t *Tensor) Len() int { return Count(t.shape) }

// Float32s is the data of a Float32 tensor, shared, else nil.
func (t *Tensor) Float32s() []float32 { return t.f }

// Int64s is the data of an Int64 tensor, shared, else nil.
func (t *Tensor) Int64s() []int64 { return t.i }

// Uint8s is the data of a Uint8 tensor, shared, else nil.
func (t *Tensor) Uint8s() []uint8 { return t.u }

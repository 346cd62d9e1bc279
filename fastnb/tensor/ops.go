package tensor

import (
	"fmt"
	"math"
)

// Err is why the tensor could not be computed, or nil. Methods that cannot work (axis out of range,
// shapes that do not fit) give a tensor without elements that carries the reason; methods of such a
// tensor hand it on. So an expression of several calls is written without checks, and asked once.
func (t *Tensor) Err() error {
	if t == nil {
		return fmt.Errorf("fastnb: tensor: nil")
	}
	return t.err
}

func failed(op string, format string, a ...any) *Tensor {
	return &Tensor{shape: []int{0}, err: fmt.Errorf("fastnb: tensor: %s: %s", op, fmt.Sprintf(format, a...))}
}

// firstErr is the first of ts that carries an error, or nil.
func firstErr(ts ...*Tensor) *Tensor {
	for _, t := range ts {
		if t == nil {
			return failed("call", "a nil tensor was given")
		}
		if t.err != nil {
			return t
		}
	}
	return nil
}

// Float is t as Float32: itself, or a converted copy.
func (t *Tensor) Float() *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	if t.dtype == Float32 {
		return t
	}
	out := New(Float32, t.shape...)
	switch t.dtype {
	case Int64:
		convert(out.f, t.i)
	case Uint8:
		convert(out.f, t.u)
	default:
		for k, h := range t.h {
			out.f[k] = t.dtype.number(h)
		}
	}
	return out
}

// Long is t as Int64, fractions cut off: itself, or a converted copy.
func (t *Tensor) Long() *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	switch t.dtype {
	case Int64:
		return t
	case Float32:
		out := New(Int64, t.shape...)
		convert(out.i, t.f)
		return out
	}
	out := New(Int64, t.shape...)
	convert(out.i, t.u)
	if t.dtype.Half() {
		convert(out.i, t.Float().f)
	}
	return out
}

func convert[D, S float32 | int64 | uint8](dst []D, src []S) {
	for k, v := range src {
		dst[k] = D(v)
	}
}

// floats gives element k as a float64.
func (t *Tensor) value(k int) float64 {
	switch t.dtype {
	case Float32:
		return float64(t.f[k])
	case Int64:
		return float64(t.i[k])
	case Uint8:
		return float64(t.u[k])
	}
	return float64(t.dtype.number(t.h[k]))
}

// view is t with another shape of the same count, data shared.
func (t *Tensor) view(shape ...int) *Tensor {
	v := *t
	v.shape = append([]int{}, shape...)
	return &v
}

// Reshape gives the same elements, shared, in another shape. One size may be -1: what is left.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	s, hole, n := append([]int{}, shape...), -1, 1
	for k, d := range s {
		switch {
		case d == -1 && hole < 0:
			hole = k
		case d < 0:
			return failed("reshape", "%v: size %d", shape, d)
		default:
			n *= d
		}
	}
	if hole >= 0 && n > 0 && t.Len()%n == 0 {
		s[hole] = t.Len() / n
		n = t.Len()
	}
	if n != t.Len() {
		return failed("reshape", "%v to %v: the number of elements differs", t.shape, shape)
	}
	return t.view(s...)
}

// Squeeze drops the given axes of size 1 (negative ones count from the end), or without arguments
// every axis of size 1. An axis of another size stays, as in PyTorch. Data is shared.
func (t *Tensor) Squeeze(axes ...int) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	drop := map[int]bool{}
	for _, a := range axes {
		k, ok := t.axis(a)
		if !ok {
			return failed("squeeze", "axis %d of shape %v", a, t.shape)
		}
		drop[k] = true
	}
	s := []int{}
	for k, d := range t.shape {
		if d != 1 || len(axes) > 0 && !drop[k] {
			s = append(s, d)
		}
	}
	return t.view(s...)
}

// axis resolves a possibly negative axis.
func (t *Tensor) axis(a int) (int, bool) {
	if a < 0 {
		a += len(t.shape)
	}
	return a, a >= 0 && a < len(t.shape)
}

// split gives the sizes before, at and after axis a.
func (t *Tensor) split(a int) (outer, n, inner int) {
	return Count(t.shape[:a]), t.shape[a], Count(t.shape[a+1:])
}

func (t *Tensor) without(a int) []int {
	return append(append([]int{}, t.shape[:a]...), t.shape[a+1:]...)
}

// At is element i of the first axis (negative counts from the end): a tensor with one axis less
// that shares the data.
func (t *Tensor) At(i int) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	if len(t.shape) == 0 {
		return failed("at", "a single number has no elements (try Item)")
	}
	if i < 0 {
		i += t.shape[0]
	}
	if i < 0 || i >= t.shape[0] {
		return failed("at", "%d of shape %v", i, t.shape)
	}
	return t.Slice(i, i+1).view(t.shape[1:]...)
}

// Slice is elements from to to-1 of the first axis, data shared.
func (t *Tensor) Slice(from, to int) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	if len(t.shape) == 0 || from < 0 || to < from || to > t.shape[0] {
		return failed("slice", "%d to %d of shape %v", from, to, t.shape)
	}
	n := Count(t.shape[1:])
	v := t.view(append([]int{to - from}, t.shape[1:]...)...)
	switch t.dtype {
	case Float32:
		v.f = t.f[from*n : to*n]
	case Int64:
		v.i = t.i[from*n : to*n]
	case Uint8:
		v.u = t.u[from*n : to*n]
	default:
		v.h = t.h[from*n : to*n]
	}
	return v
}

// Item is the only element of a tensor of one element, else NaN.
func (t *Tensor) Item() float64 {
	if firstErr(t) != nil || t.Len() != 1 {
		return math.NaN()
	}
	return t.value(0)
}

// Rows copies the tensor into Go slices, one for each element of the first axis, the other axes
// flattened. A tensor with one axis gives rows of one number.
func (t *Tensor) Rows() [][]float64 {
	if firstErr(t) != nil || len(t.shape) == 0 {
		return nil
	}
	rows, n := make([][]float64, t.shape[0]), Count(t.shape[1:])
	all := make([]float64, len(rows)*n)
	for k := range all {
		all[k] = t.value(k)
	}
	for r := range rows {
		rows[r] = all[r*n : (r+1)*n : (r+1)*n]
	}
	return rows
}

// Float64s copies all elements into one slice.
func (t *Tensor) Float64s() []float64 {
	if firstErr(t) != nil {
		return nil
	}
	all := make([]float64, t.Len())
	for k := range all {
		all[k] = t.value(k)
	}
	return all
}

// Concat joins tensors of one kind along the first axis; the other sizes must agree.
func Concat(ts ...*Tensor) *Tensor {
	if bad := firstErr(ts...); bad != nil {
		return bad
	}
	if len(ts) == 0 {
		return failed("concat", "nothing to join")
	}
	first, n := ts[0], 0
	for _, t := range ts {
		if t.dtype != first.dtype || len(t.shape) == 0 || fmt.Sprint(t.shape[1:]) != fmt.Sprint(first.shape[1:]) {
			return failed("concat", "%s %v to %s %v", t.dtype, t.shape, first.dtype, first.shape)
		}
		n += t.shape[0]
	}
	out := New(first.dtype, append([]int{n}, first.shape[1:]...)...)
	at := 0
	for _, t := range ts {
		switch out.dtype {
		case Float32:
			copy(out.f[at:], t.f)
		case Int64:
			copy(out.i[at:], t.i)
		case Uint8:
			copy(out.u[at:], t.u)
		default:
			copy(out.h[at:], t.h)
		}
		at += t.Len()
	}
	return out
}

// Clone is a copy that shares nothing.
func (t *Tensor) Clone() *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	return &Tensor{
		shape: append([]int{}, t.shape...), dtype: t.dtype,
		f: append([]float32(nil), t.f...), i: append([]int64(nil), t.i...), u: append([]uint8(nil), t.u...), h: append([]uint16(nil), t.h...),
	}
}

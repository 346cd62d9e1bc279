package tensor

import "math"

// FromBits wraps the bits of half-precision numbers, of kind Float16 or BFloat16 (not copied). It
// panics if data does not fill the shape or t is another kind.
func FromBits(t DType, data []uint16, shape ...int) *Tensor {
	check(len(data), shape)
	if !t.Half() {
		panic("tensor: bits of " + t.String())
	}
	return &Tensor{shape: append([]int{}, shape...), dtype: t, h: data}
}

// Bits is the data of a Float16 or BFloat16 tensor, shared, else nil.
func (t *Tensor) Bits() []uint16 { return t.h }

// To is t as another kind: itself, or a converted copy. Numbers are rounded to the nearest of the
// kind (ties to even), fractions cut off for whole numbers.
func (t *Tensor) To(d DType) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	switch {
	case t.dtype == d:
		return t
	case d == Float32:
		return t.Float()
	case d == Int64:
		return t.Long()
	}
	out := New(d, t.shape...)
	for k := range out.u {
		out.u[k] = uint8(t.value(k))
	}
	f := t.Float().f
	for k := range out.h {
		out.h[k] = d.bits(f[k])
	}
	return out
}

// Half reports whether the kind is one of 16 bits.
func (d DType) Half() bool { return d == Float16 || d == BFloat16 }

// Round is v rounded to the kind: to the nearest number of a half-precision kind, ties to even; others
// leave it.
func (d DType) Round(v float32) float32 {
	if !d.Half() {
		return v
	}
	return d.number(d.bits(v))
}

func (d DType) bits(v float32) uint16 {
	if d == BFloat16 {
		return toBFloat16(v)
	}
	return toFloat16(v)
}

func (d DType) number(h uint16) float32 {
	if d == BFloat16 {
		return math.Float32frombits(uint32(h) << 16)
	}
	return fromFloat16(h)
}

// quiet is the bit of a NaN that survives the loss of those below it.
const quiet = 1 << 22

func toBFloat16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16((b | quiet) >> 16)
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// toFloat16 rounds to IEEE 754 binary16: 5 bits of exponent, 10 of mantissa.
func toFloat16(v float32) uint16 {
	b := math.Float32bits(v)
	sign, b := uint16(b>>16&0x8000), b&0x7fffffff
	const (
		least = 0x38800000 // 2^-14, the least normal number
		over  = 0x477ff000 // 65520, from where on the nearest is infinity
	)
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= over:
		return sign | 0x7c00
	case b < least:
		// In units of 2^-24; adding 0.5 in them moves the fraction out of the mantissa, rounded.
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	b -= 0x38000000 // the exponents' difference of bias
	return sign | uint16((b+0xfff+b>>13&1)>>13)
}

func fromFloat16(h uint16) float32 {
	sign, b := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case b >= 0x7c00:
		return math.Float32frombits(sign | 0x7f800000 | b<<13&0x7fffff)
	case b < 0x400:
		v := float32(b) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | b<<13 + 0x38000000)
}

package tensor

import (
	"math"
	"math/big"
	"testing"
)

// nearest is the number of so many mantissa bits (the leading one counted) nearest to v, ties to even, by
// math/big; no number smaller than least in steps of unit.
func nearest(v float32, bits uint, unit float64) float64 {
	x := float64(v)
	if math.Abs(x) < unit*math.Ldexp(1, int(bits)-1) { // in the range of fixed steps
		return math.RoundToEven(x/unit) * unit
	}
	f, _ := new(big.Float).SetPrec(bits).SetMode(big.ToNearestEven).SetFloat64(x).Float64()
	return f
}

// TestHalfRounding holds conversions to 16 bits to math/big's rounding, over all exponents and with ties.
func TestHalfRounding(t *testing.T) {
	for _, c := range []struct {
		kind DType
		bits uint
		unit float64
		top  float64 // from here on the nearest is infinity
	}{{Float16, 11, math.Ldexp(1, -24), 65520}, {BFloat16, 8, math.Ldexp(1, -133), math.Ldexp(511, 119)}} {
		n := 0
		for b := uint64(0); b < 1<<32; b += 65521 * 3 {
			for _, low := range []uint32{0, 0x1000, 0x8000, 0x0fff, 0x7fff} {
				v := math.Float32frombits(uint32(b)&^0xffff | low)
				if v != v || math.IsInf(float64(v), 0) {
					continue
				}
				want := nearest(v, c.bits, c.unit)
				if math.Abs(float64(v)) >= c.top {
					want = math.Inf(1)
					if v < 0 {
						want = math.Inf(-1)
					}
				}
				if got := float64(c.kind.Round(v)); got != want {
					t.Fatalf("%v: %g (%08x) is %g, want %g", c.kind, v, math.Float32bits(v), got, want)
				}
				n++
			}
		}
		if n < 50000 {
			t.Errorf("only %d numbers", n)
		}
		for _, v := range []float32{float32(math.NaN()), math.Float32frombits(0x7f800001)} {
			if r := c.kind.Round(v); r == r {
				t.Errorf("%v: NaN is %g", c.kind, r)
			}
		}
		if !math.IsInf(float64(c.kind.Round(float32(math.Inf(-1)))), -1) {
			t.Errorf("%v: -Inf is %g", c.kind, c.kind.Round(float32(math.Inf(-1))))
		}
	}
}

// TestHalfTensors: a half tensor behaves as its numbers do.
func TestHalfTensors(t *testing.T) {
	x := FromFloat32([]float32{1, -2.5, 65504, 1e-7, 0.1, 3}, 2, 3)
	for _, d := range []DType{Float16, BFloat16} {
		h := x.To(d)
		if h.DType() != d || len(h.Bits()) != 6 || d.Size() != 2 || h.Float32s() != nil {
			t.Fatal(h.DType(), h.Bits())
		}
		for i, v := range h.Float().Float32s() {
			if v != d.Round(x.Float32s()[i]) {
				t.Errorf("%v [%d]: %g", d, i, v)
			}
		}
		if got := h.At(1).At(-1).Item(); got != 3 {
			t.Error(got)
		}
		if got := Concat(h, h.Clone()).Sum().Item(); got != 2*h.Float().Sum().Item() {
			t.Error(got)
		}
		if got := h.To(Uint8).Uint8s()[5]; got != 3 {
			t.Error(got)
		}
		if s := h.Mask(h.Gt(2)); s.Len() != 2 || s.Float().Float32s()[1] != 3 {
			t.Error(s)
		}
		if got := h.ArgMax(1).Int64s(); got[0] != 2 || got[1] != 2 {
			t.Error(got)
		}
		if s := h.String(); s == "" {
			t.Error(s)
		}
	}
}

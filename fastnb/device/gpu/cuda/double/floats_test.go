//go:build linux

package double_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// rounded brings an exact value to a precision in a direction: 24 bits and 8 of exponent for floats, and so on.
// Go's big floats are the oracle.
func rounded(x *big.Float, mode big.RoundingMode) float32 {
	if x == nil {
		return float32(math.NaN())
	}
	f, acc := x.Float32()
	if mode == big.ToNearestEven || acc == big.Exact {
		return f
	}
	toZero := mode == big.ToZero
	down := mode == big.ToNegativeInf || toZero && x.Sign() > 0
	switch {
	case down && acc == big.Above:
		return math.Nextafter32(f, float32(math.Inf(-1)))
	case !down && acc == big.Below:
		return math.Nextafter32(f, float32(math.Inf(1)))
	}
	return f
}

func bigOf(f float32) *big.Float { return new(big.Float).SetPrec(2000).SetFloat64(float64(f)) }

func finite(fs ...float32) bool {
	for _, f := range fs {
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			return false
		}
	}
	return true
}

// sum is a*b+c in a direction; Go's own arithmetic answers where something is not finite.
func sumTo(a, b, c float32, mode big.RoundingMode) float32 {
	if !finite(a, b, c) {
		return float32(float64(a)*float64(b) + float64(c))
	}
	x := new(big.Float).SetPrec(2000).Mul(bigOf(a), bigOf(b))
	x.Add(x, bigOf(c))
	if x.Sign() == 0 {
		return float32(float64(a)*float64(b) + float64(c))
	}
	return rounded(x, mode)
}

func mulTo(a, b float32, mode big.RoundingMode) float32 {
	if a == 0 || b == 0 {
		return a * b // with its sign
	}
	return sumTo(a, b, 0, mode)
}

func quotient(a, b float32, mode big.RoundingMode) float32 {
	if !finite(a, b) || b == 0 || a == 0 {
		return a / b
	}
	return rounded(new(big.Float).SetPrec(2000).Quo(bigOf(a), bigOf(b)), mode)
}

// toHalf rounds to a format of 16 bits with so many bits of fraction and of exponent, by its definition.
func toHalf(x float64, frac, exp int, zero bool) uint16 {
	if math.IsNaN(x) {
		return 0x7fff
	}
	sign := uint16(0)
	if math.Signbit(x) {
		sign, x = 0x8000, -x
	}
	bias := 1<<(exp-1) - 1
	_, e := math.Frexp(x)
	e = max(e-1, 1-bias)
	unit := math.Ldexp(1, e-frac)
	n := math.RoundToEven(x / unit)
	if zero {
		n = math.Floor(x / unit)
	}
	most := math.Ldexp(float64(int(2)<<frac-1), bias-frac)
	if n*unit > most {
		if zero && !math.IsInf(x, 0) {
			return sign | uint16((1<<exp-2)<<frac|(1<<frac-1))
		}
		return sign | uint16((1<<exp-1)<<frac)
	}
	if x == 0 {
		return sign
	}
	return sign | uint16(int(n)+(e+bias-1)<<frac)
}

func f16(x float64) uint16  { return toHalf(x, 10, 5, false) }
func bf16(x float64) uint16 { return toHalf(x, 7, 8, false) }

func fromHalf(h uint16) float64 {
	e, m := int(h>>10&31), float64(h&0x3ff)
	x := math.Ldexp(m, -24)
	switch {
	case e == 31 && m != 0:
		return math.NaN()
	case e == 31:
		x = math.Inf(1)
	case e > 0:
		x = math.Ldexp(1+m/1024, e-15)
	}
	if h&0x8000 != 0 {
		return -x
	}
	return x
}

func toInt(x float64, low, high float64) uint32 {
	if math.IsNaN(x) {
		return 0
	}
	return uint32(int64(min(max(x, low), high)))
}

func flush(x float32) float32 {
	if math.Abs(float64(x)) < 0x1p-126 {
		return float32(math.Copysign(0, float64(x)))
	}
	return x
}

type floatOp struct {
	name string
	f    func(a, b, c float32) uint32
}

func fbits(x float32) uint32 { return math.Float32bits(x) }
func nan(x float32) bool     { return x != x }

func pair(hi, lo uint16) uint32 { return uint32(hi)<<16 | uint32(lo) }

func isSub(x float32) bool { return x != 0 && math.Abs(float64(x)) < 0x1p-126 }

var floatOps = []floatOp{
	{"add", func(a, b, c float32) uint32 { return fbits(a + b) }},
	{"sub", func(a, b, c float32) uint32 { return fbits(a - b) }},
	{"mul", func(a, b, c float32) uint32 { return fbits(a * b) }},
	{"fma", func(a, b, c float32) uint32 { return fbits(sumTo(a, b, c, big.ToNearestEven)) }},
	{"div", func(a, b, c float32) uint32 { return fbits(a / b) }},
	{"add.rm", func(a, b, c float32) uint32 { return fbits(sumTo(a, 1, b, big.ToNegativeInf)) }},
	{"add.rp", func(a, b, c float32) uint32 { return fbits(sumTo(a, 1, b, big.ToPositiveInf)) }},
	{"add.rz", func(a, b, c float32) uint32 { return fbits(sumTo(a, 1, b, big.ToZero)) }},
	{"mul.rm", func(a, b, c float32) uint32 { return fbits(mulTo(a, b, big.ToNegativeInf)) }},
	{"mul.rz", func(a, b, c float32) uint32 { return fbits(mulTo(a, b, big.ToZero)) }},
	{"fma.rm", func(a, b, c float32) uint32 { return fbits(sumTo(a, b, c, big.ToNegativeInf)) }},
	{"fma.rz", func(a, b, c float32) uint32 { return fbits(sumTo(a, b, c, big.ToZero)) }},
	{"div.rz", func(a, b, c float32) uint32 { return fbits(quotient(a, b, big.ToZero)) }},
	{"add.sat", func(a, b, c float32) uint32 {
		if nan(a + b) {
			return 0
		}
		return fbits(max(min(a+b, 1), 0))
	}},
	{"mul.ftz", func(a, b, c float32) uint32 { return fbits(flush(flush(a) * flush(b))) }},
	{"abs", func(a, b, c float32) uint32 { return fbits(a) &^ (1 << 31) }},
	{"neg", func(a, b, c float32) uint32 { return fbits(a) ^ 1<<31 }},
	{"min", func(a, b, c float32) uint32 {
		if nan(a) || !nan(b) && b < a {
			return fbits(b)
		}
		return fbits(a)
	}},
	{"max", func(a, b, c float32) uint32 {
		if nan(a) || !nan(b) && b > a {
			return fbits(b)
		}
		return fbits(a)
	}},
	{"max.NaN", func(a, b, c float32) uint32 { return fbits(max(a, b)) }},
	{"copysign", func(a, b, c float32) uint32 { return fbits(b)&^(1<<31) | fbits(a)&(1<<31) }},
	{"rcp.rn", func(a, b, c float32) uint32 { return fbits(1 / a) }},
	{"sqrt.rn", func(a, b, c float32) uint32 { return fbits(float32(math.Sqrt(float64(a)))) }},
	{"rni", func(a, b, c float32) uint32 { return fbits(float32(math.RoundToEven(float64(a)))) }},
	{"rzi", func(a, b, c float32) uint32 { return fbits(float32(math.Trunc(float64(a)))) }},
	{"rmi", func(a, b, c float32) uint32 { return fbits(float32(math.Floor(float64(a)))) }},
	{"rpi", func(a, b, c float32) uint32 { return fbits(float32(math.Ceil(float64(a)))) }},
	{"sat", func(a, b, c float32) uint32 {
		if nan(a) {
			return 0
		}
		return fbits(max(min(a, 1), 0))
	}},
	{"rzi.s32", func(a, b, c float32) uint32 { return toInt(math.Trunc(float64(a)), -1<<31, 1<<31-1) }},
	{"rni.s32", func(a, b, c float32) uint32 { return toInt(math.RoundToEven(float64(a)), -1<<31, 1<<31-1) }},
	{"rmi.s32", func(a, b, c float32) uint32 { return toInt(math.Floor(float64(a)), -1<<31, 1<<31-1) }},
	{"rpi.s32", func(a, b, c float32) uint32 { return toInt(math.Ceil(float64(a)), -1<<31, 1<<31-1) }},
	{"rzi.u32", func(a, b, c float32) uint32 { return toInt(math.Trunc(float64(a)), 0, 1<<32-1) }},
	{"f16", func(a, b, c float32) uint32 { return uint32(f16(float64(a))) }},
	{"bf16", func(a, b, c float32) uint32 { return uint32(bf16(float64(a))) }},
	{"f16.rz", func(a, b, c float32) uint32 { return uint32(toHalf(float64(a), 10, 5, true)) }},
	{"f16x2", func(a, b, c float32) uint32 { return pair(f16(float64(a)), f16(float64(b))) }},
	{"bf16x2", func(a, b, c float32) uint32 { return pair(bf16(float64(a)), bf16(float64(b))) }},
	{"relu.f16x2", func(a, b, c float32) uint32 {
		relu := func(x float32) float64 {
			if nan(x) {
				return float64(x)
			}
			return float64(max(x, 0))
		}
		return pair(f16(relu(a)), f16(relu(b)))
	}},
	{"tf32", func(a, b, c float32) uint32 {
		if !finite(a) {
			return fbits(a)
		}
		return (fbits(a) + 0x1000) &^ 0x1fff
	}},
	{"lt", func(a, b, c float32) uint32 { return when(a < b) }},
	{"ltu", func(a, b, c float32) uint32 { return when(!(a >= b)) }},
	{"ne", func(a, b, c float32) uint32 { return when(a < b || a > b) }},
	{"neu", func(a, b, c float32) uint32 { return when(a != b) }},
	{"eq", func(a, b, c float32) uint32 { return when(a == b) }},
	{"geu", func(a, b, c float32) uint32 { return when(!(a < b)) }},
	{"num", func(a, b, c float32) uint32 { return when(!nan(a) && !nan(b)) }},
	{"nan", func(a, b, c float32) uint32 { return when(nan(a) || nan(b)) }},
	{"finite", func(a, b, c float32) uint32 { return when(finite(a)) }},
	{"infinite", func(a, b, c float32) uint32 { return when(math.IsInf(float64(a), 0)) }},
	{"notanumber", func(a, b, c float32) uint32 { return when(nan(a)) }},
	{"subnormal", func(a, b, c float32) uint32 { return when(isSub(a)) }},
	{"f32.s32", func(a, b, c float32) uint32 { return fbits(float32(int32(fbits(a)))) }},
	{"f32.u32", func(a, b, c float32) uint32 { return fbits(float32(fbits(a))) }},
	{"f32.u32.rz", func(a, b, c float32) uint32 {
		return fbits(rounded(new(big.Float).SetUint64(uint64(fbits(a))), big.ToZero))
	}},
	{"f32.s64", func(a, b, c float32) uint32 { return fbits(float32(int64(uint64(fbits(a))<<32 | uint64(fbits(b))))) }},
	{"f32.f16", func(a, b, c float32) uint32 { return fbits(float32(fromHalf(uint16(fbits(a))))) }},
	{"f16.u32", func(a, b, c float32) uint32 { return uint32(f16(float64(fbits(a) >> 12))) }},
	{"f64", func(a, b, c float32) uint32 { x := float64(a) * 1.5; return fbits(float32(math.FMA(x, x, x))) }},
}

// The functions that a card approximates, and CUDA's own over them, with the error the programming guide allows
// in units of the last place, or absolutely.
var approximate = []struct {
	name     string
	f        func(a, b float64) float64
	ulp, abs float64
}{
	{"ex2", func(a, b float64) float64 { return math.Exp2(a) }, 3, 0},
	{"lg2", func(a, b float64) float64 { return math.Log2(a) }, 3, 1e-6},
	{"rcp", func(a, b float64) float64 { return 1 / a }, 2, 0},
	{"rsqrt", func(a, b float64) float64 { return 1 / math.Sqrt(a) }, 3, 0},
	{"sqrt", func(a, b float64) float64 { return math.Sqrt(a) }, 3, 0},
	{"sin", func(a, b float64) float64 { return math.Sin(a) }, 4, 1e-6},
	{"cos", func(a, b float64) float64 { return math.Cos(a) }, 4, 1e-6},
	{"tanh", func(a, b float64) float64 { return math.Tanh(a) }, 8, 1e-5},
	{"div", func(a, b float64) float64 { return a / b }, 3, 0},
	{"ex2.ftz", func(a, b float64) float64 { return math.Exp2(a) }, 3, 1.2e-38},
	{"expf", func(a, b float64) float64 { return math.Exp(a) }, 3, 0},
	{"logf", func(a, b float64) float64 { return math.Log(a) }, 3, 1e-7},
	{"tanhf", func(a, b float64) float64 { return math.Tanh(a) }, 3, 0},
	{"log1pf", func(a, b float64) float64 { return math.Log1p(a) }, 3, 0},
	{"powf", math.Pow, 10, 0},
	{"sinf", func(a, b float64) float64 { return math.Sin(a) }, 3, 1e-6},
	{"erff", func(a, b float64) float64 { return math.Erf(a) }, 3, 0},
}

func close32(got float32, want, ulp, abs float64) bool {
	w := float32(want)
	if nan(w) {
		return nan(got)
	}
	if got == w {
		return true
	}
	unit := float64(math.Nextafter32(float32(math.Abs(want)), float32(math.Inf(1)))) - math.Abs(float64(w))
	return math.Abs(float64(got)-want) <= ulp*unit+abs+1.5e-45
}

func TestFloats(t *testing.T) {
	c := open(t, "seed=1")
	r := rand.New(rand.NewPCG(8, 8))
	edge := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, 1.5, 2.5, 65504, 65520, 1e-45, 1e-40, 0x1p-126, math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 3e9, 0x1p-24, 0x1p-25, 0x1.8p-25}
	pick := func() float32 {
		switch r.IntN(4) {
		case 0:
			return edge[r.IntN(len(edge))]
		case 1:
			return math.Float32frombits(r.Uint32())
		}
		return float32(r.NormFloat64() * math.Exp2(float64(r.IntN(12)-4)))
	}
	const n = 1000
	a, b, k := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		a[i], b[i], k[i] = pick(), pick(), pick()
	}
	each := len(floatOps) + len(approximate) + 1
	out := up(c, make([]uint32, n*each))
	c.ran("floats.floats", (n+127)/128, 128, 0, up(c, a), up(c, b), up(c, k), out, n, each)
	got := down[uint32](c, out, n*each)
	bad := map[string]bool{}
	for i := range n {
		o := got[i*each : (i+1)*each]
		for j, op := range floatOps {
			want := op.f(a[i], b[i], k[i])
			if same(op.name, o[j], want, a[i], b[i]) || bad[op.name] {
				continue
			}
			bad[op.name] = true
			t.Errorf("%s of %g, %g, %g is %#x (%g), want %#x (%g)", op.name, a[i], b[i], k[i], o[j], math.Float32frombits(o[j]), want, math.Float32frombits(want))
		}
		for j, f := range approximate {
			v := math.Float32frombits(o[len(floatOps)+j])
			if want := f.f(float64(a[i]), float64(b[i])); !close32(v, want, f.ulp, f.abs) && !bad[f.name] {
				bad[f.name] = true
				t.Errorf("%s of %g, %g is %g, want %g", f.name, a[i], b[i], v, want)
			}
		}
		if o[each-1] != uint32(each-1) {
			t.Fatalf("%d results, want %d", o[each-1], each-1)
		}
	}
}

// same compares bits; NaNs are alike, and so are the zeros of min and max.
func same(name string, got, want uint32, a, b float32) bool {
	if got == want {
		return true
	}
	g, w := math.Float32frombits(got), math.Float32frombits(want)
	if (name == "min" || name == "max" || name == "max.NaN") && g == 0 && w == 0 {
		return true
	}
	switch name {
	case "f16", "bf16", "f16.rz", "f16x2", "bf16x2", "relu.f16x2", "tf32":
		return false
	case "abs", "neg", "copysign":
		return nan(a) || nan(b)
	}
	return nan(g) && nan(w)
}

func TestHalves(t *testing.T) {
	c := open(t)
	r := rand.New(rand.NewPCG(9, 9))
	const n, each = 500, 12
	a, b, k := make([]uint32, n), make([]uint32, n), make([]uint32, n)
	pick := func() uint16 {
		if r.IntN(3) == 0 {
			return uint16(r.Uint32())
		}
		return f16(r.NormFloat64())
	}
	for i := range n {
		a[i], b[i], k[i] = pair(pick(), pick()), pair(pick(), pick()), pair(pick(), pick())
	}
	out := up(c, make([]uint32, n*each))
	c.ran("floats.halves", (n+63)/64, 64, 0, up(c, a), up(c, b), up(c, k), out, n, each)
	got := down[uint32](c, out, n*each)
	ops := []func(x, y, z float64) float64{
		func(x, y, z float64) float64 { return x + y }, func(x, y, z float64) float64 { return x - y }, func(x, y, z float64) float64 { return x * y }, math.FMA,
		func(x, y, z float64) float64 {
			if math.IsNaN(x) {
				return y
			}
			if math.IsNaN(y) {
				return x
			}
			return max(x, y)
		},
		func(x, y, z float64) float64 {
			if math.IsNaN(x) {
				return y
			}
			if math.IsNaN(y) {
				return x
			}
			return min(x, y)
		},
		func(x, y, z float64) float64 { return -x }, func(x, y, z float64) float64 { return math.Abs(x) },
		func(x, y, z float64) float64 {
			if f := math.FMA(x, y, z); f > 0 || math.IsNaN(f) {
				return f
			}
			return 0
		},
	}
	for i := range n {
		for j, f := range ops {
			for _, shift := range []int{0, 16} {
				g := uint16(got[i*each+j] >> shift)
				w := f16(f(fromHalf(uint16(a[i]>>shift)), fromHalf(uint16(b[i]>>shift)), fromHalf(uint16(k[i]>>shift))))
				nans, zeros := g&0x7fff > 0x7c00 && w&0x7fff > 0x7c00, g&0x7fff == 0 && w&0x7fff == 0
				if g != w && !nans && !zeros {
					t.Fatalf("operation %d of %#x, %#x, %#x is %#x, want %#x", j, a[i], b[i], k[i], g, w)
				}
			}
		}
		x, y, z := fromHalf(uint16(a[i])), fromHalf(uint16(b[i])), fromHalf(uint16(k[i]))
		if g := got[i*each+11]; g != when(x < y) {
			t.Fatalf("%g < %g is %d", x, y, g)
		}
		if g, w := fromHalf(uint16(got[i*each+10])), fromHalf(f16(math.FMA(x, y, z))); g != w && !(g != g && w != w) {
			t.Fatalf("fma.f16 of %g, %g, %g is %g, want %g", x, y, z, g, w)
		}
	}
}

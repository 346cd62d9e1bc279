package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// consts are the constants written so far, each sixteen times over so that both widths can read them.
var consts map[string]Mem

// prefix begins the names of a set's constants.
var prefix string

func constant(name string, x float32) Mem {
	m, ok := consts[name]
	if !ok {
		m = GLOBL(prefix+name, RODATA|NOPTR)
		for i := range 16 {
			DATA(4*i, F32(x))
		}
		consts[name] = m
	}
	return m
}

// The hyperbolic tangent as a quotient of polynomials of degree 13 and 6 on +-7.905, beyond which single
// precision cannot tell it from 1; the coefficients are those of a minimax fit.
var (
	tanhTop    = []float32{4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08, -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16}
	tanhBottom = []float32{4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06}
)

const tanhEnd = 7.90531110763549805

// tanh replaces x; t and p are overwritten. A NaN stays one: of two values the processor's minimum and maximum give the
// second where either is NaN, so that x has to be that.
func (v vec) tanh(x, t, p reg.VecVirtual) {
	VMOVUPS(constant("tanh_hi", tanhEnd), t)
	VMINPS(x, t, x)
	VMOVUPS(constant("tanh_lo", -tanhEnd), t)
	VMAXPS(x, t, x)
	VMULPS(x, x, t)
	poly := func(name string, c []float32) {
		n := len(c) - 1
		VMOVUPS(constant(fmt.Sprint(name, n), c[n]), p)
		for i := n - 1; i >= 0; i-- {
			VFMADD213PS(constant(fmt.Sprint(name, i), c[i]), t, p)
		}
	}
	poly("tanh_a", tanhTop)
	VMULPS(p, x, x)
	poly("tanh_b", tanhBottom)
	v.divide(x, p, t)
}

// divide replaces x by x/p; t and p are overwritten. With AVX-512 it is an approximation of 1/p to 14 bits and a step of
// Newton's, as exact as the result can be to a unit or two in the last place and several times as fast as a division.
func (v vec) divide(x, p, t reg.VecVirtual) {
	if v.n != 16 {
		VDIVPS(p, x, x)
		return
	}
	VRCP14PS(p, t)
	VFNMADD213PS(constant("one", 1), t, p) // what is left: 1 - p t
	VFMADD213PS(t, t, p)
	VMULPS(p, x, x)
}

// sigmoid replaces x: tanh(x/2)/2 + 1/2.
func (v vec) sigmoid(x, t, p reg.VecVirtual) {
	VMULPS(constant("half", .5), x, x)
	v.tanh(x, t, p)
	VMOVUPS(constant("half", .5), p)
	VFMADD213PS(p, p, x)
}

// exp replaces x by e^x: x = n ln 2 + r, a polynomial of degree 7 in r, 2^n by its exponent; t and p are
// overwritten. Below -87.3 it gives the smallest normal number; a NaN stays one, see tanh.
func (v vec) exp(x, t, p reg.VecVirtual) {
	VMOVUPS(constant("exp_lo", -87.3), t)
	VMAXPS(x, t, x)
	VMULPS(constant("log2e", 1.44269504088896341), x, t)
	VCVTPS2DQ(t, t) // to the nearest whole number
	VCVTDQ2PS(t, p)
	VFNMADD231PS(constant("ln2_hi", 0.693359375), p, x)
	VFNMADD231PS(constant("ln2_lo", -2.12194440e-4), p, x)
	c := []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1}
	VMOVUPS(constant("exp0", c[0]), p)
	for i := 1; i < len(c); i++ {
		VFMADD213PS(constant(fmt.Sprint("exp", i), c[i]), x, p)
	}
	VPSLLD(U8(23), t, t)
	VPADDD(t, p, x)
}

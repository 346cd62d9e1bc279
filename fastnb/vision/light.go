package vision

import "math"

// eps keeps pixels away from 0 and 1, whose logits are infinite (fastai/vision/image.py, logit_). The
// upper bound is what float32 makes of 1-eps.
const (
	eps   = 1e-7
	upper = 1 - 1./(1<<23)
)

// relight is sigmoid(scale*logit(v) + shift).
func relight(v, scale, shift float64) float64 {
	v = min(max(v, eps), upper)
	return 1 / (1 + math.Exp(-(shift - scale*math.Log(1/v-1))))
}

// lightBytes changes the light of 8-bit pixels.
func lightBytes(dst []float32, src []uint8, scale, shift float64) {
	var t [256]float32
	for v := range t {
		t[v] = float32(relight(float64(unit[v]), scale, shift))
	}
	dst = dst[:len(src)]
	for k, v := range src {
		dst[k] = t[v]
	}
}

// bins is the size of the table by which larger pictures are lit: between its entries straight lines are
// off by less than 1e-5 for scales from 1/2 to 4. Near black and white, where the curve may be steep,
// values are computed.
const (
	bins     = 2048
	tableEnd = 1. / 64
)

// lightFloats changes the light of float32 pixels.
func lightFloats(dst, src []float32, scale, shift float32) {
	dst = dst[:len(src)]
	shift *= -math.Log2E
	if len(src) < 4*bins {
		for k, v := range src {
			dst[k] = lightOne(v, scale, shift)
		}
		return
	}
	var t [bins + 1]float32
	for k := range t {
		t[k] = lightOne(float32(k)/bins, scale, shift)
	}
	for k, v := range src {
		if v > tableEnd && v < 1-tableEnd {
			v *= bins
			i := int(v) & (bins - 1)
			dst[k] = t[i] + (t[i+1]-t[i])*(v-float32(i))
		} else {
			dst[k] = lightOne(v, scale, shift)
		}
	}
}

// lightOne is 1/(1 + ((1-v)/v)^scale * 2^shift), with powers of two by polynomials, right to about 1e-6.
func lightOne(v, scale, shift float32) float32 {
	if !(v > eps) {
		v = eps
	} else if v > upper {
		v = upper
	}
	return 1 / (1 + exp2(scale*log2((1-v)/v)+shift))
}

// log2 of a positive, normal float32: the exponent, and the polynomial of Cephes' logf for the mantissa
// in [sqrt(1/2), sqrt(2)).
func log2(x float32) float32 {
	b := math.Float32bits(x)
	const half = 0x3f3504f3 // sqrt(1/2)
	b -= half
	e := int32(b) >> 23
	m := math.Float32frombits(b&(1<<23-1)+half) - 1
	z := m * m
	p := ((((((((7.0376836292e-2*m-1.1514610310e-1)*m+1.1676998740e-1)*m-1.2420140846e-1)*m+1.4249322787e-1)*m-
		1.6668057665e-1)*m+2.0000714765e-1)*m-2.4999993993e-1)*m + 3.3333331174e-1) * m * z
	return float32(e) + (p-z/2+m)*math.Log2E
}

// exp2 is 2^x, x bounded to the range of normal float32.
func exp2(x float32) float32 {
	if !(x > -126) {
		x = -126
	} else if x > 126 {
		x = 126
	}
	n := int32(x + 126.5) // rounded: x+126 is positive
	f := (x - float32(n-126)) * math.Ln2
	p := 1 + f*(1+f*(.5+f*(1./6+f*(1./24+f*(1./120+f*(1./720))))))
	return p * math.Float32frombits(uint32(n+1)<<23)
}

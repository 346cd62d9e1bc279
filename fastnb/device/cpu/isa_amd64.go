//go:build !noasm

package cpu

//go:generate go run github.com/fastnb/go/internal/asmgen -out gen_amd64.s -stubs gen_amd64.go -pkg cpu

import (
	"math"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

func init() {
	var found []*isa
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512DQ, cpuid.AVX512BW) {
		i := isa{name: "avx512", width: 16, mr: 14, nr: 32, tile: tiles512, vec: vec512, seq: seq512, wino: wino512, copyRows: copyRows512}
		found = append(append(found, withHalf(i)...), &i)
	}
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		found = append(found, &isa{name: "avx2", width: 8, mr: 6, nr: 16, tile: tiles256, vec: vec256, seq: seq256, wino: wino256, copyRows: copyRows256})
	}
	available = append(found, available...)
}

type asmTile = func(k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc int)

var tiles256 = byRows(tile256_1, tile256_2, tile256_3, tile256_4, tile256_5, tile256_6)

var tiles512 = byRows(
	tile512_1, tile512_2, tile512_3, tile512_4, tile512_5, tile512_6, tile512_7, tile512_8, tile512_9, tile512_10, tile512_11, tile512_12, tile512_13, tile512_14,
)

// byRows chooses among tiles of 1, 2, ... rows.
func byRows(tiles ...asmTile) func(m, k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc bool) {
	return func(m, k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc bool) {
		tiles[m-1](k, a, rs, ks, b, kb, c, ldc, flag(acc))
	}
}

// asmRows is the Go side of kernels over rows of channels: widths that do not fit go to plain Go.
type asmRows struct {
	width                    int
	add, mulAdd, reluGrad    func(dst, a, b *float32, n int)
	clip                     func(dst, x, top *float32, n int)
	clipGrad                 func(dst, dy, x, top *float32, n int)
	affine, affineReLU       func(y, x, mean, scale, shift *float32, c, n int)
	affineRes, affineResReLU func(y, x, res, mean, scale, shift *float32, c, n int)
	affine2                  func(dst, dy, x, mean, a, b, k *float32, c, n int)
	affine2Mask              func(dst, dy, x, y, mean, a, b, k *float32, c, n int)
	sums                     func(s, q, x, mean *float32, c, n int)
	sums2                    func(s, q, dy, x, mean *float32, c, n int)
	sums2Mask                func(s, q, dy, x, y, mean *float32, c, n int)
	adam                     func(p, g, m, v, k *float32, n int)
}

var vec256 = asmRows{
	8, vadd256, vmulAdd256, vreluGrad256, vclip256, vclipGrad256, vaffine256, vaffineReLU256, vaffineRes256, vaffineResReLU256,
	vaffine2256, vaffine2Mask256, vsums256, vsums2256, vsums2Mask256, vadam256,
}.kernels(genericVec)

var vec512 = asmRows{
	16, vadd512, vmulAdd512, vreluGrad512, vclip512, vclipGrad512, vaffine512, vaffineReLU512, vaffineRes512, vaffineResReLU512,
	vaffine2512, vaffine2Mask512, vsums512, vsums2512, vsums2Mask512, vadam512,
}.kernels(vec256) // rows of half a register's multiples go to the narrower kernels

func first(s []float32) *float32 { return unsafe.SliceData(s) }

// kernels are those of a.width where rows and lengths fit, and g's elsewhere.
func (a asmRows) kernels(g vecKernels) vecKernels {
	w := a.width
	out := vecKernels{
		add:      a.elementwise(a.add, g.add),
		mulAdd:   a.elementwise(a.mulAdd, g.mulAdd),
		reluGrad: a.elementwise(a.reluGrad, g.reluGrad),
		clip: func(dst, x []float32, top float32) {
			n := len(dst) / w * w
			if n > 0 {
				a.clip(first(dst), first(x), &top, n)
			}
			g.clip(dst[n:], x[n:], top)
		},
		clipGrad: func(dst, dy, x []float32, top float32) {
			n := len(dst) / w * w
			if n > 0 {
				a.clipGrad(first(dst), first(dy), first(x), &top, n)
			}
			g.clipGrad(dst[n:], dy[n:], x[n:], top)
		},
		maxTaps: func(y, x []float32, off []int) {
			n := len(y) / 8 * 8
			if n > 0 {
				maxTaps256(&x[0], &off[0], len(off), &y[0], n)
			}
			if n < len(y) {
				genericVec.maxTaps(y[n:], x[n:], off)
			}
		},
		maxTapsGrad: func(dx, x []float32, off []int, y, dy []float32) {
			n := len(y) / 8 * 8
			if n > 0 {
				maxTapsGrad256(&dx[0], &x[0], &off[0], len(off), &y[0], &dy[0], n)
			}
			if n < len(y) {
				genericVec.maxTapsGrad(dx[n:], x[n:], off, y[n:], dy[n:])
			}
		},
		adam: func(p, gr, m, v, h []float32, l2 bool) {
			n := len(p) / w * w
			if n > 0 {
				k := adamConstants(h, l2)
				a.adam(first(p), first(gr), first(m), first(v), &k[0], n)
			}
			g.adam(p[n:], gr[n:], m[n:], v[n:], h, l2)
		},
	}
	a.normalizing(&out, g)
	return out
}

// normalizing sets the kernels of normalization, which go by channels: those of a.width where it divides them, and
// g's elsewhere.
func (a asmRows) normalizing(out *vecKernels, g vecKernels) {
	odd := func(c, n int) bool { return c%a.width != 0 || n == 0 }
	out.affine = func(y, x, res, mean, scale, shift []float32, relu bool) {
		c, n := len(mean), len(y)
		switch {
		case odd(c, n):
			g.affine(y, x, res, mean, scale, shift, relu)
		case res != nil && relu:
			a.affineResReLU(first(y), first(x), first(res), first(mean), first(scale), first(shift), c, n)
		case res != nil:
			a.affineRes(first(y), first(x), first(res), first(mean), first(scale), first(shift), c, n)
		case relu:
			a.affineReLU(first(y), first(x), first(mean), first(scale), first(shift), c, n)
		default:
			a.affine(first(y), first(x), first(mean), first(scale), first(shift), c, n)
		}
	}
	out.affine2 = func(dst, dy, x, y, mean, ka, kb, k []float32) {
		c, n := len(mean), len(dst)
		switch {
		case odd(c, n):
			g.affine2(dst, dy, x, y, mean, ka, kb, k)
		case y != nil:
			a.affine2Mask(first(dst), first(dy), first(x), first(y), first(mean), first(ka), first(kb), first(k), c, n)
		default:
			a.affine2(first(dst), first(dy), first(x), first(mean), first(ka), first(kb), first(k), c, n)
		}
	}
	out.sums = func(s, q, x, mean []float32) {
		if odd(len(mean), len(x)) {
			g.sums(s, q, x, mean)
			return
		}
		a.sums(first(s), first(q), first(x), first(mean), len(mean), len(x))
	}
	out.sums2 = func(s, q, dy, x, y, mean []float32) {
		switch {
		case odd(len(mean), len(x)):
			g.sums2(s, q, dy, x, y, mean)
		case y != nil:
			a.sums2Mask(first(s), first(q), first(dy), first(x), first(y), first(mean), len(mean), len(x))
		default:
			a.sums2(first(s), first(q), first(dy), first(x), first(mean), len(mean), len(x))
		}
	}
}

// elementwise runs the whole vectors in assembly and the rest in Go.
func (a asmRows) elementwise(asm func(dst, x, y *float32, n int), rest func(dst, x, y []float32)) func(dst, x, y []float32) {
	return func(dst, x, y []float32) {
		n := len(dst) / a.width * a.width
		if n > 0 {
			asm(first(dst), first(x), first(y), n)
		}
		rest(dst[n:], x[n:], y[n:])
	}
}

// adamConstants are scale, l2, shrink, 1-beta1, beta2, 1-beta2, step, 1/sqrt(1-beta2^t), eps.
func adamConstants(h []float32, l2 bool) [9]float32 {
	lr, b1, b2, eps, wd, c1, c2, scale := h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
	k := [9]float32{scale, 0, 1 - lr*wd, 1 - b1, b2, 1 - b2, lr / c1, float32(1 / math.Sqrt(float64(c2))), eps}
	if l2 {
		k[1], k[2] = wd, 1
	}
	return k
}

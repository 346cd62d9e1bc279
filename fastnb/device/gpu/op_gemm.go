package gpu

import (
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

// product is what the kernels of gemm.h compute: C[m,n] = sum over k of A[m,k] B[k,n], for a batch of them.
type product struct {
	mode    int          // of kernels.Gemm...
	kind    tensor.DType // how a and b are stored
	a, b, c ref
	bias    *ref
	mask    *ref // of c: a ReLU\'s output, 0 where it is not above 0; not with a bias, nor with a batch
	relu    bool
	add     bool    // onto c
	alpha   float32 // a factor of the product; 0 stands for 1
	m, n, k int
	off     [3]int // of a, b, c in elements
	ld      [3]int // pitches
	stride  [3]int // between products of a batch
	batch   int
	patch   patch
	splits  int
	depth   int  // of a split
	loose   bool // float32 with the 11 bits of TF32, on tensor cores
}

// patch says how pixels are gathered; for matrices, a map of 1x1 pixels with one tap.
type patch struct {
	n, gh, gw int // pictures and the grid that rows (GemmColumns: steps) stand for
	sh, sw    int // the map that is read
	kh, kw    int
	stride    [2]int
	pad       [2]int // top, left
	kc, kv    int    // channels of a tap, rounded up to vectors, and those that exist
}

// pixels is the patch of a matrix with rows rows of c elements.
func pixels(rows, c int) patch {
	return patch{n: rows, gh: 1, gw: 1, sh: 1, sw: 1, kh: 1, kw: 1, stride: [2]int{1, 1}, kc: c, kv: c}
}

// classes is the number of classes of pixels that see different taps.
func (p *product) classes() int {
	if p.mode != kernels.GemmTaps {
		return 1
	}
	return p.patch.stride[0] * p.patch.stride[1]
}

// flops is the number of additions and multiplications.
func (p *product) flops() float64 {
	if g := p.patch; p.mode == kernels.GemmTaps { // of dy's pixels: classes differ
		return 2 * float64(p.batch) * float64(g.n*g.sh*g.sw) * float64(p.n) * float64(g.kh*g.kw*g.kc)
	}
	return 2 * float64(p.batch) * float64(p.m) * float64(p.n) * float64(p.k)
}

// even reports whether vectors of v elements can be loaded from both sides.
func (p *product) even(v int) bool {
	if p.a.off%16 != 0 || p.b.off%16 != 0 {
		return false
	}
	for i := range 2 {
		if p.off[i]%v != 0 || p.ld[i]%v != 0 || (p.batch > 1 && p.stride[i]%v != 0) {
			return false
		}
	}
	// An axis of rows or columns may end within a vector where the pitch has room for it.
	side := func(i, n int) bool {
		return n%v == 0 || (p.off[i] == 0 && p.batch == 1 && over(n, v)*v <= p.ld[i])
	}
	switch p.mode {
	case kernels.GemmRows:
		return p.patch.kc%v == 0
	case kernels.GemmTaps:
		return p.patch.kc%v == 0 && side(1, p.n)
	case kernels.GemmColumns:
		return side(0, p.m) && p.patch.kc%v == 0
	}
	return side(0, p.m) && p.k%v == 0
}

// Bits of gemm.h.
const (
	gemmBias = 1 << iota
	gemmReLU
	gemmF32
	gemmAdd
	gemmMask
)

func (p *product) flags() int {
	f := 0
	if p.bias != nil {
		f |= gemmBias
	}
	if p.relu {
		f |= gemmReLU
	}
	if p.c.kind == tensor.Float32 {
		f |= gemmF32
	}
	if p.add {
		f |= gemmAdd
	}
	if p.mask != nil {
		f |= gemmMask
	}
	return f
}

// product queues the kernels of p.
func (c *compiler) product(p product) {
	p.loose = c.dev.loose && p.kind == tensor.Float32
	t := c.choose(&p)
	if p.alpha == 0 {
		p.alpha = 1
	}
	var bias any = p.c
	if p.bias != nil {
		bias = *p.bias
	}
	if p.mask != nil {
		bias = *p.mask
	}
	out, g := p.c, &p.patch
	if p.splits > 1 {
		out = c.temp(tensor.Float32, p.batch*p.splits*p.m*p.n)
	}
	grid := [3]int{over(p.m, t.BM) * over(p.n, t.BN), 1, p.batch * p.classes() * p.splits}
	unit := t.Unit(p.mode, suffix(p.kind))
	if p.loose && t.Compute > 0 {
		unit = t.Unit(p.mode, "tf32")
	}
	c.runShared(unit, "gemm", grid, t.Threads, t.Shared, p.a, p.b, out, bias,
		p.m, p.n, p.k, p.off[0], p.off[1], p.off[2], p.ld[0], p.ld[1], p.ld[2], p.stride[0], p.stride[1], p.stride[2],
		p.flags(), p.splits, p.depth, p.classes(),
		g.n, g.gh, g.gw, g.sh, g.sw, g.kh, g.kw, g.stride[0], g.stride[1], g.pad[0], g.pad[1], g.kc, g.kv, p.alpha)
	if p.splits == 1 {
		return
	}
	kc, kv := 1, 1
	if p.mode == kernels.GemmColumns {
		kc, kv = g.kc, g.kv
	}
	each := blocks(p.m * p.n)
	each[2] = p.batch
	c.run("gemm_aux_"+suffix(p.kind), "gemm_sum", each, perBlock, out, p.c, bias, p.m, p.n, p.splits, p.off[2], p.ld[2], p.stride[2], p.flags(), kc, kv, p.alpha)
}

// widened is r, rows of n elements from an offset on with a pitch, copied into rows of a whole number of
// vectors.
func (c *compiler) widened(r ref, rows, n, pitch, off int) (ref, int) {
	to := over(n, gemmVector) * gemmVector
	t := c.temp(r.kind, rows*to)
	c.run("gemm_aux_"+suffix(r.kind), "gemm_pad", blocks(rows*to/gemmVector), perBlock, r, t, rows*to/gemmVector, n, to, pitch, off)
	return t, to
}

// gemmVector is the number of elements of the longest vectors that kernels load, of 16 bits.
const gemmVector = 8

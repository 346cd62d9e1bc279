//go:build linux

package double_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/tensor"
)

// exact gives small whole numbers over 8, which half precision holds and whose sums of products floats hold.
func exact(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.IntN(65)-32) / 8
	}
	return v
}

// bits16 are numbers in 16 bits.
func bits16(v []float32, t tensor.DType) []uint16 {
	out := make([]uint16, len(v))
	for i, x := range v {
		if t == tensor.BFloat16 {
			out[i] = uint16(math.Float32bits(x) >> 16)
			continue
		}
		out[i] = half(x)
	}
	return out
}

// half is float16 of a number that it holds.
func half(x float32) uint16 {
	if x == 0 {
		return 0
	}
	u := math.Float32bits(x)
	return uint16(u>>16&0x8000) | uint16((u>>23&0xff)-112)<<10 | uint16(u>>13&0x3ff)
}

// product is C + A*B', A [16,k], B [8,k], C [16,8].
func product(a, b, c []float32, k int) []float32 {
	out := make([]float32, len(c))
	for i := range 16 {
		for j := range 8 {
			s := c[i*8+j]
			for p := range k {
				s += a[i*k+p] * b[j*k+p]
			}
			out[i*8+j] = s
		}
	}
	return out
}

func differ(got, want []float32) int {
	n := 0
	for i := range want {
		if got[i] != want[i] {
			n++
		}
	}
	return n
}

func TestMMA(t *testing.T) {
	c := open(t, "seed=3")
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range []struct {
		name  string
		k     int
		dtype tensor.DType
	}{{"k8_f16", 8, tensor.Float16}, {"k8_bf16", 8, tensor.BFloat16}, {"k16_f16", 16, tensor.Float16}, {"k16_bf16", 16, tensor.BFloat16}, {"k8_tf32", 8, tensor.Float32}} {
		a, b, s := exact(r, 16*k.k), exact(r, 8*k.k), exact(r, 128)
		pc := up(c, s)
		if k.dtype == tensor.Float32 {
			c.ran("mma."+k.name, 1, 32, 0, up(c, a), up(c, b), pc)
		} else {
			c.ran("mma."+k.name, 1, 32, 0, up(c, bits16(a, k.dtype)), up(c, bits16(b, k.dtype)), pc)
		}
		if n := differ(down[float32](c, pc, 128), product(a, b, s, k.k)); n > 0 {
			t.Errorf("%s: %d of 128 elements differ", k.name, n)
		}
	}
}

// A sum in half precision, of numbers that are exact in it.
func TestMMAOfHalves(t *testing.T) {
	c := open(t)
	a, b, s := make([]float32, 256), make([]float32, 128), make([]float32, 128)
	for i := range a {
		a[i] = float32(i%5 - 2)
	}
	for i := range b {
		b[i], s[i] = float32(i%7-3), float32(i%3)
	}
	pc := up(c, bits16(s, tensor.Float16))
	c.ran("mma.k16_f16_sum16", 1, 32, 0, up(c, bits16(a, tensor.Float16)), up(c, bits16(b, tensor.Float16)), pc)
	got, want := down[uint16](c, pc, 128), bits16(product(a, b, s, 16), tensor.Float16)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("element %d is %#x, want %#x", i, got[i], want[i])
		}
	}
}

// A wrong fragment index is seen in the numbers.
func TestWrongFragment(t *testing.T) {
	c := open(t)
	r := rand.New(rand.NewPCG(1, 2))
	a, b, s := exact(r, 256), exact(r, 128), exact(r, 128)
	pc := up(c, s)
	c.ran("mma.k16_wrong", 1, 32, 0, up(c, bits16(a, tensor.Float16)), up(c, bits16(b, tensor.Float16)), pc)
	if differ(down[float32](c, pc, 128), product(a, b, s, 16)) == 0 {
		t.Error("fragments in a wrong order give the right product")
	}
}

func TestLdmatrix(t *testing.T) {
	c := open(t, "seed=5")
	r := rand.New(rand.NewPCG(1, 2))
	a, b, s := exact(r, 256), exact(r, 128), exact(r, 128)
	turned := make([]float32, 128)
	for i := range 16 {
		for j := range 8 {
			turned[i*8+j] = b[j*16+i]
		}
	}
	for trans, m := range [][]float32{b, turned} {
		pc := up(c, s)
		c.ran("mma.ldmatrix_x4", 1, 32, 0, up(c, bits16(a, tensor.Float16)), up(c, bits16(m, tensor.Float16)), pc, trans)
		if n := differ(down[float32](c, pc, 128), product(a, b, s, 16)); n > 0 {
			t.Errorf("trans %d: %d of 128 elements differ", trans, n)
		}
	}
	h := make([]uint16, 64)
	for i := range h {
		h[i] = uint16(i)
	}
	out := up(c, make([]uint32, 64))
	c.ran("mma.ldmatrix_x1", 1, 32, 0, up(c, h), out)
	for l, v := range down[uint32](c, out, 64) {
		row, col := l%32/4, l%4*2
		want := uint32(row*8+col) | uint32(row*8+col+1)<<16
		if l >= 32 {
			want = uint32(col*8+row) | uint32((col+1)*8+row)<<16
		}
		if v != want {
			t.Fatalf("register %d of lane %d is %#x, want %#x", l/32, l%32, v, want)
		}
	}
}

// fails runs a kernel that is to fail with an error, told in some words; the context is dead then.
func (c *card) fails(want int, words, kernel string, grid, block, shared int, args ...any) {
	c.t.Helper()
	ofDouble(c.t) // a card's context would be lost to the tests that follow
	got := c.run(kernel, grid, block, shared, args...)
	if got != want || !strings.Contains(c.said(), words) {
		c.t.Errorf("%s: error %d (%s), want %d with %q", kernel, got, c.said(), want, words)
	}
	var p uint64
	if r := c.call("cuMemAlloc_v2", ptr(&p), 4); r != want {
		c.t.Errorf("%s: after the error memory gives %d, want %d", kernel, r, want)
	}
}

func TestDivergentProducts(t *testing.T) {
	c := open(t)
	a, f := up(c, make([]uint32, 64)), up(c, make([]float32, 128))
	c.ran("mma.divergent_mma", 1, 32, 0, a, a, f, 32)
	c.fails(719, "divergent mma.sync: 16 of 32", "mma.divergent_mma", 1, 32, 0, a, a, f, 16)
	c = open(t)
	a, f = up(c, make([]uint32, 64)), up(c, make([]float32, 128))
	c.fails(719, "divergent mma.sync: 8 of 32", "mma.divergent_mma", 1, 40, 0, a, a, f, 32)
	c = open(t)
	a = up(c, make([]uint32, 64))
	c.fails(719, "divergent ldmatrix: 31 of 32", "mma.divergent_ldmatrix", 1, 32, 0, a, 31)
	c = open(t)
	a = up(c, make([]uint32, 64))
	c.fails(716, "multiple of its size", "mma.misaligned_ldmatrix", 1, 32, 0, a, 8)
}

//go:build linux

package double_test

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

type intOp struct {
	name string
	f    func(a, b, c uint32) uint32
}

func s(x uint32) int32   { return int32(x) }
func sl(x uint32) int64  { return int64(int32(x)) }
func ul(x uint32) uint64 { return uint64(x) }

func clamp(x, low, high int64) uint32 { return uint32(min(max(x, low), high)) }

func when(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func b24s(x uint32) int64 { return int64(int32(x<<8) >> 8) }

// field is bfe by its definition in the PTX ISA: bit by bit.
func field(a uint64, pos, n, width uint32, signed bool) uint64 {
	pos, n = pos&255, n&255
	var sign uint64
	if signed && n > 0 {
		sign = a >> min(pos+n-1, width-1) & 1
	}
	var d uint64
	for i := range width {
		bit := sign
		if i < n && pos+i < width {
			bit = a >> (pos + i) & 1
		}
		d |= bit << i
	}
	return d
}

func perm(a, b, c uint32) uint32 {
	var d uint32
	for i := range 4 {
		k := c >> (4 * i)
		v := byte((ul(b)<<32 | ul(a)) >> (8 * (k & 7)))
		if k&8 != 0 {
			v = byte(int8(v) >> 7)
		}
		d |= uint32(v) << (8 * i)
	}
	return d
}

func dot(a, b, c uint32, signed bool) uint32 {
	for i := range 4 {
		x, y := int32(byte(a>>(8*i))), int32(byte(b>>(8*i)))
		if signed {
			x, y = int32(int8(x)), int32(int8(y))
		}
		c += uint32(x * y)
	}
	return c
}

func top(x uint32) uint32 { return uint32(bits.Len32(x)) - 1 }

var intOps = []intOp{
	{"add", func(a, b, c uint32) uint32 { return a + b }},
	{"sub", func(a, b, c uint32) uint32 { return a - b }},
	{"add.sat", func(a, b, c uint32) uint32 { return clamp(sl(a)+sl(b), -1<<31, 1<<31-1) }},
	{"sub.sat", func(a, b, c uint32) uint32 { return clamp(sl(a)-sl(b), -1<<31, 1<<31-1) }},
	{"mul.lo", func(a, b, c uint32) uint32 { return a * b }},
	{"mul.hi.s32", func(a, b, c uint32) uint32 { return uint32(sl(a) * sl(b) >> 32) }},
	{"mul.hi.u32", func(a, b, c uint32) uint32 { return uint32(ul(a) * ul(b) >> 32) }},
	{"mad.lo", func(a, b, c uint32) uint32 { return a*b + c }},
	{"mad.hi.u32", func(a, b, c uint32) uint32 { return uint32(ul(a)*ul(b)>>32) + c }},
	{"mad.hi.s32", func(a, b, c uint32) uint32 { return uint32(sl(a)*sl(b)>>32) + c }},
	{"mul24.lo", func(a, b, c uint32) uint32 { return uint32(b24s(a) * b24s(b)) }},
	{"mul24.hi", func(a, b, c uint32) uint32 { return uint32(ul(a&0xffffff) * ul(b&0xffffff) >> 16) }},
	{"mad24", func(a, b, c uint32) uint32 { return uint32(ul(a&0xffffff)*ul(b&0xffffff)) + c }},
	{"sad.s32", func(a, b, c uint32) uint32 { return c + uint32(max(sl(a), sl(b))-min(sl(a), sl(b))) }},
	{"sad.u32", func(a, b, c uint32) uint32 { return c + max(a, b) - min(a, b) }},
	{"div.s32", func(a, b, c uint32) uint32 {
		if b == 0 {
			return ^uint32(0)
		}
		return uint32(s(a) / s(b))
	}},
	{"div.u32", func(a, b, c uint32) uint32 {
		if b == 0 {
			return ^uint32(0)
		}
		return a / b
	}},
	{"rem.s32", func(a, b, c uint32) uint32 {
		if b == 0 {
			return a
		}
		return uint32(s(a) % s(b))
	}},
	{"rem.u32", func(a, b, c uint32) uint32 {
		if b == 0 {
			return a
		}
		return a % b
	}},
	{"abs", func(a, b, c uint32) uint32 { return uint32(max(s(a), -s(a))) }},
	{"neg", func(a, b, c uint32) uint32 { return -a }},
	{"min.s32", func(a, b, c uint32) uint32 { return uint32(min(s(a), s(b))) }},
	{"max.s32", func(a, b, c uint32) uint32 { return uint32(max(s(a), s(b))) }},
	{"min.u32", func(a, b, c uint32) uint32 { return min(a, b) }},
	{"max.u32", func(a, b, c uint32) uint32 { return max(a, b) }},
	{"and", func(a, b, c uint32) uint32 { return a & b }},
	{"or", func(a, b, c uint32) uint32 { return a | b }},
	{"xor", func(a, b, c uint32) uint32 { return a ^ b }},
	{"not", func(a, b, c uint32) uint32 { return ^a }},
	{"cnot", func(a, b, c uint32) uint32 { return when(a == 0) }},
	{"shl", func(a, b, c uint32) uint32 { return a << c }},
	{"shr.u32", func(a, b, c uint32) uint32 { return a >> c }},
	{"shr.s32", func(a, b, c uint32) uint32 { return uint32(s(a) >> c) }},
	{"shf.l.wrap", func(a, b, c uint32) uint32 { return uint32((ul(b)<<32 | ul(a)) << (c & 31) >> 32) }},
	{"shf.r.wrap", func(a, b, c uint32) uint32 { return uint32((ul(b)<<32 | ul(a)) >> (c & 31)) }},
	{"shf.l.clamp", func(a, b, c uint32) uint32 { return uint32((ul(b)<<32 | ul(a)) << min(c, 32) >> 32) }},
	{"shf.r.clamp", func(a, b, c uint32) uint32 { return uint32((ul(b)<<32 | ul(a)) >> min(c, 32)) }},
	{"prmt", perm},
	{"lop3", func(a, b, c uint32) uint32 { return a&b | ^a&c }},
	{"bfe.u32", func(a, b, c uint32) uint32 { return uint32(field(ul(a), c, 5, 32, false)) }},
	{"bfe.s32", func(a, b, c uint32) uint32 { return uint32(field(ul(a), c, 7, 32, true)) }},
	{"bfe.s32 len", func(a, b, c uint32) uint32 { return uint32(field(ul(a), 3, c, 32, true)) }},
	{"bfi", func(a, b, c uint32) uint32 {
		d := b
		for i := range uint32(9) {
			if p := c&255 + i; p < 32 {
				d = d&^(1<<p) | a>>i&1<<p
			}
		}
		return d
	}},
	{"popc", func(a, b, c uint32) uint32 { return uint32(bits.OnesCount32(a)) }},
	{"clz", func(a, b, c uint32) uint32 { return uint32(bits.LeadingZeros32(a)) }},
	{"brev", func(a, b, c uint32) uint32 { return bits.Reverse32(a) }},
	{"bfind.u32", func(a, b, c uint32) uint32 { return top(a) }},
	{"bfind.s32", func(a, b, c uint32) uint32 { return top(a ^ uint32(s(a)>>31)) }},
	{"bfind.shiftamt", func(a, b, c uint32) uint32 {
		if a == 0 {
			return ^uint32(0)
		}
		return 31 - top(a)
	}},
	{"dp4a.s32", func(a, b, c uint32) uint32 { return dot(a, b, c, true) }},
	{"dp4a.u32", func(a, b, c uint32) uint32 { return dot(a, b, c, false) }},
	{"addc", func(a, b, c uint32) uint32 { return c + uint32((ul(a)+ul(b))>>32) }},
	{"subc", func(a, b, c uint32) uint32 { return c - when(a < b) }},
	{"madc", func(a, b, c uint32) uint32 { return uint32(ul(a)*ul(b)>>32) + uint32((ul(a*b)+ul(c))>>32) }},
	{"selp", func(a, b, c uint32) uint32 { return a }},
	{"slct", func(a, b, c uint32) uint32 { return map[bool]uint32{true: a, false: b}[s(c) >= 0] }},
	{"set", func(a, b, c uint32) uint32 { return -when(s(a) < s(b)) }},
	{"mov pack", func(a, b, c uint32) uint32 { return bits.RotateLeft32(a, 16) }},
	{"cvt.s8", func(a, b, c uint32) uint32 { return uint32(int32(int8(a))) }},
	{"cvt.u8", func(a, b, c uint32) uint32 { return uint32(uint8(a)) }},
	{"cvt.s16", func(a, b, c uint32) uint32 { return uint32(int32(int16(a))) }},
	{"cvt.u16", func(a, b, c uint32) uint32 { return uint32(uint16(a)) }},
	{"cvt.sat.s32", func(a, b, c uint32) uint32 { return min(a, 1<<31-1) }},
	{"cvt.sat.u32", func(a, b, c uint32) uint32 { return uint32(max(s(a), 0)) }},
	{"cvt.sat.s8", func(a, b, c uint32) uint32 { return clamp(sl(a), -128, 127) }},
	{"cvt.sat.u16", func(a, b, c uint32) uint32 { return clamp(sl(a), 0, 65535) }},
	{"eq", func(a, b, c uint32) uint32 { return when(a == b) }},
	{"ne", func(a, b, c uint32) uint32 { return when(a != b) }},
	{"lt", func(a, b, c uint32) uint32 { return when(s(a) < s(b)) }},
	{"lo", func(a, b, c uint32) uint32 { return when(a < b) }},
	{"ge", func(a, b, c uint32) uint32 { return when(s(a) >= s(b)) }},
	{"hs", func(a, b, c uint32) uint32 { return when(a >= b) }},
	{"gt.u", func(a, b, c uint32) uint32 { return when(a > b) }},
	{"ls", func(a, b, c uint32) uint32 { return when(a <= b) }},
	{"and.p", func(a, b, c uint32) uint32 { return when(s(a) > s(b) && s(a) < s(c)) }},
	{"or.p", func(a, b, c uint32) uint32 { return when(s(a) > s(b) || s(a) >= s(c)) }},
	{"xor.p", func(a, b, c uint32) uint32 { return when(s(a) > s(b) != (s(a) < s(c))) }},
	{"p|q", func(a, b, c uint32) uint32 { return when(s(a) >= s(b)) }},
	{"not.p", func(a, b, c uint32) uint32 { return when(s(a) >= s(b)) }},
	{"add.u16", func(a, b, c uint32) uint32 { return uint32(uint16(a + b)) }},
	{"mul.lo.u16", func(a, b, c uint32) uint32 { return uint32(uint16(a * b)) }},
	{"mul.hi.s16", func(a, b, c uint32) uint32 { return uint32(uint16(int32(int16(a)) * int32(int16(b)) >> 16)) }},
	{"mad.u16", func(a, b, c uint32) uint32 { return uint32(uint16(a*b + c)) }},
	{"shr.s16", func(a, b, c uint32) uint32 { return uint32(uint16(int16(a) >> 3)) }},
	{"shl.b16", func(a, b, c uint32) uint32 { return uint32(uint16(a << 5)) }},
	{"min.s16", func(a, b, c uint32) uint32 { return uint32(uint16(min(int16(a), int16(b)))) }},
	{"div.s16", func(a, b, c uint32) uint32 {
		if uint16(b) == 0 {
			return 0xffff
		}
		return uint32(uint16(int16(a) / int16(b)))
	}},
	{"rem.u16", func(a, b, c uint32) uint32 {
		if uint16(b) == 0 {
			return uint32(uint16(a))
		}
		return uint32(uint16(a) % uint16(b))
	}},
	{"neg.s16", func(a, b, c uint32) uint32 { return uint32(uint16(-a)) }},
}

type longOp struct {
	name string
	f    func(x, y uint64, n uint32) uint64
}

func orOnes(y uint64, f func() uint64) uint64 {
	if y == 0 {
		return ^uint64(0)
	}
	return f()
}

var longOps = []longOp{
	{"add.s64", func(x, y uint64, n uint32) uint64 { return x + y }},
	{"sub.s64", func(x, y uint64, n uint32) uint64 { return x - y }},
	{"mul.lo.s64", func(x, y uint64, n uint32) uint64 { return x * y }},
	{"mul.hi.u64", func(x, y uint64, n uint32) uint64 { h, _ := bits.Mul64(x, y); return h }},
	{"mul.hi.s64", func(x, y uint64, n uint32) uint64 {
		h, _ := bits.Mul64(x, y)
		return h - uint64(int64(x)>>63)&y - uint64(int64(y)>>63)&x
	}},
	{"div.s64", func(x, y uint64, n uint32) uint64 {
		return orOnes(y, func() uint64 { return uint64(int64(x) / int64(y)) })
	}},
	{"div.u64", func(x, y uint64, n uint32) uint64 { return orOnes(y, func() uint64 { return x / y }) }},
	{"rem.s64", func(x, y uint64, n uint32) uint64 {
		if y == 0 {
			return x
		}
		return uint64(int64(x) % int64(y))
	}},
	{"rem.u64", func(x, y uint64, n uint32) uint64 {
		if y == 0 {
			return x
		}
		return x % y
	}},
	{"shl.b64", func(x, y uint64, n uint32) uint64 { return x << n }},
	{"shr.u64", func(x, y uint64, n uint32) uint64 { return x >> n }},
	{"shr.s64", func(x, y uint64, n uint32) uint64 { return uint64(int64(x) >> n) }},
	{"min.s64", func(x, y uint64, n uint32) uint64 { return uint64(min(int64(x), int64(y))) }},
	{"max.u64", func(x, y uint64, n uint32) uint64 { return max(x, y) }},
	{"and.b64", func(x, y uint64, n uint32) uint64 { return x & y }},
	{"bfe.u64", func(x, y uint64, n uint32) uint64 { return field(x, n, 11, 64, false) }},
	{"brev.b64", func(x, y uint64, n uint32) uint64 { return bits.Reverse64(x) }},
}

func TestInts(t *testing.T) {
	c := open(t, "seed=1")
	r := rand.New(rand.NewPCG(7, 7))
	edge := []uint32{0, 1, 2, 31, 32, 33, 63, 64, 255, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff}
	pick := func() uint32 {
		if r.IntN(2) == 0 {
			return edge[r.IntN(len(edge))]
		}
		return r.Uint32() >> r.IntN(32)
	}
	const n = 1000
	a, b, k := make([]uint32, n), make([]uint32, n), make([]uint32, n)
	for i := range n {
		a[i], b[i], k[i] = pick(), pick(), pick()
		if i%2 == 0 {
			k[i] = uint32(r.IntN(70)) // shifts
		}
	}
	each := len(intOps) + 2*len(longOps) + 2*3 + 3 + 1
	out := up(c, make([]uint32, n*each))
	c.ran("ints.ints", (n+127)/128, 128, 0, up(c, a), up(c, b), up(c, k), out, n, each)
	got := down[uint32](c, out, n*each)
	bad := map[string]bool{}
	see := func(i int, name string, got, want uint64) {
		if got != want && !bad[name] {
			bad[name] = true
			t.Errorf("%s of %#x, %#x, %#x is %#x, want %#x", name, a[i], b[i], k[i], got, want)
		}
	}
	for i := range n {
		o := got[i*each : (i+1)*each]
		long := func() uint64 {
			v := ul(o[1])<<32 | ul(o[0])
			o = o[2:]
			return v
		}
		for _, op := range intOps {
			see(i, op.name, ul(o[0]), ul(op.f(a[i], b[i], k[i])))
			o = o[1:]
		}
		x, y := ul(b[i])<<32|ul(a[i]), ul(a[i])<<32|ul(k[i])
		for _, op := range longOps {
			see(i, op.name, long(), op.f(x, y, k[i]))
		}
		see(i, "mul.wide.s32", long(), uint64(sl(a[i])*sl(b[i])))
		see(i, "mul.wide.u32", long(), ul(a[i])*ul(b[i]))
		see(i, "mad.wide.s32", long(), uint64(sl(a[i])*sl(b[i]))+x)
		see(i, "mul.wide.s16", ul(o[0]), ul(uint32(int32(int16(a[i]))*int32(int16(b[i])))))
		see(i, "popc.b64", ul(o[1]), uint64(bits.OnesCount64(x)))
		see(i, "clz.b64", ul(o[2]), uint64(bits.LeadingZeros64(x)))
		see(i, "results", ul(o[3]), uint64(each-1))
	}
}

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packRows writes the transposing copy of up to eight rows: 8 k8 values of each row become the first
// columns of as many steps of dst, stride values apart.
func packRows(rows int) {
	name := fmt.Sprintf("packRows%d", rows)
	TEXT(name, NOSPLIT, "func(k8 int, src *float32, ld int, dst *float32, stride int)")
	Pragma("noescape")
	Doc(name + fmt.Sprintf(" copies 8*k8 values of %d rows, transposed.", rows))
	k := Load(Param("k8"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	dst := Load(Param("dst"), GP64())
	stride := Load(Param("stride"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), stride)
	p := []reg.Register{src}
	for i := 1; i < min(rows, 4); i++ {
		q := GP64()
		LEAQ(Mem{Base: p[i-1], Index: ld, Scale: 1}, q)
		p = append(p, q)
	}
	Label(name + "_loop")
	var r, t [8]reg.VecVirtual
	for i := range 8 {
		r[i], t[i] = YMM(), YMM()
		switch {
		case i >= rows:
			VXORPS(r[i], r[i], r[i])
		case i < 4:
			VMOVUPS(at(p[i]), r[i])
		default:
			VMOVUPS(Mem{Base: p[i-4], Index: ld, Scale: 4}, r[i])
		}
	}
	for _, q := range p {
		ADDQ(U8(32), q)
	}
	for i := 0; i < 8; i += 2 {
		VUNPCKLPS(r[i+1], r[i], t[i])
		VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for h := range 2 { // rows 0..3 and 4..7
		for j := range 2 { // low and high pairs
			VSHUFPS(U8(0x44), t[4*h+2+j], t[4*h+j], r[4*h+2*j])
			VSHUFPS(U8(0xEE), t[4*h+2+j], t[4*h+j], r[4*h+2*j+1])
		}
	}
	for i := range 8 {
		sel := uint64(0x20)
		if i >= 4 {
			sel = 0x31
		}
		o := t[i]
		VPERM2F128(U8(sel), r[4+i%4], r[i%4], o)
		switch rows {
		case 8:
			VMOVUPS(o, at(dst))
		case 6:
			x := r[i%4].AsX()
			VMOVUPS(o.AsX(), at(dst))
			if i >= 4 { // r[i%4] is not needed any more
				VEXTRACTF128(U8(1), o, x)
				VMOVLPS(x, Mem{Base: dst, Disp: 16})
			} else {
				y := XMM()
				VEXTRACTF128(U8(1), o, y)
				VMOVLPS(y, Mem{Base: dst, Disp: 16})
			}
		case 4:
			VMOVUPS(o.AsX(), at(dst))
		}
		ADDQ(stride, dst)
	}
	DECQ(k)
	JNZ(LabelRef(name + "_loop"))
	VZEROUPPER()
	RET()
}

// packColumns writes the copy of the same n <= 16 values of each of k rows, ld apart, to every stride-th value of dst:
// columns of a matrix as steps of a panel. Rows lie far apart, so that they are fetched ahead.
func (v vec) packColumns() {
	v.text("packColumns", "k, n int, src *float32, ld int, dst *float32, stride int", "copies n values of each of k rows.")
	count, k := Load(Param("n"), reg.RCX), Load(Param("k"), GP64())
	src, ld, dst, stride := Load(Param("src"), GP64()), Load(Param("ld"), GP64()), Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	bits, mask, x := GP64(), K(), v.reg()
	MOVQ(I32(1), bits)
	SHLQ(reg.CL, bits)
	DECQ(bits)
	KMOVW(bits.As32(), mask)
	columnsLoop("packColumns"+v.name, k, src, ld, dst, stride, func() {
		VMOVUPS_Z(at(src), mask, x)
		VMOVUPS(x, mask, at(dst))
	})
	_ = count
}

// packColumns256 writes packColumns for n values: masked stores are slow on some processors that have no AVX-512.
func packColumns256(n int) {
	name := fmt.Sprintf("packColumns256_%d", n)
	TEXT(name, NOSPLIT, "func(k int, src *float32, ld int, dst *float32, stride int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s copies %d values of each of k rows.", name, n))
	k := Load(Param("k"), GP64())
	src, ld, dst, stride := Load(Param("src"), GP64()), Load(Param("ld"), GP64()), Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	x := XMM()
	columnsLoop(name, k, src, ld, dst, stride, func() {
		if n >= 4 {
			VMOVUPS(at(src), x)
			VMOVUPS(x, at(dst))
		}
		if n != 4 {
			VMOVSD(Mem{Base: src, Disp: 4 * (n - 2)}, x)
			VMOVSD(x, Mem{Base: dst, Disp: 4 * (n - 2)})
		}
	})
}

// columnsLoop runs step for k rows and ends the function. ld and stride count values.
func columnsLoop(name string, k, src, ld, dst, stride reg.Register, step func()) {
	SHLQ(U8(2), ld)
	SHLQ(U8(2), stride)
	far := GP64()
	MOVQ(ld, far)
	SHLQ(U8(4), far)
	Label(name)
	step()
	PREFETCHT0(with(src, far))
	ADDQ(ld, src)
	ADDQ(stride, dst)
	DECQ(k)
	JNZ(LabelRef(name))
	VZEROUPPER()
	RET()
}

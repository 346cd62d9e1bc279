package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dots writes four products of rows with one vector: what a matrix does to a single row.
func (v vec) dots() {
	v.text("dots", "n int, w *float32, ld int, x, y *float32", "adds the products of 4 rows of w, n values each, a multiple of the vector, with x to y.")
	n, w, ld := Load(Param("n"), GP64()), Load(Param("w"), GP64()), Load(Param("ld"), GP64())
	x, y := Load(Param("x"), GP64()), Load(Param("y"), GP64())
	SHLQ(U8(2), ld)
	l3 := GP64()
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, l3)
	var s [4]reg.VecVirtual
	for i := range s {
		s[i] = v.zero()
	}
	r := v.reg()
	row := []Mem{{Base: w}, {Base: w, Index: ld, Scale: 1}, {Base: w, Index: ld, Scale: 2}, {Base: w, Index: l3, Scale: 1}}
	Label("dots" + v.name)
	VMOVUPS(at(x), r)
	for i := range s {
		VFMADD231PS(row[i], r, s[i])
	}
	ADDQ(U8(v.bytes()), w)
	ADDQ(U8(v.bytes()), x)
	SUBQ(U8(v.n), n)
	JNZ(LabelRef("dots" + v.name))
	for i := range s {
		o := v.reduce(s[i], func(a, b, c Op) { VADDPS(a, b, c) })
		VADDSS(Mem{Base: y, Disp: 4 * i}, o, o)
		VMOVSS(o, Mem{Base: y, Disp: 4 * i})
	}
	VZEROUPPER()
	RET()
}

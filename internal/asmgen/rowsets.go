package main

import (
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rowsets writes the kernels that lay blocks of matrices out.
func rowsets() {
	for _, v := range []vec{{"512", 16}, {"256", 8}} {
		v.copyRows(1)
		v.copyRows(2)
	}
	fetchRows()
}

// fetchRows asks for rows of memory that are wanted soon and lie too far apart for the processor to see them coming.
func fetchRows() {
	TEXT("fetchRows64", NOSPLIT, "func(p *float32, ld, rows, lines int)")
	Pragma("noescape")
	Doc("fetchRows64 fetches some cache lines of each of some rows, which lie ld floats apart.")
	p, ld := Load(Param("p"), GP64()), Load(Param("ld"), GP64())
	rows, lines := Load(Param("rows"), GP64()), Load(Param("lines"), GP64())
	SHLQ(U8(2), ld)
	at_, n := GP64(), GP64()
	Label("fetchRows_row")
	MOVQ(p, at_)
	MOVQ(lines, n)
	Label("fetchRows_line")
	PREFETCHT0(at(at_))
	ADDQ(U8(64), at_)
	DECQ(n)
	JNZ(LabelRef("fetchRows_line"))
	ADDQ(ld, p)
	DECQ(rows)
	JNZ(LabelRef("fetchRows_row"))
	RET()
}

// copyRows copies k rows of n vectors.
func (v vec) copyRows(n int) {
	name := "vcopyRows" + strconv.Itoa(n) + "_" + v.name
	TEXT(name, NOSPLIT, "func(dst *float32, ds int, src *float32, ss, k int)")
	Pragma("noescape")
	Doc(name + " copies " + strconv.Itoa(n) + " vectors of each of k rows, which lie ss and ds floats apart.")
	dst, ds := Load(Param("dst"), GP64()), Load(Param("ds"), GP64())
	src, ss := Load(Param("src"), GP64()), Load(Param("ss"), GP64())
	k := Load(Param("k"), GP64())
	SHLQ(U8(2), ds)
	SHLQ(U8(2), ss)
	far := GP64()
	MOVQ(ss, far)
	SHLQ(U8(4), far)
	x := []reg.VecVirtual{v.reg(), v.reg()}[:n]
	Label(name + "_row")
	for j := range x {
		VMOVUPS(Mem{Base: src, Disp: j * v.bytes()}, x[j])
	}
	for j := 0; j < n*v.bytes(); j += 64 {
		PREFETCHT0(Mem{Base: src, Index: far, Scale: 1, Disp: j})
	}
	for j := range x {
		VMOVUPS(x[j], Mem{Base: dst, Disp: j * v.bytes()})
	}
	ADDQ(ss, src)
	ADDQ(ds, dst)
	DECQ(k)
	JNZ(LabelRef(name + "_row"))
	VZEROUPPER()
	RET()
}

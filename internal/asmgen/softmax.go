package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// spread loads a parameter into all lanes.
func spread(param string, dst reg.VecVirtual) {
	a, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(a.Addr, dst)
}

// reduce folds the lanes of r into its lowest by op.
func (v vec) reduce(r reg.VecVirtual, op func(a, b, c Op)) reg.VecVirtual {
	if v.n == 16 {
		y := YMM()
		VEXTRACTF64X4(U8(1), r, y)
		op(r.AsY(), y, y)
		return v.fold(y, op)
	}
	return v.fold(r, op)
}

func (v vec) fold(y reg.VecVirtual, op func(a, b, c Op)) reg.VecVirtual {
	x, t := XMM(), XMM()
	VEXTRACTF128(U8(1), y, x)
	op(y.AsX(), x, x)
	VSHUFPS(U8(0x4E), x, x, t)
	op(t, x, x)
	VSHUFPS(U8(0xB1), x, x, t)
	op(t, x, x)
	return x
}

func (v vec) expSum() {
	v.text("expSum", "n int, x *float32, m float32) (sum float32", "is the sum of e^(x-m) over n values, a multiple of the vector.")
	n, x := Load(Param("n"), GP64()), Load(Param("x"), GP64())
	m, s, r, t, p := v.reg(), v.zero(), v.reg(), v.reg(), v.reg()
	spread("m", m)
	Label("expSum" + v.name)
	VMOVUPS(at(x), r)
	VSUBPS(m, r, r)
	v.exp(r, t, p)
	VADDPS(r, s, s)
	ADDQ(U8(v.bytes()), x)
	SUBQ(U8(v.n), n)
	JNZ(LabelRef("expSum" + v.name))
	out := v.reduce(s, func(a, b, c Op) { VADDPS(a, b, c) })
	Store(out, Return("sum"))
	VZEROUPPER()
	RET()
}

func (v vec) expWrite() {
	v.text("expWrite", "n int, x *float32, lse, scale float32", "replaces n values, a multiple of the vector, by scale e^(x-lse).")
	n, x := Load(Param("n"), GP64()), Load(Param("x"), GP64())
	l, s, r, t, p := v.reg(), v.reg(), v.reg(), v.reg(), v.reg()
	spread("lse", l)
	spread("scale", s)
	Label("expWrite" + v.name)
	VMOVUPS(at(x), r)
	VSUBPS(l, r, r)
	v.exp(r, t, p)
	VMULPS(s, r, r)
	VMOVUPS(r, at(x))
	ADDQ(U8(v.bytes()), x)
	SUBQ(U8(v.n), n)
	JNZ(LabelRef("expWrite" + v.name))
	VZEROUPPER()
	RET()
}

func (v vec) rowMax() {
	v.text("rowMax", "n int, x *float32) (top float32", "is the largest of n values, a multiple of the vector; what it is with a NaN among them is open.")
	n, x := Load(Param("n"), GP64()), Load(Param("x"), GP64())
	m := v.reg()
	VMOVUPS(at(x), m)
	Label("rowMax" + v.name)
	VMAXPS(at(x), m, m)
	ADDQ(U8(v.bytes()), x)
	SUBQ(U8(v.n), n)
	JNZ(LabelRef("rowMax" + v.name))
	out := v.reduce(m, func(a, b, c Op) { VMAXPS(a, b, c) })
	Store(out, Return("top"))
	VZEROUPPER()
	RET()
}

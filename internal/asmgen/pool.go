package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pool writes the kernels of maximum pooling over a window: taps places of x, off elements from it, n channels, a
// multiple of 8. They wait for memory, so that narrow vectors serve every processor.
func pool() {
	v := vec{"256", 8}
	v.text("maxTaps", "x *float32, off *int, taps int, y *float32, n int", "is y = the maximum over the taps, a NaN where there is one.")
	x, off, taps := Load(Param("x"), GP64()), Load(Param("off"), GP64()), Load(Param("taps"), GP64())
	y, n := Load(Param("y"), GP64()), Load(Param("n"), GP64())
	top, nan, t, u := v.reg(), v.reg(), v.reg(), v.reg()
	i, at_ := GP64(), GP64()
	Label("maxTaps_loop")
	MOVQ(Mem{Base: off}, at_)
	VMOVUPS(Mem{Base: x, Index: at_, Scale: 4}, top)
	VXORPS(nan, nan, nan)
	XORQ(i, i)
	Label("maxTaps_tap")
	MOVQ(Mem{Base: off, Index: i, Scale: 8}, at_)
	VMOVUPS(Mem{Base: x, Index: at_, Scale: 4}, t)
	VCMPPS(U8(3), t, t, u) // unordered
	VORPS(u, nan, nan)
	VMAXPS(t, top, top)
	INCQ(i)
	CMPQ(i, taps)
	JNE(LabelRef("maxTaps_tap"))
	VORPS(nan, top, top)
	VMOVUPS(top, at(y))
	ADDQ(U8(v.bytes()), x)
	ADDQ(U8(v.bytes()), y)
	SUBQ(U8(v.n), n)
	JNZ(LabelRef("maxTaps_loop"))
	VZEROUPPER()
	RET()

	v.text("maxTapsGrad", "dx, x *float32, off *int, taps int, y, dy *float32, n int", "adds dy to dx at the first tap whose x is y.")
	dx, x, off, taps := Load(Param("dx"), GP64()), Load(Param("x"), GP64()), Load(Param("off"), GP64()), Load(Param("taps"), GP64())
	y, dy, n := Load(Param("y"), GP64()), Load(Param("dy"), GP64()), Load(Param("n"), GP64())
	best, g := v.reg(), v.reg()
	i, at_ = GP64(), GP64()
	Label("maxTapsGrad_loop")
	VMOVUPS(at(y), best)
	VMOVUPS(at(dy), g)
	XORQ(i, i)
	Label("maxTapsGrad_tap")
	MOVQ(Mem{Base: off, Index: i, Scale: 8}, at_)
	VCMPPS(U8(0), Mem{Base: x, Index: at_, Scale: 4}, best, t)
	VANDPS(t, g, u)
	VADDPS(Mem{Base: dx, Index: at_, Scale: 4}, u, u)
	VMOVUPS(u, Mem{Base: dx, Index: at_, Scale: 4})
	VANDNPS(g, t, g)
	INCQ(i)
	CMPQ(i, taps)
	JNE(LabelRef("maxTapsGrad_tap"))
	ADDQ(U8(v.bytes()), x)
	ADDQ(U8(v.bytes()), dx)
	ADDQ(U8(v.bytes()), y)
	ADDQ(U8(v.bytes()), dy)
	SUBQ(U8(v.n), n)
	JNZ(LabelRef("maxTapsGrad_loop"))
	VZEROUPPER()
	RET()
}

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gates writes the step of n rows of a block of 16 units: gates [i f g o][16] activated in place, new
// cells and outputs.
func (v vec) gates() {
	v.text("gates", "n int, z *float32, ldz int, bias, before, after *float32, ldc int, h *float32, ldh int", "activates the gates of n rows of 16 units and gives their cells and outputs.")
	n := Load(Param("n"), GP64())
	g, bias, before, after, h := Load(Param("z"), GP64()), Load(Param("bias"), GP64()), Load(Param("before"), GP64()), Load(Param("after"), GP64()), Load(Param("h"), GP64())
	ldg, ldc, ldh := Load(Param("ldz"), GP64()), Load(Param("ldc"), GP64()), Load(Param("ldh"), GP64())
	for _, l := range []reg.Register{ldg, ldc, ldh} {
		SHLQ(U8(2), l)
	}
	name := "gates" + v.name
	Label(name)
	var z [4]reg.VecVirtual
	for i := range z {
		z[i] = v.reg()
	}
	c, t, p := v.reg(), v.reg(), v.reg()
	for part := 0; part < 64; part += v.bytes() {
		for i := range z {
			VMOVUPS(Mem{Base: g, Disp: 64*i + part}, z[i])
			VADDPS(Mem{Base: bias, Disp: 64*i + part}, z[i], z[i])
			if i == 2 {
				v.tanh(z[i], t, p)
			} else {
				v.sigmoid(z[i], t, p)
			}
			VMOVUPS(z[i], Mem{Base: g, Disp: 64*i + part})
		}
		VMULPS(z[0], z[2], z[2])
		VMOVUPS(Mem{Base: before, Disp: part}, c)
		VFMADD213PS(z[2], z[1], c)
		VMOVUPS(c, Mem{Base: after, Disp: part})
		v.tanh(c, t, p)
		VMULPS(z[3], c, c)
		VMOVUPS(c, Mem{Base: h, Disp: part})
	}
	ADDQ(ldg, g)
	ADDQ(ldc, before)
	ADDQ(ldc, after)
	ADDQ(ldh, h)
	DECQ(n)
	JNZ(LabelRef(name))
	VZEROUPPER()
	RET()
}

// gatesBack writes the way back through one step: activated gates become their derivatives, dc that of
// the cells before.
func (v vec) gatesBack() {
	v.text("gatesBack", "n int, z *float32, ldz int, before, after *float32, ldc int, dy *float32, lddy int, dh, dc *float32, lddh int", "turns the gates of n rows of 16 units into their derivatives.")
	n := Load(Param("n"), GP64())
	g, before, after := Load(Param("z"), GP64()), Load(Param("before"), GP64()), Load(Param("after"), GP64())
	dy, dh, dc := Load(Param("dy"), GP64()), Load(Param("dh"), GP64()), Load(Param("dc"), GP64())
	ldg, ldc, lddy, lddh := Load(Param("ldz"), GP64()), Load(Param("ldc"), GP64()), Load(Param("lddy"), GP64()), Load(Param("lddh"), GP64())
	for _, l := range []reg.Register{ldg, ldc, lddy, lddh} {
		SHLQ(U8(2), l)
	}
	name := "gatesBack" + v.name
	Label(name)
	tc, t, p, d, e, z, w, one := v.reg(), v.reg(), v.reg(), v.reg(), v.reg(), v.reg(), v.reg(), v.reg()
	VMOVUPS(constant("one", 1), one)
	for part := 0; part < 64; part += v.bytes() {
		gate := func(i int) Mem { return Mem{Base: g, Disp: 64*i + part} }
		VMOVUPS(Mem{Base: after, Disp: part}, tc)
		v.tanh(tc, t, p)
		VMOVUPS(Mem{Base: dy, Disp: part}, d)
		VADDPS(Mem{Base: dh, Disp: part}, d, d)
		VMOVUPS(gate(3), z)
		VMULPS(z, d, t) // dh o
		VMOVAPS(one, p)
		VFNMADD231PS(tc, tc, p)
		VMOVUPS(Mem{Base: dc, Disp: part}, e)
		VFMADD231PS(p, t, e) // dc + dh o (1-tc^2)
		VSUBPS(z, one, p)
		VMULPS(p, t, t)
		VMULPS(tc, t, t)
		VMOVUPS(t, gate(3))
		VMOVUPS(gate(0), z)
		VMOVUPS(gate(2), w)
		VMULPS(z, e, d) // e i
		VSUBPS(z, one, p)
		VMULPS(p, d, p)
		VMULPS(w, p, p)
		VMOVUPS(p, gate(0))
		VMOVAPS(one, p)
		VFNMADD231PS(w, w, p)
		VMULPS(p, d, p)
		VMOVUPS(p, gate(2))
		VMOVUPS(gate(1), z)
		VMULPS(z, e, e)
		VMOVUPS(e, Mem{Base: dc, Disp: part})
		VSUBPS(z, one, p)
		VMULPS(p, e, p)
		VMULPS(Mem{Base: before, Disp: part}, p, p)
		VMOVUPS(p, gate(1))
	}
	ADDQ(ldg, g)
	ADDQ(ldc, before)
	ADDQ(ldc, after)
	ADDQ(lddy, dy)
	ADDQ(lddh, dh)
	ADDQ(lddh, dc)
	DECQ(n)
	JNZ(LabelRef(name))
	VZEROUPPER()
	RET()
}

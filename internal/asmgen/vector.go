package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// begin starts a function over n floats, n a multiple of the vector, and gives its pointers.
func (v vec) begin(name, doc, params string, ptrs ...string) (n reg.Register, p []reg.Register) {
	TEXT(name+v.name, NOSPLIT, "func("+params+", n int)")
	Doc(name + v.name + " " + doc)
	for _, s := range ptrs {
		p = append(p, Load(Param(s), GP64()))
	}
	return Load(Param("n"), GP64()), p
}

// flat loops over n floats, moving the pointers on.
func (v vec) flat(label string, n reg.Register, p []reg.Register, body func()) {
	Label(label + v.name)
	body()
	for _, r := range p {
		ADDQ(U8(v.bytes()), r)
	}
	SUBQ(U8(v.n), n)
	JNZ(LabelRef(label + v.name))
	VZEROUPPER()
	RET()
}

// rows loops over rows of c channels: p moves on through the rows, per-channel arrays are reached
// through ch, the byte offset in the row.
func (v vec) rows(label string, n reg.Register, p []reg.Register, body func(ch reg.Register)) {
	c := Load(Param("c"), GP64())
	SHLQ(U8(2), c)
	ch := GP64()
	XORQ(ch, ch)
	Label(label + v.name)
	body(ch)
	for _, r := range p {
		ADDQ(U8(v.bytes()), r)
	}
	ADDQ(U8(v.bytes()), ch)
	CMPQ(ch, c)
	JNE(LabelRef(label + "_same" + v.name))
	XORQ(ch, ch)
	Label(label + "_same" + v.name)
	SUBQ(U8(v.n), n)
	JNZ(LabelRef(label + v.name))
	VZEROUPPER()
	RET()
}

func at(p reg.Register) Mem { return Mem{Base: p} }

func with(p, i reg.Register) Mem { return Mem{Base: p, Index: i, Scale: 1} }

func (v vec) add() {
	n, p := v.begin("vadd", "is dst = a + b.", "dst, a, b *float32", "dst", "a", "b")
	x := v.reg()
	v.flat("vadd", n, p, func() {
		VMOVUPS(at(p[1]), x)
		VADDPS(at(p[2]), x, x)
		VMOVUPS(x, at(p[0]))
	})
}

func (v vec) mulAdd() {
	n, p := v.begin("vmulAdd", "is dst += a*b.", "dst, a, b *float32", "dst", "a", "b")
	x, y := v.reg(), v.reg()
	v.flat("vmulAdd", n, p, func() {
		VMOVUPS(at(p[0]), y)
		VMOVUPS(at(p[1]), x)
		VFMADD231PS(at(p[2]), x, y)
		VMOVUPS(y, at(p[0]))
	})
}

// clip and its derivative keep values within 0 and top; a NaN stays one.
func (v vec) clip() {
	n, p := v.begin("vclip", "is dst = x kept within 0 and top.", "dst, x, top *float32", "dst", "x")
	top, x, z := v.reg(), v.reg(), v.zero()
	VBROADCASTSS(at(Load(Param("top"), GP64())), top)
	v.flat("vclip", n, p, func() {
		VMOVUPS(at(p[1]), x)
		VMAXPS(x, z, x)
		VMINPS(x, top, x)
		VMOVUPS(x, at(p[0]))
	})
	n, p = v.begin("vclipGrad", "is dst = dy where x lies between 0 and top, else 0.", "dst, dy, x, top *float32", "dst", "dy", "x")
	top, x, z = v.reg(), v.reg(), v.zero()
	VBROADCASTSS(at(Load(Param("top"), GP64())), top)
	t := v.reg()
	v.flat("vclipGrad", n, p, func() {
		VMOVUPS(at(p[2]), t)
		if v.n == 16 {
			above, below := K(), K()
			VCMPPS(U8(0x1e), z, t, above)
			VCMPPS(U8(0x11), top, t, below)
			KANDW(above, below, above)
			VMOVUPS_Z(at(p[1]), above, x)
		} else {
			VCMPPS(U8(0x1e), z, t, x)
			VCMPPS(U8(0x11), top, t, t)
			VANDPS(x, t, x)
			VANDPS(at(p[1]), x, x)
		}
		VMOVUPS(x, at(p[0]))
	})
}

// masked loads g where y is positive or no number, as PyTorch does, 0 elsewhere.
func (v vec) masked(g, y Mem, dst, tmp, zero reg.VecVirtual) {
	if v.n == 16 {
		k := K()
		VMOVUPS(y, tmp)
		VCMPPS(U8(0x16), zero, tmp, k)
		VMOVUPS_Z(g, k, dst)
		return
	}
	VMOVUPS(y, tmp)
	VCMPPS(U8(0x16), zero, tmp, tmp)
	VANDPS(g, tmp, dst)
}

func (v vec) zero() reg.VecVirtual {
	z := v.reg()
	VXORPS(low(z), low(z), low(z))
	return z
}

func (v vec) reluGrad() {
	n, p := v.begin("vreluGrad", "is dst = dy where y > 0, else 0.", "dst, dy, y *float32", "dst", "dy", "y")
	x, t, z := v.reg(), v.reg(), v.zero()
	v.flat("vreluGrad", n, p, func() {
		v.masked(at(p[1]), at(p[2]), x, t, z)
		VMOVUPS(x, at(p[0]))
	})
}

// affine in four variants: with and without residual, with and without ReLU.
func (v vec) affine() {
	for _, res := range []bool{false, true} {
		for _, relu := range []bool{false, true} {
			name, params, ptrs := "vaffine", "y, x", []string{"y", "x"}
			if res {
				name, params, ptrs = name+"Res", params+", res", append(ptrs, "res")
			}
			if relu {
				name += "ReLU"
			}
			n, p := v.begin(name, "is y = (x-mean)*scale + shift, added to and clipped as its name says.", params+", mean, scale, shift *float32, c int", ptrs...)
			mean, scale, shift := Load(Param("mean"), GP64()), Load(Param("scale"), GP64()), Load(Param("shift"), GP64())
			x, s, z := v.reg(), v.reg(), v.zero()
			v.rows(name, n, p, func(ch reg.Register) {
				VMOVUPS(at(p[1]), x)
				VSUBPS(with(mean, ch), x, x)
				VMOVUPS(with(shift, ch), s)
				VFMADD132PS(with(scale, ch), s, x)
				if res {
					VADDPS(at(p[2]), x, x)
				}
				if relu {
					VMAXPS(x, z, x) // this order lets NaN through
				}
				VMOVUPS(x, at(p[0]))
			})
		}
	}
}

func (v vec) affine2() {
	for _, mask := range []bool{false, true} {
		name, params, ptrs := "vaffine2", "dst, dy, x", []string{"dst", "dy", "x"}
		if mask {
			name, params, ptrs = name+"Mask", params+", y", append(ptrs, "y")
		}
		n, p := v.begin(name, "is dst = dy*a + (x-mean)*b + k; Mask counts dy where y > 0.", params+", mean, a, b, k *float32, c int", ptrs...)
		mean, a, b, k := Load(Param("mean"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64()), Load(Param("k"), GP64())
		x, g, s, t, z := v.reg(), v.reg(), v.reg(), v.reg(), v.zero()
		v.rows(name, n, p, func(ch reg.Register) {
			VMOVUPS(at(p[2]), x)
			VSUBPS(with(mean, ch), x, x)
			VMOVUPS(with(k, ch), s)
			VFMADD132PS(with(b, ch), s, x)
			if mask {
				v.masked(at(p[1]), at(p[3]), g, t, z)
			} else {
				VMOVUPS(at(p[1]), g)
			}
			VFMADD231PS(with(a, ch), g, x)
			VMOVUPS(x, at(p[0]))
		})
	}
}

func (v vec) sums() {
	n, p := v.begin("vsums", "is s += x-mean, q += (x-mean)^2 by column.", "s, q, x, mean *float32, c int", "x")
	s, q, mean := Load(Param("s"), GP64()), Load(Param("q"), GP64()), Load(Param("mean"), GP64())
	x, t := v.reg(), v.reg()
	v.rows("vsums", n, p, func(ch reg.Register) {
		VMOVUPS(at(p[0]), x)
		VSUBPS(with(mean, ch), x, x)
		VADDPS(with(s, ch), x, t)
		VMOVUPS(t, with(s, ch))
		VMOVUPS(with(q, ch), t)
		VFMADD231PS(x, x, t)
		VMOVUPS(t, with(q, ch))
	})
}

func (v vec) sums2() {
	for _, mask := range []bool{false, true} {
		name, params, ptrs := "vsums2", "s, q, dy, x", []string{"dy", "x"}
		if mask {
			name, params, ptrs = name+"Mask", params+", y", append(ptrs, "y")
		}
		n, p := v.begin(name, "is s += dy, q += dy*(x-mean) by column; Mask counts dy where y > 0.", params+", mean *float32, c int", ptrs...)
		s, q, mean := Load(Param("s"), GP64()), Load(Param("q"), GP64()), Load(Param("mean"), GP64())
		x, g, t, z := v.reg(), v.reg(), v.reg(), v.zero()
		v.rows(name, n, p, func(ch reg.Register) {
			if mask {
				v.masked(at(p[0]), at(p[2]), g, t, z)
			} else {
				VMOVUPS(at(p[0]), g)
			}
			VMOVUPS(at(p[1]), x)
			VSUBPS(with(mean, ch), x, x)
			VADDPS(with(s, ch), g, t)
			VMOVUPS(t, with(s, ch))
			VMOVUPS(with(q, ch), t)
			VFMADD231PS(g, x, t)
			VMOVUPS(t, with(q, ch))
		})
	}
}

// adam steps n parameters; k holds the constants that Go has prepared, in the order of the loads.
func (v vec) adam() {
	n, p := v.begin("vadam", "steps parameters by Adam; see adamConstants.", "p, grad, m, v, k *float32", "p", "grad", "m", "v")
	k := Load(Param("k"), GP64())
	var cs []reg.VecVirtual
	for i := range 9 {
		r := v.reg()
		if v.n == 8 && i >= 2 { // too few registers: those are read in the loop
			cs = append(cs, nil)
			continue
		}
		VBROADCASTSS(Mem{Base: k, Disp: 4 * i}, r)
		cs = append(cs, r)
	}
	d, w, m, vv, t, u := v.reg(), v.reg(), v.reg(), v.reg(), v.reg(), v.reg()
	get := func(i int) reg.VecVirtual {
		if cs[i] != nil {
			return cs[i]
		}
		VBROADCASTSS(Mem{Base: k, Disp: 4 * i}, u)
		return u
	}
	v.flat("vadam", n, p, func() {
		VMOVUPS(at(p[0]), w)
		VMULPS(at(p[1]), get(0), d) // d = scale*g
		VFMADD231PS(get(1), w, d)   //   + l2*w
		VMULPS(get(2), w, w)        // w *= shrink
		VMOVUPS(at(p[2]), m)        // m += (d-m)*(1-beta1)
		VSUBPS(m, d, t)
		VFMADD231PS(get(3), t, m)
		VMOVUPS(m, at(p[2]))
		VMULPS(d, d, d) // v = beta2*v + (1-beta2)*d*d
		VMULPS(get(5), d, d)
		VMOVUPS(at(p[3]), vv)
		VFMADD132PS(get(4), d, vv)
		VMOVUPS(vv, at(p[3]))
		VSQRTPS(vv, vv) // w -= step*m / (sqrt(v)*inv + eps)
		VMULPS(get(7), vv, vv)
		VADDPS(get(8), vv, vv)
		VMULPS(get(6), m, m)
		VDIVPS(vv, m, m)
		VSUBPS(m, w, w)
		VMOVUPS(w, at(p[0]))
	})
}

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// winograd writes the transforms of Winograd's minimal filtering (Lavin and Gray 2015, arXiv:1509.09308), for
// tiles of 4x4 and of 2x2 outputs, over one vector of channels at a time.
func winograd() {
	consts, prefix = map[string]Mem{}, "wino_"
	for _, v := range []vec{{"512", 16}, {"256", 8}} {
		for _, size := range []int{4, 2} {
			t := transforms[size]
			v.gather(fmt.Sprintf("winoIn%d_", size), "input to points", size+2, size+2, t.in)
			v.gather(fmt.Sprintf("winoDY%d_", size), "output's gradient to points", size, size+2, t.dy)
			v.gather(fmt.Sprintf("winoW%d_", size), "weights to points", 3, size+2, t.w)
			v.scatter(fmt.Sprintf("winoOut%d_", size), "points to output", size+2, size, t.out, true)
			v.scatter(fmt.Sprintf("winoDW%d_", size), "points to the weights' gradient", size+2, 3, t.dw, false)
		}
	}
}

type regs = []reg.VecVirtual

// transform is one side of a two-dimensional transform: applied to the columns and then to the rows. It may
// spoil its inputs.
type transform func(v vec, d regs) regs

// transforms by the outputs of a tile's side: B' of the input, A of the output's gradient, G of the weights, A' of
// the products, G' of the weights' gradient.
var transforms = map[int]struct{ in, dy, w, out, dw transform }{
	4: {in4, dy4, w4, out4, dw4},
	2: {in2, dy2, w2, out2, dw2},
}

// konst is a constant from memory, a vector of it.
func (v vec) konst(name string, x float32) Mem { return constant(name, x) }

func (v vec) add2(a, b reg.VecVirtual) reg.VecVirtual {
	r := v.reg()
	VADDPS(b, a, r)
	return r
}

func (v vec) sub2(a, b reg.VecVirtual) reg.VecVirtual { // a - b
	r := v.reg()
	VSUBPS(b, a, r)
	return r
}

// plus is a + k b, in a register of its own.
func (v vec) plus(a, b reg.VecVirtual, k Mem) reg.VecVirtual {
	r := v.reg()
	VMOVAPS(a, r)
	VFMADD231PS(k, b, r)
	return r
}

func (v vec) times(a reg.VecVirtual, k Mem) reg.VecVirtual {
	r := v.reg()
	VMULPS(k, a, r)
	return r
}

func in4(v vec, d regs) regs {
	four, m5, m4, two, mtwo := v.konst("p4", 4), v.konst("m5", -5), v.konst("m4", -4), v.konst("p2", 2), v.konst("m2", -2)
	t0 := v.plus(d[4], d[0], four)
	VFMADD231PS(m5, d[2], t0)
	VFMADD231PS(four, d[1], d[5])
	VFMADD231PS(m5, d[3], d[5])
	a, b := v.plus(d[4], d[2], m4), v.plus(d[3], d[1], m4)
	t1, t2 := v.add2(a, b), v.sub2(a, b)
	VSUBPS(d[2], d[4], d[4])
	VSUBPS(d[1], d[3], d[3])
	t3 := v.plus(d[4], d[3], two)
	VFMADD231PS(mtwo, d[3], d[4])
	return regs{t0, t1, t2, t3, d[4], d[5]}
}

func out4(v vec, m regs) regs {
	two, four, eight := v.konst("p2", 2), v.konst("p4", 4), v.konst("p8", 8)
	a, b, c, e := v.add2(m[1], m[2]), v.sub2(m[1], m[2]), v.add2(m[3], m[4]), v.sub2(m[3], m[4])
	VADDPS(a, m[0], m[0])
	VADDPS(c, m[0], m[0])
	y1 := v.plus(b, e, two)
	VFMADD231PS(four, c, a)
	VADDPS(b, m[5], m[5])
	VFMADD231PS(eight, e, m[5])
	return regs{m[0], y1, a, m[5]}
}

func dy4(v vec, d regs) regs {
	two, four, eight := v.konst("p2", 2), v.konst("p4", 4), v.konst("p8", 8)
	a, b := v.add2(d[0], d[2]), v.add2(d[1], d[3])
	t1, t2 := v.add2(a, b), v.sub2(a, b)
	c, e := v.plus(d[0], d[2], four), v.times(d[1], two)
	VFMADD231PS(eight, d[3], e)
	return regs{d[0], t1, t2, v.add2(c, e), v.sub2(c, e), d[3]}
}

func w4(v vec, g regs) regs {
	m6, q, s24, s12, s6 := v.konst("m6th", -1./6), v.konst("p4th", 1./4), v.konst("p24th", 1./24), v.konst("p12th", 1./12), v.konst("p6th", 1./6)
	a := v.add2(g[0], g[2])
	t1, t2 := v.add2(a, g[1]), v.sub2(a, g[1])
	VMULPS(m6, t1, t1)
	VMULPS(m6, t2, t2)
	c := v.times(g[0], s24)
	VFMADD231PS(s6, g[2], c)
	VMULPS(s12, g[1], g[1])
	t3, t4 := v.add2(c, g[1]), v.sub2(c, g[1])
	VMULPS(q, g[0], g[0])
	return regs{g[0], t1, t2, t3, t4, g[2]}
}

func dw4(v vec, m regs) regs {
	m6, q, s24, s12, s6 := v.konst("m6th", -1./6), v.konst("p4th", 1./4), v.konst("p24th", 1./24), v.konst("p12th", 1./12), v.konst("p6th", 1./6)
	a, b, c, e := v.add2(m[1], m[2]), v.sub2(m[2], m[1]), v.add2(m[3], m[4]), v.sub2(m[3], m[4])
	VMULPS(q, m[0], m[0])
	VFMADD231PS(m6, a, m[0])
	VFMADD231PS(s24, c, m[0])
	VMULPS(s6, b, b)
	VFMADD231PS(s12, e, b)
	VFMADD231PS(m6, a, m[5])
	VFMADD231PS(s6, c, m[5])
	return regs{m[0], b, m[5]}
}

func in2(v vec, d regs) regs {
	return regs{v.sub2(d[0], d[2]), v.add2(d[1], d[2]), v.sub2(d[2], d[1]), v.sub2(d[1], d[3])}
}

func out2(v vec, m regs) regs {
	a, b := v.add2(m[1], m[2]), v.sub2(m[1], m[2])
	return regs{v.add2(m[0], a), v.sub2(b, m[3])}
}

func dy2(v vec, d regs) regs {
	z := v.zero()
	return regs{d[0], v.add2(d[0], d[1]), v.sub2(d[0], d[1]), v.sub2(z, d[1])}
}

func w2(v vec, g regs) regs {
	half := v.konst("half", .5)
	a := v.add2(g[0], g[2])
	t1, t2 := v.add2(a, g[1]), v.sub2(a, g[1])
	VMULPS(half, t1, t1)
	VMULPS(half, t2, t2)
	return regs{g[0], t1, t2, g[2]}
}

func dw2(v vec, m regs) regs {
	half := v.konst("half", .5)
	a, b := v.times(v.add2(m[1], m[2]), half), v.times(v.sub2(m[1], m[2]), half)
	return regs{v.add2(m[0], a), b, v.add2(m[3], a)}
}

// gather writes a transform from in x in places of a map to out x out points. Of the places of a row, ps apart, those
// from lo to hi lie within the map and others count as zeros; rows are the addresses of the rows' place lo, or of
// zeros where a row lies outside. Point (i, j) goes to dst[(i*out+j)*dp:]; n is the number of vectors of channels.
func (v vec) gather(name, doc string, in, out int, f transform) {
	v.text(name, "rows **float32, ps, lo, hi int, dst *float32, dp, n int, tmp *float32", "brings "+doc+".")
	name += v.name
	rows, ps, lo, hi := Load(Param("rows"), GP64()), Load(Param("ps"), GP64()), Load(Param("lo"), GP64()), Load(Param("hi"), GP64())
	dst, dp, n, tmp := Load(Param("dst"), GP64()), Load(Param("dp"), GP64()), Load(Param("n"), GP64()), Load(Param("tmp"), GP64())
	SHLQ(U8(2), ps)
	SHLQ(U8(2), dp)
	ch, at_, p := GP64(), GP64(), GP64()
	XORQ(ch, ch)
	Label(name + "_loop")
	MOVQ(ch, at_)
	for j := range in {
		outside, done := fmt.Sprintf("%s_zero%d", name, j), fmt.Sprintf("%s_next%d", name, j)
		CMPQ(lo, U8(j))
		JGT(LabelRef(outside))
		CMPQ(hi, U8(j))
		JLE(LabelRef(outside))
		var d regs
		for i := range in {
			r := v.reg()
			MOVQ(Mem{Base: rows, Disp: 8 * i}, p)
			VMOVUPS(with(p, at_), r)
			d = append(d, r)
		}
		for i, r := range f(v, d) {
			VMOVUPS(r, Mem{Base: tmp, Disp: (i*in + j) * v.bytes()})
		}
		ADDQ(ps, at_)
		JMP(LabelRef(done))
		Label(outside)
		z := v.zero()
		for i := range out {
			VMOVUPS(z, Mem{Base: tmp, Disp: (i*in + j) * v.bytes()})
		}
		Label(done)
	}
	MOVQ(dst, p)
	for i := range out {
		var d regs
		for j := range in {
			r := v.reg()
			VMOVUPS(Mem{Base: tmp, Disp: (i*in + j) * v.bytes()}, r)
			d = append(d, r)
		}
		for _, r := range f(v, d) {
			VMOVUPS(r, at(p))
			ADDQ(dp, p)
		}
	}
	ADDQ(U8(v.bytes()), ch)
	ADDQ(U8(v.bytes()), dst)
	DECQ(n)
	JNZ(LabelRef(name + "_loop"))
	VZEROUPPER()
	RET()
}

// param is a parameter where it lies in memory, for want of registers.
func param(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// scatter writes a transform from in x in points, sp apart, to out x out places of a map, rows rs and places ps
// apart, of which the first rows x cols are written. With finish, it is multiplied by scale, bias is added, and a map
// res of the same shape if there is one; what is below floor becomes floor. bad, a vector, takes a NaN if anything was
// one or infinite before res.
func (v vec) scatter(name, doc string, in, out int, f transform, finish bool) {
	sig := "src *float32, sp int, dst *float32, rs, ps, rows, cols, n int, tmp"
	if finish {
		sig += ", scale, bias, res, floor"
	}
	sig += ", bad *float32"
	v.text(name, sig, "brings "+doc+".")
	name += v.name
	src, sp, dst := Load(Param("src"), GP64()), Load(Param("sp"), GP64()), Load(Param("dst"), GP64())
	rs, ps, n, tmp := Load(Param("rs"), GP64()), Load(Param("ps"), GP64()), Load(Param("n"), GP64()), Load(Param("tmp"), GP64())
	rows, cols := param("rows"), param("cols")
	var bias, scale, delta reg.Register
	var low, wrong reg.VecVirtual
	if finish {
		bias, scale, delta = Load(Param("bias"), GP64()), Load(Param("scale"), GP64()), Load(Param("res"), GP64())
		p := Load(Param("floor"), GP64())
		low = v.reg()
		VBROADCASTSS(at(p), low)
	}
	wrong = v.reg()
	VMOVUPS(at(Load(Param("bad"), GP64())), wrong)
	SHLQ(U8(2), sp)
	SHLQ(U8(2), rs)
	SHLQ(U8(2), ps)
	p, q := GP64(), GP64()
	if finish {
		TESTQ(delta, delta)
		JZ(LabelRef(name + "_loop"))
		SUBQ(dst, delta) // res from dst
	}
	Label(name + "_loop")
	for j := range in {
		MOVQ(src, p)
		for range j {
			ADDQ(sp, p)
		}
		var d regs
		for i := range in {
			r := v.reg()
			VMOVUPS(at(p), r)
			d = append(d, r)
			if i < in-1 {
				for range in {
					ADDQ(sp, p)
				}
			}
		}
		for i, r := range f(v, d) {
			VMOVUPS(r, Mem{Base: tmp, Disp: (i*in + j) * v.bytes()})
		}
	}
	MOVQ(dst, q)
	for i := range out {
		CMPQ(rows, U8(i))
		JLE(LabelRef(name + "_end"))
		var d regs
		for j := range in {
			r := v.reg()
			VMOVUPS(Mem{Base: tmp, Disp: (i*in + j) * v.bytes()}, r)
			d = append(d, r)
		}
		MOVQ(q, p)
		row := fmt.Sprintf("%s_row%d", name, i)
		for j, r := range f(v, d) {
			t := v.reg()
			if finish {
				VMOVUPS(at(scale), t)
				VFMADD213PS(at(bias), t, r)
			}
			VSUBPS(r, r, t)
			VADDPS(t, wrong, wrong)
			CMPQ(cols, U8(j))
			JLE(LabelRef(row))
			if finish {
				plain := fmt.Sprintf("%s_plain%d_%d", name, i, j)
				TESTQ(delta, delta)
				JZ(LabelRef(plain))
				VADDPS(with(p, delta), r, r)
				Label(plain)
				VMAXPS(r, low, r) // this order lets NaN through
			}
			VMOVUPS(r, at(p))
			ADDQ(ps, p)
		}
		Label(row)
		ADDQ(rs, q)
	}
	Label(name + "_end")
	ADDQ(U8(v.bytes()), src)
	ADDQ(U8(v.bytes()), dst)
	if finish {
		ADDQ(U8(v.bytes()), bias)
		ADDQ(U8(v.bytes()), scale)
	}
	DECQ(n)
	JNZ(LabelRef(name + "_loop"))
	VMOVUPS(wrong, at(Load(Param("bad"), GP64())))
	VZEROUPPER()
	RET()
}

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sequence writes the kernels of recurrent layers and of the softmax over a vocabulary.
func sequence() {
	consts, prefix = map[string]Mem{}, "seq_"
	for m := 1; m <= 6; m++ {
		vec{"256", 8}.panelTile(m, 6)
	}
	for m := 1; m <= 12; m++ {
		vec{"512", 16}.panelTile(m, 12)
	}
	for _, rows := range []int{8, 6, 4} {
		packRows(rows)
	}
	for _, v := range []vec{{"512", 16}, {"256", 8}} {
		v.gates()
		v.gatesBack()
		v.expSum()
		v.expWrite()
		v.rowMax()
		v.mul()
		v.dots()
	}
}

// text begins a function whose pointers do not escape.
func (v vec) text(name, sig, doc string) {
	TEXT(name+v.name, NOSPLIT, "func("+sig+")")
	Pragma("noescape")
	Doc(name + v.name + " " + doc)
}

// consts are the constants written so far, each sixteen times over so that both widths can read them.
var consts map[string]Mem

// prefix begins the names of a set's constants.
var prefix string

func constant(name string, x float32) Mem {
	m, ok := consts[name]
	if !ok {
		m = GLOBL(prefix+name, RODATA|NOPTR)
		for i := range 16 {
			DATA(4*i, F32(x))
		}
		consts[name] = m
	}
	return m
}

// panelTile writes the micro-kernel of packed products: m rows x 2 vectors of C (+)= A B, A in panels of
// mr values per step, B in panels of 2 vectors per step. next is the panel of B that comes after this one,
// of which each call fetches a share ahead of time: without that the recurrent product waits for memory.
func (v vec) panelTile(m, mr int) {
	name := fmt.Sprintf("panel%s_%d", v.name, m)
	TEXT(name, NOSPLIT, "func(k int, a, b, c *float32, ldc int, acc int, next *float32)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes %d rows of a tile of C (+)= A B.", name, m))
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	next := Load(Param("next"), GP64())
	SHLQ(U8(2), ldc)
	p := GP64()
	MOVQ(c, p)
	for i := range m {
		PREFETCHT0(at(p))
		if i < m-1 {
			ADDQ(ldc, p)
		}
	}
	acc := make([][2]reg.VecVirtual, m)
	for i := range acc {
		for j := range 2 {
			acc[i][j] = v.zero()
		}
	}
	bs := []reg.VecVirtual{v.reg(), v.reg()}
	as := []reg.VecVirtual{v.reg(), v.reg()}
	step := func(u int) {
		for j := range 2 {
			VMOVUPS(Mem{Base: b, Disp: (2*u + j) * v.bytes()}, bs[j])
		}
		for i := range m {
			VBROADCASTSS(Mem{Base: a, Disp: 4 * (u*mr + i)}, as[i%2])
			for j := range 2 {
				VFMADD231PS(bs[j], as[i%2], acc[i][j])
			}
		}
	}
	n := GP64()
	MOVQ(k, n)
	SHRQ(U8(3), n)
	JZ(LabelRef(name + "_rest"))
	Label(name + "_eight")
	for u := range 8 {
		step(u)
		if u == 3 {
			PREFETCHT0(at(next))
			if v.n == 16 {
				PREFETCHT0(Mem{Base: next, Disp: 64})
			}
		}
	}
	ADDQ(U32(8*4*mr), a)
	ADDQ(U32(16*v.bytes()), b)
	ADDQ(U32(2*v.bytes()), next)
	DECQ(n)
	JNZ(LabelRef(name + "_eight"))
	Label(name + "_rest")
	ANDQ(U8(7), k)
	JZ(LabelRef(name + "_done"))
	Label(name + "_one")
	step(0)
	ADDQ(U32(4*mr), a)
	ADDQ(U32(2*v.bytes()), b)
	DECQ(k)
	JNZ(LabelRef(name + "_one"))
	Label(name + "_done")
	flag := Load(Param("acc"), GP64())
	TESTQ(flag, flag)
	JZ(LabelRef(name + "_store"))
	MOVQ(c, p)
	for i := range m {
		for j := range 2 {
			VADDPS(Mem{Base: p, Disp: j * v.bytes()}, acc[i][j], acc[i][j])
		}
		if i < m-1 {
			ADDQ(ldc, p)
		}
	}
	Label(name + "_store")
	for i := range m {
		for j := range 2 {
			VMOVUPS(acc[i][j], Mem{Base: c, Disp: j * v.bytes()})
		}
		if i < m-1 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}

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

// The hyperbolic tangent as a quotient of polynomials of degree 13 and 6 on +-7.905, beyond which single
// precision cannot tell it from 1; the coefficients are those of a minimax fit.
var (
	tanhTop    = []float32{4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08, -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16}
	tanhBottom = []float32{4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06}
)

const tanhEnd = 7.90531110763549805

// tanh replaces x; t and p are overwritten.
func (v vec) tanh(x, t, p reg.VecVirtual) {
	VMINPS(constant("tanh_hi", tanhEnd), x, x)
	VMAXPS(constant("tanh_lo", -tanhEnd), x, x)
	VMULPS(x, x, t)
	poly := func(name string, c []float32) {
		n := len(c) - 1
		VMOVUPS(constant(fmt.Sprint(name, n), c[n]), p)
		for i := n - 1; i >= 0; i-- {
			VFMADD213PS(constant(fmt.Sprint(name, i), c[i]), t, p)
		}
	}
	poly("tanh_a", tanhTop)
	VMULPS(p, x, x)
	poly("tanh_b", tanhBottom)
	VDIVPS(p, x, x)
}

// sigmoid replaces x: tanh(x/2)/2 + 1/2.
func (v vec) sigmoid(x, t, p reg.VecVirtual) {
	VMULPS(constant("half", .5), x, x)
	v.tanh(x, t, p)
	VMOVUPS(constant("half", .5), p)
	VFMADD213PS(p, p, x)
}

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

// exp replaces x by e^x: x = n ln 2 + r, a polynomial of degree 7 in r, 2^n by its exponent; t and p are
// overwritten. Below -87.3 it gives the smallest normal number.
func (v vec) exp(x, t, p reg.VecVirtual) {
	VMAXPS(constant("exp_lo", -87.3), x, x)
	VMULPS(constant("log2e", 1.44269504088896341), x, t)
	VCVTPS2DQ(t, t) // to the nearest whole number
	VCVTDQ2PS(t, p)
	VFNMADD231PS(constant("ln2_hi", 0.693359375), p, x)
	VFNMADD231PS(constant("ln2_lo", -2.12194440e-4), p, x)
	c := []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1}
	VMOVUPS(constant("exp0", c[0]), p)
	for i := 1; i < len(c); i++ {
		VFMADD213PS(constant(fmt.Sprint("exp", i), c[i]), x, p)
	}
	VPSLLD(U8(23), t, t)
	VPADDD(t, p, x)
}

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
	v.text("rowMax", "n int, x *float32) (top float32", "is the largest of n values, a multiple of the vector.")
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

func (v vec) mul() {
	n, p := v.begin("vmul", "is dst = a * b.", "dst, a, b *float32", "dst", "a", "b")
	x := v.reg()
	v.flat("vmul", n, p, func() {
		VMOVUPS(at(p[1]), x)
		VMULPS(at(p[2]), x, x)
		VMOVUPS(x, at(p[0]))
	})
}

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

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tiles writes the micro-kernels of all products but the packed ones: each number of rows up to what the registers
// hold.
func tiles() {
	for m := 1; m <= 14; m++ {
		vec{"512", 16}.tile(m)
	}
	for m := 1; m <= 6; m++ {
		vec{"256", 8}.tile(m)
	}
}

// tile writes the micro-kernel m rows x 2 vectors of C (+)= A B with any strides: row i, step k of A at
// a[i*rs+k*ks], step k of B at b[k*kb]. Both are fetched
// sixteen steps ahead: with large strides the processor does not see what comes.
func (v vec) tile(m int) {
	name := fmt.Sprintf("tile%s_%d", v.name, m)
	TEXT(name, NOSPLIT, "func(k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes %d rows of a tile of C (+)= A B.", name, m))
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	rs := Load(Param("rs"), GP64())
	ks := Load(Param("ks"), GP64())
	b := Load(Param("b"), GP64())
	kb := Load(Param("kb"), GP64())
	SHLQ(U8(2), rs)
	SHLQ(U8(2), ks)
	SHLQ(U8(2), kb)
	farA, farB := GP64(), GP64() // what to fetch ahead: so many steps on
	MOVQ(ks, farA)
	SHLQ(U8(4), farA)
	MOVQ(kb, farB)
	SHLQ(U8(4), farB)
	at := rowsFrom(a.(reg.GPVirtual), rs.(reg.GPVirtual), m)
	acc := make([][2]reg.VecVirtual, m)
	for i := range acc {
		for j := range 2 {
			acc[i][j] = v.zero()
		}
	}
	bs := regs{v.reg(), v.reg()}
	as := regs{v.reg(), v.reg()}
	step := func() {
		for j := range 2 {
			VMOVUPS(Mem{Base: b, Disp: j * v.bytes()}, bs[j])
		}
		PREFETCHT0(with(a, farA))
		PREFETCHT0(with(b, farB))
		if v.n == 16 {
			PREFETCHT0(Mem{Base: b, Index: farB, Scale: 1, Disp: 64})
		}
		for i := range m {
			VBROADCASTSS(at.mem(i), as[i%2])
			for j := range 2 {
				VFMADD231PS(bs[j], as[i%2], acc[i][j])
			}
		}
		for _, p := range at.base {
			ADDQ(ks, p)
		}
		ADDQ(kb, b)
	}
	n := GP64()
	MOVQ(k, n)
	SHRQ(U8(2), n)
	JZ(LabelRef(name + "_rest"))
	Label(name + "_four")
	for range 4 {
		step()
	}
	DECQ(n)
	JNZ(LabelRef(name + "_four"))
	Label(name + "_rest")
	ANDQ(U8(3), k)
	JZ(LabelRef(name + "_done"))
	Label(name + "_one")
	step()
	DECQ(k)
	JNZ(LabelRef(name + "_one"))
	Label(name + "_done")
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(U8(2), ldc)
	flag := Load(Param("acc"), GP64())
	TESTQ(flag, flag)
	JZ(LabelRef(name + "_store"))
	p := GP64()
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

// rowAddresses reach rows a stride apart from a base pointer for every seven of them.
type rowAddresses struct {
	base       []reg.GPVirtual
	rs, r3, r5 reg.GPVirtual
}

func rowsFrom(a, rs reg.GPVirtual, rows int) rowAddresses {
	r := rowAddresses{base: []reg.GPVirtual{a}, rs: rs, r3: GP64(), r5: GP64()}
	LEAQ(Mem{Base: rs, Index: rs, Scale: 2}, r.r3)
	LEAQ(Mem{Base: rs, Index: rs, Scale: 4}, r.r5)
	if rows > 7 {
		a7 := GP64()
		LEAQ(Mem{Base: r.r5, Index: rs, Scale: 2}, a7)
		ADDQ(a, a7)
		r.base = append(r.base, a7)
	}
	return r
}

func (r rowAddresses) mem(row int) Mem {
	p := r.base[row/7]
	switch row % 7 {
	case 1:
		return Mem{Base: p, Index: r.rs, Scale: 1}
	case 2:
		return Mem{Base: p, Index: r.rs, Scale: 2}
	case 3:
		return Mem{Base: p, Index: r.r3, Scale: 1}
	case 4:
		return Mem{Base: p, Index: r.rs, Scale: 4}
	case 5:
		return Mem{Base: p, Index: r.r5, Scale: 1}
	case 6:
		return Mem{Base: p, Index: r.r3, Scale: 2}
	}
	return Mem{Base: p}
}

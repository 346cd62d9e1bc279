package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// microTile is the innermost part of every product: m rows x 1 or 2 vectors of C (+)= A B, held in registers while the
// steps of the inner dimension go by. The two kinds of it differ in where A and B lie and in what they fetch ahead.
type microTile struct {
	vec
	name string
	sum  []regs // of each row
	b, a regs
}

// microTile begins a tile of m rows: call it where registers are to be cleared.
func (v vec) microTile(name string, m, vectors int) *microTile {
	t := &microTile{vec: v, name: name, a: regs{v.reg(), v.reg()}}
	for range m {
		var row regs
		for range vectors {
			row = append(row, v.zero())
		}
		t.sum = append(t.sum, row)
	}
	for range vectors {
		t.b = append(t.b, v.reg())
	}
	return t
}

// step adds one step: each row's value of A times two vectors of B. between runs after B is loaded.
func (t *microTile) step(a func(row int) Mem, b func(vector int) Mem, between func()) {
	for j := range t.b {
		VMOVUPS(b(j), t.b[j])
	}
	between()
	for i := range t.sum {
		VBROADCASTSS(a(i), t.a[i%2])
		for j := range t.b {
			VFMADD231PS(t.b[j], t.a[i%2], t.sum[i][j])
		}
	}
}

// loop runs k steps, as many at a time as many does, a power of two, and the rest one by one. k is overwritten.
func (t *microTile) loop(k reg.Register, unrolled int, many, one func()) {
	n := GP64()
	MOVQ(k, n)
	SHRQ(U8(bits.TrailingZeros(uint(unrolled))), n)
	JZ(LabelRef(t.name + "_rest"))
	Label(t.name + "_many")
	many()
	DECQ(n)
	JNZ(LabelRef(t.name + "_many"))
	Label(t.name + "_rest")
	ANDQ(U8(unrolled-1), k)
	JZ(LabelRef(t.name + "_done"))
	Label(t.name + "_one")
	one()
	DECQ(k)
	JNZ(LabelRef(t.name + "_one"))
	Label(t.name + "_done")
}

// store writes the sums to rows of C, ldc bytes apart, or adds them where the parameter acc is not 0. c is overwritten.
func (t *microTile) store(c, ldc reg.Register) {
	flag := Load(Param("acc"), GP64())
	TESTQ(flag, flag)
	JZ(LabelRef(t.name + "_store"))
	p := GP64()
	MOVQ(c, p)
	t.rows(p, ldc, func(i int) {
		for j := range t.b {
			VADDPS(Mem{Base: p, Disp: j * t.bytes()}, t.sum[i][j], t.sum[i][j])
		}
	})
	Label(t.name + "_store")
	t.rows(c, ldc, func(i int) {
		for j := range t.b {
			VMOVUPS(t.sum[i][j], Mem{Base: c, Disp: j * t.bytes()})
		}
	})
}

// rows does something for each row of C with p at its beginning.
func (t *microTile) rows(p, ldc reg.Register, do func(row int)) {
	for i := range t.sum {
		do(i)
		if i < len(t.sum)-1 {
			ADDQ(ldc, p)
		}
	}
}

// tiles writes the micro-kernels of products that read matrices where they lie: each number of rows up to what the
// registers hold.
func tiles() {
	for m := 1; m <= 14; m++ {
		vec{"512", 16}.tile(m)
	}
	for m := 1; m <= 6; m++ {
		vec{"256", 8}.tile(m)
	}
}

// tile writes the micro-kernel with any strides: row i, step k of A at a[i*rs+k*ks], step k of B at b[k*kb]. Both are
// fetched sixteen steps ahead: with large strides the processor does not see what comes.
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
	row := rowsFrom(a.(reg.GPVirtual), rs.(reg.GPVirtual), m)
	t := v.microTile(name, m, 2)
	step := func() {
		t.step(row.mem, func(j int) Mem { return Mem{Base: b, Disp: j * v.bytes()} }, func() {
			PREFETCHT0(with(a, farA))
			PREFETCHT0(with(b, farB))
			if v.n == 16 {
				PREFETCHT0(Mem{Base: b, Index: farB, Scale: 1, Disp: 64})
			}
		})
		for _, p := range row.base {
			ADDQ(ks, p)
		}
		ADDQ(kb, b)
	}
	t.loop(k, 4, func() {
		for range 4 {
			step()
		}
	}, step)
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(U8(2), ldc)
	t.store(c, ldc)
	VZEROUPPER()
	RET()
}

// panelTiles writes the micro-kernels of packed products.
func panelTiles() {
	for vectors := 1; vectors <= 2; vectors++ {
		for m := 1; m <= 6; m++ {
			vec{"256", 8}.panelTile(m, 6, vectors)
		}
		for m := 1; m <= 12; m++ {
			vec{"512", 16}.panelTile(m, 12, vectors)
		}
	}
}

// panelTile writes the micro-kernel of packed matrices: A in panels of mr values a step, B in panels of 2 vectors a
// step, of which a half tile, for the last columns of a matrix, takes the first. A processor that waits for memory
// multiplies nothing, so every eight steps a call fetches what will be wanted later: of next, the panel of B that comes
// after this one, as much as makes 4 calls (8 with AVX2) fetch all of it; and a line at far, which goes on by ldfar
// floats, into the second-level cache, see lookAhead. C is fetched at the beginning, to be there at the end.
func (v vec) panelTile(m, mr, vectors int) {
	name := fmt.Sprintf("panel%s_%d", v.name, m)
	if vectors == 1 {
		name = fmt.Sprintf("half%s_%d", v.name, m)
	}
	TEXT(name, NOSPLIT, "func(k int, a, b, c *float32, ldc int, acc int, next, far *float32, ldfar int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes %d rows of a tile of C (+)= A B.", name, m))
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	next := Load(Param("next"), GP64())
	far := Load(Param("far"), GP64())
	ldfar := Load(Param("ldfar"), GP64())
	SHLQ(U8(2), ldc)
	SHLQ(U8(2), ldfar)
	t := v.microTile(name, m, vectors)
	p := GP64()
	MOVQ(c, p)
	t.rows(p, ldc, func(int) {
		for at := 0; at < vectors*v.bytes(); at += 64 {
			PREFETCHT0(Mem{Base: p, Disp: at})
		}
	})
	step := func(u int, between func()) {
		t.step(
			func(i int) Mem { return Mem{Base: a, Disp: 4 * (u*mr + i)} },
			func(j int) Mem { return Mem{Base: b, Disp: (2*u + j) * v.bytes()} }, between)
	}
	ahead := 8 * 2 * v.bytes() / 8 // bytes of next every eight steps
	if v.n == 16 {
		ahead *= 2
	}
	t.loop(k, 8, func() {
		for u := range 8 {
			step(u, func() {
				if at := 64 * u / 2; u%2 == 0 && at < ahead {
					PREFETCHT0(Mem{Base: next, Disp: at})
				}
				if u == 7 {
					PREFETCHT1(at(far))
				}
			})
		}
		ADDQ(U32(8*4*mr), a)
		ADDQ(U32(16*v.bytes()), b)
		ADDQ(U32(ahead), next)
		ADDQ(ldfar, far)
	}, func() {
		step(0, func() {})
		ADDQ(U32(4*mr), a)
		ADDQ(U32(2*v.bytes()), b)
	})
	t.store(c, ldc)
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

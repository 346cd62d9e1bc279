// Command asmgen writes the assembly of fastnb/device/cpu with avo. Each kernel is generated for
// AVX-512 (ZMM registers) and for AVX2 with FMA (YMM registers); fastnb/device/cpu chooses at run time
// and keeps a plain Go twin of each.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	flag.String("set", "basic", "which kernels: basic, sequence or winograd")
	Package("github.com/fastnb/go/fastnb/device/cpu")
	ConstraintExpr("amd64,!noasm")
	// Parsing opens the output, which Package must still find whole: Generate does it at the end.
	if i := slices.Index(os.Args, "-set"); i >= 0 && i+1 < len(os.Args) {
		switch os.Args[i+1] {
		case "sequence":
			sequence()
			Generate()
			return
		case "winograd":
			winograd()
			Generate()
			return
		}
	}
	tile("512", 14, 2)
	tile("256", 6, 2)
	peak()
	for _, v := range []vec{{"512", 16}, {"256", 8}} {
		v.add()
		v.mulAdd()
		v.clip()
		v.reluGrad()
		v.affine()
		v.affine2()
		v.sums()
		v.sums2()
		v.adam()
	}
	Generate()
}

// vec is a vector width: its name and the floats in a register.
type vec struct {
	name string
	n    int
}

func (v vec) reg() reg.VecVirtual {
	if v.n == 16 {
		return ZMM()
	}
	return YMM()
}

func (v vec) bytes() int { return 4 * v.n }

// tile writes the micro-kernel of all products: rows x (2 vectors) of C (+)= A B, see isa.tile. A's
// rows are reached from two base pointers through multiples of the row stride, so that any stride
// serves without a table.
func tile(width string, rows, cols int) {
	v := vec{width, 16}
	if width == "256" {
		v.n = 8
	}
	name := fmt.Sprintf("tile%s", width)
	TEXT(name, NOSPLIT, "func(k int, a *float32, rs, ks int, b *float32, c *float32, ldc int, acc bool)")
	Doc(fmt.Sprintf("%s computes a %dx%d tile of C (+)= A B.", name, rows, cols*v.n))
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	rs := Load(Param("rs"), GP64())
	ks := Load(Param("ks"), GP64())
	b := Load(Param("b"), GP64())
	SHLQ(U8(2), rs)
	SHLQ(U8(2), ks)
	at := rowsFrom(a.(reg.GPVirtual), rs.(reg.GPVirtual), rows)
	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		for range cols {
			r := v.reg()
			VXORPS(low(r), low(r), low(r))
			acc[i] = append(acc[i], r)
		}
	}
	bs := []reg.VecVirtual{v.reg(), v.reg()}
	as := []reg.VecVirtual{v.reg(), v.reg()}
	Label(name + "_loop")
	for j := range cols {
		VMOVUPS(Mem{Base: b, Disp: j * v.bytes()}, bs[j])
	}
	PREFETCHT0(Mem{Base: b, Disp: 8 * cols * v.bytes()})
	if width == "512" {
		PREFETCHT0(Mem{Base: b, Disp: 8*cols*v.bytes() + 64})
	}
	for i := range rows {
		VBROADCASTSS(at.mem(i), as[i%2])
		for j := range cols {
			VFMADD231PS(bs[j], as[i%2], acc[i][j])
		}
	}
	for _, p := range at.base {
		ADDQ(ks, p)
	}
	ADDQ(U32(cols*v.bytes()), b)
	DECQ(k)
	JNZ(LabelRef(name + "_loop"))
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(U8(2), ldc)
	flag := Load(Param("acc"), GP8())
	TESTB(flag, flag)
	JZ(LabelRef(name + "_store"))
	p := GP64()
	MOVQ(c, p)
	for i := range rows {
		for j := range cols {
			VADDPS(Mem{Base: p, Disp: j * v.bytes()}, acc[i][j], acc[i][j])
		}
		ADDQ(ldc, p)
	}
	Label(name + "_store")
	for i := range rows {
		for j := range cols {
			VMOVUPS(acc[i][j], Mem{Base: c, Disp: j * v.bytes()})
		}
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}

// low is the 128-bit part, whose clearing clears the whole register.
func low(r reg.VecVirtual) reg.Register { return r.AsX() }

// peak measures the rate of fused multiply-adds on registers alone.
func peak() {
	for _, v := range []vec{{"512", 16}, {"256", 8}} {
		TEXT("peak"+v.name, NOSPLIT, "func(n int)")
		Doc(fmt.Sprintf("peak%s runs 12 n fused multiply-adds on %s-bit registers.", v.name, v.name))
		n := Load(Param("n"), GP64())
		var rs []reg.VecVirtual
		for range 12 {
			r := v.reg()
			VXORPS(low(r), low(r), low(r))
			rs = append(rs, r)
		}
		x := v.reg()
		VXORPS(low(x), low(x), low(x))
		Label("loop" + v.name)
		for _, r := range rs {
			VFMADD231PS(x, x, r)
		}
		DECQ(n)
		JNZ(LabelRef("loop" + v.name))
		VZEROUPPER()
		RET()
	}
}

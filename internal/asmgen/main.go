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
	flag.String("set", "basic", "which kernels: basic, pause, rows, sequence, winograd or bf16")
	Package("math") // only basic types occur: any package that always compiles will do
	ConstraintExpr("amd64,!noasm")
	if i := slices.Index(os.Args, "-set"); i >= 0 && i+1 < len(os.Args) {
		switch os.Args[i+1] {
		case "sequence":
			sequence()
			Generate()
			return
		case "bf16":
			bf16()
			Generate()
			return
		case "pause":
			pauses()
			Generate()
			return
		case "rows":
			rowsets()
			Generate()
			return
		case "winograd":
			winograd()
			Generate()
			return
		}
	}
	consts, prefix = map[string]Mem{}, "basic_"
	tiles()
	pool()
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

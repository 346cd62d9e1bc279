package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Products in bfloat16. The assembler knows neither AVX512_BF16 nor AMX, so their instructions are written as bytes
// (Intel's manual of the instruction set, volume 2, and its reference of extensions). Registers are fixed by hand
// here, since avo cannot look into bytes.
func bf16() {
	consts, prefix = map[string]Mem{}, "bf16_"
	for m := 1; m <= dotRows; m++ {
		dotTile(m)
	}
	tileProduct(2)
	tileProduct(1)
	round16()
	pairRows()
	copyRows()
	turn("turnRows16", false)
	turn("turnPairs16", true)
}

// dotRows is how many rows of two vectors of sums the registers hold beside B.
const dotRows = 14

// bytes writes machine code, as few words as it takes.
func bytes(bs ...byte) {
	for _, w := range []struct {
		name string
		size int
	}{{"QUAD", 8}, {"LONG", 4}, {"WORD", 2}, {"BYTE", 1}} {
		for len(bs) >= w.size {
			var x uint64
			for i := range w.size {
				x |= uint64(bs[i]) << (8 * i)
			}
			Instruction(&ir.Instruction{Opcode: w.name, Operands: []Op{Imm(x)}})
			bs = bs[w.size:]
		}
	}
}

// Numbers of general registers in encodings.
const (
	numAX, numCX, numSI, num8, num9, num10, num11, num12, num13 = 0, 1, 6, 8, 9, 10, 11, 12, 13
)

// evex writes an instruction of map 0F38 on three 512-bit registers, W = 0; prefix 2 stands for F3 and 3 for F2.
func evex(prefix, op byte, dst, v, rm int) {
	not := func(x, bit int) byte { return byte(^x>>bit) & 1 }
	bytes(0x62,
		not(dst, 3)<<7|not(rm, 4)<<6|not(rm, 3)<<5|not(dst, 4)<<4|2,
		byte(^v&15)<<3|4|prefix,
		2<<5|not(v, 4)<<3,
		op, 3<<6|byte(dst&7)<<3|byte(rm&7))
}

// dot2 is VDPBF16PS: sum += a b, two products to each sum.
func dot2(sum, a, b int) { evex(2, 0x52, sum, a, b) }

// round2 is VCVTNE2PS2BF16: dst = the 16 floats of lo and then those of hi, rounded.
func round2(lo, hi, dst int) { evex(3, 0x72, dst, hi, lo) }

// zmm are the vector registers by number.
var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

func zero(n int) { VPXORD(zmm[n], zmm[n], zmm[n]) }

// vex3 is the head of an AMX instruction; tile registers need no extension of their own.
func vex3(x, b, v int, prefix byte) []byte {
	not := func(n int) byte { return byte(^n>>3) & 1 }
	return []byte{0xc4, 1<<7 | not(x)<<6 | not(b)<<5 | 2, byte(^v&15)<<3 | prefix}
}

// tileMemory is TILELOADD (prefix F2) or TILESTORED (F3) of rows a register's bytes apart.
func tileMemory(prefix byte, tile, base, stride int, disp int8) {
	bytes(append(vex3(stride, base, 0, prefix), 0x4b, 1<<6|byte(tile)<<3|4, byte(stride&7)<<3|byte(base&7), byte(disp))...)
}

func tileLoad(tile, base, stride int, disp int8)  { tileMemory(3, tile, base, stride, disp) }
func tileStore(tile, base, stride int, disp int8) { tileMemory(2, tile, base, stride, disp) }
func tileZero(tile int)                           { bytes(append(vex3(0, 0, 0, 3), 0x49, 3<<6|byte(tile)<<3)...) }
func tileRelease()                                { bytes(append(vex3(0, 0, 0, 0), 0x49, 0xc0)...) }
func tileConfig(base int)                         { bytes(append(vex3(0, base, 0, 0), 0x49, byte(base&7))...) }

// tileDot is TDPBF16PS: sum += a b.
func tileDot(sum, a, b int) {
	bytes(append(vex3(0, 0, b, 2), 0x5c, 3<<6|byte(sum)<<3|byte(a))...)
}

// tileProduct writes the product of AMX: blocks of 16 or 32 rows by 32 columns.
func tileProduct(high int) {
	name := fmt.Sprintf("tiles16_%d", 16*high)
	TEXT(name, NOSPLIT, "func(shape *byte, blocks, steps int, a *uint16, lda int, offs *int, b *uint16, c *float32, ldc int, acc int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes blocks of %d rows x 32 columns of C (+)= A B on tiles, in steps of 32 values that are", name, 16*high),
		"offs bytes into a row of A; lda and ldc are bytes between rows. The tiles are free again when it returns.")
	Load(Param("shape"), reg.RAX)
	tileConfig(numAX)
	Load(Param("blocks"), reg.RAX)
	Load(Param("a"), reg.RDI)
	Load(Param("lda"), reg.RSI)
	Load(Param("c"), reg.RCX)
	Load(Param("ldc"), reg.R8)
	MOVQ(U32(128), reg.R9)
	lower := func(base, stride, to reg.GPPhysical) { // sixteen rows down
		MOVQ(stride, to)
		SHLQ(U8(4), to)
		ADDQ(base, to)
	}
	Label(name + "_block")
	lower(reg.RCX, reg.R8, reg.R13)
	Load(Param("acc"), reg.R10)
	TESTQ(reg.R10, reg.R10)
	JZ(LabelRef(name + "_zero"))
	rows := []int{numCX, num13}[:high]
	for i, r := range rows {
		tileLoad(2*i, r, num8, 0)
		tileLoad(2*i+1, r, num8, 64)
	}
	JMP(LabelRef(name + "_go"))
	Label(name + "_zero")
	for i := range 2 * high {
		tileZero(i)
	}
	Label(name + "_go")
	Load(Param("offs"), reg.RBX)
	Load(Param("b"), reg.R12)
	Load(Param("steps"), reg.RDX)
	Label(name + "_step")
	MOVQ(Mem{Base: reg.RBX}, reg.R10)
	ADDQ(reg.RDI, reg.R10)
	tileLoad(6, num12, num9, 0)
	tileLoad(4, num10, numSI, 0)
	tileDot(0, 4, 6)
	tileLoad(7, num12, num9, 64)
	tileDot(1, 4, 7)
	if high == 2 {
		lower(reg.R10, reg.RSI, reg.R11)
		tileLoad(5, num11, numSI, 0)
		tileDot(2, 5, 6)
		tileDot(3, 5, 7)
	}
	ADDQ(U8(8), reg.RBX)
	ADDQ(U32(2048), reg.R12)
	DECQ(reg.RDX)
	JNZ(LabelRef(name + "_step"))
	for i, r := range rows {
		tileStore(2*i, r, num8, 0)
		tileStore(2*i+1, r, num8, 64)
	}
	for range high {
		lower(reg.RCX, reg.R8, reg.R10)
		MOVQ(reg.R10, reg.RCX)
		lower(reg.RDI, reg.RSI, reg.R10)
		MOVQ(reg.R10, reg.RDI)
	}
	DECQ(reg.RAX)
	JNZ(LabelRef(name + "_block"))
	tileRelease()
	VZEROUPPER()
	RET()
}

// dotTile writes the product of AVX512_BF16: m rows by 32 columns.
func dotTile(m int) {
	name := fmt.Sprintf("dots16_%d", m)
	TEXT(name, NOSPLIT, "func(steps int, a *uint16, lda int, offs *int, b *uint16, c *float32, ldc int, acc int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes %d rows x 32 columns of C (+)= A B, in steps of 32 values that are offs bytes into a row", name, m),
		"of A; lda and ldc are bytes between rows.")
	steps := Load(Param("steps"), GP64())
	a := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64()).(reg.GPVirtual)
	offs := Load(Param("offs"), GP64())
	b := Load(Param("b"), GP64())
	r3, r5 := GP64(), GP64()
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, r3)
	LEAQ(Mem{Base: lda, Index: lda, Scale: 4}, r5)
	at := rowAddresses{base: []reg.GPVirtual{GP64(), GP64()}[:1+(m-1)/7], rs: lda, r3: r3, r5: r5}
	for i := range 2 * m {
		zero(i)
	}
	Label(name + "_step")
	MOVQ(Mem{Base: offs}, at.base[0])
	ADDQ(a, at.base[0])
	if m > 7 {
		LEAQ(Mem{Base: at.base[0], Index: r5, Scale: 1}, at.base[1])
		LEAQ(Mem{Base: at.base[1], Index: lda, Scale: 2}, at.base[1])
	}
	n := GP64()
	MOVQ(U32(4), n)
	Label(name + "_four")
	for p := range 4 {
		VMOVUPS(Mem{Base: b, Disp: 128 * p}, zmm[28])
		VMOVUPS(Mem{Base: b, Disp: 128*p + 64}, zmm[29])
		for i := range m {
			from := at.mem(i)
			from.Disp = 4 * p
			VPBROADCASTD(from, zmm[30+i%2])
			dot2(2*i, 28, 30+i%2)
			dot2(2*i+1, 29, 30+i%2)
		}
	}
	for _, p := range at.base {
		ADDQ(U8(16), p)
	}
	ADDQ(U32(512), b)
	DECQ(n)
	JNZ(LabelRef(name + "_four"))
	ADDQ(U8(8), offs)
	DECQ(steps)
	JNZ(LabelRef(name + "_step"))
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	flag := Load(Param("acc"), GP64())
	TESTQ(flag, flag)
	JZ(LabelRef(name + "_store"))
	p := GP64()
	MOVQ(c, p)
	for i := range 2 * m {
		VADDPS(Mem{Base: p, Disp: i % 2 * 64}, zmm[i], zmm[i])
		if i%2 == 1 {
			ADDQ(ldc, p)
		}
	}
	Label(name + "_store")
	for i := range 2 * m {
		VMOVUPS(zmm[i], Mem{Base: c, Disp: i % 2 * 64})
		if i%2 == 1 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}

// unordered returns whether a register that not-a-number got into has one, as an int.
func unordered(n int) {
	k, out := K(), GP64()
	VCMPPS(U8(3), zmm[n], zmm[n], k)
	KMOVW(k, out.As32())
	Store(out, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// round16 writes the rounding of floats in their order.
func round16() {
	TEXT("round16x", NOSPLIT, "func(n32 int, src *float32, dst *uint16) int")
	Pragma("noescape")
	Doc("round16x rounds 32 n32 floats; it gives 0 where all are finite.")
	n := Load(Param("n32"), GP64())
	src := Load(Param("src"), GP64())
	dst := Load(Param("dst"), GP64())
	zero(2)
	zero(3)
	Label("round16_loop")
	VMOVUPS(Mem{Base: src}, zmm[0])
	VMOVUPS(Mem{Base: src, Disp: 64}, zmm[1])
	round2(0, 1, 4)
	VMOVUPS(zmm[4], Mem{Base: dst})
	VFMADD231PS(zmm[0], zmm[3], zmm[2])
	VFMADD231PS(zmm[1], zmm[3], zmm[2])
	ADDQ(U32(128), src)
	ADDQ(U8(64), dst)
	DECQ(n)
	JNZ(LabelRef("round16_loop"))
	unordered(2)
}

// interleaved is the order in which two rows of sixteen become pairs.
func interleaved() Mem {
	if m, ok := consts["pairs"]; ok {
		return m
	}
	m := GLOBL(prefix+"pairs", RODATA|NOPTR)
	consts["pairs"] = m
	for i := range 32 {
		DATA(2*i, U16(uint16(i/2+i%2*16)))
	}
	return m
}

// pairRows writes the packing of a panel of the right side from a matrix as it lies.
func pairRows() {
	TEXT("pairs16", NOSPLIT, "func(pairs int, src *float32, ld int, dst *uint16) int")
	Pragma("noescape")
	Doc("pairs16 rounds 32 columns of 2*pairs rows, ld floats apart, and lays each two rows' values of a column side by",
		"side; it gives 0 where all are finite.")
	n := Load(Param("pairs"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	dst := Load(Param("dst"), GP64())
	SHLQ(U8(2), ld)
	VMOVDQU16(interleaved(), zmm[31])
	zero(8)
	zero(9)
	Label("pairs16_loop")
	for h := range 2 {
		VMOVUPS(Mem{Base: src, Disp: 64 * h}, zmm[2*h])
		VMOVUPS(Mem{Base: src, Index: ld, Scale: 1, Disp: 64 * h}, zmm[2*h+1])
		round2(2*h, 2*h+1, 4+h)
		VPERMW(zmm[4+h], zmm[31], zmm[4+h])
		VMOVDQU16(zmm[4+h], Mem{Base: dst, Disp: 64 * h})
		VFMADD231PS(zmm[2*h], zmm[9], zmm[8])
		VFMADD231PS(zmm[2*h+1], zmm[9], zmm[8])
	}
	LEAQ(Mem{Base: src, Index: ld, Scale: 2}, src)
	ADDQ(U32(128), dst)
	DECQ(n)
	JNZ(LabelRef("pairs16_loop"))
	unordered(8)
}

// copyRows writes the copy of a tile's rows to where they belong.
func copyRows() {
	TEXT("copyRows32", NOSPLIT, "func(rows int, src, dst *float32, ld int)")
	Pragma("noescape")
	Doc("copyRows32 copies rows of 32 floats that lie together to places ld floats apart.")
	n := Load(Param("rows"), GP64())
	src := Load(Param("src"), GP64())
	dst := Load(Param("dst"), GP64())
	ld := Load(Param("ld"), GP64())
	SHLQ(U8(2), ld)
	Label("copyRows32_loop")
	for h := range 2 {
		VMOVUPS(Mem{Base: src, Disp: 64 * h}, zmm[h])
		VMOVUPS(zmm[h], Mem{Base: dst, Disp: 64 * h})
	}
	ADDQ(U32(128), src)
	ADDQ(ld, dst)
	DECQ(n)
	JNZ(LabelRef("copyRows32_loop"))
	VZEROUPPER()
	RET()
}

// turn writes the rounding and transposing of blocks: sixteen rows of 32 values become, pair by pair, sixteen rows of
// sixteen pairs; with pairs 32 rows of sixteen columns become sixteen rows of 32 values.
func turn(name string, pairs bool) {
	TEXT(name, NOSPLIT, "func(blocks int, src *float32, ld, step int, dst *uint16, ldd, stepd int)")
	Pragma("noescape")
	if pairs {
		Doc(name + " rounds blocks of 32 rows by 16 columns and lays the columns down as rows of 32 values.")
	} else {
		Doc(name + " rounds blocks of 16 rows by 32 columns and lays pairs of columns down as rows of 16 pairs.")
	}
	n := Load(Param("blocks"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	step := Load(Param("step"), GP64())
	dst := Load(Param("dst"), GP64())
	ldd := Load(Param("ldd"), GP64())
	stepd := Load(Param("stepd"), GP64())
	for _, r := range []reg.Register{ld, step} {
		SHLQ(U8(2), r)
	}
	SHLQ(U8(1), ldd)
	SHLQ(U8(1), stepd)
	if pairs {
		VMOVDQU16(interleaved(), zmm[31])
	}
	p := GP64()
	Label(name + "_loop")
	MOVQ(src, p)
	for i := range 16 {
		VMOVUPS(Mem{Base: p}, zmm[30])
		if pairs {
			VMOVUPS(Mem{Base: p, Index: ld, Scale: 1}, zmm[29])
			round2(30, 29, i)
			VPERMW(zmm[i], zmm[31], zmm[i])
			LEAQ(Mem{Base: p, Index: ld, Scale: 2}, p)
			continue
		}
		VMOVUPS(Mem{Base: p, Disp: 64}, zmm[29])
		round2(30, 29, i)
		ADDQ(ld, p)
	}
	transpose16()
	MOVQ(dst, p)
	for i := range 16 {
		VMOVUPS(zmm[i], Mem{Base: p})
		if i < 15 {
			ADDQ(ldd, p)
		}
	}
	ADDQ(step, src)
	ADDQ(stepd, dst)
	DECQ(n)
	JNZ(LabelRef(name + "_loop"))
	VZEROUPPER()
	RET()
}

// transpose16 transposes the sixteen words each of registers 0 to 15; 16 to 31 but the last help.
func transpose16() {
	for g := 0; g < 16; g += 4 { // 4x4 within each quarter of the registers
		r, t := zmm[g:g+4], zmm[16:20]
		VUNPCKLPS(r[1], r[0], t[0])
		VUNPCKHPS(r[1], r[0], t[1])
		VUNPCKLPS(r[3], r[2], t[2])
		VUNPCKHPS(r[3], r[2], t[3])
		VUNPCKLPD(t[2], t[0], r[0])
		VUNPCKHPD(t[2], t[0], r[1])
		VUNPCKLPD(t[3], t[1], r[2])
		VUNPCKHPD(t[3], t[1], r[3])
	}
	// Register 4g+j holds words j, 4+j, 8+j, 12+j of rows 4g to 4g+3, a quarter each.
	for j := range 4 {
		r, t := []reg.VecPhysical{zmm[j], zmm[4+j], zmm[8+j], zmm[12+j]}, zmm[16:20]
		VSHUFF32X4(U8(0x88), r[1], r[0], t[0]) // quarters 0 and 2 of rows 0 to 7
		VSHUFF32X4(U8(0xdd), r[1], r[0], t[1]) // 1 and 3
		VSHUFF32X4(U8(0x88), r[3], r[2], t[2])
		VSHUFF32X4(U8(0xdd), r[3], r[2], t[3])
		VSHUFF32X4(U8(0x88), t[2], t[0], r[0]) // word j
		VSHUFF32X4(U8(0x88), t[3], t[1], r[1]) // 4+j
		VSHUFF32X4(U8(0xdd), t[2], t[0], r[2]) // 8+j
		VSHUFF32X4(U8(0xdd), t[3], t[1], r[3]) // 12+j
	}
}

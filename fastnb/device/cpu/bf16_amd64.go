//go:build !noasm

package cpu

//go:generate go run github.com/fastnb/go/internal/asmgen -set bf16 -out gen_bf16_amd64.s -stubs gen_bf16_amd64.go -pkg cpu

import (
	"github.com/klauspost/cpuid/v2"
)

// withHalf gives the instruction sets that are i with products in bfloat16, best first: AMX's tiles where processor
// and system have them, AVX512_BF16's products of pairs.
func withHalf(i isa) []*isa {
	if !cpuid.CPU.Supports(cpuid.AVX512BF16) {
		return nil
	}
	var out []*isa
	for _, h := range []*halfKernels{tiles, dots} {
		if h == tiles && (!cpuid.CPU.Supports(cpuid.AMXTILE, cpuid.AMXBF16) || !tilesKept()) {
			continue
		}
		k := i
		k.name, k.half = h.name, h
		out = append(out, &k)
	}
	return out
}

type dotTile = func(steps int, a *uint16, lda int, offs *int, b *uint16, c *float32, ldc int, acc int)

var dotTiles = [...]dotTile{
	nil, dots16_1, dots16_2, dots16_3, dots16_4, dots16_5, dots16_6, dots16_7, dots16_8, dots16_9, dots16_10, dots16_11, dots16_12, dots16_13, dots16_14,
}

// dots are products by AVX512_BF16. They do 1.5 times the multiplications of single precision on registers (Sapphire
// Rapids), which rounding and packing take back in convolutions: a rate of 1 leaves these in single precision.
var dots = withPacking(halfKernels{name: "avx512-bf16", rate: 1, panel: func(p halfPanel) {
	const mr = len(dotTiles) - 1
	steps := (p.rows + mr - 1) / mr
	for s := range steps {
		from, end := p.rows*s/steps, p.rows*(s+1)/steps
		dotTiles[end-from](len(p.offs), &p.a[from*p.lda], 2*p.lda, &p.offs[0], &p.b[0], &p.c[from*p.ldc], 4*p.ldc, flag(p.acc))
	}
}})

// tileShapes says that all eight tiles have sixteen rows of 64 bytes (palette 1).
var tileShapes = func() (s [64]byte) {
	s[0] = 1
	for i := range 8 {
		s[16+2*i], s[48+i] = 64, 16
	}
	return s
}()

// tiles are products by AMX. Each call of assembly loads the tiles' shapes and lets the tiles go again: no other code
// finds them taken, and while a thread does not use them, signals and switches of threads need not save them.
var tiles = withPacking(halfKernels{name: "avx512-amx", rate: 16, allowed: tilesAllowed, instead: dots, panel: func(p halfPanel) {
	whole := p.rows / halfRows
	if whole > 0 {
		tiles16_32(&tileShapes[0], whole, len(p.offs), &p.a[0], 2*p.lda, &p.offs[0], &p.b[0], &p.c[0], 4*p.ldc, flag(p.acc))
	}
	done := whole * halfRows
	rows := p.rows - done
	if rows == 0 {
		return
	}
	run := tiles16_32
	if rows <= 16 {
		run = tiles16_16
	}
	run(&tileShapes[0], 1, len(p.offs), &p.a[done*p.lda], 2*p.lda, &p.offs[0], &p.b[0], &p.tile[0], 4*halfCols, 0)
	if !p.acc {
		copyRows32(rows, &p.tile[0], &p.c[done*p.ldc], p.ldc)
		return
	}
	for r := range rows {
		at := (done + r) * p.ldc
		keep(p.c[at:at+halfCols], p.tile[r*halfCols:], true)
	}
}})

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// withPacking adds the kernels that round and pack, which both kinds share.
func withPacking(h halfKernels) *halfKernels {
	h.round = func(dst []uint16, src []float32) bool {
		n := len(src) / 32
		good := n == 0 || round16x(n, &src[0], &dst[:n*32][0]) == 0
		return genericHalf.round(dst[n*32:], src[n*32:]) && good
	}
	h.pairs = func(dst []uint16, src []float32, ld, n int) bool {
		return n == 0 || pairs16(n, &src[0], ld, &dst[:n*2*halfCols][0]) == 0
	}
	h.turnRows = func(dst []uint16, src []float32, ld, steps int) {
		if steps > 0 {
			turnRows16(steps, &src[0], ld, halfStep, &dst[0], 2*halfCols, stepB)
		}
	}
	h.turnPairs = func(dst []uint16, ldd int, src []float32, ld, steps int) {
		if steps > 0 {
			turnPairs16(steps, &src[0], ld, halfStep*ld, &dst[0], ldd, halfStep)
		}
	}
	h.copyRows = func(dst []float32, ld int, src []float32, rows int) {
		if rows > 0 {
			copyRows32(rows, &src[0], &dst[0], ld)
		}
	}
	return &h
}

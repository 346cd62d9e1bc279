package kernels

import (
	"fmt"
	"slices"
	"strings"
)

// GemmTile is a way to cut a product into blocks.
type GemmTile struct {
	Name       string
	BM, BN, BK int
	Threads    int
	V          int // elements that are loaded at once
	Shared     int // bytes of dynamic shared memory
	Resident   int // blocks that a multiprocessor holds
	Compute    int // the least compute capability, 0: any device
	defines    []string
	kinds      string // of storage
	source     string
}

// GemmVersion changes with what decides how fast tiles are: choices that were measured with another are not used.
const GemmVersion = 3

// Modes of a product, as gemm.h numbers them: of what its operands are made.
const (
	GemmRows    = iota // A [M,K] or patches, B [N,K]
	GemmTaps           // A [M,K] or patches of a gradient, B [K,N] or taps of a weight
	GemmColumns        // A [K,M], B [K,N] or patches
	GemmTurned         // A [K,M], B [N,K]
)

// GemmTiles are all ways; the first does everything.
var GemmTiles = []GemmTile{
	simtTile(64, 64, 16, 4, 4, 1),
	simtTile(64, 64, 16, 4, 4, 4),
	simtTile(128, 128, 8, 8, 8, 4),
	mmaTile(128, 128, 32, 64, 64, 4, 2, 80, "f16 bf16"),
	mmaTile(128, 64, 64, 32, 32, 3, 3, 80, "f16 bf16"),
	mmaTile(64, 64, 32, 32, 32, 4, 5, 80, "f16 bf16"),
	mmaTile(128, 128, 16, 64, 32, 4, 1, 80, "f32 tf32"),
	mmaTile(128, 64, 16, 32, 32, 4, 2, 80, "f32 tf32"),
	mmaTile(64, 64, 16, 32, 32, 4, 4, 80, "f32 tf32"),
	mmaTile(128, 64, 32, 32, 32, 2, 2, 75, "f16"),
}

// mmaTile is a tile on tensor cores, in warps of wm x wn; a multiprocessor has registers for so many blocks.
func mmaTile(bm, bn, bk, wm, wn, stages, blocks, compute int, kinds string) GemmTile {
	t := GemmTile{
		Name: fmt.Sprintf("%dx%dx%dw%d_sm%d", bm, bn, bk, (bm/wm)*(bn/wn), compute), BM: bm, BN: bn, BK: bk, Threads: 32 * (bm / wm) * (bn / wn), V: 8,
		Shared: stages * (bm + bn) * bk * 2, Compute: compute, kinds: kinds, source: "gemm_mma.h",
		defines:  []string{fmt.Sprint("WM=", wm), fmt.Sprint("WN=", wn), fmt.Sprint("STAGES=", stages), fmt.Sprint("BLOCKS=", blocks)},
		Resident: blocks,
	}
	if strings.HasPrefix(kinds, "f32") {
		t.V, t.Shared = 4, 2*t.Shared
	}
	t.Shared = max(t.Shared, 4*bm*bn) // through which results go
	if compute < 80 {
		t.defines = append(t.defines, "TURING")
	}
	return t
}

func simtTile(bm, bn, bk, tm, tn, v int) GemmTile {
	return GemmTile{
		Name: fmt.Sprintf("%dx%dx%d_v%d", bm, bn, bk, v), BM: bm, BN: bn, BK: bk, Threads: bm / tm * bn / tn, V: v, kinds: "f32 f16 bf16", source: "gemm_simt.h",
		defines: []string{fmt.Sprint("TM=", tm), fmt.Sprint("TN=", tn)}, Resident: 2,
	}
}

// Unit is the name of the unit for a mode and a kind of storage ("f32", "f16", "bf16"), or "tf32" for float32 that
// is multiplied with 11 bits.
func (t GemmTile) Unit(mode int, suffix string) string {
	return fmt.Sprintf("gemm%d_%s_%s", mode, t.Name, suffix)
}

// Does reports whether there is such a unit.
func (t GemmTile) Does(mode int, suffix string) bool {
	return (mode != GemmTurned || t.V == 1) && slices.Contains(strings.Fields(t.kinds), suffix)
}

func init() {
	each("gemm_aux", nil, "gemm_aux.h")
	each("depthwise", nil, "depthwise.h")
	for _, t := range GemmTiles {
		for mode := GemmRows; mode <= GemmTurned; mode++ {
			t.units(mode)
		}
	}
}

func (t GemmTile) units(mode int) {
	for _, k := range []struct{ suffix, define, arch string }{{"f32", "T_F32", "compute_52"}, {"f16", "T_F16", "compute_75"}, {"bf16", "T_BF16", "compute_75"}, {"tf32", "T_F32", "compute_80"}} {
		if !t.Does(mode, k.suffix) {
			continue
		}
		u := Unit{Name: t.Unit(mode, k.suffix), Files: []string{"gemm.h", t.source}, Arch: k.arch, CUDA: t.Compute > 0, Defines: []string{
			k.define, fmt.Sprint("MODE=", mode), fmt.Sprint("BM=", t.BM), fmt.Sprint("BN=", t.BN), fmt.Sprint("BK=", t.BK), fmt.Sprint("V=", t.V), fmt.Sprint("THREADS=", t.Threads),
		}}
		u.Defines = append(u.Defines, t.defines...)
		if k.suffix == "tf32" {
			u.Defines = append(u.Defines, "TF32")
		}
		if t.Compute > 0 {
			u.Arch = fmt.Sprint("compute_", t.Compute)
		}
		units = append(units, u)
	}
}

// Peak is how fast the tile is beside the others when all is busy.
func (t GemmTile) Peak() float64 {
	r := 1.0
	if t.V > 1 {
		r *= 2
	}
	if t.Compute > 0 {
		r *= 4
	}
	switch {
	case t.BM*t.BN >= 128*128:
		r *= 1.5
	case t.BM*t.BN >= 128*64:
		r *= 1.25
	}
	return r
}

//go:build !noasm

package cpu

//go:generate go run github.com/fastnb/go/internal/asmgen -set sequence -out gen_sequence_amd64.s -stubs gen_sequence_amd64.go -pkg cpu

type panelTile = func(k int, a, b, c *float32, ldc, acc int, next, far *float32, ldfar int)

// asmSeq is the Go side of the sequence kernels of one width.
type asmSeq struct {
	width, mr   int
	steps, rows int // see seqKernels
	calls       int // see seqKernels
	copyRows    func(dst []float32, ds int, src []float32, ss, n, rows int)
	tiles       []panelTile // by the number of rows
	halves      []panelTile
	gates       func(n int, g *float32, ldg int, bias, before, after *float32, ldc int, h *float32, ldh int)
	gatesBack   func(n int, g *float32, ldg int, before, after *float32, ldc int, dy *float32, lddy int, dh, dc *float32, lddh int)
	expSum      func(n int, x *float32, m float32) float32
	expWrite    func(n int, x *float32, lse, scale float32)
	rowMax      func(n int, x *float32) float32
	mul         func(dst, a, b *float32, n int)
	dots        func(n int, w *float32, ld int, x, y *float32)
}

var seq256 = asmSeq{
	8, 6, 384, 144, 8, copyRows256,
	[]panelTile{nil, panel256_1, panel256_2, panel256_3, panel256_4, panel256_5, panel256_6},
	[]panelTile{nil, half256_1, half256_2, half256_3, half256_4, half256_5, half256_6},
	gates256, gatesBack256, expSum256, expWrite256, rowMax256, vmul256, dots256,
}.kernels()

var seq512 = asmSeq{
	16, 12, 592, 144, 4, copyRows512,
	[]panelTile{
		nil, panel512_1, panel512_2, panel512_3, panel512_4, panel512_5, panel512_6,
		panel512_7, panel512_8, panel512_9, panel512_10, panel512_11, panel512_12,
	},
	[]panelTile{
		nil, half512_1, half512_2, half512_3, half512_4, half512_5, half512_6,
		half512_7, half512_8, half512_9, half512_10, half512_11, half512_12,
	},
	gates512, gatesBack512, expSum512, expWrite512, rowMax512, vmul512, dots512,
}.kernels()

func (a asmSeq) kernels() seqKernels {
	w, mr := a.width, a.mr
	slowA := packAGeneric(mr)
	return seqKernels{
		mr: mr, nr: 2 * w, steps: a.steps, rows: a.rows, calls: a.calls, width: w,
		tile: byTileRows(a.tiles), half: byTileRows(a.halves),
		packA: func(dst, src []float32, ld, rows, k int) {
			k8 := k / 8 * 8
			if rows == mr && k8 > 0 {
				if mr == 6 {
					packRows6(k8/8, &src[0], ld, &dst[0], 6)
				} else {
					packRows8(k8/8, &src[0], ld, &dst[0], mr)
					packRows4(k8/8, &src[8*ld], ld, &dst[8], mr)
				}
			} else {
				k8 = 0
			}
			if k8 < k {
				slowA(dst[k8*mr:], src[k8:], ld, rows, k-k8)
			}
		},
		packCols: packColumns(mr), copyRows: a.copyRows,
		packT: func(dst, src []float32, ld, k, stride int) {
			k8 := k / 8 * 8
			if k8 > 0 {
				packRows8(k8/8, &src[0], ld, &dst[0], stride)
				packRows8(k8/8, &src[8*ld], ld, &dst[8], stride)
			}
			if k8 < k {
				packTGeneric(dst[k8*stride:], src[k8:], ld, k-k8, stride)
			}
		},
		gates: func(n int, g []float32, ldg int, bias, before, after []float32, ldc int, h []float32, ldh int) {
			a.gates(n, &g[0], ldg, &bias[0], &before[0], &after[0], ldc, &h[0], ldh)
		},
		gatesBack: func(n int, g []float32, ldg int, before, after []float32, ldc int, dy []float32, lddy int, dh, dc []float32, lddh int) {
			a.gatesBack(n, &g[0], ldg, &before[0], &after[0], ldc, &dy[0], lddy, &dh[0], &dc[0], lddh)
		},
		expSum:   func(x []float32, m float32) float32 { return a.expSum(len(x), &x[0], m) },
		expWrite: func(x []float32, lse, scale float32) { a.expWrite(len(x), &x[0], lse, scale) },
		rowMax:   func(x []float32) float32 { return a.rowMax(len(x), &x[0]) },
		mul: func(dst, x, y []float32) {
			n := len(dst) / w * w
			if n > 0 {
				a.mul(&dst[0], &x[0], &y[0], n)
			}
			genericSeq.mul(dst[n:], x[n:], y[n:])
		},
		dots: func(y, wt []float32, ld int, x []float32) {
			n, i := len(x)/w*w, 0
			if n > 0 {
				for ; i+4 <= len(y); i += 4 {
					a.dots(n, &wt[i*ld], ld, &x[0], &y[i])
				}
			}
			if n < len(x) && i > 0 {
				genericSeq.dots(y[:i], wt[n:], ld, x[n:])
			}
			if i < len(y) {
				genericSeq.dots(y[i:], wt[i*ld:], ld, x)
			}
		},
	}
}

// byTileRows chooses among tiles by their number of rows.
func byTileRows(tiles []panelTile) seqTile {
	return func(m, k int, a, b, c *float32, ldc int, acc bool, ahead lookAhead) {
		tiles[m](k, a, b, c, ldc, flag(acc), ahead.next, ahead.far, ahead.ld)
	}
}

// packColumns is packCols in assembly, of as many values as it has code for.
func packColumns(mr int) func(dst, src []float32, ld, n, k int) {
	slow := packColsGeneric(mr)
	few := [...]func(k int, src *float32, ld int, dst *float32, stride int){2: packColumns256_2, 4: packColumns256_4, 6: packColumns256_6}
	return func(dst, src []float32, ld, n, k int) {
		switch {
		case k == 0 || n == 0:
		case mr > 8:
			packColumns512(k, n, &src[0], ld, &dst[0], mr)
		case few[n] != nil:
			few[n](k, &src[0], ld, &dst[0], mr)
		default:
			slow(dst, src, ld, n, k)
		}
	}
}

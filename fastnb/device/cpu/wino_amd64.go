//go:build !noasm

package cpu

//go:generate go run github.com/fastnb/go/internal/asmgen -set winograd -out gen_winograd_amd64.s -stubs gen_winograd_amd64.go -pkg cpu

type stridedTile = func(k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc int)

var wino256 = winoKernels{
	width: 8, mr: 6, nr: 16,
	tile: byRows(strided256_1, strided256_2, strided256_3, strided256_4, strided256_5, strided256_6),
	four: winoTransforms{4, winoIn4_256, winoDY4_256, winoW4_256, winoOut4_256, winoDW4_256},
	two:  winoTransforms{2, winoIn2_256, winoDY2_256, winoW2_256, winoOut2_256, winoDW2_256},
}

var wino512 = winoKernels{
	width: 16, mr: 14, nr: 32,
	tile: byRows(
		strided512_1, strided512_2, strided512_3, strided512_4, strided512_5, strided512_6, strided512_7,
		strided512_8, strided512_9, strided512_10, strided512_11, strided512_12, strided512_13, strided512_14,
	),
	four: winoTransforms{4, winoIn4_512, winoDY4_512, winoW4_512, winoOut4_512, winoDW4_512},
	two:  winoTransforms{2, winoIn2_512, winoDY2_512, winoW2_512, winoOut2_512, winoDW2_512},
}

// byRows chooses among tiles of 1, 2, ... rows.
func byRows(tiles ...stridedTile) func(m, k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc bool) {
	return func(m, k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc bool) {
		flag := 0
		if acc {
			flag = 1
		}
		tiles[m-1](k, a, rs, ks, b, kb, c, ldc, flag)
	}
}

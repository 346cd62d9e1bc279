//go:build !noasm

package cpu

//go:generate go run github.com/fastnb/go/internal/asmgen -set winograd -out gen_winograd_amd64.s -stubs gen_winograd_amd64.go -pkg cpu

var wino256 = winoKernels{
	four: winoTransforms{4, winoIn4_256, winoDY4_256, winoW4_256, winoOut4_256, winoDW4_256},
	two:  winoTransforms{2, winoIn2_256, winoDY2_256, winoW2_256, winoOut2_256, winoDW2_256},
}

var wino512 = winoKernels{
	four: winoTransforms{4, winoIn4_512, winoDY4_512, winoW4_512, winoOut4_512, winoDW4_512},
	two:  winoTransforms{2, winoIn2_512, winoDY2_512, winoW2_512, winoOut2_512, winoDW2_512},
}
